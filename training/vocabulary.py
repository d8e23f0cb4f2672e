"""Builds a model's vocabulary: the words of the training texts, and which of them are harmful."""

import re
from collections import defaultdict
from dataclasses import dataclass

import numpy as np

from classifier.normalize import read
from classifier.words import LONGEST, SHORTEST, Words
from training.examples import Examples, column

# Disguises are undone to words of these languages. Words of others would displace them, and some of their swear words
# are ordinary words in these.
LANGUAGES = frozenset({"en", "de", "pt"})
# A word in fewer texts may be a name, a typo, or a disguise.
FEWEST_TEXTS = 8
MOST_PLAIN, MOST_HARMFUL = 24_000, 3_000
# Harmful: at least this share of its texts is harmful, and significantly more than expected (a z-score).
LEAST_SHARE, LEAST_CERTAINTY = 0.4, 2.5
# The weight of a lexicon entry: an example that is one harmful word labels the word itself.
ENTRY_WEIGHT = 4.0
# The prior share of harmful texts, and a cap on the expected share, so that every data set's labels count.
MEAN_SHARE, MOST_EXPECTED = 0.1, 0.9
# Shorter words match too often: every other text contains "f u" or "b s" in some form.
SHORTEST_HARMFUL = 3

_HARMS = ("toxicity", "severe_toxicity", "identity_attack", "insult", "profanity", "threat")
_WORD = re.compile(r"[a-z]+(?:'[a-z]+)*")


@dataclass(slots=True)
class _WordTally:
    """Statistics of the texts that contain a word: their number, and the weights of the labeled ones.

    `expected`: the harmful weight if the word were uninformative, since data sets differ in their base rates.
    """

    texts: int = 0
    harmful: float = 0.0
    harmless: float = 0.0
    expected: float = 0.0
    is_entry: bool = False

    def log_odds(self) -> float:
        """Relative to the data sets' base rates, smoothed by one pseudo-text (Monroe et al. 2008, section 3.4)."""
        share = self._share()
        yes, no = self.harmful + share, self.harmless + 1 - share
        return float(np.log(yes / no) - np.log(share / (1 - share)))

    def is_harmful(self) -> bool:
        share = self._share()
        yes, no = self.harmful + share, self.harmless + 1 - share
        certainty = self.log_odds() / np.sqrt(1 / yes + 1 / no)
        return bool(yes / (yes + no) >= LEAST_SHARE and certainty >= LEAST_CERTAINTY)

    def telling(self) -> float:
        """Ranks words by strength and frequency: a rare swear word goes before a common word that is often harmless."""
        return self.log_odds() * float(np.sqrt(self.harmful))

    def _share(self) -> float:
        return (self.expected + MEAN_SHARE) / (self.harmful + self.harmless + 1)


def words(examples: Examples) -> Words:
    """Uses training rows only, never a held-out text. The same examples give the same words."""
    training = examples.training()
    training = training.where(np.isin(training.languages, list(LANGUAGES)))
    tallies = {word: tally for word, tally in _tallies(training).items() if _is_common(tally)}
    harmful = [word for word, tally in tallies.items() if len(word) >= SHORTEST_HARMFUL and tally.is_harmful()]
    harmful = sorted(harmful, key=lambda word: (-tallies[word].telling(), word))[:MOST_HARMFUL]
    plain = sorted(tallies.keys() - set(harmful), key=lambda word: (-tallies[word].texts, word))
    return Words(tuple(harmful), tuple(plain[:MOST_PLAIN]))


def _is_common(tally: _WordTally) -> bool:
    return tally.texts >= FEWEST_TEXTS or tally.is_entry


def _tallies(training: Examples) -> dict[str, _WordTally]:
    found = defaultdict[str, _WordTally](_WordTally)
    is_harmful, weights, shares = _harm(training)
    for text, harms, weight, share in zip(training.texts, is_harmful, weights, shares, strict=True):
        reading = read(text).strip()
        known = {word for word in _WORD.findall(reading) if SHORTEST <= len(word) <= LONGEST}
        is_entry = harms and known == {reading}
        for word in known:
            tally = found[word]
            tally.texts += 1
            tally.is_entry |= is_entry
            tally.harmful += harms * (ENTRY_WEIGHT if is_entry else weight)
            tally.harmless += (not harms) * weight
            tally.expected += weight * share
    return found


def _harm(examples: Examples) -> tuple[list[bool], list[float], list[float]]:
    """For each text: whether most readers find it harmful, its weight (0 if unlabeled), its data set's base rate."""
    labels = examples.labels[:, [column(name) for name in _HARMS]]
    weights = np.where(np.isfinite(labels).any(axis=1), examples.weights, 0).astype(np.float64)
    is_harmful = np.nan_to_num(labels).max(axis=1) > 0.5  # noqa: PLR2004 - more yes than no
    _, source = np.unique(examples.sources, return_inverse=True)
    harmful, all_of_it = np.bincount(source, weights * is_harmful), np.bincount(source, weights)
    # A lexicon is entirely harmful because each entry is labeled as such, so the share is capped.
    share = np.minimum(harmful / np.maximum(all_of_it, 1e-9), MOST_EXPECTED)
    return is_harmful.tolist(), weights.tolist(), share[source].tolist()

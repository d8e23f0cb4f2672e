"""The vocabulary of a model: which words the training texts know, and which of them harm."""

import re
from collections import defaultdict
from dataclasses import dataclass

import numpy as np

from classifier.normalise import read
from classifier.words import LONGEST, SHORTEST, Words
from training.examples import Examples, column

# Whose words a disguise is read as. Others' would crowd these out, and their curses are words in these.
LANGUAGES = frozenset({"en", "de", "pt"})
# A word in fewer texts than this may be a name, a slip, or somebody's disguise.
FEWEST_TEXTS = 8
MOST_PLAIN, MOST_HARMFUL = 24_000, 3_000
# Harmful: at least this share of what it stands in is, and surely more than of all texts (a z-score).
LEAST_SHARE, LEAST_CERTAINTY = 0.4, 2.5
# What a lexicon's entry counts for: an example that is one word and harmful says so of the word itself.
ENTRY_WEIGHT = 4.0
# Of ordinary comments about so many harm; and a data set cannot be expected to say nothing by its labels.
MEAN_SHARE, MOST_EXPECTED = 0.1, 0.9
# Shorter ones are read into too much: every other text holds "f u" or "b s" in some guise.
SHORTEST_HARMFUL = 3

_HARMS = ("toxicity", "severe_toxicity", "identity_attack", "insult", "profanity", "threat")
_WORD = re.compile(r"[a-z]+(?:'[a-z]+)*")


@dataclass(slots=True)
class _Tally:
    """What the texts say that a word stands in: how many they are, and weights of labelled ones.

    `expected`: what would be harmful if the word told nothing, for some data sets are harmful as a whole.
    """

    texts: int = 0
    harmful: float = 0.0
    harmless: float = 0.0
    expected: float = 0.0
    is_entry: bool = False

    def log_odds(self) -> float:
        """Against the texts' own data sets, smoothed by one text like theirs (Monroe and others 2008, section 3.4)."""
        share = self._share()
        yes, no = self.harmful + share, self.harmless + 1 - share
        return float(np.log(yes / no) - np.log(share / (1 - share)))

    def is_harmful(self) -> bool:
        share = self._share()
        yes, no = self.harmful + share, self.harmless + 1 - share
        certainty = self.log_odds() / np.sqrt(1 / yes + 1 / no)
        return bool(yes / (yes + no) >= LEAST_SHARE and certainty >= LEAST_CERTAINTY)

    def telling(self) -> float:
        """How much harm it says, and how often: a rarer curse comes before a common word that is often harmless."""
        return self.log_odds() * float(np.sqrt(self.harmful))

    def _share(self) -> float:
        return (self.expected + MEAN_SHARE) / (self.harmful + self.harmless + 1)


def words(examples: Examples) -> Words:
    """From what a model may learn from only, never a held-out text. The same examples give the same words."""
    training = examples.training()
    training = training.where(np.isin(training.languages, list(LANGUAGES)))
    tallies = {word: tally for word, tally in _tallies(training).items() if _is_common(tally)}
    harmful = [word for word, tally in tallies.items() if len(word) >= SHORTEST_HARMFUL and tally.is_harmful()]
    harmful = sorted(harmful, key=lambda word: (-tallies[word].telling(), word))[:MOST_HARMFUL]
    plain = sorted(tallies.keys() - set(harmful), key=lambda word: (-tallies[word].texts, word))
    return Words(tuple(harmful), tuple(plain[:MOST_PLAIN]))


def _is_common(tally: _Tally) -> bool:
    return tally.texts >= FEWEST_TEXTS or tally.is_entry


def _tallies(training: Examples) -> dict[str, _Tally]:
    found = defaultdict[str, _Tally](_Tally)
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
    """Of each text: whether most readers find any harm in it, its weight (0 where nobody was asked), and the share of
    its data set that harms.
    """
    labels = examples.labels[:, [column(name) for name in _HARMS]]
    weights = np.where(np.isfinite(labels).any(axis=1), examples.weights, 0).astype(np.float64)
    is_harmful = np.nan_to_num(labels).max(axis=1) > 0.5  # noqa: PLR2004
    _, source = np.unique(examples.sources, return_inverse=True)
    harmful, all_of_it = np.bincount(source, weights * is_harmful), np.bincount(source, weights)
    # A lexicon is harmful as a whole because it says so of each entry.
    share = np.minimum(harmful / np.maximum(all_of_it, 1e-9), MOST_EXPECTED)
    return is_harmful.tolist(), weights.tolist(), share[source].tolist()

"""How much a row of a data set counts beside one of Jigsaw's."""

from training.examples import Examples

# Elsewhere "toxic" means something else than to Jigsaw's readers, by whom scores are calibrated: it counts for less.
TRUST = {"jigsaw_toxic_train": 1.0, "wikipedia_debiasing_nontoxic": 1.0, "spam_youtube": 1.0, "spam_sms": 1.0}
TRUST_ELSEWHERE = 0.2


def trusted(examples: Examples) -> Examples:
    """One data set's rows, weighed."""
    return examples.weighted(TRUST.get(examples.sources[0], TRUST_ELSEWHERE)) if examples.sources else examples

"""How much a row of a data set counts beside one of Jigsaw's."""

from training.datasets import is_written
from training.examples import Examples

# Elsewhere "toxic" means something else than to Jigsaw's readers, by whom scores are calibrated: it counts for less.
TRUST = {"jigsaw_toxic_train": 1.0, "wikipedia_debiasing_nontoxic": 1.0, "spam_youtube": 1.0, "spam_sms": 1.0}
TRUST_ELSEWHERE = 0.2
# Our own sentences are labelled beyond doubt, but are not how people write.
TRUST_WRITTEN = 0.5


def trusted(examples: Examples) -> Examples:
    """One data set's rows, weighed."""
    if not examples.sources:
        return examples
    source = examples.sources[0]
    return examples.weighted(TRUST_WRITTEN if is_written(source) else TRUST.get(source, TRUST_ELSEWHERE))

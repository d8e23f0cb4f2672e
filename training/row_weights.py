"""The weight of a data set's rows relative to Jigsaw's."""

from training.datasets import is_written
from training.examples import Examples

# Scores are calibrated to Jigsaw's readers. Other data sets define "toxic" differently, so their rows count less.
SOURCE_WEIGHTS = {"jigsaw_toxic_train": 1.0, "wikipedia_debiasing_nontoxic": 1.0, "spam_youtube": 1.0, "spam_sms": 1.0}
OTHER_SOURCE_WEIGHT = 0.2
# Generated sentences have certain labels, but are not how people write.
GENERATED_WEIGHT = 0.5


def with_row_weights(examples: Examples) -> Examples:
    """One data set's examples with their weights multiplied by that of their source."""
    if not examples.sources:
        return examples
    source = examples.sources[0]
    factor = GENERATED_WEIGHT if is_written(source) else SOURCE_WEIGHTS.get(source, OTHER_SOURCE_WEIGHT)
    return examples.weighted(factor)

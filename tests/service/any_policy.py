"""Policies and scores of any kind, for properties."""

from hypothesis import strategies as st

from service.values.policy import Policy, Thresholds

ATTRIBUTES = ("toxicity", "insult", "threat", "spam")

probabilities = st.floats(0, 1)
limits = st.tuples(st.none() | probabilities, st.none() | probabilities).map(lambda pair: Thresholds(*pair))
policies = st.dictionaries(st.sampled_from(ATTRIBUTES), limits, min_size=1).map(Policy)
scored = st.fixed_dictionaries(dict.fromkeys(ATTRIBUTES, probabilities))

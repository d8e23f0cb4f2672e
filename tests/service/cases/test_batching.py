"""Scored together, answered each for itself."""

import asyncio
from typing import Any

import pytest

import classifier
from service.cases.batching import BATCH_SIZE, ScoreBatcher


@pytest.fixture(scope="module")
def model() -> classifier.Model:
    return classifier.load(classifier.SHIPPED)


async def test_each_gets_the_score_of_its_text(model: classifier.Model) -> None:
    batcher = ScoreBatcher()
    texts = [f"You are number {number}, idiot." for number in range(3 * BATCH_SIZE)]
    found = await asyncio.gather(*(batcher.assess(model, text, "en") for text in texts))
    assert [each.scores for each in found] == [model.score(text, "en") for text in texts]


async def test_who_leaves_disturbs_nobody(model: classifier.Model) -> None:
    batcher = ScoreBatcher()
    answers = [batcher.assess(model, f"hello {number}", "en") for number in range(10)]
    for answer in answers[::2]:
        answer.cancel()
    found = await asyncio.gather(*answers[1::2])
    assert [each.scores for each in found] == [model.score(f"hello {number}", "en") for number in range(1, 10, 2)]


class Failing:
    def assess(self, text: str, language: str) -> Any:
        raise MemoryError(f"{len(text)} characters in {language}")


async def test_a_fault_reaches_only_whoever_asked(model: classifier.Model) -> None:
    batcher = ScoreBatcher()
    failing: Any = Failing()
    answers = [batcher.assess(each, "hello", "en") for each in (model, failing, model)]
    first, second, third = await asyncio.gather(*answers, return_exceptions=True)
    assert not isinstance(first, BaseException)
    assert not isinstance(third, BaseException)
    assert first.scores == third.scores == model.score("hello", "en")
    assert isinstance(second, MemoryError)


async def test_others_have_their_turn_between_many(model: classifier.Model) -> None:
    batcher = ScoreBatcher()
    answers = [batcher.assess(model, "hello", "en") for _ in range(2 * BATCH_SIZE)]
    await asyncio.sleep(0)
    assert 0 < sum(answer.done() for answer in answers) < len(answers)
    await asyncio.gather(*answers)


async def test_the_next_turn_is_scored_too(model: classifier.Model) -> None:
    batcher = ScoreBatcher()
    for _ in range(3):
        assert (await batcher.assess(model, "hello", "en")).scores == model.score("hello", "en")

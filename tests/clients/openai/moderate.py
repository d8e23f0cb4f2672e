"""What the unmodified OpenAI client of PyPI makes of the service: moderate.py URL KEY, prints JSON."""

import asyncio
import json
import sys

import openai

URL, KEY = sys.argv[1:]
CIVIL = "Thank you for this article; I learned a lot about how substations are repaired."
THREAT = "I will kill you, you stupid bitch. I know where you live."


def refused(call):
    try:
        call()
    except openai.APIStatusError as error:
        return {
            "exception": type(error).__name__,
            "status": error.status_code,
            "message": error.message,
            "type": error.type,
            "param": error.param,
            "code": error.code,
            "request_id": error.request_id,
        }
    return None


def count(client, given):
    return len(client.moderations.create(input=given).results)


async def asynchronous():
    async with openai.AsyncOpenAI(base_url=f"{URL}/v1", api_key=KEY) as client:
        answers = await asyncio.gather(*(client.moderations.create(input=f"{THREAT} {n}") for n in range(20)))
    return [answer.results[0].flagged for answer in answers]


part = {"type": "text", "text": CIVIL}
image = {"type": "image_url", "image_url": {"url": "https://images.example/1.png"}}
with openai.OpenAI(base_url=f"{URL}/v1", api_key=KEY) as client:
    answer = client.moderations.create(model="omni-moderation-latest", input=[CIVIL, THREAT])
    civil, threat = answer.results
    with_raw = client.moderations.with_raw_response.create(input="hello")
    with openai.OpenAI(base_url=f"{URL}", api_key=KEY, organization="org-1", project="proj-1") as without_v1:
        plain = count(without_v1, "hello")
        models_without_v1 = [each.id for each in without_v1.models.list()]
    with openai.OpenAI(base_url=f"{URL}/v1", api_key="sk-wrong-0123456789abcdef") as stranger:
        wrong_key = refused(lambda: stranger.moderations.create(input="hello"))
    found = {
        "id": answer.id,
        "model": answer.model,
        "request_id": answer._request_id,
        "flagged": [civil.flagged, threat.flagged],
        "harassment_threatening": threat.category_scores.harassment_threatening,
        "violence": threat.categories.violence,
        "applied": threat.category_applied_input_types.violence,
        "self_harm": threat.category_applied_input_types.self_harm,
        "whole": answer.model_dump(by_alias=True),
        "counts": [count(client, given) for given in ("a", ["a"], ["a", "b", "c"], [part], [part, part])],
        "second_score": client.moderations.create(input=["a", "b"]).results[1].category_scores.harassment_threatening,
        "empty": client.moderations.create(input="").results[0].flagged,
        "unsupported": with_raw.headers["x-moderation-unsupported"],
        "plain": plain,
        "wrong_key": wrong_key,
        "image": refused(lambda: client.moderations.create(input=[part, image])),
        "models": [each.id for each in client.models.list()],
        "models_without_v1": models_without_v1,
        "nothing": refused(lambda: client.moderations.create(input=[])),
        "no_model": refused(lambda: client.moderations.create(input="a", model="gpt-4o")),
        "asynchronous": asyncio.run(asynchronous()),
    }
print(json.dumps(found))

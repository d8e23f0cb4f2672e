"""Google's own client against a Perspective API at another address: discovery, both methods, a batch, and errors."""

import json
import sys
from typing import Any

from googleapiclient import discovery
from googleapiclient.errors import HttpError

RUDE = "You are a stupid idiot and nobody wants you here."


def analysis(text: str, **more: Any) -> dict[str, Any]:
    return {"comment": {"text": text}, "requestedAttributes": {"TOXICITY": {}}, **more}


def refused(call: Any) -> dict[str, Any]:
    try:
        call()
    except HttpError as error:
        return {"status": error.resp.status, "reason": error.reason, "details": error.error_details}
    return {}


def build(url: str, key: str) -> Any:
    return discovery.build(
        "commentanalyzer",
        "v1alpha1",
        developerKey=key,
        discoveryServiceUrl=f"{url}/$discovery/rest?version=v1alpha1",
        static_discovery=False,
    )


def batched(service: Any) -> dict[str, Any]:
    answers: dict[str, Any] = {}

    def told(name: str, answer: Any, error: HttpError | None) -> None:
        answers[name] = answer if error is None else {"status": error.resp.status, "reason": error.reason}

    batch = service.new_batch_http_request(callback=told)
    for name, text in (("rude", RUDE), ("empty", ""), ("kind", "What a lovely day it is, my friends.")):
        batch.add(service.comments().analyze(body=analysis(text, clientToken=name)), request_id=name)
    batch.execute()
    return answers


def main(url: str, key: str) -> None:
    service = build(url, key)
    comments = service.comments()
    suggestion = {
        "comment": {"text": RUDE},
        "attributeScores": {"TOXICITY": {"summaryScore": {"value": 0}}},
        "clientToken": "google-1",
        "communityId": "google",
    }
    found = {
        "address": comments.analyze(body={}).uri.partition("?")[0],
        "analyze": comments.analyze(body=analysis(RUDE, languages=["en"], spanAnnotations=True)).execute(),
        "fields": comments.analyze(body=analysis(RUDE), fields="languages").execute(),
        "suggest": comments.suggestscore(body=suggestion).execute(),
        "batch": batched(service),
        "unknown": refused(comments.analyze(body=analysis(RUDE) | {"requestedAttributes": {"TASTE": {}}}).execute),
        "language": refused(comments.analyze(body=analysis(RUDE, languages=["fi"])).execute),
        "wrong_key": refused(lambda: build(url, "AIzaSyWrong")),
    }
    print(json.dumps(found))


main(*sys.argv[1:])

"""PyPI's perspective: its one address is an attribute of its client, which is set to another."""

import json
import sys
from urllib.error import HTTPError

from perspective import PerspectiveAPI

RUDE = "You are a stupid idiot and nobody wants you here."


def main(url: str, key: str) -> None:
    api = PerspectiveAPI(key)
    api.api_client.url = url + "/v1alpha1/{endpoint}"
    found = {
        "score": api.score(RUDE, tests=["TOXICITY", "INSULT"]),
        "analyze": api.analyze_comment(
            RUDE,
            comment_type="PLAIN_TEXT",
            context=[{"text": "earlier", "type": "PLAIN_TEXT"}],
            requested_attributes={"TOXICITY": {"scoreType": "PROBABILITY", "scoreThreshold": 0.0}},
            span_annotations=True,
            languages=["en"],
            do_not_store=True,
            client_token="t-1",
            session_id="s",
            community_id="c",
        ),
        "suggest": api.suggest_score(
            RUDE,
            {"TOXICITY": {"summaryScore": {"value": 1.0, "type": "PROBABILITY"}}},
            languages=["en"],
            client_token="pypi-1",
            community_id="pypi",
        ),
    }
    api.api_client.api_key = "wrong"
    try:
        api.score(RUDE)
    except HTTPError as error:
        found["wrong_key"] = {"status": error.code, "error": json.load(error)["error"]}
    print(json.dumps(found))


main(*sys.argv[1:])

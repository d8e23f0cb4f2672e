"""Flask: take a comment, publish or hold it, and receive later decisions."""

import os
from http import HTTPStatus
from typing import Any

from comment_steward_client import Author, BadSignature, Comment, Steward, StewardError, verify
from flask import Flask, request

STATUSES: dict[str, str] = {}  # your database
VERSIONS: dict[str, int] = {}

app = Flask(__name__)
steward = Steward(os.environ["STEWARD_URL"], os.environ["STEWARD_KEY"], timeout_s=5)


@app.post("/comments")
def post_comment() -> dict[str, str]:
    new: dict[str, Any] = request.get_json()
    STATUSES[new["id"]] = "pending"  # stored first: nothing is lost if Steward is away
    try:
        judged = steward.submit(Comment(new["text"], id=new["id"], author=Author(id=new["reader"])))
    except StewardError:
        return {"id": new["id"], "status": "pending"}  # a job of yours submits pending comments again
    STATUSES[new["id"]], VERSIONS[new["id"]] = judged.status, judged.version
    return {"id": new["id"], "status": judged.status}


@app.post("/hooks/steward")
def receive() -> tuple[str, int]:
    try:
        event = verify(os.environ["STEWARD_WEBHOOK_SECRET"], request.headers, request.get_data())
    except BadSignature:
        return "", HTTPStatus.UNAUTHORIZED
    if event.comment_id in STATUSES and event.version > VERSIONS.get(event.comment_id, 0):
        STATUSES[event.comment_id], VERSIONS[event.comment_id] = event.status, event.version
    return "", HTTPStatus.NO_CONTENT

"""FastAPI: take a comment, publish or hold it, and receive later decisions."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from comment_steward_client import AsyncSteward, Author, BadSignature, Comment, StewardError, verify
from fastapi import FastAPI, HTTPException, Request
from pydantic import BaseModel

STATUSES: dict[str, str] = {}  # your database
VERSIONS: dict[str, int] = {}


@asynccontextmanager
async def opened(app: FastAPI) -> AsyncIterator[None]:
    async with AsyncSteward(os.environ["STEWARD_URL"], os.environ["STEWARD_KEY"], timeout_s=5) as steward:
        app.state.steward = steward
        yield


app = FastAPI(lifespan=opened)


class NewComment(BaseModel):
    id: str
    text: str
    reader: str


@app.post("/comments")
async def post_comment(new: NewComment) -> dict[str, str]:
    STATUSES[new.id] = "pending"  # stored first: nothing is lost if Steward is away
    try:
        judged = await app.state.steward.submit(Comment(new.text, id=new.id, author=Author(id=new.reader)))
    except StewardError:
        return {"id": new.id, "status": "pending"}  # a job of yours submits pending comments again
    STATUSES[new.id], VERSIONS[new.id] = judged.status, judged.version
    return {"id": new.id, "status": judged.status}


@app.post("/hooks/steward", status_code=204)
async def receive(request: Request) -> None:
    try:
        event = verify(os.environ["STEWARD_WEBHOOK_SECRET"], request.headers, await request.body())
    except BadSignature as error:
        raise HTTPException(401) from error
    if event.comment_id in STATUSES and event.version > VERSIONS.get(event.comment_id, 0):
        STATUSES[event.comment_id], VERSIONS[event.comment_id] = event.status, event.version

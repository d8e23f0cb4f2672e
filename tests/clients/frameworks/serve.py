"""What the examples of clients/python do with the service: serve.py NAME, with STEWARD_* set; prints JSON."""

import asyncio
import base64
import hashlib
import hmac
import json
import os
import sys
import time
from pathlib import Path

CLIENT = Path(__file__).parents[3] / "clients" / "python"
sys.path[:0] = [str(CLIENT / "src"), str(CLIENT / "examples")]
SECRET = os.environ["STEWARD_WEBHOOK_SECRET"]
TEXTS = {"kind": "Thank you for this article.", "rude": "You stupid fucking idiot, shut up."}


def django():
    import django_app  # noqa: PLC0415 - only of the framework that is asked for
    from django.test import Client  # noqa: PLC0415 - only of the framework that is asked for

    client = Client()

    def post(path, body, headers):
        answer = client.post(f"/{path}", body, content_type="application/json", headers=headers)
        return answer.status_code, answer.content

    return django_app, post


def flask():
    import flask_app  # noqa: PLC0415 - only of the framework that is asked for

    client = flask_app.app.test_client()

    def post(path, body, headers):
        answer = client.post(f"/{path}", data=body, content_type="application/json", headers=headers)
        return answer.status_code, answer.data

    return flask_app, post


def fastapi():
    import fastapi_app  # noqa: PLC0415 - only of the framework that is asked for
    import httpx  # noqa: PLC0415 - only of the framework that is asked for

    async def send(path, body, headers):
        transport = httpx.ASGITransport(fastapi_app.app)
        async with (
            fastapi_app.opened(fastapi_app.app),
            httpx.AsyncClient(transport=transport, base_url="http://site") as client,
        ):
            sent = {"Content-Type": "application/json", **headers}
            return await client.post(f"/{path}", content=body, headers=sent)

    def post(path, body, headers):
        answer = asyncio.run(send(path, body, headers))
        return answer.status_code, answer.content

    return fastapi_app, post


def signed(body, key):
    moment = str(int(time.time()))
    mac = hmac.digest(base64.b64decode(key.removeprefix("whsec_")), f"evt_1.{moment}.".encode() + body, hashlib.sha256)
    signature = f"v1,{base64.b64encode(mac).decode()}"
    return {"Webhook-Id": "evt_1", "Webhook-Timestamp": moment, "Webhook-Signature": signature}


name = sys.argv[1]
app, post = {"django": django, "flask": flask, "fastapi": fastapi}[name]()
found = {}
for kind, text in TEXTS.items():
    new = json.dumps({"id": f"{name}-{kind}", "text": text, "reader": f"u-{name}"}).encode()
    found[kind] = json.loads(post("comments", new, {})[1])["status"]
told = {"comment_id": f"{name}-rude", "version": 9, "status": "approved", "decided_by": "moderator"}
event = json.dumps({"type": "decision.created", "data": told}).encode()
found["forged"] = post("hooks/steward", event, signed(event, "whsec_" + base64.b64encode(b"x" * 24).decode()))[0]
found["unchanged"] = app.STATUSES[f"{name}-rude"]
found["received"] = post("hooks/steward", event, signed(event, SECRET))[0]
found["changed"] = app.STATUSES[f"{name}-rude"]
print(json.dumps(found))

"""What the unmodified akismet of PyPI makes of the service: check.py URL KEY, prints JSON.

The client knows one address, rest.akismet.com; the transport under it sends its requests elsewhere.
"""

import asyncio
import json
import sys

import akismet
import httpx

URL, KEY = httpx.URL(sys.argv[1]), sys.argv[2]
HAM = {"comment_content": "Thank you for this article, I learned a lot.", "comment_author": "Ann"}
SPAM = {
    "comment_content": "Check out my channel and subscribe, win a FREE iPhone now!!! http://free-prize.example",
    "comment_author": "Bob",
    "comment_author_email": "bob@example.com",
    "comment_type": "comment",
    "honeypot_field_name": "hidden",
    "blog_lang": "en",
}
ADDRESS = "203.0.113.7"


def elsewhere(request):
    assert request.url.host == "rest.akismet.com"
    request.url = request.url.copy_with(scheme=URL.scheme, host=URL.host, port=URL.port)
    request.headers["Host"] = URL.netloc.decode()


class Transport(httpx.HTTPTransport):
    def handle_request(self, request):
        elsewhere(request)
        return super().handle_request(request)


class AsyncTransport(httpx.AsyncHTTPTransport):
    async def handle_async_request(self, request):
        elsewhere(request)
        return await super().handle_async_request(request)


def config(key=KEY):
    return akismet.Config(key=key, url="https://pypi.example")


def raised(call):
    try:
        call()
    except akismet.AkismetError as error:
        return type(error).__name__
    return None


async def asynchronous():
    http = httpx.AsyncClient(transport=AsyncTransport(), timeout=30)
    async with akismet.AsyncClient(config=config(), http_client=http) as client:
        return [int(await client.comment_check(ADDRESS, **each)) for each in (HAM, SPAM)]


# The client's own patience is one second; this machine may be busy with other tests.
http = httpx.Client(transport=Transport(), timeout=30)
stranger = akismet.SyncClient(config=config("wrong"), http_client=httpx.Client(transport=Transport(), timeout=30))
with akismet.SyncClient(config=config(), http_client=http) as client:
    found = {
        "verified": [client.verify_key(), client.verify_key("wrong", "https://pypi.example")],
        "checked": [int(client.comment_check(ADDRESS, **each)) for each in (HAM, SPAM)],
        "guaranteed": int(client.comment_check(ADDRESS, comment_author="viagra-test-123", is_test=1)),
        "administrator": int(client.comment_check(ADDRESS, user_role="administrator", is_test=1, **HAM)),
        "submitted": [client.submit_spam(ADDRESS, **SPAM), client.submit_ham(ADDRESS, **HAM)],
        "tried": client.submit_spam(ADDRESS, is_test=1, comment_content="only a test"),
        "usage": client.usage_limit(),
        "key_sites": raised(client.key_sites),
        "stranger": raised(lambda: stranger.comment_check(ADDRESS, **HAM)),
        "asynchronous": asyncio.run(asynchronous()),
    }
print(json.dumps(found))

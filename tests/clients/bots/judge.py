"""What a bot with PyPI's perspectiveapi, unmodified, makes of the service: judge.py URL KEY; prints JSON."""

import asyncio
import json
import sys

import httpx
import perspective
from perspective import blocking

URL, KEY = httpx.URL(sys.argv[1]), sys.argv[2]
TEXTS = {"kind": "Thank you for your help yesterday.", "rude": "You are a stupid idiot and nobody wants you here."}
SERVED = (perspective.Attribute.TOXICITY, perspective.Attribute.INSULT, perspective.Attribute.THREAT)
sent, sent_later = httpx.HTTPTransport.handle_request, httpx.AsyncHTTPTransport.handle_async_request


def lead(request):
    """Stands in for an entry in DNS and a proxy with a certificate: the package's own address leads to the service."""
    assert request.url.host == "commentanalyzer.googleapis.com"
    request.url = request.url.copy_with(scheme=URL.scheme, host=URL.host, port=URL.port)
    return request


httpx.HTTPTransport.handle_request = lambda self, request: sent(self, lead(request))
httpx.AsyncHTTPTransport.handle_async_request = lambda self, request: sent_later(self, lead(request))


def raised(call):
    try:
        return call()
    except KeyError as error:
        return f"KeyError {error}"


async def later():
    score = await perspective.Perspective(KEY).score(TEXTS["rude"], SERVED)
    return score.insult


bot = blocking.Perspective(KEY)
found = {name: bot.score(text, SERVED).toxicity for name, text in TEXTS.items()}
found["asynchronous"] = asyncio.run(later())
found["unserved"] = raised(lambda: bot.score(TEXTS["rude"], perspective.Attribute).flirtation)
found["stranger"] = raised(lambda: blocking.Perspective("wrong").score(TEXTS["kind"], SERVED))
print(json.dumps(found))

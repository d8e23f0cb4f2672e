"""Outside the console: the landing page at /, and the icon that browsers ask for by themselves."""

from aiohttp import web

from service import app_keys as keys
from service.console.protection import DEMO, HEADERS
from service.console.texts import negotiated
from service.console.visit import CONSOLE
from service.http.admission import take_as_stranger

ICON = "mark.svg"
A_DAY = "public, max-age=86400"


async def show(request: web.Request) -> web.StreamResponse:
    """Where to go from here. Tells nothing that a stranger may not know."""
    take_as_stranger(request)
    console = request.app[CONSOLE]
    texts = await console.renderer.texts(negotiated(request.headers.get("Accept-Language", "")))
    demo = DEMO if request.app[keys.SETTINGS].demo else ""
    page = console.renderer.render(texts, "landing.html", demo=demo)
    return web.Response(text=page, content_type="text/html", headers=HEADERS)


async def icon(request: web.Request) -> web.StreamResponse:
    return request.app[CONSOLE].assets.plain(ICON, A_DAY)


ROUTES = (web.get("/", show), web.get("/favicon.ico", icon))

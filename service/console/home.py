"""Where everybody begins."""

from aiohttp import web

from service.console.visit import Page, Visit


async def begin(visit: Visit) -> web.StreamResponse:
    """The first page that this role may see."""
    pages = visit.nav()
    return visit.go(pages[0].path if pages else "/account")


PAGES = (Page(path="", view=begin), Page(path="/", view=begin))

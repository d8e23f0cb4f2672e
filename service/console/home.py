"""The start page."""

from aiohttp import web

from service.console.visit import Page, Visit


async def begin(visit: Visit) -> web.StreamResponse:
    """Redirect to the first page that this role may see."""
    pages = visit.nav()
    return visit.go(pages[0].path if pages else "/account")


PAGES = (Page(path="", view=begin), Page(path="/", view=begin))

"""The status of articles and sections: open, pre-moderated, heated or closed, often for a time."""

from collections.abc import Awaitable, Callable
from functools import partial

from service import app_keys as keys
from service.api.operation import Call, Operation
from service.cases.articles import ArticleList, Articles, ArticleStanding, ArticleStatusRequest
from service.http import bodies
from service.values.access import Scope
from service.values.articles import Place, PlaceKind
from service.values.domain import MAX_SECTION, Article


async def list_articles(call: Call) -> ArticleList:
    """Articles and sections that are not open, at most 200: what ends first, then what does not end by itself."""
    return await _articles(call).listed(call.key.site)


async def show_article(call: Call) -> ArticleStanding:
    """The status of an article now. The id is the one that comments have in `article.id`."""
    return await _articles(call).show(call.key.site, _article(call))


async def set_article(call: Call) -> ArticleStanding:
    """Set the status of an article. New comments are decided by it from now on; earlier ones stay as they are.

    `premoderated`: a person looks at each. `heated`: people look from lower scores on, see `heated_factor` of the
    policy. `closed`: they are recorded and rejected with the reason `article_closed`, also edits of earlier comments;
    an earlier comment that is sent again keeps its decision. The site hears of it as `article.status_changed`.
    """
    return await _articles(call).change(call.key.site, _article(call), call.body, call.key.name)


async def open_article(call: Call) -> ArticleStanding:
    """End the status of an article: it is open again. An open one stays so."""
    return await _articles(call).end(call.key.site, _article(call), call.key.name)


async def show_section(call: Call) -> ArticleStanding:
    """The status of a section now. The name is the one that comments have in `article.section`."""
    return await _articles(call).show(call.key.site, _section(call))


async def set_section(call: Call) -> ArticleStanding:
    """Set the status of a section, which counts for all its articles. As for an article.

    The reasons are `section_closed`, `section_premoderated` and `section_heated`. If an article has a status too, the
    more severe decision counts.
    """
    return await _articles(call).change(call.key.site, _section(call), call.body, call.key.name)


async def open_section(call: Call) -> ArticleStanding:
    """End the status of a section: it is open again. An open one stays so."""
    return await _articles(call).end(call.key.site, _section(call), call.key.name)


def _article(call: Call) -> Place:
    asked = bodies.shape({"id": call.id}, Article, "/article")
    return Place(PlaceKind.ARTICLE, asked.id or call.id)


def _section(call: Call) -> Place:
    return Place(PlaceKind.SECTION, call.id[:MAX_SECTION])  # cut as those of comments are


def _articles(call: Call) -> Articles:
    return call.request.app[keys.ARTICLES]


Handle = Callable[[Call], Awaitable[ArticleStanding]]


def _rows(path: str, what: str, show: Handle, put: Handle, end: Handle) -> tuple[Operation, ...]:
    row = partial(Operation, path=path, tag="Articles", answer=ArticleStanding)
    return (
        row(
            method="GET",
            handler=show,
            scope=Scope.REVIEW,
            summary=f"The status of {what}, with its last changes.",
            problems=(503,),
        ),
        row(
            method="PUT",
            handler=put,
            scope=Scope.ADMIN,
            summary=f"Set the status of {what}.",
            body=ArticleStatusRequest,
            problems=(409, 503),
        ),
        row(
            method="DELETE",
            handler=end,
            scope=Scope.ADMIN,
            summary=f"Open {what} again.",
            problems=(409, 503),
        ),
    )


OPERATIONS = (
    Operation(
        method="GET",
        path="/v1/articles",
        handler=list_articles,
        scope=Scope.REVIEW,
        tag="Articles",
        summary="Articles and sections that are not open.",
        answer=ArticleList,
        problems=(503,),
    ),
    *_rows("/v1/articles/{id}", "an article", show_article, set_article, open_article),
    *_rows("/v1/sections/{id}", "a section", show_section, set_section, open_section),
)

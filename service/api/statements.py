"""Statements of reasons: why a comment was rejected, for its author; and what became of a complaint about it."""

from service import app_keys as keys
from service.api.operation import Call, Operation
from service.cases.statements import PAGES, AddressedStatement, statement
from service.http.origin import own_origin
from service.values.access import Scope
from service.values.complaints import ComplaintAnswer


async def show_statement(call: Call) -> AddressedStatement:
    """Why a comment was rejected, as article 17 of the EU's Digital Services Act asks for it.

    `texts` has it in words, for the author; `page_url` shows it, with a form to complain once. 409 `dsa_off`: the
    site's policy does not say that it is in scope.
    """
    app = call.request.app
    pages = own_origin(call.request) + PAGES
    return await statement(app[keys.STORE], app[keys.DIRECTORY], call.key.site, call.id, pages)


async def show_complaint(call: Call) -> ComplaintAnswer:
    """What became of the author's complaint (article 20), which is the appeal against a rejection.

    A person decides it who neither rejected the comment nor voted on it. `texts` has the answer for the author.
    404: nobody complained about the newest revision. 409 `dsa_off`: as for the statement.
    """
    return await call.request.app[keys.COMPLAINTS].of(call.key.site, call.id)


OPERATIONS = (
    Operation(
        method="GET",
        path="/v1/comments/{id}/statement",
        handler=show_statement,
        scope=Scope.COMMENTS,
        tag="Comments",
        summary="The statement of reasons for a rejected comment.",
        answer=AddressedStatement,
        problems=(404, 409, 503),
    ),
    Operation(
        method="GET",
        path="/v1/comments/{id}/complaint",
        handler=show_complaint,
        scope=Scope.COMMENTS,
        tag="Comments",
        summary="What became of the author's complaint.",
        answer=ComplaintAnswer,
        problems=(404, 409, 503),
    ),
)

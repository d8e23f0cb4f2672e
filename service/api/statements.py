"""Statements of reasons: why a comment was rejected, for its author."""

from service import app_keys as keys
from service.api.operation import Call, Operation
from service.cases.statements import statement
from service.values.access import Scope
from service.values.statement_words import WordedStatement


async def show_statement(call: Call) -> WordedStatement:
    """Why a comment was rejected, as article 17 of the EU's Digital Services Act asks for it.

    `texts` has it in words, for the author. 409 `dsa_off`: the site's policy does not say that it is in scope.
    """
    app = call.request.app
    return await statement(app[keys.STORE], app[keys.DIRECTORY], call.key.site, call.id)


OPERATIONS = (
    Operation(
        method="GET",
        path="/v1/comments/{id}/statement",
        handler=show_statement,
        scope=Scope.COMMENTS,
        tag="Comments",
        summary="The statement of reasons for a rejected comment.",
        answer=WordedStatement,
        problems=(404, 409, 503),
    ),
)

"""What the page of an error says: a message of the console, or one for the kind of error, with the detail below."""

from typing import NamedTuple

from service.console.texts import N_, SOURCE, Texts
from service.values.errors import Forbidden, ServiceError, StoreUnavailable, Unauthenticated

# Messages of the API are in English and for programs: in other languages their detail stands below one of these.
BY_STATUS = {
    400: N_("Something that was sent is wrong."),
    403: N_("Your role does not open this page."),
    404: N_("It is not here, or not any more."),
    409: N_("It changed meanwhile. Load the page again, and look before you decide."),
    429: N_("Too many requests at once. Try again in a moment."),
    503: N_("Too much is going on just now. Nothing was changed; try again in a moment."),
}
OURS = N_("It was written to the log.")
AWAY = N_("The store cannot be reached just now. Nothing was lost; try again.")
SIGNED_OUT = N_("Your session has ended, so nothing was changed. Sign in and do it again.")


class Refusal(NamedTuple):
    """`detail`: in English, "" if the message says it all."""

    message: str
    detail: str = ""


def refusal(texts: Texts, error: ServiceError | None, status: int) -> Refusal:
    if error is None:
        return Refusal(texts(OURS))
    if isinstance(error, Unauthenticated):
        return Refusal(texts(SIGNED_OUT))
    if isinstance(error, StoreUnavailable):
        return Refusal(texts(AWAY))
    said = str(error)
    if type(error) is Forbidden and said == str(Forbidden()):
        return Refusal(texts(BY_STATUS[403]))
    translated = texts(said)
    if texts.language == SOURCE or translated != said:
        return Refusal(translated)
    return Refusal(texts(BY_STATUS.get(status, BY_STATUS[400])), said)

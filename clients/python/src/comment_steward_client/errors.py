"""What can go wrong.

StewardError
├── Unreachable      no answer: Steward is away, or the network; the comment may have been recorded
├── BadSignature     a webhook that is not ours, or an old one
└── Refused          an answer with an error; carries the problem
    ├── NotAllowed   401, 403: no key, a wrong one, or one without the scope
    ├── NotFound     404
    ├── Conflict     409
    ├── RateLimited  429
    └── Unavailable  5xx: try again later
"""

from comment_steward_client.values import Problem


class StewardError(Exception):
    """The root of all errors of this client."""


class Unreachable(StewardError):
    """There was no answer. Sending the same comment again under the same id is safe."""


class BadSignature(StewardError):
    pass


class Refused(StewardError):
    def __init__(self, problem: Problem) -> None:
        super().__init__(f"{problem.status} {problem.code}: {problem.detail}")
        self.problem = problem


class NotAllowed(Refused):
    pass


class NotFound(Refused):
    pass


class Conflict(Refused):
    pass


class RateLimited(Refused):
    pass


class Unavailable(Refused):
    pass


_BY_STATUS: dict[int, type[Refused]] = {
    401: NotAllowed,
    403: NotAllowed,
    404: NotFound,
    409: Conflict,
    429: RateLimited,
}
SERVER_ERROR = 500


def refusal(problem: Problem) -> Refused:
    kind = Unavailable if problem.status >= SERVER_ERROR else _BY_STATUS.get(problem.status, Refused)
    return kind(problem)

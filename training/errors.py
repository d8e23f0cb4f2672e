"""The exceptions that training raises.

TrainingError
├── ClusterUnusable  no scheduler or worker of a cluster, or one with other software than here
├── DataUnusable     a data file is not what it should be; the message names file, column and row
└── ServiceRefused   the running service refused the request, or did not answer
"""


class TrainingError(Exception):
    """The message is shown on the command line."""


class ClusterUnusable(TrainingError):
    pass


class DataUnusable(TrainingError):
    pass


class ServiceRefused(TrainingError):
    """`status`: the HTTP status; None if there was no answer, or not one of the service."""

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status

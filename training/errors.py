"""What training raises on purpose.

TrainingError
├── DataUnusable     a data file that cannot be read as what it should be; names file, column and row
└── ServiceRefused   the running service said no, or did not answer
"""


class TrainingError(Exception):
    """The message is for the person at the command line."""


class DataUnusable(TrainingError):
    pass


class ServiceRefused(TrainingError):
    """`status`: of the answer; None where there was none, or it was no answer of the service."""

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status

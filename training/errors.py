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
    pass

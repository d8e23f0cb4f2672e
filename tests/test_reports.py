"""The tests run in several processes, and what a test logs or prints is sent to the one that prints the reports."""

import logging

log = logging.getLogger(__name__)


def test_what_a_test_logs_can_be_sent_whatever_it_is() -> None:
    """Without the wrapper in conftest.py this ends a run in several processes."""
    log.warning("half a surrogate pair: \ud83d")

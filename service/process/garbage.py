"""When a process looks for cycles among its objects."""

import atexit
import gc

# Requests in flight hold thousands of objects that reference counts will free. By default (700, 10, 10) Python looks
# for cycles among them all the time.
COLLECT_AFTER = (50_000, 20, 100)


def collect_seldom() -> None:
    """Called before the imports of a process, too: they make hundreds of thousands of objects, which all stay."""
    gc.set_threshold(*COLLECT_AFTER)


def end_at_once() -> None:
    """At its end Python looks for cycles among all objects there are: a quarter of a second for those of a service."""
    atexit.register(gc.freeze)

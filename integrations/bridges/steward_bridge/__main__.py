"""`python -m steward_bridge ENGINE`: runs until it is stopped; with `--once`, one round."""

import argparse
import logging
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import httpx
from comment_steward_client import Steward, StewardError

from steward_bridge.core import Bridge, Platform
from steward_bridge.fediverse import Fediverse
from steward_bridge.ghost import Ghost
from steward_bridge.lemmy import Lemmy
from steward_bridge.remark42 import Remark42

LOG = logging.getLogger("steward_bridge")
EVERY_S, LONGEST_S = 15.0, 300.0
ENGINES: Mapping[str, Callable[[str, str], Platform]] = {
    "fediverse": Fediverse,
    "ghost": Ghost,
    "lemmy": Lemmy,
    "remark42": lambda url, secret: Remark42(url, os.environ.get("REMARK42_SITE", "remark"), secret),
}


def main() -> None:
    asked = argparse.ArgumentParser(prog="steward_bridge", description=__doc__)
    asked.add_argument("engine", choices=sorted(ENGINES))
    asked.add_argument("--once", action="store_true", help="one round; fails if it does not succeed")
    given = asked.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    url, secret, steward_url, key, state = _environment()
    engine = ENGINES[given.engine](url.rstrip("/"), secret)
    with Bridge(engine, Steward(steward_url, key), Path(state)) as bridge:
        if given.once:
            print(f"{bridge.round()} judged")  # noqa: T201 - a command's answer
        else:
            _run(bridge)


def _environment() -> tuple[str, ...]:
    names = ("BRIDGE_URL", "BRIDGE_SECRET", "STEWARD_URL", "STEWARD_KEY", "BRIDGE_STATE")
    missing = [name for name in names if not os.environ.get(name)]
    if missing:
        raise SystemExit(f"set {', '.join(missing)}")
    return tuple(os.environ[name] for name in names)


def _run(bridge: Bridge) -> None:
    pause_s = EVERY_S
    while True:
        try:
            judged = bridge.round()
            pause_s = EVERY_S
            if judged:
                LOG.info("%d judged", judged)
        except (StewardError, httpx.HTTPError) as error:
            pause_s = min(LONGEST_S, pause_s * 2)
            LOG.warning("%s; again in %d s", error, pause_s)
        time.sleep(pause_s)


if __name__ == "__main__":
    main()

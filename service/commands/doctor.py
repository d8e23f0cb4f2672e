"""steward doctor: what is wrong, and the cure for each finding."""

import asyncio
import os
import shutil
import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Literal

import click
import msgspec
from msgspec import Struct

from service.commands import asked
from service.commands.listing import as_json, counted
from service.settings import Settings, from_env
from service.values import access
from service.values.errors import ServiceError, SettingsError

# From here on clocks disagree so much that leases, sessions and signatures suffer (webhooks allow five minutes).
MOST_SKEW_S = 5.0
LEAST_FREE_BYTES = 1_000_000_000
PRESSED = 0.8
LATE_S = 300.0


class Diagnosis(Struct, frozen=True):
    """`cure`: what to do; empty for what is well."""

    level: Literal["ok", "warning", "problem"]
    what: str
    cure: str = ""


@click.command()
@as_json
def doctor(is_json: bool) -> None:
    """Check settings, service, Redis, disk, clock, accounts, backlog and webhooks. Changes nothing.

    Ends with status 1 if there is a problem; warnings alone end with 0.
    """
    findings = _examined()
    if is_json:
        click.echo(msgspec.json.format(msgspec.json.encode(findings)))
    else:
        for each in findings:
            click.echo(f"{_MARKS[each.level]} {each.what}")
            if each.cure:
                click.echo(f"         cure: {each.cure}")
    if any(each.level == "problem" for each in findings):
        raise SystemExit(1)


_MARKS = {"ok": "[ok]    ", "warning": "[warning]", "problem": "[PROBLEM]"}


def _examined() -> list[Diagnosis]:
    try:
        settings = from_env(os.environ)
    except SettingsError as error:
        return [Diagnosis("problem", f"settings: {error}", "correct or unset the variable; docs/settings.md lists all")]
    ready = asked.readiness(asked.address(settings))
    found = [
        Diagnosis("ok", "settings: all known and valid"),
        *_of_settings(settings),
        *_of_service(ready),
        *_of_folder(settings),
    ]
    return found + asyncio.run(_of_store(settings))


def _of_settings(settings: Settings) -> Iterator[Diagnosis]:
    is_public = settings.host not in {"127.0.0.1", "::1", "localhost"} or settings.public_url is not None
    if is_public and settings.demo:
        yield Diagnosis(
            "warning", "the demonstration is on: anybody can post to the site default", "unset STEWARD_DEMO"
        )
    if is_public and settings.secret_file is None:
        cure = "set STEWARD_SECRET_FILE to a file with 32 random bytes in base64"
        yield Diagnosis("warning", "webhook and second-factor secrets are stored without encryption", cure)
    if is_public and not settings.trusted_proxies:
        cure = "name the proxy in STEWARD_TRUSTED_PROXIES; without a proxy this is right"
        yield Diagnosis("warning", "no proxy is trusted: all clients behind one count as one address", cure)
    if settings.accept_loss:
        yield Diagnosis("warning", "STEWARD_ACCEPT_LOSS: acknowledged comments may be lost with Redis", "unset it")


def _of_service(ready: asked.Readiness) -> Iterator[Diagnosis]:
    if ready.parts is None:
        cure = "start it with 'steward serve', or set STEWARD_URL to where it is"
        yield Diagnosis("problem", f"service: {ready.url}: {ready.problem}", cure)
        return
    if ready.parts.get("status") == "ok":
        yield Diagnosis(
            "ok", f"service: {ready.url} is ready, model {ready.parts.get('model', {}).get('version', '?')}"
        )
    for name, cure in _PART_CURES.items():
        if problem := (ready.parts.get(name) or {}).get("problem"):
            yield Diagnosis("problem", f"service: {name}: {problem}", cure)
    skew_s = abs((datetime.now(UTC) - ready.at).total_seconds()) if ready.at else 0.0
    yield from _clock("the service", skew_s)


_PART_CURES = {
    "model": "'steward models list' shows why; 'steward models promote' puts another one in use",
    "store": "look at the log of Redis, and at STEWARD_REDIS_URL",
    "background": "the log of the service names the cause; it tries again by itself",
}


def _clock(whose: str, skew_s: float) -> Iterator[Diagnosis]:
    if skew_s > MOST_SKEW_S:
        yield Diagnosis(
            "problem", f"clock: {whose} and this machine differ by {skew_s:.0f} s", "run an NTP client on both"
        )
    else:
        yield Diagnosis("ok", f"clock: agrees with {whose}")


def _of_folder(settings: Settings) -> Iterator[Diagnosis]:
    folder = settings.data_path
    if not folder.exists():
        yield Diagnosis(
            "warning", f"data folder: {folder} does not exist", "set STEWARD_DATA_DIR to that of the service"
        )
        return
    free = shutil.disk_usage(folder).free
    if free < LEAST_FREE_BYTES:
        cure = "make room: Redis refuses comments when it cannot write"
        yield Diagnosis("problem", f"disk: {free / 1e9:.1f} GB free in {folder}", cure)
    else:
        yield Diagnosis("ok", f"disk: {free / 1e9:.1f} GB free in {folder}")
    if folder.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        yield Diagnosis("warning", f"data folder: others on this machine can read {folder}", f"chmod 700 {folder}")


async def _of_store(settings: Settings) -> list[Diagnosis]:
    place = access.address_without_password(settings.redis_url) if settings.redis_url else str(settings.data_path)
    try:
        async with asked.opened(settings) as store:
            if store is None:
                cure = "set STEWARD_DATA_DIR or STEWARD_REDIS_URL as the service has it; without a service start one"
                return [Diagnosis("warning", f"store: no service runs on {place}, so it was not examined", cure)]
            state = await asked.state_of(store, place)
    except (ServiceError, SettingsError) as error:
        return [Diagnosis("problem", f"store: {place}: {error}", "start Redis, or correct STEWARD_REDIS_URL")]
    return [*_of_redis(state), *_of_access(state), *of_sites(state, settings)]


def _of_redis(state: asked.StoreState) -> Iterator[Diagnosis]:
    cure = _DURABILITY_CURES.get(state.durability)
    said = f"store: {state.place}, server {state.server.version}, durability {state.durability}"
    yield Diagnosis("warning", said, cure) if cure else Diagnosis("ok", said)
    if state.server.fullness > PRESSED:
        cure = "raise maxmemory, or lower STEWARD_TEXT_DAYS; a full Redis refuses comments"
        yield Diagnosis("warning", f"store: memory is {state.server.fullness:.0%} full", cure)
    yield from _clock("Redis", abs((datetime.now(UTC) - state.server.at).total_seconds()))


_DURABILITY_CURES = {
    "standard": "set appendfsync always: up to a second of acknowledged comments can be lost",
    "cache": "set appendonly yes: acknowledged comments are lost with Redis",
    "unknown": "allow the user +config|get, so that durability can be checked",
}


def _of_access(state: asked.StoreState) -> Iterator[Diagnosis]:
    if not state.keys:
        yield Diagnosis("warning", "access: there is no API key", "steward keys create --site default --scope comments")
    if not state.can_sign_in:
        cure = "steward moderators link admin"
        yield Diagnosis("warning", "access: nobody can sign in at the console with a password or OpenID", cure)
    if state.keys and state.can_sign_in:
        people = counted(state.can_sign_in, "person", "people")
        yield Diagnosis("ok", f"access: {counted(state.keys, 'API key')}, {people} can sign in")


def of_sites(state: asked.StoreState, settings: Settings) -> Iterator[Diagnosis]:
    for each in state.sites:
        if each.overdue:
            cure = "more moderators, or a higher review threshold (the page Policy shows the effect)"
            yield Diagnosis("warning", f"{each.site}: {counted(each.overdue, 'comment')} overdue", cure)
        if each.waiting > PRESSED * settings.max_queued * settings.shards:
            cure = "decide or raise STEWARD_MAX_QUEUED: a full queue refuses comments"
            yield Diagnosis("problem", f"{each.site}: {each.waiting} comments wait, the queue is nearly full", cure)
        if each.is_disabled:
            cure = "save the endpoint again on the page Webhooks once the receiver takes messages"
            yield Diagnosis("problem", f"{each.site}: the webhook is disabled, because the receiver answered 410", cure)
        elif (each.late_s or 0) > LATE_S:
            cure = "look at the receiver; 'Send a test' on the page Webhooks says what it answers"
            yield Diagnosis("warning", f"{each.site}: webhooks are {(each.late_s or 0) / 60:.0f} minutes late", cure)
        if each.dead:
            cure = "send them again on the page Webhooks, or POST /v1/webhooks/dead:retry"
            yield Diagnosis("warning", f"{each.site}: {counted(each.dead, 'dead letter')}", cure)
    if not any(each.overdue or each.dead or each.is_disabled for each in state.sites):
        yield Diagnosis("ok", f"backlog: nothing is overdue at {counted(len(state.sites), 'site')}")

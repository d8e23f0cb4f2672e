"""steward rebuild: restores what it can after a loss of Redis (docs/audit.md)."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click

from service.cases.directory_copy import Snapshot, copy_of
from service.commands.kept_lists import kept_lists, put_back_lists
from service.commands.stored import ACTOR, with_store
from service.settings import Settings, from_env
from service.store import Store
from service.store.articles import ArticleChange
from service.store.author_status import StatusChange
from service.store.base import instant
from service.store.comments import DAY_S, STATE_OUTLIVES_DAYS
from service.store.recovery import Restored
from service.trail import (
    Check,
    CommentOutcome,
    Outcomes,
    StandingStatus,
    entries,
    locked,
    outcomes,
    removed,
    sites,
)
from service.values.articles import ArticleStatus, Place, PlaceKind
from service.values.domain import State
from service.values.errors import TrailUnusable
from service.values.rules import AuthorStatus


@click.command()
@click.option(
    "--from-export",
    "root",
    required=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder of the exported trails.",
)
@click.option("--site", "only", help="Only this site.")
@click.option(
    "--access",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A copy of keys and policies to put back.  [default: the service's own, while Redis holds no key]",
)
def rebuild(root: Path, only: str | None, access: Path | None) -> None:
    """Put back into an empty Redis how every comment stood when its trail was last exported.

    Run it before the service starts on the empty Redis, or as soon as you can; what came meanwhile stays. Texts are
    lost: 'steward reconcile' names the comments that the site must send again.
    """
    settings = from_env(os.environ)
    names = [name for name in sites(root) if only in (None, name)]
    if not names:
        raise click.ClickException(f"no exported trail in {root / (only or '')}; 'steward audit export' writes it")
    life = timedelta(days=max(settings.text_days, settings.label_days) + STATE_OUTLIVES_DAYS)
    try:
        with locked(root):  # a running export would look like a damaged file
            told = {name: _told(root / name, life) for name in names}
            lists = {name: list(kept_lists(root / name)) for name in names}
    except TrailUnusable as error:
        raise click.ClickException(str(error)) from error
    path = access or settings.data_path / "access.json"
    copy = copy_of(path)
    if access is not None and copy is None:
        raise click.ClickException(f"{access}: not a copy of keys and policies")

    async def work(store: Store) -> None:
        knows_authors = copy is not None and settings.hash_authors
        if copy is not None and (access is not None or not await store.access.keys()):
            written = datetime.fromtimestamp(path.stat().st_mtime, UTC)
            click.echo(f"keys and policies as of {written:%Y-%m-%d %H:%M:%S} UTC, from {path}")
            revoked = set[str]().union(*(found.revoked for found in told.values()))
            knows_authors = await _let_in(store, _good(copy, revoked, only)) and knows_authors
        elif copy is not None:
            click.echo("there are keys already, so none is put back; --access names a copy to put back all the same")
        for name, found in told.items():
            await _put_back(store, settings, name, found)
            await _put_back_statuses(store, name, found if knows_authors else Outcomes())
            await _put_back_articles(store, name, found)
            put, known = await put_back_lists(store, name, lists[name], ACTOR)
            click.echo(f"{name}: {put} lists put back, {known} known already")

    with_store(work)


def _told(folder: Path, life: timedelta) -> Outcomes:
    """Raises TrailUnusable if the trail was changed."""
    check = Check(folder, after=removed(folder).hash)
    for finding in check.findings():
        raise TrailUnusable(f"{finding.path}, line {finding.line}: {finding.problem}; see 'steward audit verify'")
    return outcomes(entries(folder), life)


def _good(copy: Snapshot, revoked: set[str], only: str | None) -> Snapshot:
    """The keys of the copy, without those that a trail shows as revoked. `only`: limit them to this site."""
    return Snapshot(
        {name: key for name, key in copy.keys.items() if only in (None, key.site) and name not in revoked},
        {site: policy for site, policy in copy.policies.items() if only in (None, site)},
        copy.salt,
    )


async def _let_in(store: Store, copy: Snapshot) -> bool:
    """Restore policies, the salt of pseudonyms, and keys. Keys come last: if they exist, everything does.

    Returns whether pseudonyms from before are known again.
    """
    knows_authors = not copy.salt or await store.recovery.salt(copy.salt)
    if not knows_authors:
        click.echo("another salt was drawn meanwhile: authors of before are not known again", err=True)
    policies = {name: policy for name, policy in copy.policies.items() if policy is not None}
    kept = [name for name, policy in policies.items() if await store.recovery.policy(name, policy)]
    restored = await store.recovery.keys(copy.keys.values())
    click.echo(f"{restored} keys, {len(kept)} policies put back; moderators' accounts and signing secrets are lost")
    return knows_authors


async def _put_back(store: Store, settings: Settings, site: str, found: Outcomes) -> None:
    now = datetime.now(UTC)
    rows = list(_rows(found, settings, now))
    # Fencing tokens count from 1, far fewer than one per millisecond, so no earlier token is used again.
    restored, waited = await store.recovery.comments(site, rows, _ms(now))
    await store.audit.write(site, "rebuilt", ACTOR, restored=str(restored), lost=str(waited))
    told, kept = len(found.comments) + found.forgotten, len(rows)
    click.echo(
        f"{site}: {restored} of {told} comments put back, {told - kept} too old, {kept - restored} known already; "
        f"{waited} of them waited for people and must be sent again"
    )


async def _put_back_statuses(store: Store, site: str, found: Outcomes) -> None:
    """Of authors, whom the trail names by pseudonyms."""
    now = datetime.now(UTC)
    changes = {author: _change(each, now) for author, each in found.authors.items()}
    standing = {
        author: each
        for author, each in changes.items()
        if each.status is not AuthorStatus.ACTIVE and each.is_in_force(now)
    }
    restored = sum([await store.statuses.restore(site, author, each) for author, each in standing.items()])
    click.echo(f"{site}: {restored} statuses of authors put back, {len(standing) - restored} known already")


def _change(standing: StandingStatus, now: datetime) -> StatusChange:
    version, until = _version(standing, now), instant(standing.until_ms)
    return StatusChange(AuthorStatus(standing.status), version, standing.at, standing.by, standing.why, until=until)


async def _put_back_articles(store: Store, site: str, found: Outcomes) -> None:
    now = datetime.now(UTC)
    changes = {
        Place(PlaceKind(kind), name): ArticleChange(
            ArticleStatus(each.status), _version(each, now), each.at, each.by, until=instant(each.until_ms)
        )
        for (kind, name), each in found.articles.items()
    }
    standing = {place: each for place, each in changes.items() if each.is_in_force(now)}
    restored = sum([await store.articles.restore(site, place, each) for place, each in standing.items()])
    click.echo(f"{site}: {restored} statuses of articles put back, {len(standing) - restored} known already")


def _version(standing: StandingStatus, now: datetime) -> int:
    """As of comments: higher than what was told after the last export."""
    return max(standing.version + 1, int(now.timestamp()))


def _rows(found: Outcomes, settings: Settings, now: datetime) -> Iterator[Restored]:
    for outcome in found.comments.values():
        life_s = _life_s(outcome, settings, now)
        if life_s > 0:
            yield _restored(outcome, life_s, now)


def _life_s(outcome: CommentOutcome, settings: Settings, now: datetime) -> int:
    """The remaining retention. A waiting comment counts as if it had just been decided."""
    days = settings.label_days if outcome.standing.moderator else settings.text_days
    age_s = 0 if outcome.is_waiting else int((now - outcome.changed_at).total_seconds())
    return (days + STATE_OUTLIVES_DAYS) * DAY_S - age_s


def _restored(outcome: CommentOutcome, life_s: int, now: datetime) -> Restored:
    stands, is_erased = outcome.standing, outcome.state is State.ERASED
    return Restored(
        outcome.id,
        outcome.revision - outcome.is_waiting,
        # Events after the last export are unknown and may have been sent. No comment changes as often as once a second,
        # so versions from here on are higher than those, even after another loss.
        max(outcome.version + 1, int(now.timestamp())),
        State.ERASED if is_erased else State.DECIDED,
        stands.status,
        outcome.decision,
        stands.by,
        _ms(outcome.created_at),
        None if stands.at is None else _ms(stands.at),
        _ms(outcome.changed_at) if is_erased else None,
        stands.moderator,
        stands.reason,
        life_s,
        is_lost=outcome.is_waiting,
    )


def _ms(at: datetime) -> int:
    return round(at.timestamp() * 1000)

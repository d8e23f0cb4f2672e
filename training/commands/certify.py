"""steward certify."""

import math
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from training.commands.options import of_service

if TYPE_CHECKING:
    from training.certificate import Plan
    from training.certify import Certifiable, CertifyOptions, Targets
    from training.client import Service

POLICY = "/v1/policies/default"
_FIRST_DRAWS = timedelta(days=7)
_SHARE = click.FloatRange(0, 1, min_open=True, max_open=True)


@click.command()
@of_service
@click.option(
    "--to",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("certificates"),
    show_default=True,
    help="Folder of the certificates. It also records which labels were used.",
)
@click.option("--max-wrong-approve", type=_SHARE, help="Default for all targets: those of the policy.")
@click.option("--max-wrong-reject", type=_SHARE)
@click.option("--max-missed", type=_SHARE)
@click.option("--confidence", type=click.FloatRange(0.5, 1, max_open=True))
@click.option(
    "--wait-hours", type=click.FloatRange(0, 168), default=24.0, show_default=True, help="Leave out newer answers."
)
@click.option("--mixture", is_flag=True, help="One promise for all languages together, instead of one for each.")
@click.option("--partial", is_flag=True, help="Go on although a target cannot pass anywhere yet.")
@click.option("--put", is_flag=True, help="Also let the service decide by the certificate.")
def certify(  # noqa: PLR0917 - one for each option
    url: str,
    key: str,
    folder: Path,
    max_wrong_approve: float | None,
    max_wrong_reject: float | None,
    max_missed: float | None,
    confidence: float | None,
    wait_hours: float,
    mixture: bool,
    partial: bool,
    put: bool,
) -> None:
    """Choose thresholds that keep the policy's targets, tested on audits, and write the certificate.

    Each answer is used for one certificate only. If too few were answered, says how many more it takes, and uses none.
    """
    from training.certify import CertifyOptions
    from training.client import connected
    from training.errors import TrainingError

    given = {
        "max_wrong_approve": max_wrong_approve,
        "max_wrong_reject": max_wrong_reject,
        "max_missed": max_missed,
    }
    try:
        with connected(url, key) as service:
            about = _about(service, math.ceil(wait_hours))
            targets = _targets(about, given, confidence)
            options = CertifyOptions(wait=timedelta(hours=wait_hours), by_language=not mixture)
            _run(service, folder, about, targets, options, partial=partial, put=put)
    except TrainingError as error:
        raise click.ClickException(str(error)) from error


def _run(
    service: "Service",
    folder: Path,
    about: "Certifiable",
    targets: "Targets",
    options: "CertifyOptions",
    *,
    partial: bool,
    put: bool,
) -> None:
    import dataclasses

    from training import opened
    from training.certificate import certify as test_all
    from training.certificate import plan
    from training.certify import folds, placed, unanswered, valid
    from training.sample import fetch, fetch_draws

    now = datetime.now(UTC)
    lines = valid(fetch(service, POLICY))
    options = dataclasses.replace(options, begins=opened.last_end(folder, about.site))
    # The first answers may be to audits that were drawn some days before.
    begins = min((line.at for line in lines), default=now) - _FIRST_DRAWS
    draws = list(fetch_draws(service, begins.date(), now.date()))
    fold = folds(placed(lines, draws), dataclasses.replace(options, now=now))
    fold = dataclasses.replace(fold, open=unanswered(draws, about, fold))
    if fold.open:
        click.echo(f"{len(fold.open)} audits of this time have no answer; they count as wrong")
    made = plan(about, targets, fold, options)
    if made.strata != [None]:
        click.echo(
            f"by language: {', '.join(each for each in made.strata if each)}; comments in other languages go to people "
            "(--mixture: one promise for all)"
        )
    for each in made.short:
        click.echo(f"too few: {each}")
    if made.is_hopeless and not partial:
        raise click.ClickException("a target cannot pass yet; no label was used (--partial goes on without it)")
    opened.note(folder, _opened(made, about))
    outcome = test_all(about, targets, made)
    for each in outcome.said:
        click.echo(each)
    if outcome.certificate is None:
        raise click.ClickException("nothing was certified; people look at what the targets are set for")
    _keep(service, folder, outcome.certificate, put=put)


def _opened(made: "Plan", about: "Certifiable") -> Any:  # noqa: ANN401 - imported where it is used
    from training.opened import Opened

    return Opened(about.site, made.fold.begins, made.fold.ends, datetime.now(UTC), about.policy)


def _keep(service: "Service", folder: Path, certificate: dict[str, Any], *, put: bool) -> None:
    import msgspec

    path = folder / f"{certificate['id']}.json"
    path.write_bytes(msgspec.json.format(msgspec.json.encode(certificate)) + b"\n")
    click.echo(f"certificate: {path}")
    if put:
        policy = service.put(f"{POLICY}/certificate", certificate)
        click.echo(f"{policy['name']}@{policy['version']} decides by it")


def _about(service: "Service", wait_hours: int) -> "Certifiable":
    import msgspec

    from training.certify import Certifiable
    from training.errors import ServiceRefused

    try:
        return msgspec.convert(service.get_json(f"{POLICY}/certifiable?wait_hours={wait_hours}"), Certifiable)
    except msgspec.ValidationError as error:
        raise ServiceRefused(f"GET {POLICY}/certifiable: {error}; is this the service?") from error


def _targets(about: "Certifiable", given: dict[str, float | None], confidence: float | None) -> "Targets":
    """Those of the policy, or the given ones instead."""
    import msgspec

    from training.certify import Targets

    base = about.targets or Targets()
    found = base
    if any(value is not None for value in given.values()):
        found = msgspec.structs.replace(Targets(), **given, confidence=base.confidence)
    if not found.wanted:
        raise click.UsageError("the policy has no targets: set them, or give --max-wrong-approve or another target")
    return found if confidence is None else msgspec.structs.replace(found, confidence=confidence)

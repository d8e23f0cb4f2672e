"""steward models list | show | gate | shadow | promote | rollback."""

from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import click

from training.commands.options import ask, of_service

if TYPE_CHECKING:
    from training.client import Service


_of_site = click.option(
    "--site", help="Of this site alone, which the key must be of. Default: the model of all sites that have none."
)


@click.group()
def models() -> None:
    """The models of a running service.

    In place of a version, `champion` stands for the model in use, `challenger` for the one in shadow, and `previous`
    for the one that a rollback puts in use.
    """


@models.command("list")
@of_service
@_of_site
@click.option("--json", "is_json", is_flag=True, help="Print JSON, for programs.")
@click.option(
    "--labels",
    "folder",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Archive of labels: also count the comments in each model's training data that were erased since.",
)
def list_models(url: str, key: str, site: str | None, is_json: bool, folder: Path | None) -> None:
    """Show which models there are and which is in use."""
    import msgspec
    from rich.console import Console
    from rich.table import Table

    with _service(url, key) as service:
        known = service.get_json(_path(site))
    if folder is not None:
        known["models"] = [model | {"erased_since": _erased(folder, model)} for model in known["models"]]
    if is_json:
        click.echo(msgspec.json.format(msgspec.json.encode(known["models"])))
        return
    columns = ("", "version", "source", "generation", "created", "sites", "problem")
    table = Table(*columns, *(["erased since"] if folder else []))
    for model in known["models"]:
        cells = [str(model.get(name) or "") for name in _COLUMNS]
        cells.insert(-1, ", ".join(model.get("sites") or []))
        table.add_row(_said_of(model, known), *cells, *([str(model["erased_since"])] if folder else []))
    Console().print(table)
    if site:
        _show_site(known)


@models.command()
@of_service
@_of_site
@click.option("--json", "is_json", is_flag=True, help="Print JSON, for programs.")
@click.argument("version")
def show(url: str, key: str, site: str | None, is_json: bool, version: str) -> None:
    """Show one model."""
    import msgspec

    with _service(url, key) as service:
        found = service.get_json(_path(site, version))
    if is_json:
        click.echo(msgspec.json.format(msgspec.json.encode(found)))
        return
    said = {
        "version": found["version"],
        "in use": "yes" if found["active"] else "no",
        "sites": ", ".join(found.get("sites") or []),
        "source": found["source"],
        "created": found.get("created_at") or "",
        "judges": ", ".join(found.get("labels") or []),
        "languages": ", ".join(sorted(found.get("languages") or {})),
        "readers": ", ".join(found.get("readers") or []),
        "problem": found.get("problem") or "",
    }
    for name, value in said.items():
        if value:
            click.echo(f"{name:<10} {value}")


@models.command()
@of_service
@_of_site
@click.option("--yes", is_flag=True, help="Do not ask, even if something is lost.")
@click.option(
    "--override",
    "why",
    metavar="REASON",
    help="Propose it past the gate, with the reason, for a second person to approve.",
)
@click.argument("version")
def promote(url: str, key: str, version: str, *, site: str | None, yes: bool, why: str | None) -> None:
    """Put a model in use on every replica. The service checks it first; a failed check changes nothing.

    With --site, `installation` in place of a version ends the use of a model of the site's own.

    Asks for confirmation if the model judges fewer languages or attributes than the one in use, or if its figures on
    held-out texts are significantly worse.
    """
    with _service(url, key) as service:
        if why is not None:
            deed = {"kind": "promote_model", "model": version, "why": why} | ({"only_site": True} if site else {})
            _show_proposal(service.post("/v1/approvals", {"deed": deed}))
            return
        lost = _lost(service, version, site)
        ask(f"{version} is worse than the model in use:", lost, "Put it in use anyway?", yes=yes)
        before = _in_use(service, site)
        _show(service.post(f"{_path(site, version)}:promote"), before)


@models.command()
@of_service
@_of_site
@click.argument("version")
def gate(url: str, key: str, site: str | None, version: str) -> None:
    """Show what a model must show before a promotion, each check with its figures. Exits with 1 if it does not pass."""
    with _service(url, key) as service:
        found = service.get_json(f"{_path(site, version)}/gate")
    for check in found["checks"]:
        click.echo(f"{'passed' if check['passed'] else 'failed'}  {check['name']}: {check['detail']}")
    click.echo(f"{version} {'passes' if found['passed'] else 'does not pass'} the gate of {found['policy']}")
    if not found["passed"]:
        raise click.exceptions.Exit(1)


@models.command()
@of_service
@_of_site
@click.option("--share", type=click.FloatRange(0, 1, min_open=True), help="Of the new comments; puts it in shadow.")
@click.option("--stop", "is_stopped", is_flag=True, help="Take it out of shadow.")
@click.argument("version")
def shadow(url: str, key: str, version: str, share: float | None, *, site: str | None, is_stopped: bool) -> None:
    """Let a model judge a share of the live comments beside the one in use. It decides nothing.

    Without an option, show what it would have done with the comments of the last 90 days.
    """
    if is_stopped and share is not None:
        raise click.UsageError("--share and --stop exclude each other")
    path = f"{_path(site, version)}/shadow"
    with _service(url, key) as service:
        if is_stopped:
            service.delete(path)
            click.echo(f"{version} is no longer in shadow")
        elif share is not None:
            click.echo(f"{version} is in shadow, for a share of {service.put(path, {'share': share})['share']:g}")
        else:
            _show_shadow(service.get_json(path))


@models.command()
@of_service
@_of_site
def rollback(url: str, key: str, site: str | None) -> None:
    """Put the previous model back in use. Repeat it to go further back."""
    with _service(url, key) as service:
        before = _in_use(service, site)
        _show(service.post(f"{_path(site)}:rollback"), before)


def _path(site: str | None, version: str | None = None) -> str:
    of = f"/v1/sites/{quote(site, safe='')}/models" if site else "/v1/models"
    return f"{of}/{quote(version, safe='')}" if version is not None else of


def _said_of(model: dict[str, Any], known: dict[str, Any]) -> str:
    """What a model is for; an earlier release does not say what is in shadow, and what was in use before."""
    roles = known.get("roles") or {}
    said = ["in use"] if model["active"] else []
    said += ["in shadow"] if roles.get("challenger") == model["version"] else []
    said += ["previous"] if roles.get("previous") == model["version"] else []
    return ", ".join(said)


def _show_site(known: dict[str, Any]) -> None:
    own = "has a model of its own" if known["is_own"] else "takes the model of all sites"
    click.echo(f"{known['site']} {own}: {known['active']}")
    if known["problem"]:
        click.echo(f"not the one that was promoted for it: {known['problem']}")


_COLUMNS = ("version", "source", "generation", "created_at", "problem")


def _erased(folder: Path, model: dict[str, Any]) -> int:
    """How many comments that the model was trained on are erased by now."""
    import msgspec

    from classifier.manifest import LabelsRead
    from training import erasure
    from training.errors import TrainingError

    try:
        return erasure.seen(folder, msgspec.convert(model.get("labels_read") or [], list[LabelsRead]))
    except (TrainingError, msgspec.ValidationError) as error:
        raise click.ClickException(str(error)) from error


def _lost(service: "Service", version: str, site: str | None) -> list[str]:
    """A service that does not list its models reports its own objections on promotion."""
    from training.promotion_losses import of_service

    known = _listed(service, site)
    version = (known.get("roles") or {}).get(version) or version
    if site and version == "installation":
        version = _in_use(service, None)
    return of_service(known["models"], version)


def _in_use(service: "Service", site: str | None) -> str:
    """The version; "" from a service that does not list its models."""
    return next((str(model["version"]) for model in _listed(service, site)["models"] if model.get("active")), "")


def _listed(service: "Service", site: str | None) -> dict[str, Any]:
    from training.errors import ServiceRefused

    try:
        found: dict[str, Any] = service.get_json(_path(site))
    except ServiceRefused as error:
        if error.status != HTTPStatus.NOT_FOUND:
            raise
        return {"models": []}
    return found


def _show_proposal(approval: dict[str, Any]) -> None:
    click.echo(f"nothing is done yet: somebody else must approve {approval['id']} until {approval['expires_at']}")
    click.echo(f"POST /v1/approvals/{approval['id']}:approve, or the page Approvals in the console")


def _show_shadow(report: dict[str, Any]) -> None:
    running, found = report["running"], report["figures"]
    state = f"in shadow, for a share of {running['share']:g}" if running else "not in shadow"
    click.echo(f"{report['model']} is {state}")
    if report["problem"]:
        click.echo(f"it does not score: {report['problem']}")
    click.echo(f"{found['comments']} comments on {found['days']} days, {found['differing']} decided differently")
    for each in found["pairs"]:
        click.echo(f"{each['comments']}  {each['was']} by {each['champion']}, {each['would']} by {report['model']}")


def _show(generation: dict[str, Any], before: str) -> None:
    was = f", was {before}" if before else ""
    where = f" for {generation['site']}" if generation.get("site") else ""
    also = ", as at all sites" if generation.get("follows") else ""
    click.echo(f"{generation['version']} is in use{where}{also} (generation {generation['generation']}){was}")


@contextmanager
def _service(url: str, key: str) -> Iterator["Service"]:
    from training.client import connected
    from training.errors import TrainingError

    click.echo(f"service: {url}", err=True)
    try:
        with connected(url, key) as service:
            yield service
    except TrainingError as error:
        raise click.ClickException(str(error)) from error

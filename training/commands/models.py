"""steward models list | promote | rollback."""

from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import click

from training.commands.options import ask, of_service

if TYPE_CHECKING:
    from training.client import Service


@click.group()
def models() -> None:
    """The models of a running service."""


@models.command("list")
@of_service
def list_models(url: str, key: str) -> None:
    """Show which models there are and which is in use."""
    from rich.console import Console
    from rich.table import Table

    with _service(url, key) as service:
        known = service.get_json("/v1/models")
    table = Table("", "version", "source", "generation", "created", "problem")
    for model in known["models"]:
        table.add_row("in use" if model["active"] else "", *(str(model.get(name) or "") for name in _COLUMNS))
    Console().print(table)


@models.command()
@of_service
@click.option("--yes", is_flag=True, help="Do not ask, even if something is lost.")
@click.argument("version")
def promote(url: str, key: str, version: str, *, yes: bool) -> None:
    """Put a model in use on every replica. The service checks it first; a failed check changes nothing.

    Asks for confirmation if the model judges fewer languages or attributes than the one in use, or if its figures on
    held-out texts are significantly worse.
    """
    with _service(url, key) as service:
        lost = _lost(service, version)
        ask(f"{version} is worse than the model in use:", lost, "Put it in use anyway?", yes=yes)
        _show(service.post(f"/v1/models/{quote(version, safe='')}:promote"))


@models.command()
@of_service
def rollback(url: str, key: str) -> None:
    """Put the previous model back in use."""
    with _service(url, key) as service:
        _show(service.post("/v1/models:rollback"))


_COLUMNS = ("version", "source", "generation", "created_at", "problem")


def _lost(service: "Service", version: str) -> list[str]:
    from training.errors import ServiceRefused
    from training.promotion_losses import of_service

    try:
        return of_service(service.get_json("/v1/models")["models"], version)
    except ServiceRefused as error:
        if error.status != HTTPStatus.NOT_FOUND:
            raise
        return []  # a service without this endpoint reports its own objections on promotion


def _show(generation: dict[str, Any]) -> None:
    click.echo(f"{generation['version']} is in use (generation {generation['generation']})")


@contextmanager
def _service(url: str, key: str) -> Iterator["Service"]:
    from training.client import connected
    from training.errors import TrainingError

    try:
        with connected(url, key) as service:
            yield service
    except TrainingError as error:
        raise click.ClickException(str(error)) from error

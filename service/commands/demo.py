"""steward demo: posts a thread of comments to a running service."""

import click
import httpx
import msgspec
from rich.console import Console
from rich.table import Table

from service.cases.answers import CommentResponse
from service.demo import Thread, load_thread
from service.values.domain import Action, Reason

COLORS = {Action.APPROVE: "green", Action.REVIEW: "yellow", Action.REJECT: "red"}


@click.command()
@click.option("--url", envvar="STEWARD_URL", default="http://127.0.0.1:8080", show_default=True, help="The service.")
@click.option("--key", envvar="STEWARD_KEY", required=True, help="A key with the scope comments (or STEWARD_KEY).")
def demo(url: str, key: str) -> None:
    """Post a few dozen comments under a news story and show what was decided."""
    console, thread = Console(), load_thread()
    click.echo(f"service: {url}", err=True)
    with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {key}"}, timeout=10) as client:
        answers = [_post(client, thread, comment) for comment in thread.comments]
    console.print(f"[bold]{thread.article['title']}[/bold]\n")
    console.print(_table(thread, answers))
    counts = {action: sum(answer.decision == action for answer in answers) for action in Action}
    waiting = sum(answer.status == "pending" for answer in answers)
    console.print(
        f"\n{len(answers)} comments: "
        + ", ".join(f"[{COLORS[action]}]{n} {action}[/]" for action, n in counts.items())
        + f". {waiting} wait for a moderator:\n"
    )
    console.print(
        f"  curl -s {url}/v1/review/claim -H 'Authorization: Bearer '$STEWARD_KEY -H 'Content-Type: application/json' "
        "-d '{\"count\": 1}'",
        soft_wrap=True,
        highlight=False,
    )


def _post(client: httpx.Client, thread: Thread, comment: dict[str, str]) -> CommentResponse:
    body = {
        "id": comment["id"],
        "text": comment["text"],
        "author": {"id": comment["author"], "name": comment["author"]},
        "article": thread.article,
    }
    try:
        response = client.post("/v1/comments", json=body)
    except httpx.TransportError as error:
        raise click.ClickException(f"no service answers at {client.base_url}: {error}; start one: make run") from error
    if response.is_error:
        raise click.ClickException(f"{response.status_code}: {response.json().get('detail', response.text)}")
    return msgspec.json.decode(response.content, type=CommentResponse)


def _table(thread: Thread, answers: list[CommentResponse]) -> Table:
    table = Table("decision", "because", "comment", show_lines=False)
    for comment, answer in zip(thread.comments, answers, strict=True):
        because = ", ".join(_described(reason) for reason in answer.reasons or ())
        table.add_row(f"[{COLORS[answer.decision]}]{answer.decision}[/]", because, _shortened(comment["text"]))
    return table


def _described(reason: Reason) -> str:
    if reason.score is not None:
        return f"{reason.attribute} {reason.score:.2f}"
    return reason.code if reason.language is None else f"{reason.code} ({reason.language})"


def _shortened(text: str, max_length: int = 70) -> str:
    return text if len(text) <= max_length else text[: max_length - 1].rstrip() + "…"

"""steward fsck: checks the data in Redis for consistency."""

import click
from rich.console import Console
from rich.table import Table

from service.commands.listing import counted
from service.commands.stored import with_store
from service.store import Store
from service.store.fsck import Breach

# The number of lines to print; the total is printed too.
MOST_SHOWN = 200


@click.command()
@click.option("--site", "sites", multiple=True, help="Only this site; may be given again. Unset: all.")
@click.option(
    "--repair", is_flag=True, help="Mend what does not fit: the state of a comment is right, the rest follows."
)
def fsck(sites: tuple[str, ...], repair: bool) -> None:
    """Check every comment against the places that its state names, and saved filters against roles.

    May be run at any time, beside the service.

    Ends with status 1 when something is wrong that was not mended.
    """

    async def examine(store: Store) -> tuple[int, list[Breach]]:
        names = sites or sorted((await store.access.sites()).known)
        comments, found = 0, list[Breach]()
        for name in names:
            comments += await store.fsck.count(name)
            found += [breach async for breach in store.fsck.examine(name, repair=repair)]
        return comments, list(dict.fromkeys(found))

    comments, found = with_store(examine)
    if found:
        _show(found)
    mended = sum(breach.is_mended for breach in found)
    problems = f"{counted(len(found), 'problem')} found" if found else "no problems found"
    click.echo(f"{counted(comments, 'comment')}: {problems}" + (f", {mended} mended" if repair else ""))
    if mended < len(found):
        raise SystemExit(1)


def _show(found: list[Breach]) -> None:
    table = Table("site", "comment", "what is wrong", "mended")
    for breach in found[:MOST_SHOWN]:
        table.add_row(breach.site, breach.comment, breach.what, "yes" if breach.is_mended else "no")
    Console(markup=False, emoji=False).print(table)  # ids are those of the site
    if len(found) > MOST_SHOWN:
        click.echo(f"... and {len(found) - MOST_SHOWN} more")

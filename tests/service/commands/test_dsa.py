"""steward dsa export: every rejection once, with a puid that stays, and without personal data."""

import asyncio
import csv
import io
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner

from service.commands.audit import audit
from service.commands.dsa import dsa, export_new
from service.settings import Settings
from service.store import Store, open_store
from service.store.restrictions import restriction_of
from service.store.review import Answer, Filter
from service.values.domain import Action, Author, Comment, DecidedBy, Judgement, Reason, Urgency, Verdict, Why
from service.values.dsa import Clause, Dsa
from service.values.policy import Policy, Thresholds
from service.values.statement_schema import schema

SITE = "daily"
DSA = Dsa(
    in_scope=True, clauses={"other": Clause("Section 1", "Keep to our rules."), "spam": Clause("Section 2", "Ads.")}
)
AUDIT = Urgency(Why.AUDIT, 0.5, 60_000, inclusion=0.5)


@pytest.fixture
def run(settings: Settings, tmp_path: Path) -> Any:
    """Does something with the store, and exports. Returns how many were written and how many left out."""

    def run(*work: Any, undo_window_s: int = -1, shards: int = 1) -> tuple[int, int]:
        async def all_of_it() -> tuple[int, int]:
            assert settings.redis_url is not None
            async with open_store(msgspec.structs.replace(settings, shards=shards), settings.redis_url) as store:
                for each in work:
                    await each(store)
                before = datetime.now(UTC) - timedelta(seconds=undo_window_s)
                (tmp_path / "out").mkdir(exist_ok=True)
                return await export_new(store, SITE, tmp_path / "out", before)

        return asyncio.run(all_of_it())

    return run


def statements(folder: Path) -> list[dict[str, Any]]:
    files = sorted((folder / "out").glob("statements-*.json"))
    return [each for path in files for each in json.loads(path.read_bytes())["statements"]]


async def in_scope(store: Store, found: Dsa = DSA, version: int = 2) -> None:
    policy = Policy({"spam": Thresholds(0.1)}, version=version, dsa=found)
    assert await store.access.keep_policy(SITE, policy, "chief")


async def submit(store: Store, comment: str, action: Action, **more: Any) -> None:
    judgement = Judgement(action, {"spam": 0.99}, (Reason("r", "spam", 0.99),), "m-1", "default@2", language="en")
    sent = Comment(f"secret words of {comment}", author=Author(id="u-1", name="Jo Doe"))
    urgency = more.pop("urgency", Urgency(Why.UNCERTAIN, 0.5, 60_000) if action is Action.REVIEW else None)
    await store.comments.submit(SITE, comment, sent, judgement, urgency=urgency, actor="site", **more)


async def decide(store: Store, verdict: Verdict, moderator: str = "ann", **more: Any) -> str:
    (held,) = await store.queue.claim(SITE, moderator, 1, 60, Filter())
    answer = Answer(verdict, held.lease, more.pop("reason", ""), digest=verdict)
    assert (await store.queue.decide(SITE, held.id, moderator, answer, may_overrule=False, **more))[0] == "ok"
    return held.id


async def everything(store: Store) -> None:
    """Six rejections, and much that is none."""
    await in_scope(store)
    await submit(store, "by-model", Action.REJECT)
    await submit(store, "by-rule", Action.REJECT, decided_by=DecidedBy.RULE)
    await submit(store, "approved", Action.APPROVE)
    await submit(store, "by-person", Action.REVIEW)
    await decide(store, Verdict.REJECT, reason="spam", scores_shown=True)
    await submit(store, "upheld", Action.REJECT, urgency=AUDIT)  # a rejection of the model; the audit adds none
    await decide(store, Verdict.REJECT)
    await submit(store, "overturned", Action.APPROVE, urgency=AUDIT)
    await decide(store, Verdict.REJECT)
    await submit(store, "undone", Action.REVIEW)
    await decide(store, Verdict.REJECT)
    await store.queue.undo(SITE, "undone", "ann", 60)
    (held,) = await store.queue.held(SITE, "ann")
    answer = Answer(Verdict.APPROVE, held.lease, digest="a")
    await store.queue.decide(SITE, "undone", "ann", answer, may_overrule=False)
    await store.comments.appeal(SITE, "by-person", "why?", sla_ms=1000)
    await decide(store, Verdict.REJECT, "bob")  # the appeal changes nothing
    await submit(store, "reported", Action.APPROVE)
    await store.comments.report(SITE, "reported", _reader(), needed=1, sla_ms=1000, reopen_judged=False)
    await decide(store, Verdict.REJECT)


async def notices(store: Store) -> None:
    """Four: answered at once, for it was rejected; restricted after an answer that was taken back; kept; still open."""
    await give(store, "by-model")
    await give(store, "reported-again", Action.APPROVE)
    await decide(store, Verdict.APPROVE)
    await store.queue.undo(SITE, "reported-again", "ann", 60)
    (held,) = await store.queue.held(SITE, "ann")
    answer = Answer(Verdict.REJECT, held.lease, digest="r")
    await store.queue.decide(SITE, "reported-again", "ann", answer, may_overrule=False)
    await give(store, "kept", Action.APPROVE)
    await decide(store, Verdict.APPROVE)
    await give(store, "open", Action.APPROVE, kind="")


async def give(store: Store, comment: str, action: Action | None = None, kind: str = "insult") -> None:
    if action is not None:
        await submit(store, comment, action)
    more = {"kind": kind, "text": "Look at it.", "keep_s": 90_000, "sla_ms": 1_000}
    assert (await store.notices.give(SITE, comment, "reader-2", **more))[1] is not None


def _reader() -> Any:
    from service.store.reports import Reader  # noqa: PLC0415 - only here

    return Reader("reader-1")


@pytest.mark.parametrize("shards", [1, 3])
def test_each_rejection_is_written_once_as_it_happened(run: Any, tmp_path: Path, shards: int) -> None:
    assert run(everything, shards=shards) == (6, 0)
    found = statements(tmp_path)
    said = sorted((each["automated_detection"], each["automated_decision"], each["source_type"]) for each in found)
    assert said == sorted(
        [
            *[("Yes", "AUTOMATED_DECISION_FULLY", "SOURCE_VOLUNTARY")] * 3,
            ("Yes", "AUTOMATED_DECISION_PARTIALLY", "SOURCE_VOLUNTARY"),
            ("No", "AUTOMATED_DECISION_NOT_AUTOMATED", "SOURCE_VOLUNTARY"),
            ("No", "AUTOMATED_DECISION_NOT_AUTOMATED", "SOURCE_ARTICLE_16"),
        ]
    )
    from jsonschema import Draft202012Validator  # noqa: PLC0415 - slow, and not wanted by whoever only collects

    for each in found:
        Draft202012Validator(schema()).validate(each)
    assert len({each["puid"] for each in found}) == 6
    written = "".join(path.read_text() for path in (tmp_path / "out").iterdir())
    assert not any(word in written for word in ("secret words", "u-1", "Jo Doe", "by-model", "ann"))


def test_the_puid_is_that_of_the_statement_over_http_also_after_an_appeal_or_an_audit(run: Any, tmp_path: Path) -> None:
    shown: set[str] = set()

    async def read(store: Store) -> None:
        await everything(store)
        for name in ("by-model", "by-rule", "by-person", "upheld", "overturned", "reported"):
            restriction = restriction_of(SITE, await store.comments.get(SITE, name))
            assert restriction is not None
            shown.add(restriction.puid)

    run(read)
    assert shown == {each["puid"] for each in statements(tmp_path)}


def test_the_next_export_goes_on_and_repeats_nothing(run: Any, tmp_path: Path) -> None:
    run(everything)
    before = statements(tmp_path)
    assert run() == (0, 0)

    async def more(store: Store) -> None:
        for number in range(120):
            await submit(store, f"more-{number}", Action.REJECT)

    assert run(more) == (120, 0)
    assert len(statements(tmp_path)) == 126
    assert statements(tmp_path)[:6] == before
    sizes = [len(json.loads(path.read_bytes())["statements"]) for path in sorted((tmp_path / "out").glob("st*"))]
    assert sizes == [6, 100, 20]


def test_an_export_that_was_killed_writes_the_same_files_again(run: Any, tmp_path: Path) -> None:
    run(everything)
    before = statements(tmp_path)
    (tmp_path / "out" / "exported.json").unlink()  # killed before it noted how far it had come
    run()
    assert statements(tmp_path) == before


def test_what_can_still_be_undone_waits_for_the_next_export(run: Any) -> None:
    assert run(everything, undo_window_s=3600) == (0, 0)
    assert run() == (6, 0)


def test_a_statement_with_personal_data_is_left_out_and_named(
    run: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async def careless(store: Store) -> None:
        await in_scope(store, Dsa(in_scope=True, clauses={"other": Clause("Section 1", "Mail jo@site.example")}))
        await submit(store, "by-model", Action.REJECT)

    assert run(careless) == (0, 1)
    assert "incompatible_content_explanation seems to hold an e-mail address" in capsys.readouterr().err
    assert statements(tmp_path) == []


def test_a_site_that_is_not_in_scope_exports_nothing(redis_server: Any, tmp_path: Path) -> None:
    found = CliRunner(env={"STEWARD_REDIS_URL": redis_server.url}).invoke(
        dsa, ["export", "--site", SITE, "--to", str(tmp_path / "out")]
    )
    assert (found.exit_code, "does not say that it is in scope" in found.output) == (1, True)
    assert not statements(tmp_path)


def test_the_command_says_how_many_it_wrote(redis_server: Any, run: Any, tmp_path: Path) -> None:
    run(everything, undo_window_s=3600)
    command = ["export", "--site", SITE, "--to", str(tmp_path / "out")]
    found = CliRunner(env={"STEWARD_REDIS_URL": redis_server.url}).invoke(dsa, command)
    assert (found.exit_code, "daily: 0 statements written" in found.output) == (0, True), found.output


def test_an_erased_comment_keeps_its_statement(run: Any, tmp_path: Path) -> None:
    async def erased(store: Store) -> None:
        await in_scope(store)
        await submit(store, "by-model", Action.REJECT)
        await store.comments.erase(SITE, "by-model", "chief")

    assert run(erased) == (1, 0)
    (found,) = statements(tmp_path)
    assert "content_language" not in found
    assert datetime.fromisoformat(found["content_date"]).date() >= (datetime.now(UTC) - timedelta(days=1)).date()


def exported(redis_server: Any, tmp_path: Path) -> dict[str, str]:
    """The environment of the commands, after the trail was exported."""
    environment = {"STEWARD_REDIS_URL": redis_server.url}
    done = CliRunner(env=environment).invoke(audit, ["export", "--site", SITE, "--folder", str(tmp_path / "audit")])
    assert done.exit_code == 0, done.output
    return environment


@pytest.mark.parametrize("suffix", ["csv", "html"])
def test_the_figures_of_a_year_are_those_of_the_trail(redis_server: Any, run: Any, tmp_path: Path, suffix: str) -> None:
    run(everything)
    environment, target = exported(redis_server, tmp_path), tmp_path / f"report.{suffix}"
    command = ["report", "--site", SITE, "--year", str(datetime.now(UTC).year), "--to", str(target)]
    done = CliRunner(env=environment).invoke(dsa, [*command, "--folder", str(tmp_path / "audit")])
    assert done.exit_code == 0, done.output
    assert "6 restrictions, 1 complaints" in done.output
    text = target.read_text()
    if suffix == "html":
        assert '<th scope="row">Complaints</th><td>1</td>' in text
        assert "http" not in text, "no external requests"
        return
    said = {(row["section"], row["indicator"]): row["value"] for row in csv.DictReader(io.StringIO(text))}
    expected = {
        ("Own-initiative moderation and notices", "Restrictions (rejected comments)"): "6",
        ("By decision", "fully"): "3",
        ("By decision", "partially"): "1",
        ("By decision", "not_automated"): "2",
        ("By detection", "automated"): "4",
        ("By detection", "not_automated"): "2",
        ("Notices (article 16)", "Reports by readers"): "1",
        ("Notices (article 16)", "Restrictions after reports"): "1",
        ("Complaints (article 20)", "Complaints"): "1",
        ("Complaints (article 20)", "Decision upheld"): "1",
        ("Complaints (article 20)", "Decision reversed"): "0",
        ("Complaints (article 20)", "Not decided yet"): "0",
        ("Automated means", "Automatic step: approve"): "3",
        ("Automated means", "Automatic step: reject"): "3",
        ("Automated means", "Automatic step: review"): "2",
        ("Automated means", "Decisions checked by people without knowing them"): "2",
        ("People", "Moderators who decided"): "2",
    }
    assert {name: said[name] for name in expected} == expected
    assert said["Automated means", "Wrong automatic rejections (95 % interval)"].startswith("0.00% (0.00% to 97.50%)")
    assert said["Automated means", "Wrong automatic approvals (95 % interval)"].startswith("100.00% (2.50% to 100.00%)")


def test_the_figures_of_notices_say_what_became_of_them_and_whether_a_person_decided(
    redis_server: Any, run: Any, tmp_path: Path
) -> None:
    run(everything, notices)
    environment, target = exported(redis_server, tmp_path), tmp_path / "report.csv"
    command = ["report", "--site", SITE, "--year", str(datetime.now(UTC).year), "--to", str(target)]
    assert CliRunner(env=environment).invoke(dsa, [*command, "--folder", str(tmp_path / "audit")]).exit_code == 0
    rows = csv.DictReader(io.StringIO(target.read_text()))
    said = {(row["section"], row["indicator"]): row["value"] for row in rows}
    expected = {
        ("Notices (article 16)", "Reports by readers"): "5",
        ("Notices (article 16)", "Restrictions after reports"): "2",
        ("Notices (article 16)", "Notices with a receipt, among the reports"): "4",
        ("Notices (article 16)", "Notices: comment restricted"): "2",
        ("Notices (article 16)", "Notices: comment kept"): "1",
        ("Notices (article 16)", "Notices: not decided yet, or comment erased"): "1",
        ("Notices (article 16)", "Notices: decided by automated means alone"): "1",
        ("Notices by kind", "insult"): "3",
        ("Notices by kind", "other"): "1",
    }
    assert {name: said[name] for name in expected} == expected


def test_another_year_and_another_kind_of_file_are_told_apart(redis_server: Any, run: Any, tmp_path: Path) -> None:
    run(everything)
    environment = exported(redis_server, tmp_path)
    command = ["report", "--site", SITE, "--folder", str(tmp_path / "audit"), "--year", "2025"]
    done = CliRunner(env=environment).invoke(dsa, [*command, "--to", str(tmp_path / "r.csv")])
    assert "0 restrictions, 0 complaints in 2025" in done.output
    done = CliRunner(env=environment).invoke(dsa, [*command, "--to", str(tmp_path / "r.pdf")])
    assert (done.exit_code, ".html or .csv" in done.output) == (2, True)

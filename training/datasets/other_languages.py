"""German, French and Portuguese."""

from pathlib import Path

import numpy as np
import pyarrow as pa

from training.datasets.dataset import DataSet, Rows, cells, chosen, numbers
from training.tables import Table, read_csv


def _germeval(table: Table, path: Path) -> Rows:
    toxic = chosen(cells(table, "coarse", path), {"OFFENSE": 1.0, "OTHER": 0.0})
    kind = cells(table, "fine", path)
    is_test = np.array(cells(table, "split", path)) == "test" if "split" in table.column_names else None
    return Rows(
        cells(table, "text", path),
        {"toxicity": toxic, "insult": chosen(kind, {"INSULT": 1.0, "OTHER": 0.0})},
        is_test=is_test,
    )


def _germeval_file(path: Path) -> Table:
    """The task's own files: text, coarse and fine label, separated by tabs, without a header."""
    table = read_csv(path, "\t", ("text", "coarse", "fine"), quoted=False)
    return table.append_column("split", pa.array(["test" if "test" in path.name else "train"] * table.num_rows))


def _refugees(table: Table, path: Path) -> Rows:
    votes = [cells(table, f"HatespeechOrNot (Expert {expert})", path) for expert in (1, 2)]
    share = np.mean([chosen(vote, {"YES": 1.0, "NO": 0.0}) for vote in votes], axis=0)
    return Rows(cells(table, "Tweet", path), {"identity_attack": share})


def _mlma(table: Table, path: Path) -> Rows:
    feelings = [set(text.split("_")) for text in cells(table, "sentiment", path)]
    return Rows(
        cells(table, "tweet", path), {"toxicity": np.array([0.0 if f == {"normal"} else 0.8 for f in feelings])}
    )


def _told(table: Table, path: Path) -> Rows:
    votes = {name: numbers(table, name, path) for name in ("homophobia", "obscene", "insult", "racism", "misogyny")}
    identity = np.max([votes[name] for name in ("homophobia", "racism", "misogyny")], axis=0)
    anything = np.max([*votes.values(), numbers(table, "xenophobia", path)], axis=0)
    return Rows(
        cells(table, "text", path),
        {
            "toxicity": anything / 3,
            "insult": votes["insult"] / 3,
            "profanity": votes["obscene"] / 3,
            "identity_attack": identity / 3,
        },
    )


OTHER_LANGUAGES = (
    DataSet(
        name="german_germeval2018",
        loader=_germeval,
        published=("germeval2018.*.txt",),
        read=_germeval_file,
        language="de",
        teaches="toxicity (offense) and insult of German tweets",
    ),
    DataSet(
        name="german_iwg_refugees",
        loader=_refugees,
        published=("german hatespeech refugees.csv",),
        language="de",
        teaches="identity_attack as the share of two experts",
    ),
    DataSet(
        name="french_mlma",
        loader=_mlma,
        published=("fr_dataset.csv",),
        language="fr",
        weight=0.0,
        teaches="nothing by default: its labels are too noisy to carry a score",
    ),
    DataSet(
        name="portuguese_told_br",
        loader=_told,
        published=("ToLD-BR.csv",),
        language="pt",
        teaches="toxicity, insult, profanity and identity_attack as the share of three annotators",
    ),
)

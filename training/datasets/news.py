"""Comments under news articles, and other data sets labeled for toxicity in general."""

from pathlib import Path

import numpy as np

from training.datasets import published
from training.datasets.dataset import DataSet, Rows, cells, chosen, numbers
from training.tables import Table, texts


def _civil(table: Table, path: Path) -> Rows:
    return Rows(
        cells(table, "text", path),
        {"toxicity": 1 - numbers(table, "frac_not_toxic", path), "spam": np.zeros(table.num_rows)},
        groups=cells(table, "id", path),
    )


def _fox(table: Table, path: Path) -> Rows:
    hateful = numbers(table, "label", path)
    return Rows(
        texts(table, "text", path),
        # A comment that is not hateful may still be rude, hence the value in between.
        {"identity_attack": hateful, "toxicity": np.where(hateful > 0, 1.0, 0.2), "spam": np.zeros(len(hateful))},
        groups=cells(table, "title", path),
    )


def _surge(table: Table, path: Path) -> Rows:
    toxic = chosen(cells(table, "is_toxic", path), {"Toxic": 1.0, "Not Toxic": 0.0})
    return Rows(cells(table, "text", path), {"toxicity": toxic})


def _lexicon(table: Table, path: Path) -> Rows:
    severity = cells(table, "severity_description", path)
    return Rows(
        cells(table, "text", path),
        {
            "profanity": chosen(severity, {"Mild": 0.6, "Strong": 0.9, "Severe": 1.0}),
            "toxicity": chosen(severity, {"Mild": 0.5, "Strong": 0.8, "Severe": 0.95}),
        },
    )


def _paradetox(table: Table, path: Path) -> Rows:
    return Rows(
        cells(table, "text", path),
        {"toxicity": numbers(table, "toxic", path) * 0.85 + 0.05},
        groups=cells(table, "pair_id", path),
    )


def _semeval(table: Table, path: Path) -> Rows:
    # At least half of the readers called each post toxic (Pavlopoulos et al. 2022, section 3). A post without a marked
    # span may be toxic as a whole.
    is_test = np.array(cells(table, "split", path)) == "test" if "split" in table.column_names else "test" in path.name
    everywhere = np.broadcast_to(is_test, table.num_rows)
    return Rows(cells(table, "text", path), {"toxicity": np.ones(table.num_rows)}, is_test=everywhere)


def _convabuse(table: Table, path: Path) -> Rows:
    votes, judged = numbers(table, "abuse_votes", path), numbers(table, "n_annotators", path)
    share = np.divide(votes, judged, out=np.full(len(votes), np.nan), where=judged > 0)
    split = np.array(cells(table, "split", path))
    return Rows(cells(table, "user", path), {"toxicity": share}, cells(table, "conv_id", path), split == "test")


NEWS = (
    DataSet(
        name="civil_comments_toxic_spans",
        loader=_civil,
        published=("annotations.csv",),
        read=published.civil_comments,
        weight=1.0,
        teaches="toxicity as the share of readers who called a news comment toxic; no spam",
    ),
    DataSet(
        name="fox_news_comments",
        loader=_fox,
        published=("fox-news-comments.json",),
        weight=2.5,
        teaches="identity_attack (hateful); toxicity 1 where hateful, 0.2 elsewhere; no spam",
    ),
    DataSet(name="surge_toxicity", loader=_surge, published=("toxicity_en.csv",), teaches="toxicity of short posts"),
    DataSet(
        name="surge_profanity_lexicon",
        loader=_lexicon,
        published=("profanity_en.csv",),
        weight=0.5,
        teaches="profanity and, more carefully, toxicity of single words, by severity",
    ),
    DataSet(
        name="paradetox_en",
        loader=_paradetox,
        published=("paradetox.tsv",),
        read=published.paradetox,
        weight=0.3,
        teaches="toxicity (0.9 against 0.05) of sentences and their polite rewordings",
    ),
    DataSet(
        name="convabuse",
        loader=_convabuse,
        published=("ConvAbuseEMNLPt*.csv", "ConvAbuseEMNLPvalid.csv"),
        read=published.convabuse,
        weight=0.3,
        teaches="toxicity as the share of annotators who saw abuse",
    ),
    DataSet(
        name="semeval2021_toxic_spans",
        loader=_semeval,
        published=("tsd_*.csv",),
        weight=0.0,
        teaches="nothing by default: the same posts as civil_comments_toxic_spans, all of them toxic to at least half",
    ),
)

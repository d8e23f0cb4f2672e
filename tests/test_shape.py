"""`make shape` counts what it says."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from shape import measure, tables

MODULES = {
    "classifier/__init__.py": "",
    "classifier/model.py": "class Span:\n    def length(self) -> int:\n        return 1\n",
    "training/__init__.py": "",
    "training/fit.py": "from classifier import model\nimport json\n",
    "service/__init__.py": "",
    "service/settings.py": "class Settings: ...\n",
    "service/store/__init__.py": "from service.settings import Settings\n",
    "service/store/spans.py": "import classifier.model\nfrom service.settings import Settings\nclass Span: ...\n",
}


def test_lengths_imports_and_shared_names_are_counted(tmp_path: Path) -> None:
    for name, source in MODULES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(source)
    shape = measure(tmp_path)
    assert sorted(shape.files["classifier"]) == [0, 3]
    assert shape.functions["classifier"] == [2]
    assert shape.crossings == {
        ("training", "classifier"): 1,
        ("service.store", "service.settings"): 2,
        ("service.store", "classifier"): 1,
    }
    assert shape.shared_names == {"Span": ["classifier.model", "service.store.spans"]}


def test_the_tables_name_what_is_shared() -> None:
    printed = tables(measure(Path(__file__).parents[1]))
    assert "| pairs of rooms that import each other | 0 |" in printed
    assert "`Estimate` (training.metrics, service.values.statistics)" in printed

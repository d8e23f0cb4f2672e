"""Templates are compiled once, for all languages."""

import pytest
from jinja2 import Environment

from service.console.assets import Assets
from service.console.rendering import environment
from service.console.texts import SOURCE, Texts

OTHER = "uk"  # which writes words, numbers and dates in other ways than the source


def code(language: str) -> dict[str, str]:
    """By template, the Python that it becomes."""
    found = environment(Assets(), Texts(language))
    assert found.loader
    sources = {name: found.loader.get_source(found, name)[0] for name in found.list_templates()}
    return {name: found.compile(source, name, raw=True) for name, source in sources.items()}


def test_the_code_of_a_template_holds_nothing_of_a_language() -> None:
    """What a template says of constants alone, Jinja would say once when it compiles it, and then in each language."""
    assert code(OTHER) == code(SOURCE)


def test_a_template_is_compiled_once(monkeypatch: pytest.MonkeyPatch) -> None:
    environment(Assets(), Texts(SOURCE)).get_template("sign_in.html")
    monkeypatch.delattr(Environment, "compile")
    assert environment(Assets(), Texts(OTHER)).get_template("sign_in.html")

"""Templates are compiled once, for all languages."""

import pytest
from jinja2 import Environment
from jinja2.defaults import DEFAULT_FILTERS

from service.console.assets import Assets
from service.console.rendering import environment
from service.console.texts import SOURCE, Texts

OTHER = "uk"


def test_compiled_templates_hold_no_text_of_one_language() -> None:
    """Jinja applies a filter to a constant when it compiles the template, so all languages would share the result."""
    templates, applied = environment(Assets(), Texts(SOURCE)), list[tuple[object, ...]]()
    for name, each in templates.filters.items():
        if each is not DEFAULT_FILTERS.get(name):
            templates.filters[name] = lambda *given: applied.append(given)
    assert templates.loader
    for name in templates.list_templates():
        templates.compile(templates.loader.get_source(templates, name)[0], raw=True)
    assert applied == []
    templates.compile("{{ 1 | number }}", raw=True)
    assert applied == [(1,)], "Jinja no longer does so"


def test_a_template_is_compiled_once(monkeypatch: pytest.MonkeyPatch) -> None:
    environment(Assets(), Texts(SOURCE)).get_template("sign_in.html")
    monkeypatch.delattr(Environment, "compile")
    assert environment(Assets(), Texts(OTHER)).get_template("sign_in.html")

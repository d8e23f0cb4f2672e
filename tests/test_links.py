"""Links between the documents of the repository lead somewhere."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
DOCUMENTS = sorted(
    path
    for folder in ("docs", "clients", "integrations", "deploy")
    for path in (ROOT / folder).rglob("*.md")
    if "node_modules" not in path.parts
) + sorted(ROOT.glob("*.md"))
_FENCED = re.compile(r"^ *```.*?^ *```", re.DOTALL | re.MULTILINE)
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ +(.+)$", re.MULTILINE)
_ANCHOR = re.compile(r"""<[^>]*\b(?:id|name)="([^"]+)\"""")


def anchors(text: str) -> set[str]:
    """As GitHub makes them of headings, and those that stand there as HTML."""
    bare = _FENCED.sub("", text)
    found = set(_ANCHOR.findall(bare))
    for heading in _HEADING.findall(bare):
        said = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).strip().lower()
        name = re.sub(r"[^\w\- ]", "", said).replace(" ", "-")
        found.add(name if name not in found else f"{name}-1")
    return found


def dead(document: Path) -> list[str]:
    """The relative links of a document that lead nowhere."""
    found = []
    for link in _LINK.findall(_FENCED.sub("", document.read_text())):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = document.parent / path if path else document
        if not target.exists() or (anchor and target.suffix == ".md" and anchor not in anchors(target.read_text())):
            found.append(link)
    return found


def test_relative_links_lead_somewhere() -> None:
    assert {str(each.relative_to(ROOT)): links for each in DOCUMENTS if (links := dead(each))} == {}

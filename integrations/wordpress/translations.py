"""Compiles the plugin's catalogues: languages/*.po to *.mo, and the template *.pot from its PHP files.

Run it after a change of the plugin's texts: python integrations/wordpress/translations.py
"""

import io
import re
import struct
from datetime import UTC, datetime
from pathlib import Path

from babel.messages import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

PLUGIN = Path(__file__).parent / "comment-steward"
LANGUAGES = PLUGIN / "languages"
DOMAIN = "comment-steward"
# Of the MO format (GNU gettext manual, section "The Format of GNU MO Files").
_HEADER_BYTES, _HASH_ADDRESS = 28, 24
# The same catalog gives the same file, whenever it is compiled.
_ALWAYS = datetime(2026, 1, 1, tzinfo=UTC)
_CALL = re.compile(r"\b(?:__|esc_html__|esc_attr__)\(\s*'((?:[^'\\]|\\.)*)',\s*'comment-steward'\s*\)")


def messages() -> dict[str, list[str]]:
    """Each text of the plugin, and the files that say it."""
    found: dict[str, list[str]] = {}
    for path in sorted(PLUGIN.rglob("*.php")):
        for text in _CALL.findall(path.read_text()):
            where = found.setdefault(text.replace("\\'", "'"), [])
            name = path.relative_to(PLUGIN).as_posix()
            if name not in where:
                where.append(name)
    return found


def template() -> bytes:
    catalog = Catalog(project="Comment Steward", header_comment="# Texts of the plugin Comment Steward.", fuzzy=False)
    for text, where in messages().items():
        catalog.add(text, locations=[(name, 0) for name in where])
    return _written(catalog)


def _written(catalog: Catalog) -> bytes:
    buffer = io.BytesIO()
    write_po(buffer, catalog, width=120, omit_header=True, include_lineno=False)
    return buffer.getvalue()


def compiled(path: Path) -> bytes:
    with path.open("rb") as file:
        catalog = read_po(file, locale=path.stem.removeprefix(f"{DOMAIN}-"))
    catalog.creation_date = catalog.revision_date = _ALWAYS
    buffer = io.BytesIO()
    write_mo(buffer, catalog)
    return _with_hash_address(bytearray(buffer.getvalue()))


def _with_hash_address(compiled: bytearray) -> bytes:
    """WordPress reads the end of the index from the address of the hash table, which Babel leaves at 0."""
    (count,) = struct.unpack_from("=I", compiled, 8)
    struct.pack_into("=I", compiled, _HASH_ADDRESS, _HEADER_BYTES + 2 * 8 * count)
    return bytes(compiled)


if __name__ == "__main__":
    (LANGUAGES / f"{DOMAIN}.pot").write_bytes(template())
    for path in LANGUAGES.glob("*.po"):
        path.with_suffix(".mo").write_bytes(compiled(path))

"""Finds initials of names, colors and part numbers in a text as sent, which are not to be read as disguised words.

Capitals tell these from disguises, and normalization removes them. "F. A. G. Miller" and "#FA6607" are what they look
like; "F. A. G." alone and "you F. A. G. Miller" are not.
"""

import re
from collections.abc import Iterator

from classifier.words import Words

# Replaces each character of a name or code where disguises are looked for: a mark around words that is no letter.
_COVER = "`"
# The most names and codes of one text that are covered.
_MOST = 100
# Two or three initials and a name, with or without spaces ("A.S.Smith", "F. A. G. von Miller"); and a name before its
# initials, if a year or another author follows ("Miller, F. A. G. (1999)").
_NAME = re.compile(
    r"(?<![\w.])(?<![A-Z]\. )((?:[A-Z]\. ?){2,3})"
    r"(?:(?:van|von|der|den|de|da|du|la|le|al|bin) ){0,2}(?:[OD]['\u2019])?([^\W\d_]{2,24})"
)
_LISTED = re.compile(r"(?<!\w)([^\W\d_]{2,24}), ((?:[A-Z]\. ?){2,3})(?=,? ?\(?\d{4}|,? ?&)")
# The most common words begin a sentence more often than they are a name.
_COMMONEST = 300
# Among the rarer harmful words there are names.
_MOST_HARMFUL = 1_000
# A shorter word may begin with the initials by chance: "A. S. Smith".
_FEWEST_HARMFUL = 4
_COLOR = re.compile(r"(?<![\w#&/])#(?:[0-9A-Fa-f]{8}|[0-9A-Fa-f]{6}|[0-9A-Fa-f]{3,4})(?![\w-])")
# Capitals and digits in groups; or hexadecimal digits in small letters, as in a commit.
_LONG_HEX = 16
# Its first character is named first, because only then does `re` skip quickly to where one can begin.
_CODE = re.compile(
    r"[A-Za-f0-9](?<![\w./-][A-Za-f0-9])"
    r"(?:(?<=[A-Z0-9])[A-Z0-9]*+(?:[-/][A-Z0-9]++)*+|(?<=[a-f0-9])[a-f0-9]{6,39}+)(?![\w/-])"
)
_LETTER, _DIGIT = re.compile("[A-Za-z]"), re.compile("[0-9]")
# Without a word that announces it, a code has so many groups, and one of them is a number of so many digits.
_GROUPS, _DIGITS = 3, 3
# The lists are long, so they are easier to read as text. `announcing`: words before a code; `filling`: what may stand
# between them and it; `addressed`: who is called names.
_KINDS_OF_WORDS = """
announcing: art.-nr article artigo artikel artikel-nr artikelnummer artículo asin best.-nr bestell-nr bestellnummer
announcing: bestellung booking buchung bug code codice commande commit código ean error fehler fehlercode flight flug
announcing: gate hash hex iban isbn item kennzeichen key licence license lizenz matrícula md5 model modell modelo modèle
announcing: order p/n part pedido pieza pièce plate plates pnr postcode product produkt ref reference referencia
announcing: referência reg registration rev revert revision room référence s/n serial serie serien-nr seriennummer sha
announcing: sku sn série teil teile-nr teilenummer ticket tracking upc vehicle version vin zip
filling: no nr num number nummer id n° nº numéro número is was ist war es era est é the a to
addressed: you u ya ur your youre you're urself yourself du ihr tu vous vos você
"""


def _words(kind: str) -> frozenset[str]:
    lines = [line.partition(": ") for line in _KINDS_OF_WORDS.strip().splitlines()]
    return frozenset(word for name, _, words in lines if name == kind for word in words.split())


_ANNOUNCING, _FILLING, _ADDRESSED = _words("announcing"), _words("filling"), _words("addressed")
# "he is a #FA6607", "such a F. A. G. Miller": what somebody is called has an article, and names and codes rarely do.
_CALLED = re.compile(r"(?:\b(?:is|are|was|were|am|be|but|such|what|like)|['\u2019](?:s|re|m)) an? $", re.IGNORECASE)
_MOST_FILLING = 2
_BEFORE, _WORDS_BEFORE = 40, 3
_AROUND = ".,;:!?#\"'()[]"
_ENDS = (".", ",", ";", ":", "!", "?")


class NamesAndCodes:
    """Immutable and thread-safe."""

    def __init__(self, words: Words) -> None:
        self._harmful = frozenset(words.harmful[:_MOST_HARMFUL])
        self._commonest = frozenset(words.plain[:_COMMONEST])

    def covered(self, text: str) -> str:
        """The text, as long as before, with every character of names' initials and of codes replaced by a mark."""
        pieces: list[str] = []
        done = count = 0
        for start, end in self._places(text):
            if count == _MOST:
                break
            if start < done or _is_aimed(text, start):
                continue
            hidden = "".join([" " if each == " " else _COVER for each in text[start:end]])
            pieces += [text[done:start], hidden]
            done, count = end, count + 1
        return "".join([*pieces, text[done:]]) if pieces else text

    def _places(self, text: str) -> Iterator[tuple[int, int]]:
        found: list[tuple[int, int]] = []
        # What each of them needs is quicker to see than the whole of it.
        if "." in text:
            found += [each.span(1) for each in self._first(_NAME, text) if self._is_name(each[1], each[2])]
            found += [each.span(2) for each in self._first(_LISTED, text) if self._is_name("", each[1])]
        if "#" in text:
            found += [each.span() for each in self._first(_COLOR, text) if _DIGIT.search(each[0])]
        if _DIGIT.search(text):
            found += [each.span() for each in self._first(_CODE, text) if _is_code(text, each.start(), each[0])]
        yield from sorted(found)

    @staticmethod
    def _first(pattern: re.Pattern[str], text: str) -> Iterator[re.Match[str]]:
        for _, found in zip(range(_MOST), pattern.finditer(text), strict=False):
            yield found

    def _is_name(self, initials: str, name: str) -> bool:
        """Whether `name` is one, and not the rest of a word that the initials begin, or what somebody is called."""
        letters, rest = initials.replace(".", "").replace(" ", "").lower(), name.lower()
        if not name[0].isupper() or name.isupper() or rest in self._commonest or rest in self._harmful:
            return False
        whole = letters + rest
        return not any(
            whole[start:end] in self._harmful
            for start in range(len(letters))
            for end in range(len(letters) + 1, len(whole) + 1)
            if end - start >= _FEWEST_HARMFUL
        )


def _is_aimed(text: str, start: int) -> bool:
    """Whether the words right before address somebody or say what somebody is, as in "you F.A.G."."""
    before = text[max(0, start - _BEFORE) : start]
    if _CALLED.search(before):
        return True
    for word in reversed(before.lower().split()[-_WORDS_BEFORE:]):
        if word.endswith(_ENDS):
            return False
        if word.strip(_AROUND) in _ADDRESSED:
            return True
    return False


def _is_code(text: str, start: int, code: str) -> bool:
    if not (_DIGIT.search(code) and _LETTER.search(code)):
        return False
    if len(code) >= _LONG_HEX and code.islower():
        return True
    groups = re.split("[-/]", code)
    if code.isupper() and len(groups) >= _GROUPS and any(each.isdigit() and len(each) >= _DIGITS for each in groups):
        return True
    words = [each.strip(_AROUND) for each in text[max(0, start - _BEFORE) : start].lower().split()]
    filling = 0
    while words and filling <= _MOST_FILLING:
        word = words.pop()
        if word in _ANNOUNCING:
            return True
        if word and word not in _FILLING:
            return False
        filling += 1
    return False

"""Emoji that name people are also read as their English name, so that what is said about them is understood.

A pistol beside a police officer is read as "shoot police", a vomiting face beside the flag of Mexico as "disgusting
Mexicans". Weapons are read as words only if the text names somebody, and disgust only beside an emoji of people: a new
kitchen knife is a knife. A reading can only raise a score, and friendly words about people raise none.
"""

import re
from itertools import chain

from classifier.emoji_words import mark_aimed_emoji
from classifier.normalize import code_points

# The lists are long, so they are easier to read as text. By the two letters of a flag:
_NATIONS = """
AE Emiratis, AF Afghans, AL Albanians, AM Armenians, AR Argentines, AT Austrians, AU Australians, AZ Azerbaijanis,
BA Bosnians, BD Bangladeshis, BE Belgians, BG Bulgarians, BO Bolivians, BR Brazilians, BY Belarusians, CA Canadians,
CD Congolese people, CH Swiss people, CL Chileans, CM Cameroonians, CN Chinese people, CO Colombians, CU Cubans,
CZ Czechs, DE Germans, DK Danes, DO Dominicans, DZ Algerians, EC Ecuadorians, EE Estonians, EG Egyptians, ER Eritreans,
ES Spaniards, ET Ethiopians, FI Finns, FR French people, GB British people, GE Georgians, GH Ghanaians, GR Greeks,
GT Guatemalans, HN Hondurans, HR Croats, HT Haitians, HU Hungarians, ID Indonesians, IE Irish people, IL Israelis,
IN Indians, IQ Iraqis, IR Iranians, IS Icelanders, IT Italians, JM Jamaicans, JO Jordanians, JP Japanese people,
KE Kenyans, KR Koreans, KW Kuwaitis, KZ Kazakhs, LB Lebanese people, LK Sri Lankans, LT Lithuanians, LV Latvians,
LY Libyans, MA Moroccans, MD Moldovans, MK Macedonians, ML Malians, MM Burmese people, MX Mexicans, MY Malaysians,
NG Nigerians, NL Dutch people, NO Norwegians, NP Nepalis, NZ New Zealanders, PE Peruvians, PH Filipinos, PK Pakistanis,
PL Poles, PR Puerto Ricans, PS Palestinians, PT Portuguese people, QA Qataris, RO Romanians, RS Serbs, RU Russians,
RW Rwandans, SA Saudis, SD Sudanese people, SE Swedes, SG Singaporeans, SI Slovenes, SK Slovaks, SN Senegalese people,
SO Somalis, SS South Sudanese people, SV Salvadorans, SY Syrians, TH Thais, TN Tunisians, TR Turks,
TW Taiwanese people, UA Ukrainians, UG Ugandans, US Americans, UZ Uzbeks, VE Venezuelans, VN Vietnamese people,
XK Kosovars, YE Yemenis, ZA South Africans, ZW Zimbabweans
"""
_PEOPLE = {
    "muslims": "\U0001f473\U0001f54c\u262a",
    "muslim women": "\U0001f9d5",
    "jews": "\u2721\U0001f54e",
    "synagogue": "\U0001f54d",
    "police": "\U0001f46e",
    "wheelchair users": "\u267f",
    "chinese people": "\U0001f472",
    "gay men": "\U0001f46c",
    "lesbians": "\U0001f46d",
    "old men": "\U0001f474",
    "old women": "\U0001f475",
}
# Named only with the color of their skin. Without one they are mostly the author, a reader or their family.
_ANYBODY = {
    "men": "\U0001f468\U0001f9d4\U0001f471",
    "women": "\U0001f469",
    "girls": "\U0001f467",
    "boys": "\U0001f466",
    "people": "\U0001f9d1",
    "children": "\U0001f9d2\U0001f476",
}
_COLORS = {"white": "\U0001f3fb\U0001f3fc", "brown": "\U0001f3fd", "black": "\U0001f3fe\U0001f3ff"}
# Read as words only where somebody is named.
_SAID = {
    "stab": "\U0001f52a\U0001f5e1",
    "shoot": "\U0001f52b",
    "bomb": "\U0001f4a3",
    "dead": "\U0001f480\u2620\u26b0\U0001faa6",
}
# Only beside an emoji of people: elsewhere mushrooms and ferries disgust.
_FELT = {"disgusting": "\U0001f92e\U0001f922"}
_SOMEBODY = re.compile(
    r"\b(?:you|your|yourself|u|he|him|she|her|they|them|these|those|everyone|everybody|people|police|cops?|men|women"
    r"|man|woman|(?:guy|girl|boy|kid|muslim|jew|black|white|gay)s?)\b",
    re.IGNORECASE,
)
_LETTER = re.compile(r"[^\W\d_]")
# The most emoji of one text that are named.
_MOST = 100


def _by_emoji(names: dict[str, str]) -> dict[str, str]:
    return {each: name for name, emoji in names.items() for each in emoji}


def _nations() -> dict[str, str]:
    """By flag, which is two code points that stand for letters."""
    pairs = (each.split(maxsplit=1) for each in _NATIONS.split(","))
    return {"".join(chr(0x1F1E6 + ord(letter) - ord("A")) for letter in code): name for code, name in pairs}


_IS, _OF, _COLOR = _by_emoji(_PEOPLE | _SAID | _FELT), _by_emoji(_ANYBODY), _by_emoji(_COLORS)
_FLAGS = _nations()
_SIGNS_SAID, _SIGNS_FELT = frozenset("".join(_SAID.values())), frozenset("".join(_FELT.values()))
_VARIANT, _JOINER = "\ufe0f", "\u200d"
# A couple of men or of women, and the flags of a rainbow and of transgender people, are several emoji that are joined.
_COUPLE = rf"(?:{_JOINER}\u2764{_VARIANT}?)?(?:{_JOINER}\U0001f48b)?{_JOINER}"
_NAMED = re.compile(
    rf"(?P<men>\U0001f468{_COUPLE}\U0001f468)"
    rf"|(?P<women>\U0001f469{_COUPLE}\U0001f469)"
    rf"|\U0001f3f3{_VARIANT}?{_JOINER}(?:(?P<gay>\U0001f308)|(?P<trans>\u26a7))"
    r"|(?P<flag>[\U0001f1e6-\U0001f1ff]{2})"
    rf"|(?P<person>[{''.join(_OF)}])(?P<color>[{''.join(_COLOR)}])"
    rf"|(?P<sign>[{''.join(_IS)}])[{''.join(_COLOR)}]?"
    # How the emoji is drawn, and the sign of its sex.
    rf"(?:{_VARIANT}|{_JOINER}[\u2640\u2642]{_VARIANT}?)?"
)
_JOINED = {"men": "gay men", "women": "lesbians", "gay": "gay people", "trans": "trans people"}
# Quotation marks and letters with accents are below, and such texts are many.
_LOWEST = min(map(ord, chain(_IS, _OF, _COLOR)))
_MAY_BE_NAMED = re.compile(f"[{''.join(_IS)}{''.join(_COLOR)}\U0001f468\U0001f469\U0001f3f3\U0001f1e6-\U0001f1ff]")


class Named:
    """A text with the names of its emoji. `text`: it reads like the text as sent otherwise."""

    def __init__(self, parts: list[tuple[int, int, str]], text: str) -> None:
        """`parts`: of each emoji that is named its start, its end and its name."""
        edges = [0, *chain.from_iterable((start, end) for start, end, _ in parts), len(text)]
        self._between = list(zip(edges[::2], edges[1::2], strict=True))
        self._names = [f" {name} " for *_, name in parts]
        kept = [text[start:end] for start, end in self._between]
        self.text = "".join(chain.from_iterable(zip(kept, [*self._names, ""], strict=True)))

    def sent(self) -> list[int]:
        """For each code point of `text` its index in the text as sent; for a name that of its emoji."""
        found: list[int] = []
        for (start, end), name in zip(self._between, [*self._names, ""], strict=True):
            found += [*range(start, end), *[end] * len(name)]
        return found


def name_emoji(text: str) -> Named | None:
    """None if there is nothing to name. Takes linear time."""
    if code_points(text).max(initial=0) < _LOWEST or not _MAY_BE_NAMED.search(text):
        return None
    # An emoji that calls somebody a name, or says what shall be done to them, has a word that fits better.
    aimed = mark_aimed_emoji(text)
    parts: list[tuple[int, int, str]] = []
    for found in _NAMED.finditer(text):
        if len(parts) == _MOST:
            break
        start, end = found.span()
        if (name := _name(found)) and aimed[start] == text[start]:
            parts.append((start, end, name))
    counted = _that_count(parts, text)
    return Named(counted, text) if counted else None


def _that_count(parts: list[tuple[int, int, str]], text: str) -> list[tuple[int, int, str]]:
    signs = {text[start] for start, *_ in parts}
    said = signs & _SIGNS_SAID
    if signs - _SIGNS_SAID - _SIGNS_FELT:
        # People of whom nothing is said are a decoration.
        return parts if said or signs & _SIGNS_FELT or _LETTER.search(text) else []
    return [part for part in parts if text[part[0]] in said] if said and _SOMEBODY.search(text) else []


def _name(found: re.Match[str]) -> str | None:
    kind = found.lastgroup
    if kind == "flag":
        return _FLAGS.get(found[0])
    if kind == "color":
        return f"{_COLOR[found['color']]} {_OF[found['person']]}"
    return _IS[found["sign"]] if kind == "sign" else _JOINED[str(kind)]

"""The parts of a text that are judged separately."""

from hypothesis import given, settings
from hypothesis import strategies as st

from classifier.deep.encoder import Encoder
from classifier.deep.windows import MOST_PARTS, tokens_of

TEXTS = st.text(st.characters(exclude_categories=()), max_size=400) | st.text(
    "ab .!?\n\u3002\uff01\u4f60\u597d\U0001f600\ud800", max_size=600
)


def _parts(text: str, encoder: Encoder) -> list[str]:
    tokens = tokens_of(text, encoder.tokenizer)
    return [
        " ".join(text[start:end] for start, end, first, _ in tokens.words if low <= first < high)
        for low, high in tokens.parts
    ]


def test_a_threat_among_friendly_sentences_is_a_part_of_its_own(encoder: Encoder) -> None:
    kind = "What a lovely article, thank you very much."
    threat = "I will come to your house tonight."
    assert _parts(f"{kind} {threat} {kind}", encoder) == [kind, threat, kind]
    assert _parts(f"{kind}\n{threat[:-1]}\n{kind}", encoder) == [kind, threat[:-1], kind]


def test_each_line_is_a_part_where_no_line_ends_with_a_mark(encoder: Encoder) -> None:
    lines = ["What a lovely article thank you", "I will come to your house tonight", "and so say all of us my dear"]
    for between in ("\n", "\r\n", "\n\n  "):
        assert _parts(between.join(lines), encoder) == lines


def test_a_quote_alone_ends_no_sentence(encoder: Encoder) -> None:
    for mark in ('"', ")", "\u00bb", "\u300d", "''"):
        text = f"they called it fair trade {mark} and left without a word about it"
        assert _parts(text, encoder) == [text]
    said = 'He said "leave me alone, all of you."'
    assert _parts(f"{said} Nobody answered him that day.", encoder) == [said, "Nobody answered him that day."]


def test_short_sentences_stay_with_their_neighbours(encoder: Encoder) -> None:
    assert _parts("No. No. I do not think so at all. OK.", encoder) == ["No. No. I do not think so at all. OK."]


def test_sentences_without_blanks_between_them_are_told_apart(encoder: Encoder) -> None:
    first = (
        "\u3053\u306e\u8a18\u4e8b\u306f\u3068\u3066\u3082\u5206\u304b"
        "\u308a\u3084\u3059\u304f\u3066\u52c9\u5f37\u306b\u306a\u308a\u307e\u3057\u305f\u3002"
    )
    assert _parts(first + first, encoder) == [first, first]


def test_text_without_any_punctuation_is_cut_between_words(encoder: Encoder) -> None:
    parts = _parts("word " * 500, encoder)
    assert len(parts) > 5
    assert all(len(part) <= 300 for part in parts)


@settings(max_examples=300, deadline=None)
@given(text=TEXTS)
def test_parts_cover_the_text_and_none_is_empty(encoder: Encoder, text: str) -> None:
    tokens = tokens_of(text, encoder.tokenizer)
    assert tokens.parts[0][0] == 0
    assert tokens.parts[-1][1] == len(tokens.pieces) >= 1
    assert all(start < end for start, end in tokens.parts)
    assert all(before[1] == after[0] for before, after in zip(tokens.parts, tokens.parts[1:], strict=False))
    assert tokens.windows[0] == (0, len(tokens.pieces))


def test_there_are_never_more_parts_than_a_bound(encoder: Encoder) -> None:
    for text in (
        "Is it so? " * 2_000,
        "a.\n" * 6_000,
        "\u4f60\u597d\u3002" * 6_000,
        "I do not know what to say about it. " * 500,
    ):
        assert len(tokens_of(text, encoder.tokenizer).parts) <= MOST_PARTS + 1


def test_symbols_do_not_have_more_pieces_than_their_bytes_make_up_for(encoder: Encoder) -> None:
    for unit in ("\u2ff5 ", "\U0001f9d5 ", "\ufdfa ", ". "):
        text = unit * (20_480 // len(unit.encode()))
        assert len(tokens_of(text, encoder.tokenizer).pieces) < 7_400


def test_what_follows_many_symbols_is_read_as_it_is_alone(encoder: Encoder) -> None:
    threat = "I will come to your house tonight, u idiot."
    alone = tokens_of(threat, encoder.tokenizer).pieces
    for unit in ("\u2ff5 ", "\ufdfa "):
        assert tokens_of(unit * 2_000 + threat, encoder.tokenizer).pieces[-len(alone) :] == alone


def test_all_pieces_of_a_short_text_of_symbols_are_read(encoder: Encoder) -> None:
    each = encoder.tokenizer.of_chunk("\U0001f9d5")
    assert tokens_of("\U0001f9d5 " * 60, encoder.tokenizer).pieces == [*each] * 60

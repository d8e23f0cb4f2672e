"""A text of any length, in pieces that a model reads: for protocols whose clients know nothing of our limit."""

from service.values.domain import MAX_TEXT_BYTES

# Characters shared by two neighboring windows, so that a passage of a few sentences is whole in one of them.
OVERLAP = 500
# How far back from its end a window is searched for a space to cut at.
LOOK_BACK = 1_000


def windows(text: str, most_bytes: int = MAX_TEXT_BYTES) -> list[str]:
    """Pieces of at most `most_bytes` of UTF-8 that cover the whole text, in order; short texts are one piece.

    `most_bytes` must leave room for OVERLAP and LOOK_BACK. The text holds no lone surrogate.
    """
    found, start = list[str](), 0
    while True:
        piece = _fitting(text[start : start + most_bytes], most_bytes)
        if start + len(piece) == len(text):
            return [*found, piece]
        piece = piece[: _last_space(piece)]
        found.append(piece)
        start = _next_word(text, start + len(piece) - OVERLAP, start + len(piece))


def _fitting(text: str, most_bytes: int) -> str:
    return text.encode()[:most_bytes].decode(errors="ignore")  # without an incomplete character at the end


def _last_space(piece: str) -> int:
    least = max(0, len(piece) - LOOK_BACK)
    return next((at for at in range(len(piece) - 1, least, -1) if piece[at].isspace()), len(piece))


def _next_word(text: str, start: int, end: int) -> int:
    return next((at for at in range(start, end) if text[at].isspace()), start)

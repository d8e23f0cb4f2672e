"""Text to the numbers of pieces: SentencePiece's unigram model, one chunk between blanks at a time."""

from functools import lru_cache

from sentencepiece import SentencePieceProcessor

from classifier.deep.reading import Reading

# Words come again and again; few and short, so that nobody fills the memory with them.
_REMEMBERED, _LONGEST_REMEMBERED = 32_768, 32
# Pieces of a chunk that are read however short it is.
_FEWEST = 32


class Tokenizer:
    """Immutable, and safe to use from several threads at once."""

    def __init__(self, model: bytes) -> None:
        self._pieces = SentencePieceProcessor(model_proto=model)
        self.size: int = self._pieces.vocab_size()
        self.begin: int = self._pieces.bos_id()
        self.end: int = self._pieces.eos_id()
        alphabet = {character for at in range(self.size) for character in self._pieces.id_to_piece(at)}
        self._read = Reading(alphabet)
        self._remembered = lru_cache(_REMEMBERED)(self._tokens)

    def of_chunk(self, chunk: str) -> tuple[int, ...]:
        """The pieces of what stands between blanks; none for what has no ink."""
        return self._remembered(chunk) if len(chunk) <= _LONGEST_REMEMBERED else self._tokens(chunk)

    def _tokens(self, chunk: str) -> tuple[int, ...]:
        read = self._read(chunk)
        if not read:
            return ()
        # Words have a piece for four bytes or so. What has more than one for three is noise, and must not cost more
        # than its length.
        most = max(_FEWEST, len(chunk.encode("utf-8", "surrogatepass")) // 3)
        return tuple(self._pieces.encode(read)[:most])

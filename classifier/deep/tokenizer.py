"""Turns text into piece numbers with SentencePiece's unigram model, one whitespace-separated chunk at a time."""

from functools import lru_cache

from sentencepiece import SentencePieceProcessor

from classifier.deep.chunk_normalizer import ChunkNormalizer

# The cache of chunks, since words repeat; its size and the length of its entries are bounded.
_REMEMBERED, _LONGEST_REMEMBERED = 32_768, 32
# The number of pieces that a chunk may always have, however short it is.
_FEWEST = 32


class Tokenizer:
    """Immutable and thread-safe."""

    def __init__(self, model: bytes) -> None:
        self._pieces = SentencePieceProcessor(model_proto=model)
        self.size: int = self._pieces.vocab_size()
        self.begin: int = self._pieces.bos_id()
        self.end: int = self._pieces.eos_id()
        alphabet = set("".join(self._pieces.id_to_piece([*range(self.size)])))
        self._read = ChunkNormalizer(alphabet)
        self._remembered = lru_cache(_REMEMBERED)(self._tokens)

    def of_chunk(self, chunk: str) -> tuple[int, ...]:
        """The pieces of a chunk without whitespace; none if it has no visible character."""
        return self._remembered(chunk) if len(chunk) <= _LONGEST_REMEMBERED else self._tokens(chunk)

    def _tokens(self, chunk: str) -> tuple[int, ...]:
        read = self._read(chunk)
        if not read:
            return ()
        # Words have about one piece for four bytes. More than one for three is noise, which must not cost more than its
        # length.
        most = max(_FEWEST, len(chunk.encode("utf-8", "surrogatepass")) // 3)
        return tuple(self._pieces.encode(read)[:most])

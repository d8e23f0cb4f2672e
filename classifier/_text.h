/* Kinds of code points, and hashes, for all features. */
#include <stdint.h>

/* The finalizer of murmur3: every bit of the hash affects every bit of the row. */
static inline uint32_t mixed(uint32_t h) {
    h ^= h >> 16;
    h *= 0x85ebca6bu;
    h ^= h >> 13;
    h *= 0xc2b2ae35u;
    h ^= h >> 16;
    return h;
}

static inline uint32_t extended(uint32_t h, uint32_t code_point) { return (h ^ code_point) * 0x01000193u; }

enum { BLANK, LETTER, SYMBOL, OTHER };

/* OTHER is punctuation: it separates words and is part of a run of characters. */
static inline uint8_t kind_of(uint32_t c) {
    if (c <= 32) return BLANK;
    if (c < 128) return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '\'' ? LETTER : OTHER;
    if (c < 0xc0) return c == 0xa0 ? BLANK : OTHER;
    if ((c >= 0x2000 && c <= 0x2bff) || (c >= 0x3000 && c <= 0x303f)) return SYMBOL;
    return c >= 0x1f000 ? SYMBOL : LETTER;
}

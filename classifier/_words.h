/* The words that a model knows, indexed by what obfuscation leaves of them. Look-ups take bounded time per letter. */
#include <math.h>

#include "_marks.h"

#define LONGEST_WORD 24
#define LONGEST_JOINED 14 /* of the words that spaced letters are read as */
#define NO_WORD UINT32_MAX
#define LEFT_OVER 20.0 /* a letter that is left over costs more than any known word */
#define LETTERS 27     /* a to z and the apostrophe */

/* Flags of a word. */
#define IS_KNOWN 1u
#define IS_STANDING 2u /* means itself beside any other word */
#define IS_TELLING 4u  /* harmful, and no mere piece or typing error */
#define IS_WHOLE 8u    /* known, and no mere piece of another word */
#define IS_ORDINARY 16u

/* Harmful words come first, the most severe at the beginning, then the others, the most common first. So of several
 * words the one with the lowest number is the best. Arrays have `count` entries unless noted. An empty slot
 * or link is 0. */
typedef struct {
    const uint8_t *letters;
    const uint32_t *starts;    /* count + 1: word i is letters [starts[i], starts[i + 1]) */
    const uint8_t *flags;
    const double *costs;       /* of reading it in a run of letters; infinity: never */
    const uint32_t *aliases;   /* the word of which it is a well-known spelling; NO_WORD: none */
    uint32_t count, harmful;
    uint32_t bits;             /* both tables have 1 << bits slots, at most half of them used */
    uint32_t *slots;           /* by all letters: 14 bits of the hash and number + 1 */
    uint32_t *skeletons;       /* the same by the letters without repeats, of the first such word ... */
    uint32_t *next;            /* ... and number + 1 of the next one after each */
    uint8_t *prefixes;         /* 1 << PREFIX_BITS bits: the hashes of all prefixes of words */
    const uint64_t *masks;     /* for each length, place and letter: the words of that length that have it there */
    const uint32_t *masks_at;  /* LONGEST_WORD + 2: the beginning for each length */
    const uint32_t *masked;    /* the words that a mask may hide, by length, the best first */
    const uint32_t *masked_at; /* LONGEST_WORD + 2 */
} Words;

#define PREFIX_BITS 20
#define NUMBER_BITS 18
#define NUMBERS ((1u << NUMBER_BITS) - 1)

static inline uint64_t extended(uint64_t h, uint32_t c) { return (h ^ c) * 0x9e3779b97f4a7c15u; }

/* The finalizer of splitmix64 (Steele and others 2014). */
static inline uint64_t mixed(uint64_t h) {
    h = (h ^ (h >> 30)) * 0xbf58476d1ce4e5b9u;
    h = (h ^ (h >> 27)) * 0x94d049bb133111ebu;
    return h ^ (h >> 31);
}

static uint64_t word_hash(uint64_t h, const uint32_t *text, size_t n) {
    COUNT(n);
    for (size_t i = 0; i < n; i++) h = extended(h, text[i]);
    return h;
}

/* A small l, a capital i, a one and a bar look the same. */
static inline uint32_t stroke(uint32_t c) { return c == 'l' ? 'i' : c; }

/* The same hash for words that differ only by repeated letters, or by l and i. */
static uint64_t skeleton_hash(uint64_t h, const uint32_t *text, size_t n) {
    COUNT(n);
    for (size_t i = 0, last = 0; i < n; i++) {
        uint32_t c = stroke(text[i]);
        if (c != last) h = extended(h, c);
        last = c;
    }
    return h;
}

static inline size_t length_of(const Words *w, uint32_t word) { return w->starts[word + 1] - w->starts[word]; }

static inline const uint8_t *letters_of(const Words *w, uint32_t word) { return w->letters + w->starts[word]; }

static inline int is_harmful(const Words *w, uint32_t word) { return word < w->harmful; }

static inline int has(const Words *w, uint32_t word, uint8_t flags) {
    return word != NO_WORD && (w->flags[word] & flags) != 0;
}

static inline uint32_t better(uint32_t a, uint32_t b) { return a < b ? a : b; }

static uint32_t word_of(const Words *w, uint64_t hash, const uint32_t *text, size_t n) {
    uint64_t h = mixed(hash);
    uint32_t mask = (1u << w->bits) - 1, at = (uint32_t)(h >> 40) & mask, print = (uint32_t)h & ~NUMBERS;
    COUNT(1);
    for (; w->slots[at]; at = (at + 1) & mask) {
        COUNT(1);
        uint32_t word = (w->slots[at] & NUMBERS) - 1;
        if ((w->slots[at] & ~NUMBERS) != print || length_of(w, word) != n) continue;
        const uint8_t *letters = letters_of(w, word);
        size_t i = 0;
        while (i < n && letters[i] == text[i]) i++;
        if (i == n) return word;
    }
    return NO_WORD;
}

/* Any word in the tables; it need not be a known one. */
static uint32_t listed(const Words *w, const uint32_t *text, size_t n) {
    return n && n <= LONGEST_WORD ? word_of(w, word_hash(0, text, n), text, n) : NO_WORD;
}

static uint32_t known(const Words *w, const uint32_t *text, size_t n) {
    uint32_t word = listed(w, text, n);
    return has(w, word, IS_KNOWN) ? word : NO_WORD;
}

/* Whether a word may begin like this, so that a search letter by letter can end early. */
static inline int may_begin_word(const Words *w, uint64_t hash) {
    uint64_t at = hash >> (64 - PREFIX_BITS);
    return w->prefixes[at >> 3] >> (at & 7) & 1;
}

static int is_same_skeleton(const Words *w, uint32_t word, const uint32_t *text, size_t n) {
    const uint8_t *letters = letters_of(w, word);
    size_t length = length_of(w, word), i = 0, k = 0;
    COUNT(n);
    while (i < n && k < length) {
        uint32_t c = stroke(text[i]);
        if (c != stroke(letters[k])) return 0;
        while (i < n && stroke(text[i]) == c) i++;
        while (k < length && stroke(letters[k]) == c) k++;
    }
    return i == n && k == length;
}

static uint32_t *slot_of_skeleton(const Words *w, const uint32_t *text, size_t n, uint32_t *print) {
    uint64_t h = mixed(skeleton_hash(0, text, n));
    uint32_t mask = (1u << w->bits) - 1, at = (uint32_t)(h >> 40) & mask;
    *print = (uint32_t)h & ~NUMBERS;
    while (w->skeletons[at] && ((w->skeletons[at] & ~NUMBERS) != *print ||
                                !is_same_skeleton(w, (w->skeletons[at] & NUMBERS) - 1, text, n)))
        at = (at + 1) & mask;
    return w->skeletons + at;
}

/* Number + 1 of the first word that differs only by repeated letters, or by l and i; 0: none. */
static uint32_t first_of_skeleton(const Words *w, const uint32_t *text, size_t n) {
    uint32_t print;
    return *slot_of_skeleton(w, text, n, &print) & NUMBERS;
}

/* Called once for a lexicon: fills its tables. */
void words_put(Words *w) {
    uint32_t text[LONGEST_WORD];
    for (uint32_t word = w->count; word-- > 0;) { /* backwards, so that the best comes first in each chain */
        size_t n = length_of(w, word);
        uint64_t prefix = 0;
        for (size_t i = 0; i < n; i++) {
            text[i] = letters_of(w, word)[i];
            prefix = extended(prefix, text[i]);
            w->prefixes[prefix >> (67 - PREFIX_BITS)] |= (uint8_t)(1u << (prefix >> (64 - PREFIX_BITS) & 7));
        }
        uint64_t h = mixed(word_hash(0, text, n));
        uint32_t mask = (1u << w->bits) - 1, at = (uint32_t)(h >> 40) & mask;
        while (w->slots[at]) at = (at + 1) & mask;
        w->slots[at] = ((uint32_t)h & ~NUMBERS) | (word + 1);
        if (!(w->flags[word] & IS_KNOWN)) continue;
        uint32_t print, *slot = slot_of_skeleton(w, text, n, &print), first = *slot & NUMBERS;
        if (n == 1 && first) continue; /* no longer word is a stretched "a" or "i" */
        w->next[word] = first && length_of(w, first - 1) > 1 ? first : 0;
        *slot = print | (word + 1);
    }
}

/* Whether the letters are the word with some letters repeated, or with i and l exchanged. */
static int becomes(const Words *w, uint32_t word, const uint32_t *text, size_t n) {
    const uint8_t *letters = letters_of(w, word);
    size_t length = length_of(w, word), longest = 0;
    COUNT(n);
    for (size_t i = 0, k = 0; i < n;) {
        size_t start = i, first = k;
        uint32_t c = stroke(text[i]);
        while (i < n && stroke(text[i]) == c) i++;
        while (k < length && stroke(letters[k]) == c) k++;
        if (i - start < k - first) return 0;
        if (i - start > longest) longest = i - start;
    }
    if (longest >= 3 || length == n) return 1; /* so many repeats are no typing error */
    /* "wilt" is not "wit" with a second i: its l is an l. */
    size_t i = 0, k = 0;
    while (i < n && k < length) {
        uint32_t c = text[i];
        if (c != letters[k]) return 0;
        while (i < n && text[i] == c) i++;
        while (k < length && letters[k] == c) k++;
    }
    return i == n && k == length;
}

/* Iterates over the words that match these letters: the next one after `link`; 0: no more. */
static uint32_t next_stretched(const Words *w, const uint32_t *text, size_t n, uint32_t link) {
    while (link && !becomes(w, link - 1, text, n)) link = w->next[link - 1];
    return link;
}

static uint32_t first_stretched(const Words *w, const uint32_t *text, size_t n) {
    return n ? next_stretched(w, text, n, first_of_skeleton(w, text, n)) : 0;
}

/* The best of them. `exact`: only those with as many letters, so that they differ by i and l at most. */
static uint32_t stretched(const Words *w, const uint32_t *text, size_t n, int exact) {
    uint32_t best = NO_WORD;
    for (uint32_t at = first_stretched(w, text, n); at; at = next_stretched(w, text, n, w->next[at - 1]))
        if (!exact || length_of(w, at - 1) == n) best = better(best, at - 1);
    return best;
}

/* The best word with two adjacent inner letters swapped. */
static uint32_t swapped(const Words *w, const uint32_t *text, size_t n) {
    uint32_t tried[LONGEST_WORD], best = NO_WORD;
    if (n > LONGEST_WORD) return NO_WORD;
    memcpy(tried, text, n * sizeof *tried);
    for (size_t i = 1; i + 2 < n; i++) {
        tried[i] = text[i + 1], tried[i + 1] = text[i];
        best = better(best, known(w, tried, n));
        tried[i] = text[i], tried[i + 1] = text[i + 1];
    }
    return best;
}

/* The most severe word with these letters in these places; "*" matches any letter. */
static uint32_t masked(const Words *w, const uint32_t *text, size_t n) {
    if (!n || n > LONGEST_WORD) return NO_WORD;
    size_t first = w->masked_at[n], count = w->masked_at[n + 1] - first, blocks = (count + 63) / 64;
    COUNT(n * blocks);
    for (size_t block = 0; block < blocks; block++) {
        size_t left = count - 64 * block;
        uint64_t fits = left < 64 ? (UINT64_C(1) << left) - 1 : ~UINT64_C(0);
        for (size_t i = 0; i < n && fits; i++) {
            if (text[i] == '*') continue;
            if (!is_letter(text[i]) && text[i] != '\'') return NO_WORD;
            size_t letter = text[i] == '\'' ? LETTERS - 1 : text[i] - 'a';
            fits &= w->masks[w->masks_at[n] + (i * LETTERS + letter) * blocks + block];
        }
        if (fits) return w->masked[first + 64 * block + (size_t)__builtin_ctzll(fits)];
    }
    return NO_WORD;
}

/* Whether it contains a harmful word of at least `shortest` letters. */
static int holds_telling(const Words *w, const uint32_t *text, size_t n, size_t shortest) {
    for (size_t start = 0; start + shortest <= n; start++) {
        uint64_t hash = 0;
        for (size_t end = start + 1; end <= n && end <= start + LONGEST_JOINED; end++) {
            COUNT(1);
            hash = extended(hash, text[end - 1]);
            if (!may_begin_word(w, hash)) break;
            if (end - start >= shortest && has(w, word_of(w, hash, text + start, end - start), IS_TELLING)) return 1;
        }
    }
    return 0;
}

/* Splits a run of letters into the likeliest words: `from[end]` is the start of the word that ends there. Single
 * letters may be left over. `costs` and `from` have room for n + 1. */
static void parted(const Words *w, const uint32_t *text, size_t n, double *costs, uint32_t *from) {
    costs[0] = 0, from[0] = 0;
    for (size_t end = 1; end <= n; end++) costs[end] = HUGE_VAL;
    for (size_t begin = 0; begin < n; begin++) {
        if (costs[begin] + LEFT_OVER <= costs[begin + 1])
            costs[begin + 1] = costs[begin] + LEFT_OVER, from[begin + 1] = (uint32_t)begin;
        uint64_t hash = 0;
        for (size_t end = begin + 1; end <= n && end <= begin + LONGEST_JOINED; end++) {
            COUNT(1);
            hash = extended(hash, text[end - 1]);
            if (!may_begin_word(w, hash)) break;
            uint32_t word = word_of(w, hash, text + begin, end - begin);
            if (word != NO_WORD && costs[begin] + w->costs[word] < costs[end])
                costs[end] = costs[begin] + w->costs[word], from[end] = (uint32_t)begin;
        }
    }
}

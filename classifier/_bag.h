/* A text's features without their order: n-grams of words and of characters, hashed into one table.
 *
 *   words       runs of letters and digits, and single symbols such as emoji, one at a time and in pairs
 *   characters  n-grams of 2 to 5 code points within runs between blanks, the run padded with one blank on each side
 * Long repeats are shortened first.
 */
#include <stdlib.h>
#include <string.h>

#include "_text.h"

#define SHORTEST 2
#define LONGEST 5
#define SIZES (LONGEST - SHORTEST + 1)
#define WORDS 0
#define CHARACTERS 1

/* The distinct features of one text with their counts, in an open-addressing table that each thread reuses. */
typedef struct {
    uint32_t *slots;   /* position in `found` plus 1, or 0 */
    uint32_t *rows;    /* found: row of the table; the highest bit is the block */
    uint32_t *counts;
    size_t capacity;   /* of each array */
    uint32_t mask;     /* of the slots in use for this text, so that a short text after a long one stays in the cache */
    size_t found;
    uint32_t *text;    /* the text with long repeats shortened ... */
    uint32_t *where;   /* ... where each of its code points was ... */
    uint8_t *kinds;    /* ... what it is ... */
    uint32_t *spaced;  /* ... and the text with uniform blanks, one before the first and some after the last */
    uint32_t *grams[SIZES]; /* mixed hashes of the n-grams that start at each of `spaced` */
    double *values;    /* of the features found */
    size_t n;
    struct Remembered *remembered; /* _network.h */
} Bag;

static _Thread_local Bag the_bag;

static int grow(Bag *bag, size_t capacity) {
    size_t bytes = capacity * (7 + SIZES + 2) * sizeof(uint32_t);
    void *arrays = realloc(bag->values, bytes);
    if (!arrays) return -1;
    memset(arrays, 0, bytes);
    bag->values = arrays;
    uint32_t *next = (uint32_t *)(bag->values + capacity);
    uint32_t **each[] = {&bag->slots, &bag->rows, &bag->counts, &bag->text, &bag->where, &bag->spaced};
    for (size_t i = 0; i < sizeof each / sizeof *each; i++, next += capacity) *each[i] = next;
    for (size_t i = 0; i < SIZES; i++, next += capacity) bag->grams[i] = next;
    bag->kinds = (uint8_t *)next;
    bag->capacity = capacity;
    return 0;
}

/* This thread's bag, emptied, for a text of n code points; NULL if out of memory.
 * A run of length L has fewer than 4 (L + 1) n-grams, and a word has two features, so at most two thirds of the slots
 * are used. */
static Bag *open_bag(size_t n) {
    Bag *bag = &the_bag;
    size_t wanted = 1024;
    while (wanted < 6 * n + 8) wanted *= 2;
    if (wanted > bag->capacity && grow(bag, wanted)) return NULL;
    memset(bag->slots, 0, wanted * sizeof *bag->slots);
    bag->mask = (uint32_t)(wanted - 1);
    bag->found = bag->n = 0;
    return bag;
}

/* A code point counts at most twice in a row: "looooser" becomes "looser". */
static void take(Bag *bag, const uint32_t *text, size_t n) {
    uint32_t *restrict kept = bag->text, *restrict where = bag->where, last = 0, before = 0;
    size_t count = 0;
    for (size_t i = 0; i < n; i++) {
        uint32_t c = text[i];
        if (c == last && c == before && count >= 2) continue;
        before = last, last = c;
        where[count] = (uint32_t)i;
        kept[count++] = c;
    }
    bag->n = count;
}

#define INLINED static inline __attribute__((always_inline))

#define WORD_SEED 0x811c9dc5u
#define PAIR_SEED 0x2f0b4c47u
#define CHARACTER_SEED 0x6a09e667u

/* Properties computed for all code points at once. */
INLINED void look_at_all(Bag *bag) {
    size_t n = bag->n;
    const uint32_t *restrict text = bag->text;
    uint32_t *restrict spaced = bag->spaced;
    uint8_t *restrict kinds = bag->kinds;
    for (size_t i = 0; i < n; i++) kinds[i] = kind_of(text[i]);
    spaced[0] = ' ';
    for (size_t i = 0; i < n; i++) spaced[i + 1] = kinds[i] == BLANK ? ' ' : text[i];
    for (size_t i = n + 1; i < n + 1 + LONGEST; i++) spaced[i] = ' ';
    uint32_t *restrict two = bag->grams[0], *restrict three = bag->grams[1], *restrict four = bag->grams[2],
             *restrict five = bag->grams[3];
    for (size_t i = 0; i < n + 1; i++) {
        uint32_t hash = extended(extended(CHARACTER_SEED, spaced[i]), spaced[i + 1]);
        two[i] = mixed(hash);
        hash = extended(hash, spaced[i + 2]);
        three[i] = mixed(hash);
        hash = extended(hash, spaced[i + 3]);
        four[i] = mixed(hash);
        five[i] = mixed(extended(hash, spaced[i + 4]));
    }
}

/* Called for each feature: block, mixed hash, and position in the text ([start, end)). */
typedef void (*Visit)(void *state, uint32_t block, uint32_t hash, size_t start, size_t end);

INLINED void words(const Bag *bag, Visit visit, void *state) {
    const uint8_t *kinds = bag->kinds;
    const uint32_t *text = bag->text;
    size_t n = bag->n;
    uint32_t previous = 0;
    size_t previous_start = n; /* none yet */
    for (size_t i = 0; i < n;) {
        int kind = kinds[i];
        if (kind == BLANK || kind == OTHER) {
            i++;
            continue;
        }
        size_t start = i;
        uint32_t hash = extended(WORD_SEED, text[i++]);
        if (kind == LETTER)
            for (; i < n && kinds[i] == LETTER; i++) hash = extended(hash, text[i]);
        visit(state, WORDS, mixed(hash), start, i);
        if (previous_start < n) visit(state, WORDS, mixed((mixed(previous) + PAIR_SEED) ^ hash), previous_start, i);
        previous = hash, previous_start = start;
    }
}

INLINED void characters(const Bag *bag, Visit visit, void *state) {
    const uint8_t *kinds = bag->kinds;
    size_t n = bag->n;
    for (size_t first = 0; first < n; first++) {
        if (kinds[first] == BLANK) continue;
        size_t end = first;
        while (end < n && kinds[end] != BLANK) end++;
        /* Position p of `spaced` is code point p - 1: the run padded with blanks is [first, end + 1]. */
        for (size_t start = first; start <= end; start++)
            for (size_t size = 0; size < SIZES && start + size + 1 <= end + 1; size++)
                visit(state, CHARACTERS, bag->grams[size][start], start > first ? start - 1 : first,
                      start + size + 1 > end ? end : start + size + 1);
        first = end;
    }
}

static inline uint32_t key_in(uint32_t hash, uint32_t block, uint32_t bits) {
    return (hash & ((1u << bits) - 1)) | block << 31;
}

static inline uint32_t slot_of(uint32_t key, uint32_t mask) { return (key * 0x9e3779b1u) & mask; }

/* The index of a feature that is in the bag. */
static inline uint32_t place_of(const Bag *bag, uint32_t key) {
    uint32_t slot = slot_of(key, bag->mask);
    while (bag->rows[bag->slots[slot] - 1] != key) slot = (slot + 1) & bag->mask;
    return bag->slots[slot] - 1;
}

/* A bag that is being filled, and the table whose rows are prefetched meanwhile. */
typedef struct {
    uint32_t *restrict slots, *restrict rows, *restrict counts;
    uint32_t mask, bits;
    size_t found;
    const uint8_t *table; /* NULL: none */
    size_t width;
} Filling;

INLINED void count_feature(void *opaque, uint32_t block, uint32_t hash, size_t start, size_t end) {
    (void)start, (void)end;
    Filling *to = opaque;
    uint32_t key = key_in(hash, block, to->bits), slot = slot_of(key, to->mask), known;
    if (to->table) __builtin_prefetch(to->table + (hash & ((1u << to->bits) - 1)) * to->width);
    while ((known = to->slots[slot]) && to->rows[known - 1] != key) slot = (slot + 1) & to->mask;
    if (known) {
        to->counts[known - 1]++;
        return;
    }
    to->rows[to->found] = key;
    to->counts[to->found] = 1;
    to->slots[slot] = (uint32_t)++to->found;
}

/* First all words, then all characters. */
INLINED void fill(Bag *bag, uint32_t bits, const uint8_t *table, size_t width) {
    Filling to = {bag->slots, bag->rows, bag->counts, bag->mask, bits, 0, table, width};
    look_at_all(bag);
    words(bag, count_feature, &to);
    characters(bag, count_feature, &to);
    bag->found = to.found;
}

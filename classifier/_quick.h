/* A fast test whether a normalized text may contain obfuscated words, which _unmask.c then looks for.
 *
 * Nearly every comment consists of ordinary words and passes in a few microseconds. A chunk found odd here may be
 * nothing, but nothing that _unmask.c would find is missed (a test compares the two).
 */
#include <stdlib.h>

#include "_ascii.h"
#include "_disguised.h"

/* Flags of a word. The last two are entries of their own, for the rest of a word that was obfuscated. */
#define ORDINARY 1u  /* an ordinary word */
#define STANDING 2u  /* means itself beside any other word */
#define PART 4u      /* ordinary as a part of a compound */
#define HARMFUL 8u
#define ALIAS 16u    /* a well-known disguise of another word */
#define SKELETON 32u
#define ENDS 64u
#define FLAGS 127u

#define SHORTEST_HIDDEN 4   /* letters of a word that was split or swapped */
#define LONGEST_FRAGMENT 12
#define LONGEST_ROW 64
#define FEW 2048            /* code points for which no memory is allocated */
#define APART 3             /* so many consecutive single letters are no coincidence */
#define FEW_ODD 32          /* with more odd chunks the whole text is searched */

typedef struct {
    uint32_t *slots;        /* 1 << bits of them, at most half of them used: a fingerprint and flags, or 0 */
    uint32_t bits;
} Lexicon;

typedef struct { size_t start, end, from, to; uint32_t flags; int letters; } Chunk; /* [from, to): without marks */

/* The same hash for words that differ only in the order of their inner letters. */
static uint64_t ends_hash(const uint32_t *text, size_t n) {
    uint64_t inner = 0;
    for (size_t i = 1; i + 1 < n; i++) inner += mixed(text[i]);
    return extended(extended(ENDS, text[0]) + inner, text[n - 1]);
}

static uint32_t *slot_of(const Lexicon *lexicon, uint64_t hash) {
    uint64_t h = mixed(hash);
    uint32_t mask = (1u << lexicon->bits) - 1, at = (uint32_t)(h >> 40) & mask;
    uint32_t fingerprint = ((uint32_t)h & ~FLAGS);
    while (lexicon->slots[at] && (lexicon->slots[at] & ~FLAGS) != fingerprint) at = (at + 1) & mask;
    return lexicon->slots + at;
}

static uint32_t flags_of(const Lexicon *lexicon, uint64_t hash) { return *slot_of(lexicon, hash) & FLAGS; }

static void put(const Lexicon *lexicon, uint64_t hash, uint32_t flags) {
    uint32_t *slot = slot_of(lexicon, hash);
    *slot |= ((uint32_t)mixed(hash) & ~FLAGS) | flags;
}

/* Concatenated words, word i at [offsets[i], offsets[i + 1]), each with its flags. */
void quick_put(Lexicon *lexicon, const uint32_t *words, const int64_t *offsets, const uint32_t *flags, size_t count) {
    for (size_t i = 0; i < count; i++) {
        const uint32_t *word = words + offsets[i];
        size_t n = (size_t)(offsets[i + 1] - offsets[i]);
        put(lexicon, word_hash(0, word, n), flags[i]);
        if (!(flags[i] & HARMFUL)) continue;
        put(lexicon, skeleton_hash(SKELETON, word, n), SKELETON);
        if (n >= SHORTEST_HIDDEN) put(lexicon, ends_hash(word, n), ENDS);
    }
}

/* Letters are in none of the sets. */
static inline int is_among(uint32_t c, const uint32_t *set, size_t count) {
    if (is_letter(c)) return 0;
    for (size_t i = 0; i < count; i++)
        if (set[i] == c) return 1;
    return 0;
}

static const uint32_t PARTING[] = {'-', '.', ',', '/', ':', ';', '_', '\'', '"', '=', ')'};

static const uint32_t ROW[] = {',', '/', ':', ';', '\'', '"', '='};

/* Compounds of ordinary words and numbers, separated by common separators. */
static int is_compound(const Lexicon *lexicon, const uint32_t *text, size_t from, size_t to) {
    size_t start = from;
    for (size_t i = from; i <= to; i++) {
        if (i < to && (is_letter(text[i]) || is_digit(text[i]))) continue;
        if (i < to && !is_among(text[i], PARTING, sizeof PARTING / sizeof *PARTING)) return 0;
        int digits = 1;
        for (size_t k = start; k < i; k++) digits &= is_digit(text[k]);
        int is_owner = i == to && i - start == 1 && text[start] == 's' && start > from && text[start - 1] == '\'';
        if (!digits && !is_owner && !(flags_of(lexicon, word_hash(0, text + start, i - start)) & (PART | STANDING)))
            return 0;
        start = i + 1;
    }
    return 1;
}

/* Whether letters that are not an ordinary word may be a harmful word, stretched or with letters swapped. */
static int may_harm(const Lexicon *lexicon, const uint32_t *text, size_t n, uint32_t flags) {
    return flags & ALIAS || flags_of(lexicon, skeleton_hash(SKELETON, text, n)) & SKELETON ||
           (n >= SHORTEST_HIDDEN && flags_of(lexicon, ends_hash(text, n)) & ENDS);
}

/* Whether consecutive chunks are pieces of one harmful word. */
static int is_split(const Lexicon *lexicon, const uint32_t *text, const Chunk *chunks, size_t count) {
    uint64_t h = 0;
    size_t letters = 0;
    int fragment = 0;
    for (size_t i = 0; i < count; i++) {
        const Chunk *c = chunks + i;
        if (!c->letters || (i && (c->start != c->from || c->start != chunks[i - 1].end + 1)) ||
            (i + 1 < count && c->end != c->to))
            return 0;
        fragment |= !(c->flags & STANDING) && c->to - c->from <= LONGEST_FRAGMENT;
        h = word_hash(h, text + c->from, c->to - c->from);
        letters += c->to - c->from;
    }
    return fragment && letters >= SHORTEST_HIDDEN && flags_of(lexicon, h) & HARMFUL;
}

static Chunk chunk_at(const Lexicon *lexicon, const uint32_t *text, size_t start, size_t end) {
    Chunk c = {start, end, start, end, 0, 1};
    while (c.to > c.from && is_of(text[c.to - 1], BEHIND)) c.to--;
    while (c.to > c.from && is_of(text[c.from], BEFORE)) c.from++;
    for (size_t i = c.from; i < c.to; i++) c.letters &= is_letter(text[i]);
    c.flags = flags_of(lexicon, word_hash(0, text + c.from, c.to - c.from));
    return c;
}

/* 1st, 50s, 10px: digits with a suffix. */
static int is_ordinal(const uint32_t *text, size_t n) {
    static const char UNITS[][3] = {"st", "nd", "rd", "th", "px", "s"};
    size_t digits = 0;
    while (digits < n && is_digit(text[digits])) digits++;
    for (size_t i = 0; digits && i < sizeof UNITS / sizeof *UNITS; i++) {
        size_t length = UNITS[i][1] ? 2 : 1;
        if (n - digits == length && text[digits] == (uint32_t)UNITS[i][0] &&
            (length == 1 || text[digits + 1] == (uint32_t)UNITS[i][1]))
            return 1;
    }
    return 0;
}

/* Words separated by marks that replace no letter (user:name, hmv/victor), which are harmless alone and together. */
static int is_harmless_row(const Lexicon *lexicon, const uint32_t *text, size_t n) {
    uint32_t joined[LONGEST_ROW];
    size_t letters = 0, start = 0, singles = 0;
    if (n > LONGEST_ROW) return 0;
    for (size_t i = 0; i <= n; i++) {
        if (i < n && is_letter(text[i])) {
            joined[letters++] = text[i];
            continue;
        }
        if (i < n && !is_among(text[i], ROW, sizeof ROW / sizeof *ROW)) return 0;
        singles += i - start == 1;
        if (i > start) {
            uint32_t flags = flags_of(lexicon, word_hash(0, text + start, i - start));
            if (!(flags & ORDINARY) && may_harm(lexicon, text + start, i - start, flags)) return 0;
        }
        start = i + 1;
    }
    return singles < APART && !(flags_of(lexicon, skeleton_hash(SKELETON, joined, letters)) & SKELETON);
}

/* Whether a chunk with other characters than letters may contain an obfuscated word. */
static int is_odd(const Lexicon *lexicon, const uint32_t *text, const Chunk *c) {
    int letters = 0, at = 0, dollar = 0;
    for (size_t i = c->start; i < c->end; i++)
        letters |= is_letter(text[i]), at |= text[i] == '@', dollar |= text[i] == '$';
    return (letters || (at && dollar)) && !is_compound(lexicon, text, c->from, c->to) &&
           !is_ordinal(text + c->from, c->to - c->from) && !is_harmless_row(lexicon, text + c->from, c->to - c->from);
}

static int is_single(const uint32_t *text, size_t n) {
    for (size_t i = 1; i < n; i++)
        if (text[i] != '*' && text[i] != '_') return 0;
    return 1;
}

/* Start and end of each odd chunk, at most `capacity` of them. Returns how many, or -1 if the text certainly needs the
 * search: spaced letters, a word in pieces, swapped or repeated letters, or more than `capacity` odd chunks. */
int64_t quick_find(const Lexicon *lexicon, const uint32_t *text, size_t n, int64_t *odd, size_t capacity) {
    Chunk last[3] = {{0}};
    size_t found = 0, seen = 0, apart = 0;
    for (size_t start = 0; start < n; start++) {
        if (text[start] == ' ') continue;
        size_t end = start;
        while (end < n && text[end] != ' ') end++;
        Chunk c = chunk_at(lexicon, text, start, end);
        last[0] = last[1], last[1] = last[2], last[2] = c;
        seen++;
        if (c.to > c.from) apart = is_single(text + c.from, c.to - c.from) ? apart + 1 : 0;
        if (apart >= APART) return -1;
        if (seen > 1 && is_split(lexicon, text, last + 1, 2)) return -1;
        if (seen > 2 && is_split(lexicon, text, last, 3)) return -1;
        if (c.to > c.from && !(c.flags & ORDINARY)) {
            int opened = 0, closed = 0, dashes = c.end - c.to >= 2 && text[c.to] == '-'; /* (unt, sh-- */
            for (size_t i = c.start; i < c.end; i++) opened |= text[i] == '(', closed |= text[i] == ')';
            if (c.letters && may_harm(lexicon, text + c.from, c.to - c.from, c.flags)) return -1;
            if (c.letters ? (opened && !closed) || dashes : is_odd(lexicon, text, &c)) {
                if (found == capacity) return -1;
                odd[2 * found] = (int64_t)c.start, odd[2 * found + 1] = (int64_t)c.end;
                found++;
            }
        }
        start = end;
    }
    return (int64_t)found;
}

/* The same for n bytes of ASCII that are not normalized; -2 if out of memory. */
int64_t quick_find_ascii(const Lexicon *lexicon, const uint8_t *text, size_t n, int64_t *odd, size_t capacity) {
    uint32_t few[FEW], *many = n > FEW ? malloc(n * sizeof *many) : NULL;
    if (n > FEW && !many) return -2;
    uint32_t *reading = many ? many : few;
    size_t left = read_ascii(text, n, reading);
    int64_t found = quick_find(lexicon, reading, left, odd, capacity);
    free(many);
    return found;
}

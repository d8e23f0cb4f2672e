/* The obfuscated words found in a text, and the memory needed to find them. */
#include "_words.h"

/* Evidence in halves. A hidden harmful word is enough alone; a harmless one that is not misspelled by chance is half
 * of that; a possible typing error is nothing. */
#define NONE 0
#define HALF 1
#define ENOUGH 2

/* The most words decoded in one text: beyond the first number only harmful ones, beyond the second none. */
#define MOST 400
#define MOST_HARMFUL 1000
#define MOST_LETTERS (MOST_HARMFUL * 40)

/* A word of n letters, obfuscated at [start, end) of the text and decoded at [from, to) of the reading. `blank`:
 * whether a blank was inserted before it, instead of what separated it from the word before. */
typedef struct { int64_t start, end, n, from, to, blank, at, evidence, harmful; } Found;

/* A part that was read before, and the result. Texts repeat themselves, hostile ones above all. */
#define REMEMBERED 128
#define LONGEST_REMEMBERED 40

typedef struct {
    Slice slice;
    int kind; /* how it was read */
    size_t start, first, end; /* where it was, and the words found: items [first, end) */
} Memory;

typedef struct {
    const Words *words;
    Found *items;         /* room for MOST_HARMFUL */
    size_t count;
    uint8_t *letters;     /* room for MOST_LETTERS */
    size_t used;
    uint32_t *positions;  /* these have room for the length of the text plus one: positions of single letters ... */
    uint32_t *spelled;    /* ... the letters themselves ... */
    uint32_t *places;     /* ... the place of each of these ... */
    uint32_t *ends;       /* ... and the ends of the words in them */
    uint32_t *from;       /* as `parted` needs it */
    double *costs;
    Memory remembered[REMEMBERED];
} Findings;

/* Returns to the state with `count` words and `used` letters. */
static void forget(Findings *f, size_t count, size_t used) { f->count = count, f->used = used; }

static void forget_memories(Findings *f) { memset(f->remembered, 0, sizeof f->remembered); }

/* The memory slot of the part at `start`. If the part was read before, its words are added again, and `*found` says
 * whether there were any; else `*found` is -1. */
static Memory *remembered(Findings *f, Slice s, int kind, size_t start, int *found) {
    Memory *memory = f->remembered + (mixed(word_hash((uint64_t)kind, s.text, s.n)) & (REMEMBERED - 1));
    *found = -1;
    if (memory->kind != kind || memory->slice.n != s.n || memcmp(memory->slice.text, s.text, s.n * sizeof *s.text))
        return memory;
    for (size_t i = memory->first; i < memory->end; i++) {
        Found each = f->items[i];
        each.start += (int64_t)start - (int64_t)memory->start, each.end += (int64_t)start - (int64_t)memory->start;
        if (f->count < (each.harmful ? MOST_HARMFUL : MOST)) f->items[f->count++] = each;
    }
    *found = memory->first < memory->end;
    return memory;
}

static void remember(Memory *memory, Slice s, int kind, size_t start, size_t first, size_t end) {
    Memory known = {s, kind, start, first, end};
    *memory = known;
}

static void add(Findings *f, size_t start, size_t end, uint32_t word, const uint32_t *letters, size_t n, int evidence) {
    int harmful = word != NO_WORD && is_harmful(f->words, word);
    if (f->count >= (harmful ? MOST_HARMFUL : MOST)) return;
    if (word != NO_WORD) n = length_of(f->words, word);
    if (f->used + n > MOST_LETTERS) return;
    for (size_t i = 0; i < n; i++)
        f->letters[f->used + i] = word != NO_WORD ? letters_of(f->words, word)[i] : (uint8_t)letters[i];
    Found found = {(int64_t)start, (int64_t)end, (int64_t)n, 0, 0, 0, (int64_t)f->used, evidence, harmful};
    f->items[f->count++] = found;
    f->used += n;
}

static int any_evidence(const Findings *f, size_t first) {
    for (size_t i = first; i < f->count; i++)
        if (f->items[i].evidence) return 1;
    return 0;
}

static int any_harm(const Findings *f, size_t first) {
    for (size_t i = first; i < f->count; i++)
        if (f->items[i].harmful) return 1;
    return 0;
}

/* Features and weights in one pass over a normalised text.
 *
 * A text is an array of code points (UTF-32, already lower-cased and folded by normalise.py). Its features are
 * hashed into one table:
 *   words       runs of letters and digits, and single symbols such as emoji, one at a time and in pairs
 *   characters  n-grams of 2 to 5 code points within runs between blanks, the run padded with one blank each side
 * before all of which long repeats are shortened.
 *
 * A row of the table holds WIDTH half-precision numbers: the inverse document frequency, then one weight for each
 * label. One feature touches one row, 16 bytes, so one cache line. The two blocks are normalised apart:
 *   logit[l] = bias[l] + sum over blocks of  (sum v_f w_f[l]) / sqrt(sum v_f^2),   v_f = (1 + ln count_f) idf_f
 * reference.py says the same in Python, slowly; a test holds the two together.
 */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define WIDTH 8          /* numbers in a row: idf and seven labels */
#define LABELS (WIDTH - 1)
#define SHORTEST 2
#define LONGEST 5
#define BLOCKS 2
#define WORDS 0
#define CHARACTERS 1

typedef struct {
    const uint16_t *rows; /* 1 << bits rows of WIDTH halves */
    uint32_t bits;
    const double *bias;   /* LABELS */
    const double *slope;  /* LABELS: calibrated logit = slope * logit + intercept */
    const double *intercept;
} Model;

/* The distinct features of one text with their counts: open addressing, kept by each thread between texts. */
typedef struct {
    uint32_t *slots;   /* position in `found` plus 1, or 0 */
    uint32_t *rows;    /* found: row of the table, highest bit says which block */
    uint32_t *counts;
    size_t capacity;   /* slots there are; half as many rows, counts and code points */
    uint32_t mask;     /* of the slots that this text uses: a long text must not spread later ones over its space */
    size_t found;
    uint32_t *text;    /* the text with long repeats shortened ... */
    uint32_t *where;   /* ... and where each of its code points was */
    size_t n;
} Bag;

static _Thread_local Bag bag;

static void release(void) {
    free(bag.slots), free(bag.rows), free(bag.counts), free(bag.text), free(bag.where);
    memset(&bag, 0, sizeof bag);
}

static int reserve(size_t features) {
    size_t wanted = 1024;
    while (wanted < 2 * features) wanted *= 2;
    if (wanted > bag.capacity) {
        release();
        bag.slots = calloc(wanted, sizeof *bag.slots);
        bag.rows = malloc(wanted / 2 * sizeof *bag.rows);
        bag.counts = malloc(wanted / 2 * sizeof *bag.counts);
        bag.text = malloc(wanted / 2 * sizeof *bag.text);
        bag.where = malloc(wanted / 2 * sizeof *bag.where);
        if (!bag.slots || !bag.rows || !bag.counts || !bag.text || !bag.where) return release(), -1;
        bag.capacity = wanted;
    }
    bag.mask = (uint32_t)(wanted - 1);
    bag.found = 0;
    return 0;
}

/* A code point counts at most twice in a row: "looooser" becomes "looser". */
static void shorten(const uint32_t *text, size_t n) {
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        if (kept >= 2 && text[i] == bag.text[kept - 1] && text[i] == bag.text[kept - 2]) continue;
        bag.where[kept] = (uint32_t)i;
        bag.text[kept++] = text[i];
    }
    bag.n = kept;
}

/* murmur3's finaliser: every bit of the running hash moves every bit of the row. */
static inline uint32_t mixed(uint32_t h) {
    h ^= h >> 16;
    h *= 0x85ebca6bu;
    h ^= h >> 13;
    h *= 0xc2b2ae35u;
    h ^= h >> 16;
    return h;
}

static inline uint32_t extended(uint32_t h, uint32_t code_point) { return (h ^ code_point) * 0x01000193u; }

static inline uint32_t slot_of(uint32_t key) { return (key * 0x9e3779b1u) & bag.mask; }

static inline void add(uint32_t hash, uint32_t block, uint32_t bits) {
    uint32_t key = (mixed(hash) & ((1u << bits) - 1)) | block << 31;
    uint32_t slot = slot_of(key);
    while (bag.slots[slot]) {
        uint32_t at = bag.slots[slot] - 1;
        if (bag.rows[at] == key) {
            bag.counts[at]++;
            return;
        }
        slot = (slot + 1) & bag.mask;
    }
    bag.rows[bag.found] = key;
    bag.counts[bag.found] = 1;
    bag.slots[slot] = (uint32_t)++bag.found;
}

/* Where a feature ended up, for contributions; it is there, since the same pass put it in. */
static inline uint32_t place_of(uint32_t hash, uint32_t block, uint32_t bits) {
    uint32_t key = (mixed(hash) & ((1u << bits) - 1)) | block << 31;
    uint32_t slot = slot_of(key);
    while (bag.rows[bag.slots[slot] - 1] != key) slot = (slot + 1) & bag.mask;
    return bag.slots[slot] - 1;
}

static void forget(void) {
    /* Clearing what was used is cheaper than clearing all, until a long text has used most of it. */
    if (bag.found * 8 > bag.mask) {
        memset(bag.slots, 0, ((size_t)bag.mask + 1) * sizeof *bag.slots);
        return;
    }
    for (size_t i = 0; i < bag.found; i++) {
        uint32_t slot = slot_of(bag.rows[i]);
        while (bag.slots[slot]) {
            bag.slots[slot] = 0;
            slot = (slot + 1) & bag.mask;
        }
    }
}

enum { BLANK, LETTER, SYMBOL, OTHER };

/* OTHER is punctuation: it parts words and is part of a run of characters. */
static inline int kind_of(uint32_t c) {
    if (c <= 32) return BLANK;
    if (c < 128) return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '\'' ? LETTER : OTHER;
    if (c < 0xc0) return c == 0xa0 ? BLANK : OTHER;
    if ((c >= 0x2000 && c <= 0x2bff) || (c >= 0x3000 && c <= 0x303f)) return SYMBOL;
    return c >= 0x1f000 ? SYMBOL : LETTER;
}

#define WORD_SEED 0x811c9dc5u
#define PAIR_SEED 0x2f0b4c47u
#define CHARACTER_SEED 0x6a09e667u

/* What one pass calls for each feature: block, hash, and where it lies in the text ([start, end)). */
typedef void (*Visit)(void *state, uint32_t block, uint32_t hash, size_t start, size_t end);

static inline __attribute__((always_inline)) void words(Visit visit, void *state) {
    uint32_t previous = 0;
    size_t previous_start = bag.n; /* none yet */
    for (size_t i = 0; i < bag.n;) {
        int kind = kind_of(bag.text[i]);
        if (kind == BLANK || kind == OTHER) {
            i++;
            continue;
        }
        size_t start = i;
        uint32_t hash = extended(WORD_SEED, bag.text[i++]);
        if (kind == LETTER)
            for (; i < bag.n && kind_of(bag.text[i]) == LETTER; i++) hash = extended(hash, bag.text[i]);
        visit(state, WORDS, hash, start, i);
        if (previous_start < bag.n) visit(state, WORDS, (mixed(previous) + PAIR_SEED) ^ hash, previous_start, i);
        previous = hash, previous_start = start;
    }
}

static inline __attribute__((always_inline)) void characters(Visit visit, void *state) {
    for (size_t first = 0; first < bag.n;) {
        if (kind_of(bag.text[first]) == BLANK) {
            first++;
            continue;
        }
        size_t end = first;
        while (end < bag.n && kind_of(bag.text[end]) != BLANK) end++;
        /* Position p of the padded run: the blank before (p = 0), code point first + p - 1, or the blank behind. */
        size_t last = end - first + 1;
        for (size_t start = 0; start < last; start++) {
            uint32_t hash = CHARACTER_SEED;
            for (size_t p = start; p <= last && p < start + LONGEST; p++) {
                hash = extended(hash, p == 0 || p == last ? ' ' : bag.text[first + p - 1]);
                if (p + 1 >= start + SHORTEST)
                    visit(state, CHARACTERS, hash, first + (start ? start - 1 : 0), p == last ? end : first + p);
            }
        }
        first = end;
    }
}

static inline void count_feature(void *bits, uint32_t block, uint32_t hash, size_t start, size_t end) {
    (void)start, (void)end;
    add(hash, block, *(uint32_t *)bits);
}

static int collect(const uint32_t *text, size_t n, uint32_t bits) {
    /* A run of length L has fewer than 4 (L + 1) n-grams, a word has two features. */
    if (reserve(6 * n + 8)) return -1;
    shorten(text, n);
    words(count_feature, &bits);
    characters(count_feature, &bits);
    return 0;
}

static inline float half(uint16_t h) {
    /* The exponent is moved by multiplication, which is right for subnormal numbers, too. */
    union { uint32_t bits; float value; } number = {(uint32_t)(h & 0x7fff) << 13};
    number.value *= 0x1p112f;
    number.bits |= (uint32_t)(h & 0x8000) << 16;
    return number.value;
}

static double log_count[64];

static inline double damped(uint32_t count) { return count < 64 ? log_count[count] : 1 + log(count); }

/* Called once when the library is loaded, before any thread scores. */
void steward_prepare(void) {
    for (uint32_t count = 1; count < 64; count++) log_count[count] = 1 + log(count);
}

static void logits_of_bag(const Model *model, double *logits, double norms[BLOCKS]) {
    double sums[BLOCKS][LABELS] = {{0}};
    double squares[BLOCKS] = {0};
    uint32_t mask = (1u << model->bits) - 1;
    for (size_t i = 0; i < bag.found; i++) {
        if (i + 12 < bag.found) __builtin_prefetch(model->rows + (size_t)(bag.rows[i + 12] & mask) * WIDTH);
        const uint16_t *row = model->rows + (size_t)(bag.rows[i] & mask) * WIDTH;
        uint32_t block = bag.rows[i] >> 31;
        double value = damped(bag.counts[i]) * half(row[0]);
        squares[block] += value * value;
        for (int l = 0; l < LABELS; l++) sums[block][l] += value * half(row[l + 1]);
    }
    for (int b = 0; b < BLOCKS; b++) norms[b] = squares[b] > 0 ? sqrt(squares[b]) : 1;
    for (int l = 0; l < LABELS; l++) {
        logits[l] = model->bias[l];
        for (int b = 0; b < BLOCKS; b++) logits[l] += sums[b][l] / norms[b];
    }
}

/* Calibrated probabilities of one text, LABELS of them. Returns 0, or -1 without memory. */
int steward_score(const Model *model, const uint32_t *text, size_t n, double *probabilities) {
    double norms[BLOCKS];
    if (collect(text, n, model->bits)) return -1;
    logits_of_bag(model, probabilities, norms);
    forget();
    for (int l = 0; l < LABELS; l++)
        probabilities[l] = 1 / (1 + exp(-(model->slope[l] * probabilities[l] + model->intercept[l])));
    return 0;
}

/* The same for many texts, which lie behind each other; text i is [offsets[i], offsets[i + 1]). */
int steward_score_many(const Model *model, const uint32_t *texts, const int64_t *offsets, size_t count,
                       double *probabilities) {
    for (size_t i = 0; i < count; i++)
        if (steward_score(model, texts + offsets[i], (size_t)(offsets[i + 1] - offsets[i]), probabilities + i * LABELS))
            return -1;
    return 0;
}

/* Distinct features of one text: rows (block in the highest bit) and counts. Returns how many there are, and writes
 * at most `capacity` of them; -1 without memory. */
int64_t steward_features(const uint32_t *text, size_t n, uint32_t bits, uint32_t *rows, uint32_t *counts,
                         size_t capacity) {
    if (collect(text, n, bits)) return -1;
    size_t found = bag.found;
    if (found <= capacity) {
        memcpy(rows, bag.rows, found * sizeof *rows);
        memcpy(counts, bag.counts, found * sizeof *counts);
    }
    forget();
    return (int64_t)found;
}

typedef struct {
    const Model *model;
    double norms[BLOCKS];
    double *shares; /* n x LABELS */
} Attribution;

static inline void attribute(void *opaque, uint32_t block, uint32_t hash, size_t start, size_t end) {
    Attribution *to = opaque;
    uint32_t mask = (1u << to->model->bits) - 1;
    uint32_t at = place_of(hash, block, to->model->bits);
    const uint16_t *row = to->model->rows + (size_t)(bag.rows[at] & mask) * WIDTH;
    double value = damped(bag.counts[at]) * half(row[0]) / bag.counts[at] / to->norms[block] / (double)(end - start);
    for (size_t c = start; c < end; c++) {
        double *share = to->shares + (size_t)bag.where[c] * LABELS;
        for (int l = 0; l < LABELS; l++) share[l] += value * half(row[l + 1]);
    }
}

/* How much each code point moved each calibrated logit: every feature's exact contribution, split evenly over its
 * occurrences and their code points. Their sum and the bias make the logit. `shares` is n x LABELS, zeroed here. */
int steward_contributions(const Model *model, const uint32_t *text, size_t n, double *shares) {
    double logits[LABELS];
    Attribution to = {model, {0}, shares};
    if (collect(text, n, model->bits)) return -1;
    logits_of_bag(model, logits, to.norms);
    memset(shares, 0, n * LABELS * sizeof *shares);
    words(attribute, &to);
    characters(attribute, &to);
    forget();
    for (size_t i = 0; i < n; i++)
        for (int l = 0; l < LABELS; l++) shares[i * LABELS + l] *= model->slope[l];
    return 0;
}

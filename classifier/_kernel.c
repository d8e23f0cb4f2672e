/* Features and weights in one pass over a normalized text.
 *
 * A text is an array of code points (UTF-32, already lower-cased and folded by normalize.py). A bag of hashed
 * n-grams (_bag.h) gives each label a linear logit. A small network that reads words in order (_network.h) adds to it.
 *
 * A row of the bag's table holds WIDTH bytes: the inverse document frequency, then one signed weight for each label in
 * steps that the model defines; eight rows fill a cache line. The two blocks are normalized separately, so the unit of
 * the idf does not matter:
 *   logit[l] = bias[l] + sum over blocks of  (sum v_f w_f[l]) / sqrt(sum v_f^2),   v_f = (1 + ln count_f) idf_f
 * reference.py is a slow implementation in Python; a test compares the two.
 */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>

/* Compiled for several processors; the version to use is chosen when the library is loaded. All versions add in the
 * same order. */
#ifndef EACH_MACHINE
#if defined(__x86_64__) && defined(__GLIBC__)
#define EACH_MACHINE __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define EACH_MACHINE
#endif
#endif

/* Eight numbers, in as many registers as needed. */
typedef double Doubles __attribute__((vector_size(64)));
typedef float Floats __attribute__((vector_size(32)));
typedef int32_t Integers __attribute__((vector_size(32)));

#define WIDTH 8 /* bytes in a row: idf and seven labels */
#define LABELS (WIDTH - 1)
#define BLOCKS 2

#include "_ascii.h"
#include "_bag.h"
#include "_network.h"
#include "_shares.h"

typedef struct {
    const uint8_t *rows; /* 1 << bits rows of WIDTH bytes */
    uint32_t bits;
    const double *steps; /* LABELS: the value of a weight of 1 */
    const double *bias;  /* LABELS */
    Network network;     /* without vectors: there is none */
} Model;

/* The calibration of a language: probability = 1 / (1 + exp(-(slope logit + intercept))). */
typedef struct {
    const double *slope; /* LABELS */
    const double *intercept;
} Calibration;

static double log_count[64];

static inline double damped(uint32_t count) { return count < 64 ? log_count[count] : 1 + log(count); }

/* Called once when the library is loaded, before any other call. */
void steward_prepare(void) {
    for (uint32_t count = 1; count < 64; count++) log_count[count] = 1 + log(count);
}

static inline const uint8_t *row_of(const Model *model, uint32_t key) {
    return model->rows + (size_t)(key & ((1u << model->bits) - 1)) * WIDTH;
}

/* Adds the features [from, to) of the bag, all of one block. */
INLINED void add_rows(const Model *model, const Bag *bag, size_t from, size_t to, double *sums, double *square) {
    Doubles all = {0};
    double of_values = 0;
    for (size_t i = from; i < to; i++) {
        const uint8_t *row = row_of(model, bag->rows[i]);
        double value = bag->values[i] * row[0];
        int32_t wide[WIDTH];
        Integers weights;
        for (int lane = 0; lane < WIDTH; lane++) wide[lane] = ((const int8_t *)row)[lane]; /* 0: not used */
        memcpy(&weights, wide, sizeof weights);
        of_values += value * value;
        all += value * __builtin_convertvector(weights, Doubles);
    }
    memcpy(sums, &all, sizeof all);
    *square = of_values;
}

INLINED void logits_of_bag(const Model *model, const Bag *bag, double *logits, double norms[BLOCKS]) {
    double sums[BLOCKS][WIDTH] = {{0}};
    double squares[BLOCKS] = {0};
    size_t words = 0;
    for (size_t i = 0; i < bag->found; i++) bag->values[i] = damped(bag->counts[i]);
    while (words < bag->found && bag->rows[words] >> 31 == WORDS) words++;
    add_rows(model, bag, 0, words, sums[WORDS], &squares[WORDS]);
    add_rows(model, bag, words, bag->found, sums[CHARACTERS], &squares[CHARACTERS]);
    for (int b = 0; b < BLOCKS; b++) norms[b] = squares[b] > 0 ? sqrt(squares[b]) : 1;
    for (int l = 0; l < LABELS; l++) {
        logits[l] = model->bias[l];
        for (int b = 0; b < BLOCKS; b++) logits[l] += sums[b][l + 1] / norms[b] * model->steps[l];
    }
}

/* Calibrated probabilities of the text in a bag, one for each label. Returns 0, or -1 if out of memory. */
EACH_MACHINE static int score(const Model *model, const Calibration *calibration, Bag *bag, double *probabilities) {
    double norms[BLOCKS];
    fill(bag, model->bits, model->rows, WIDTH);
    logits_of_bag(model, bag, probabilities, norms);
    if (model->network.vectors && add_network(&model->network, bag, probabilities)) return -1;
    for (int l = 0; l < LABELS; l++)
        probabilities[l] = 1 / (1 + exp(-(calibration->slope[l] * probabilities[l] + calibration->intercept[l])));
    return 0;
}

/* Calibrated probabilities of one text, one for each label. Returns 0, or -1 if out of memory. */
int steward_score(const Model *model, const Calibration *calibration, const uint32_t *text, size_t n,
                  double *probabilities) {
    Bag *bag = open_bag(n);
    if (!bag) return -1;
    take(bag, text, n);
    return score(model, calibration, bag, probabilities);
}

/* The same for n bytes of ASCII that are not normalized. */
int steward_score_ascii(const Model *model, const Calibration *calibration, const uint8_t *text, size_t n,
                        double *probabilities) {
    Bag *bag = open_bag(n);
    if (!bag) return -1;
    take(bag, bag->spaced, read_ascii(text, n, bag->spaced));
    return score(model, calibration, bag, probabilities);
}

/* The same for many concatenated texts; text i is [offsets[i], offsets[i + 1]). */
int steward_score_many(const Model *model, const Calibration *calibration, const uint32_t *texts,
                       const int64_t *offsets, size_t count, double *probabilities) {
    for (size_t i = 0; i < count; i++)
        if (steward_score(model, calibration, texts + offsets[i], (size_t)(offsets[i + 1] - offsets[i]),
                          probabilities + i * LABELS))
            return -1;
    return 0;
}

/* Distinct features of one text: rows (block in the highest bit) and counts. Writes at most `capacity` of them, and
 * returns how many there are, or -1 if out of memory. */
int64_t steward_features(const uint32_t *text, size_t n, uint32_t bits, uint32_t *rows, uint32_t *counts,
                         size_t capacity) {
    Bag *bag = open_bag(n);
    if (!bag) return -1;
    take(bag, text, n);
    fill(bag, bits, NULL, 0);
    if (bag->found <= capacity) {
        memcpy(rows, bag->rows, bag->found * sizeof *rows);
        memcpy(counts, bag->counts, bag->found * sizeof *counts);
    }
    return (int64_t)bag->found;
}

/* The network's input for one text: for each token a unique key and the end of its rows in `rows`. A text of n code
 * points has at most n tokens and 6 n + 8 rows. Returns the number of tokens, or -1 if out of memory. */
int64_t steward_tokens(const uint32_t *text, size_t n, uint32_t bits, uint64_t *keys, int64_t *ends, uint32_t *rows) {
    Bag *bag = open_bag(n);
    if (!bag) return -1;
    take(bag, text, n);
    look_at_all(bag);
    int64_t found = 0, end = 0;
    for (Token token = next_token(bag, 0); token.start < bag->n && found < MOST_TOKENS;
         token = next_token(bag, token.end)) {
        end += (int64_t)rows_of(bag, token, (1u << bits) - 1, rows + end);
        keys[found] = key_of(bag, token, 0);
        ends[found++] = end;
    }
    return found;
}

typedef struct {
    const Model *model;
    const Bag *bag;
    double norms[BLOCKS];
    double *shares; /* n x LABELS */
} Attribution;

INLINED void attribute(void *opaque, uint32_t block, uint32_t hash, size_t start, size_t end) {
    const Attribution *to = opaque;
    uint32_t at = place_of(to->bag, key_in(hash, block, to->model->bits)), count = to->bag->counts[at];
    const uint8_t *row = row_of(to->model, to->bag->rows[at]);
    double value = damped(count) * row[0] / count / to->norms[block] / (double)(end - start);
    for (size_t c = start; c < end; c++) {
        double *share = to->shares + (size_t)to->bag->where[c] * LABELS;
        for (int l = 0; l < LABELS; l++) share[l] += value * ((const int8_t *)row)[l + 1] * to->model->steps[l];
    }
}

/* The contribution of each code point to each calibrated logit: each feature's exact contribution is split evenly over
 * its occurrences and their code points. The logit is their sum plus the biases. `shares`: n x LABELS, zeroed here. */
int steward_contributions(const Model *model, const Calibration *calibration, const uint32_t *text, size_t n,
                          double *shares) {
    double logits[LABELS];
    Bag *bag = open_bag(n);
    if (!bag) return -1;
    take(bag, text, n);
    Attribution to = {model, bag, {0}, shares};
    fill(bag, model->bits, model->rows, WIDTH);
    logits_of_bag(model, bag, logits, to.norms);
    memset(shares, 0, n * LABELS * sizeof *shares);
    words(bag, attribute, &to);
    characters(bag, attribute, &to);
    if (model->network.vectors && add_shares(&model->network, bag, shares)) return -1;
    for (size_t i = 0; i < n; i++)
        for (int l = 0; l < LABELS; l++) shares[i * LABELS + l] *= calibration->slope[l];
    return 0;
}

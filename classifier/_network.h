/* Reads words in order: a small convolutional network over word vectors (Kim 2014, arXiv 1408.5882). Each is the mean
 * of the vectors of the word and of its n-grams (Bojanowski et al. 2017, arXiv 1607.04606), hashed into one table.
 *
 * A token is a run of letters and digits, or any other code point except a blank. For tokens 1..n with vectors x:
 *   a[i] = max(0, filter_bias + x[i-1] F[0] + x[i] F[1] + x[i+1] F[2])        CHANNELS numbers
 *   p    = max over i of a[i], mean over i of a[i], sum over i of x[i] / sqrt(n), ln(1 + n) / 3, 1 if n < FEW
 *   logit[l] = output[l] . max(0, hidden_bias + p hidden)
 * The filters use single precision in a fixed order, so that all machines compute the same. All later steps use double
 * precision.
 *
 * Words repeat, so each thread caches what a word adds to each filter, which saves nearly all of the work.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define DIM 32       /* numbers in a vector */
#define TAPS 3       /* tokens that a filter sees */
#define CHANNELS 64
#define AT_ONCE 32     /* channels whose sums fit into the registers of any machine; divides CHANNELS */
#define FEW_HIDDEN 32  /* hidden units, likewise */
#define POOLED (2 * CHANNELS + DIM + 2)
#define HIDDEN 64
#define FEW 6        /* tokens; a text with fewer is marked */
#define MOST_TOKENS 4096 /* limits the work for hostile texts; the bag of n-grams reads all of the text */
#define SHORTEST_GRAM 3
#define LONGEST_GRAM 5
#define TOKEN_SEED 0x3c6ef372u
#define GRAM_SEED 0xa54ff53au

typedef struct {
    const int8_t *vectors;    /* 1 << bits rows of DIM */
    uint32_t bits;
    const float *steps;       /* DIM: the value of 1 in each column of the vectors */
    const float *filters;     /* TAPS x DIM x CHANNELS */
    const float *filter_bias; /* CHANNELS */
    const float *hidden;      /* POOLED x HIDDEN */
    const float *hidden_bias; /* HIDDEN */
    const float *output;      /* HIDDEN x LABELS */
    uint64_t id;              /* unique among the models in memory; never 0 */
} Network;

/* A token's vector, and what it adds to the filters as the previous, current and next token. */
typedef struct {
    float x[DIM];
    float taps[TAPS][CHANNELS];
} Part;

#define REMEMBERED_BITS 14
typedef struct Remembered {
    uint64_t key; /* of token and model; 0: empty */
    Part part;
} Remembered;

typedef struct { size_t start, end; } Token;

/* The first token that starts at or after `at` in the shortened text; an empty one if there is none. */
INLINED Token next_token(const Bag *bag, size_t at) {
    while (at < bag->n && bag->kinds[at] == BLANK) at++;
    Token token = {at, at};
    if (at == bag->n) return token;
    token.end++;
    if (bag->kinds[at] == LETTER)
        while (token.end < bag->n && bag->kinds[token.end] == LETTER) token.end++;
    return token;
}

INLINED uint64_t key_of(const Bag *bag, Token token, uint64_t seed) {
    uint64_t key = 0xcbf29ce484222325u ^ seed * 0x9e3779b97f4a7c15u; /* 64-bit FNV-1a */
    for (size_t i = token.start; i < token.end; i++) key = (key ^ bag->text[i]) * 0x100000001b3u;
    return key ? key : 1;
}

/* Rows of the token itself and of its n-grams, padded with one blank on each side: fewer than
 * 3 (length + 2) + 1. Returns how many. */
static inline size_t rows_of(const Bag *bag, Token token, uint32_t mask, uint32_t *rows) {
    size_t found = 0, length = token.end - token.start;
    const uint32_t *text = bag->text + token.start;
    uint32_t hash = TOKEN_SEED;
    for (size_t i = 0; i < length; i++) hash = extended(hash, text[i]);
    rows[found++] = mixed(hash) & mask;
    if (length < 2) return found;
    for (size_t start = 0; start < length; start++) {
        hash = GRAM_SEED;
        for (size_t p = start; p <= length + 1 && p < start + LONGEST_GRAM; p++) {
            hash = extended(hash, p == 0 || p == length + 1 ? ' ' : text[p - 1]);
            if (p + 1 >= start + SHORTEST_GRAM) rows[found++] = mixed(hash) & mask;
        }
    }
    return found;
}

EACH_MACHINE static void make_part(const Network *net, Bag *bag, Token token, Part *part) {
    /* The bag's table of rows is no longer in use, and has room for six numbers for each code point of the text. */
    uint32_t *rows = bag->rows;
    size_t count = rows_of(bag, token, (1u << net->bits) - 1, rows);
    for (size_t i = 0; i < count; i++) __builtin_prefetch(net->vectors + (size_t)rows[i] * DIM);
    int32_t sums[DIM] = {0};
    for (size_t i = 0; i < count; i++) {
        const int8_t *vector = net->vectors + (size_t)rows[i] * DIM;
        for (int d = 0; d < DIM; d++) sums[d] += vector[d];
    }
    for (int d = 0; d < DIM; d++) part->x[d] = (float)sums[d] * net->steps[d] / (float)count;
    for (int tap = 0; tap < TAPS; tap++)
        for (int first = 0; first < CHANNELS; first += AT_ONCE) {
            float found[AT_ONCE] = {0}; /* stays in registers */
            for (int d = 0; d < DIM; d++) {
                const float *filter = net->filters + ((size_t)tap * DIM + d) * CHANNELS + first;
                for (int c = 0; c < AT_ONCE; c++) found[c] += part->x[d] * filter[c];
            }
            memcpy(part->taps[tap] + first, found, sizeof found);
        }
}

/* The cache slot of a token, which is being prefetched. */
INLINED Remembered *place_for(const Bag *bag, uint64_t key) {
    Remembered *slot = bag->remembered + (key * 0x9e3779b97f4a7c15u >> (64 - REMEMBERED_BITS));
    for (size_t at = 0; at < sizeof *slot; at += 64) __builtin_prefetch((const char *)slot + at);
    return slot;
}

/* Valid until the next call of this thread. */
INLINED const Part *part_of(const Network *net, Bag *bag, Token token, uint64_t key, Remembered *slot) {
    if (slot->key != key) {
        make_part(net, bag, token, &slot->part);
        slot->key = key;
    }
    return &slot->part;
}

/* Sums of a few tokens use single precision and are added in double precision. Single precision alone would be too
 * inexact for thousands of tokens, and double precision alone is slow. */
#define FEW_ENOUGH 64
typedef struct {
    float largest[CHANNELS], some[CHANNELS], some_vectors[DIM];
    double sums[CHANNELS], vectors[DIM];
    int taken;
} Pools;

INLINED void flush(Pools *pools) {
    for (int c = 0; c < CHANNELS; c++) pools->sums[c] += (double)pools->some[c];
    for (int d = 0; d < DIM; d++) pools->vectors[d] += (double)pools->some_vectors[d];
    memset(pools->some, 0, sizeof pools->some);
    memset(pools->some_vectors, 0, sizeof pools->some_vectors);
    pools->taken = 0;
}

INLINED void pool(Pools *pools, const float *sums, const float *x) {
    for (int c = 0; c < CHANNELS; c++) {
        float a = sums[c] > 0 ? sums[c] : 0;
        pools->largest[c] = a > pools->largest[c] ? a : pools->largest[c];
        pools->some[c] += a;
    }
    for (int d = 0; d < DIM; d++) pools->some_vectors[d] += x[d];
    if (++pools->taken == FEW_ENOUGH) flush(pools);
}

INLINED void finish(Pools *pools, size_t n, double *pooled) {
    flush(pools);
    double divisor = n ? (double)n : 1;
    for (int c = 0; c < CHANNELS; c++) pooled[c] = (double)pools->largest[c];
    for (int c = 0; c < CHANNELS; c++) pooled[CHANNELS + c] = pools->sums[c] / divisor;
    for (int d = 0; d < DIM; d++) pooled[2 * CHANNELS + d] = pools->vectors[d] / sqrt(divisor);
    pooled[POOLED - 2] = log1p((double)n) / 3;
    pooled[POOLED - 1] = n < FEW;
}

/* Reads the shortened text of the bag and overwrites its rows. Returns the number of tokens, or -1 if out of memory. */
INLINED int64_t pooled_of(const Network *net, Bag *bag, double *pooled) {
    float now[CHANNELS], next[CHANNELS], x[DIM];
    Pools pools;
    memset(&pools, 0, sizeof pools);
    if (!bag->remembered && !(bag->remembered = calloc(1u << REMEMBERED_BITS, sizeof(Remembered)))) return -1;
    int64_t n = 0;
    memcpy(next, net->filter_bias, sizeof next);
    Token token = next_token(bag, 0);
    uint64_t key = key_of(bag, token, net->id);
    Remembered *slot = place_for(bag, key);
    for (; token.start < bag->n && n < MOST_TOKENS; n++) {
        Token ahead = next_token(bag, token.end);
        uint64_t key_ahead = key_of(bag, ahead, net->id);
        Remembered *slot_ahead = place_for(bag, key_ahead);
        const Part *part = part_of(net, bag, token, key, slot);
        if (n) {
            for (int c = 0; c < CHANNELS; c++) now[c] += part->taps[2][c];
            pool(&pools, now, x);
        }
        for (int c = 0; c < CHANNELS; c++) now[c] = next[c] + part->taps[1][c];
        for (int c = 0; c < CHANNELS; c++) next[c] = net->filter_bias[c] + part->taps[0][c];
        memcpy(x, part->x, sizeof x);
        token = ahead, key = key_ahead, slot = slot_ahead;
    }
    if (n) pool(&pools, now, x);
    finish(&pools, (size_t)n, pooled);
    return n;
}

INLINED void hidden_of(const Network *net, const double *pooled, double *hidden) {
    for (int first = 0; first < HIDDEN; first += FEW_HIDDEN) {
        Doubles sums[FEW_HIDDEN / 8]; /* stay in registers */
        Floats some;
        for (int h = 0; h < FEW_HIDDEN / 8; h++) {
            memcpy(&some, net->hidden_bias + first + h * 8, sizeof some);
            sums[h] = __builtin_convertvector(some, Doubles);
        }
        for (int p = 0; p < POOLED; p++)
            for (int h = 0; h < FEW_HIDDEN / 8; h++) {
                memcpy(&some, net->hidden + (size_t)p * HIDDEN + first + h * 8, sizeof some);
                sums[h] += pooled[p] * __builtin_convertvector(some, Doubles);
            }
        memcpy(hidden + first, sums, sizeof sums);
    }
    for (int h = 0; h < HIDDEN; h++) hidden[h] = hidden[h] > 0 ? hidden[h] : 0;
}

/* Adds the network's logits. Returns 0, or -1 if out of memory. */
INLINED int add_network(const Network *net, Bag *bag, double *logits) {
    double pooled[POOLED], hidden[HIDDEN];
    if (pooled_of(net, bag, pooled) < 0) return -1;
    hidden_of(net, pooled, hidden);
    for (int h = 0; h < HIDDEN; h++)
        for (int l = 0; l < LABELS; l++) logits[l] += hidden[h] * (double)net->output[h * LABELS + l];
    return 0;
}

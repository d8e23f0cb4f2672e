/* The deep reader: an encoder of the pieces of a text (training/deep/network.py is the same in PyTorch).
 *
 * Each piece has a row in a frozen table: EMBEDDED numbers of 4 bits. Three branches convolve 2, 3 and 5 pieces, with
 * two layers each. A layer norm over their output and the row gives FEATURES numbers for each piece. Dense layers turn
 * their mean into a vector of the sentence. This vector, the mean and the maximum of each number over a window of
 * pieces go through one hidden layer to a logit for each label.
 *
 * Weights of layers have 6 bits and a sign, and their inputs are bytes. With integers every processor computes the same
 * sums. All else is float32 in a fixed order.
 */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "_integers.h"

#define LABELS 7
#define EMBEDDED 512
#define CHANNELS 256
#define BRANCHES 3
#define ALL (BRANCHES * CHANNELS)
#define FEATURES (EMBEDDED + ALL)
#define POOLED (2 * FEATURES)
#define SENTENCE 512
#define NARROW 320
#define HIDDEN 320
#define ZERO 128        /* the byte that represents 0 in signed numbers */
#define REACH 2         /* the most rows that a branch reads before or after a piece */
#define TINY 1e-12f     /* added to the variance in a layer norm */
#define BLOCK 96        /* pieces processed at once, so that all fit in the cache */
#define HALO (2 * REACH)
#define MOST (BLOCK + 2 * HALO)
#define LANES 16
#define TOGETHER 12 /* windows whose dense layers are computed at once */
#define TAPS 10     /* the rows that the branches convolve: the sum of ORDER */

static const int ORDER[BRANCHES] = {2, 3, 5}, BEFORE[BRANCHES] = {0, 1, 2};

/* A layer. The value of an integer sum is (sum - zero) * scale + bias, each by column. */
typedef struct {
    const int8_t *weights; /* packed, see _integers.h */
    const int32_t *zero;
    const float *scale;
    const float *bias;
} Layer;

/* A layer whose input has a step for each row: the value of a sum is (sum - zero) * scale * step. */
typedef struct {
    const int8_t *weights;
    const int32_t *zero;
    const float *scale;
} Dense;

enum { SAID, D0, D1, P1, D2, P3, D3, HIDDEN_SAID, HIDDEN_MEAN, HIDDEN_LARGEST, DENSE };

typedef struct {
    const uint8_t *codes; /* pieces x EMBEDDED / 2: two numbers in a byte, the first in the low bits */
    const float *steps;   /* pieces: number = (code - 7.5) * step */
    uint64_t pieces;
    Layer project;          /* EMBEDDED -> ALL; twice its sums minus `zero`, times half the step */
    const float *gain;      /* ALL, of each branch's layer norm */
    const float *shift;     /* ALL */
    Layer first[BRANCHES];  /* ORDER * CHANNELS -> CHANNELS */
    Layer second[BRANCHES]; /* the same */
    const float *per_step;  /* 2 x ALL: the reciprocal of the step of each input of first and second */
    const float *last_gain; /* FEATURES */
    const float *last_shift;
    const float *said_bias; /* SENTENCE */
    Dense dense[DENSE];
    const float *hidden_bias;
    const float *output; /* HIDDEN x LABELS */
    const float *output_bias;
    struct Memory *memory; /* see _pieces.h */
} Deep;

typedef float Floats __attribute__((vector_size(4 * LANES)));

/* These take addresses, because passing a wide vector by value depends on the processor that the caller is compiled
 * for. They are always inlined, so that they are compiled for the same one. */
#define INLINED __attribute__((always_inline)) static inline

INLINED void load(Floats *to, const float *at) { memcpy(to, at, sizeof *to); }

INLINED float total(const Floats *of) {
    float sum = 0;
    for (int lane = 0; lane < LANES; lane++) sum += (*of)[lane];
    return sum;
}

#if defined(__x86_64__) && defined(__GLIBC__)
#define EACH_MACHINE __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define EACH_MACHINE
#endif

/* Modifies its argument. */
EACH_MACHINE static void normalise(float *x, size_t n, const float *gain, const float *shift) {
    Floats sum = {0}, squares = {0}, some;
    for (size_t i = 0; i < n; i += LANES) {
        load(&some, x + i);
        sum += some;
    }
    float mean = total(&sum) / (float)n;
    for (size_t i = 0; i < n; i += LANES) {
        load(&some, x + i);
        some -= mean;
        squares += some * some;
    }
    float scale = 1 / sqrtf(total(&squares) / (float)n + TINY);
    for (size_t i = 0; i < n; i++) x[i] = (x[i] - mean) * scale * gain[i] + shift[i];
}

INLINED uint8_t to_byte(float y) {
    y += ZERO + 0.5f;
    return (uint8_t)(y < 0 ? 0 : y > 255 ? 255 : y);
}

/* Converts to bytes around ZERO and saturates. */
EACH_MACHINE static void to_bytes(const float *x, size_t n, float per_step, uint8_t *bytes) {
    for (size_t i = 0; i < n; i++) bytes[i] = to_byte(x[i] * per_step);
}

EACH_MACHINE static void to_bytes_each(const float *x, size_t n, const float *per_step, uint8_t *bytes) {
    for (size_t i = 0; i < n; i++) bytes[i] = to_byte(x[i] * per_step[i]);
}

#include "_pieces.h"

typedef struct {
    Pieces pieces;
    int32_t sums[MOST * CHANNELS];
    float x[MOST][ALL];
    float h[MOST][ALL];
    int32_t first[MOST][ALL]; /* the sums of the first layers */
    /* REACH rows of zeros before and after, for reads beyond an end. */
    uint8_t bytes[BRANCHES][MOST + 2 * REACH][CHANNELS];
} Work;

/* relu(layer) + x, into y. */
EACH_MACHINE static void added(const Layer *layer, const int32_t *sums, const float *x, float *y) {
    for (int c = 0; c < CHANNELS; c++) {
        float on = (float)(sums[c] - layer->zero[c]) * layer->scale[c] + layer->bias[c];
        y[c] = (on > 0 ? on : 0) + x[c];
    }
}

EACH_MACHINE static void pool(const float *features, float *sums, float *largest) {
    for (int i = 0; i < FEATURES; i++) {
        sums[i] += features[i];
        largest[i] = features[i] > largest[i] ? features[i] : largest[i];
    }
}

/* The first layers of rows [from, to), from their sums. */
static void look_first(const Deep *deep, Work *work, int from, int to) {
    for (int t = from; t < to; t++)
        for (int b = 0; b < BRANCHES; b++) {
            int c = b * CHANNELS;
            added(&deep->first[b], work->first[t] + c, work->x[t] + c, work->h[t] + c);
        }
}

/* The second layers of rows [from, to) of a block, into x. */
static void look_again(const Deep *deep, Multiply *multiply, Work *work, int from, int to) {
    for (int b = 0; b < BRANCHES; b++) {
        int c = b * CHANNELS;
        const Layer *layer = &deep->second[b];
        const uint8_t *a = work->bytes[b][from + REACH - BEFORE[b]];
        multiply(a, CHANNELS, (size_t)(to - from), layer->weights, (size_t)ORDER[b] * CHANNELS, CHANNELS, work->sums);
        for (int t = from; t < to; t++)
            added(layer, work->sums + (size_t)(t - from) * CHANNELS, work->h[t] + c, work->x[t] + c);
    }
}

/* The rows [from, to) of h of a block of n as bytes, with zeros around them. */
static void put_bytes(const float *per_step, Work *work, int from, int to, int n) {
    for (int b = 0; b < BRANCHES; b++) {
        int c = b * CHANNELS;
        memset(work->bytes[b], ZERO, (size_t)(from + REACH) * CHANNELS);
        for (int t = from; t < to; t++)
            to_bytes_each(work->h[t] + c, CHANNELS, per_step + c, work->bytes[b][t + REACH]);
        memset(work->bytes[b][to + REACH], ZERO, (size_t)(n - to + REACH) * CHANNELS);
    }
}

/* Features of the pieces [start, end), FEATURES for each. */
static void read_block(const Deep *deep, Multiply *multiply, Work *work, const int32_t *pieces, int64_t n,
                       int64_t start, int64_t end, float *features) {
    int before = lesser(start, HALO), behind = lesser(n - end, HALO);
    int rows = (int)(end - start) + before + behind;
    const int32_t *here = pieces + start - before;
    read_pieces(deep, multiply, &work->pieces, here, rows, work->x, work->first);
    int from = lesser(before, REACH) == REACH ? before - REACH : 0;
    int to = rows - (behind - lesser(behind, REACH));
    look_first(deep, work, from, to);
    put_bytes(deep->per_step + ALL, work, from, to, rows);
    look_again(deep, multiply, work, before, rows - behind);
    for (int t = before; t < rows - behind; t++) {
        uint8_t codes[EMBEDDED];
        unpack(deep->codes + (size_t)here[t] * (EMBEDDED / 2), codes);
        float *to_here = features + (size_t)(t - before) * FEATURES;
        float step = deep->steps[here[t]];
        for (int i = 0; i < EMBEDDED; i++) to_here[i] = ((float)codes[i] - 7.5f) * step;
        memcpy(to_here + EMBEDDED, work->x[t], sizeof work->x[t]);
        normalise(to_here, FEATURES, deep->last_gain, deep->last_shift);
    }
}

/* Buffers for the dense layers of up to TOGETHER windows, for which the weights are read once. */
typedef struct {
    uint8_t bytes[TOGETHER * FEATURES];
    int32_t sums[TOGETHER * SENTENCE];
    float step[TOGETHER];
    float said[TOGETHER][SENTENCE];
    float y0[TOGETHER][NARROW];
    float y1[TOGETHER][NARROW];
    float y2[TOGETHER][SENTENCE];
    float sentence[TOGETHER][SENTENCE];
    float hidden[TOGETHER][HIDDEN];
} Dense_work;

/* y += layer(x). Each row of x is converted to bytes, scaled by its largest number. */
static void dense(const Dense *layer, Multiply *multiply, Dense_work *work, size_t rows, const float *x, size_t stride,
                  size_t inputs, size_t columns, float *y) {
    for (size_t r = 0; r < rows; r++) {
        float largest = 1e-12f;
        for (size_t i = 0; i < inputs; i++) {
            float size = fabsf(x[r * stride + i]);
            largest = size > largest ? size : largest;
        }
        to_bytes(x + r * stride, inputs, (ZERO - 1) / largest, work->bytes + r * inputs);
        work->step[r] = largest / (ZERO - 1);
    }
    multiply(work->bytes, inputs, rows, layer->weights, inputs, columns, work->sums);
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < columns; c++)
            y[r * columns + c] +=
                (float)(work->sums[r * columns + c] - layer->zero[c]) * layer->scale[c] * work->step[r];
}

static void rectify(float *x, size_t n) {
    for (size_t i = 0; i < n; i++) x[i] = x[i] > 0 ? x[i] : 0;
}

/* Logits of up to TOGETHER windows from the mean and maximum of their features. `sizes`: number of pieces of each. */
static void judge(const Deep *deep, Multiply *multiply, Dense_work *work, size_t rows, const float *pooled,
                  const float *sizes, float *logits) {
    const Dense *by = deep->dense;
    memset(work->y0, 0, rows * sizeof *work->y0);
    memset(work->y1, 0, rows * sizeof *work->y1);
    memset(work->y2, 0, rows * sizeof *work->y2);
    memset(work->sentence, 0, rows * sizeof *work->sentence);
    for (size_t r = 0; r < rows; r++) {
        memcpy(work->said[r], deep->said_bias, sizeof work->said[r]);
        memcpy(work->hidden[r], deep->hidden_bias, sizeof work->hidden[r]);
    }
    dense(&by[SAID], multiply, work, rows, pooled, POOLED, FEATURES, SENTENCE, work->said[0]);
    for (size_t r = 0; r < rows; r++)
        for (int i = 0; i < SENTENCE; i++) work->said[r][i] *= sqrtf(sizes[r]);
    dense(&by[D0], multiply, work, rows, work->said[0], SENTENCE, SENTENCE, NARROW, work->y0[0]);
    rectify(work->y0[0], rows * NARROW);
    dense(&by[P1], multiply, work, rows, work->said[0], SENTENCE, SENTENCE, NARROW, work->y1[0]);
    dense(&by[D1], multiply, work, rows, work->y0[0], NARROW, NARROW, NARROW, work->y1[0]);
    rectify(work->y1[0], rows * NARROW);
    dense(&by[D2], multiply, work, rows, work->y1[0], NARROW, NARROW, SENTENCE, work->y2[0]);
    rectify(work->y2[0], rows * SENTENCE);
    dense(&by[P3], multiply, work, rows, work->y1[0], NARROW, NARROW, SENTENCE, work->sentence[0]);
    dense(&by[D3], multiply, work, rows, work->y2[0], SENTENCE, SENTENCE, SENTENCE, work->sentence[0]);
    for (size_t r = 0; r < rows; r++)
        for (int i = 0; i < SENTENCE; i++) work->sentence[r][i] = tanhf(work->sentence[r][i]);
    dense(&by[HIDDEN_SAID], multiply, work, rows, work->sentence[0], SENTENCE, SENTENCE, HIDDEN, work->hidden[0]);
    dense(&by[HIDDEN_MEAN], multiply, work, rows, pooled, POOLED, FEATURES, HIDDEN, work->hidden[0]);
    dense(&by[HIDDEN_LARGEST], multiply, work, rows, pooled + FEATURES, POOLED, FEATURES, HIDDEN, work->hidden[0]);
    rectify(work->hidden[0], rows * HIDDEN);
    for (size_t r = 0; r < rows; r++)
        for (int l = 0; l < LABELS; l++) {
            float logit = deep->output_bias[l];
            for (int i = 0; i < HIDDEN; i++) logit += work->hidden[r][i] * deep->output[(size_t)i * LABELS + l];
            logits[r * LABELS + l] = logit;
        }
}

/* The pooled features of a window: sums and maxima, FEATURES each. */
static void open_pooled(float *pooled) {
    for (int i = 0; i < FEATURES; i++) {
        pooled[i] = 0;
        pooled[FEATURES + i] = -INFINITY;
    }
}

static void close_pooled(float *pooled, float n) {
    for (int i = 0; i < FEATURES; i++) pooled[i] /= n;
}

static int are_pieces(const Deep *deep, const int32_t *pieces, int64_t n) {
    for (int64_t i = 0; i < n; i++)
        if (pieces[i] < 0 || (uint64_t)pieces[i] >= deep->pieces) return 0;
    return 1;
}

/* All buffers of a call, freed together. */
typedef struct {
    Work work;
    Dense_work dense;
    float features[BLOCK * FEATURES];
} Room;

static Room *open_room(void) { return aligned_alloc(64, (sizeof(Room) + 63) / 64 * 64); }

/* Logits of each window of a text, windows x LABELS. `pieces`: n of them, each below deep->pieces; `ends`: start and
 * end of each window; none is empty. Returns 0, -1 if out of memory, or -2 for an invalid piece. */
int steward_deep_logits(const Deep *deep, int which, const int32_t *pieces, int64_t n, const int64_t *ends,
                        int64_t windows, float *logits) {
    if (!are_pieces(deep, pieces, n)) return -2;
    Multiply *multiply = multiply_by(which);
    Room *room = open_room();
    float *pooled = malloc(sizeof(float) * POOLED * (size_t)windows);
    int is_short = !room || !pooled;
    if (!is_short) {
        for (int64_t w = 0; w < windows; w++) open_pooled(pooled + w * POOLED);
        for (int64_t start = 0; start < n; start += BLOCK) {
            int64_t end = start + BLOCK < n ? start + BLOCK : n;
            read_block(deep, multiply, &room->work, pieces, n, start, end, room->features);
            for (int64_t w = 0; w < windows; w++) {
                int64_t from = ends[2 * w] > start ? ends[2 * w] : start;
                int64_t to = ends[2 * w + 1] < end ? ends[2 * w + 1] : end;
                float *here = pooled + w * POOLED;
                for (int64_t t = from; t < to; t++) pool(room->features + (t - start) * FEATURES, here, here + FEATURES);
            }
        }
        for (int64_t w = 0; w < windows; w += TOGETHER) {
            size_t some = windows - w < TOGETHER ? (size_t)(windows - w) : TOGETHER;
            float sizes[TOGETHER];
            for (size_t r = 0; r < some; r++) {
                sizes[r] = (float)(ends[2 * (w + (int64_t)r) + 1] - ends[2 * (w + (int64_t)r)]);
                close_pooled(pooled + (w + (int64_t)r) * POOLED, sizes[r]);
            }
            judge(deep, multiply, &room->dense, some, pooled + w * POOLED, sizes, logits + w * LABELS);
        }
    }
    free(room);
    free(pooled);
    return is_short ? -1 : 0;
}

/* Logits of a text without each of its words, words x LABELS: pooling leaves out the features of the word's pieces.
 * `ends`: start and end of each word in the pieces. A text of one word gets 0 for it.
 * Returns as steward_deep_logits. */
int steward_deep_without(const Deep *deep, int which, const int32_t *pieces, int64_t n, const int64_t *ends,
                         int64_t words, float *logits) {
    if (!are_pieces(deep, pieces, n)) return -2;
    Multiply *multiply = multiply_by(which);
    Room *room = open_room();
    float *features = malloc(sizeof(float) * (size_t)n * FEATURES);
    float *pooled = malloc(sizeof(float) * POOLED * TOGETHER);
    int is_short = !room || !features || !pooled;
    if (!is_short) {
        for (int64_t start = 0; start < n; start += BLOCK) {
            int64_t end = start + BLOCK < n ? start + BLOCK : n;
            read_block(deep, multiply, &room->work, pieces, n, start, end, features + start * FEATURES);
        }
        for (int64_t w = 0; w < words; w += TOGETHER) {
            size_t some = words - w < TOGETHER ? (size_t)(words - w) : TOGETHER;
            float sizes[TOGETHER];
            for (size_t r = 0; r < some; r++) {
                int64_t from = ends[2 * (w + (int64_t)r)], to = ends[2 * (w + (int64_t)r) + 1];
                float *here = pooled + r * POOLED;
                open_pooled(here);
                for (int64_t t = 0; t < n; t++)
                    if (t < from || t >= to) pool(features + t * FEATURES, here, here + FEATURES);
                sizes[r] = (float)(n - (to - from));
                if (sizes[r] > 0)
                    close_pooled(here, sizes[r]);
                else
                    memset(here, 0, sizeof(float) * POOLED);
            }
            judge(deep, multiply, &room->dense, some, pooled, sizes, logits + w * LABELS);
            for (size_t r = 0; r < some; r++)
                if (sizes[r] == 0) memset(logits + (w + (int64_t)r) * LABELS, 0, sizeof(float) * LABELS);
        }
    }
    free(room);
    free(features);
    free(pooled);
    return is_short ? -1 : 0;
}

/* What the reader remembers of its pieces; NULL: out of memory. No text can be read until it is in deep->memory. */
struct Memory *steward_deep_remember(const Deep *deep, int which) { return open_memory(deep, multiply_by(which)); }

void steward_deep_forget(struct Memory *memory) { free(memory); }

/* How many pieces it remembers, while no text is read. */
int steward_deep_remembered(const struct Memory *memory) { return count_pieces(memory); }

/* The highest `which` that this processor supports. Lower values work too and give the same sums. */
int steward_deep_best(void) { return best_multiply(); }

/* What the first layers of the deep reader make of a single piece, which no other piece changes: its projection, and
 * its products with the weights of each row that the branches convolve. They are most of the work, and a few pieces
 * are most of a text, so what was made of the pieces that occur most is remembered. Integers do not round, so the sums
 * are the same whether it was remembered or not.
 */
#ifndef PIECES_H
#define PIECES_H
#include <stdatomic.h>

#define SET_BITS 7
#define WAYS 4 /* places of a set; the set of a piece depends on the piece */
#define PLACES (WAYS << SET_BITS)
#define MOST_USES 63
#define AT_ONCE 24 /* new pieces that are computed together */

/* `products`: minus those of nothing. */
typedef struct {
    float x[ALL]; /* projected */
    int16_t products[TAPS][CHANNELS];
} Piece;

/* The products of a new piece; few pieces have one that does not fit into 16 bits, and are not remembered. */
typedef struct {
    Piece piece;
    int32_t products[TAPS][CHANNELS];
    int fits;
} Made;

/* Of one network. `busy`: a thread uses it; another one computes what it needs instead of waiting. `nothing`: the
 * products of what is before and after a text, and `sums`: those of a row among nothing. `pieces`: plus 1; 0 is a free
 * place. `uses` grows when the piece occurs and falls when another one wants the place, which gets it at 0.
 * In a process that was forked while a thread used it, `busy` stays, and it is not used. */
typedef struct Memory {
    atomic_flag busy;
    int32_t nothing[TAPS][CHANNELS];
    int32_t sums[ALL];
    int32_t pieces[PLACES];
    uint8_t uses[PLACES];
    Piece known[PLACES];
} Memory;

/* Buffers for new pieces. `number`: of each row's piece among the new ones; -1 if it is known. */
typedef struct {
    int32_t fresh[MOST];
    int number[MOST];
    uint8_t codes[AT_ONCE][EMBEDDED];
    uint8_t bytes[AT_ONCE][CHANNELS];
    int32_t sums[AT_ONCE * ALL];
    Made made[AT_ONCE];
} Pieces;

static inline int lesser(int64_t a, int64_t b) { return (int)(a < b ? a : b); }

static int try_to_take(Memory *memory) {
    return !atomic_flag_test_and_set_explicit(&memory->busy, memory_order_acquire);
}

static void let_go(Memory *memory) { atomic_flag_clear_explicit(&memory->busy, memory_order_release); }

static int set_of(int32_t piece) { return (int)((uint32_t)piece * 2654435761u >> (32 - SET_BITS)) * WAYS; }

static const Piece *remembered(Memory *memory, int32_t piece) {
    int set = set_of(piece);
    for (int at = set; at < set + WAYS; at++)
        if (memory->pieces[at] == piece + 1) {
            memory->uses[at] += memory->uses[at] < MOST_USES;
            return &memory->known[at];
        }
    return NULL;
}

static void remember(Memory *memory, int32_t piece, const Piece *made) {
    int set = set_of(piece), least = set;
    for (int at = set; at < set + WAYS; at++) {
        if (memory->pieces[at] == piece + 1) return; /* another thread was faster */
        if (memory->uses[at] < memory->uses[least]) least = at;
    }
    if (memory->uses[least]) {
        memory->uses[least]--;
        return;
    }
    memory->pieces[least] = piece + 1;
    memory->uses[least] = 1;
    memory->known[least] = *made;
}

EACH_MACHINE static void unpack(const uint8_t *codes, uint8_t *to) {
    for (int i = 0; i < EMBEDDED / 2; i++) {
        to[2 * i] = codes[i] & 15;
        to[2 * i + 1] = codes[i] >> 4;
    }
}

/* Projection and layer norms of one piece: x[ALL] from its sums. */
EACH_MACHINE static void projected(const Deep *deep, const int32_t *sums, float step, float *x) {
    const Layer *layer = &deep->project;
    float half = step * 0.5f;
    for (int c = 0; c < ALL; c++)
        x[c] = (float)(2 * sums[c] - layer->zero[c]) * layer->scale[c] * half + layer->bias[c];
    for (int b = 0; b < ALL; b += CHANNELS) normalise(x + b, CHANNELS, deep->gain + b, deep->shift + b);
}

/* The products of one tap of a branch with `rows` pieces, CHANNELS each. */
static void take_products(const Deep *deep, Multiply *multiply, int branch, int tap, const uint8_t *bytes, int rows,
                          int32_t *products) {
    const int8_t *weights = deep->first[branch].weights + (size_t)tap * CHANNELS * CHANNELS;
    multiply(bytes, CHANNELS, (size_t)rows, weights, CHANNELS, CHANNELS, products);
}

EACH_MACHINE static void put_products(const int32_t *products, const int32_t *nothing, int tap, Made *to) {
    int32_t least = 0, most = 0;
    for (int c = 0; c < CHANNELS; c++) {
        int32_t found = products[c] - nothing[c];
        least = found < least ? found : least;
        most = found > most ? found : most;
        to->products[tap][c] = found;
        to->piece.products[tap][c] = (int16_t)found;
    }
    to->fits = to->fits && least >= INT16_MIN && most <= INT16_MAX;
}

/* Makes work->made of up to AT_ONCE pieces. */
static void make_pieces(const Deep *deep, Multiply *multiply, Pieces *work, const int32_t *pieces, int rows) {
    for (int r = 0; r < rows; r++) unpack(deep->codes + (size_t)pieces[r] * (EMBEDDED / 2), work->codes[r]);
    multiply(work->codes[0], EMBEDDED, (size_t)rows, deep->project.weights, EMBEDDED, ALL, work->sums);
    for (int r = 0; r < rows; r++) {
        projected(deep, work->sums + (size_t)r * ALL, deep->steps[pieces[r]], work->made[r].piece.x);
        work->made[r].fits = 1;
    }
    for (int b = 0, first = 0; b < BRANCHES; first += ORDER[b], b++) {
        int c = b * CHANNELS;
        for (int r = 0; r < rows; r++)
            to_bytes_each(work->made[r].piece.x + c, CHANNELS, deep->per_step + c, work->bytes[r]);
        for (int tap = 0; tap < ORDER[b]; tap++) {
            take_products(deep, multiply, b, tap, work->bytes[0], rows, work->sums);
            const int32_t *nothing = deep->memory->nothing[first + tap];
            for (int r = 0; r < rows; r++)
                put_products(work->sums + (size_t)r * CHANNELS, nothing, first + tap, &work->made[r]);
        }
    }
}

EACH_MACHINE static void add_short(const int16_t *products, int32_t *sums) {
    for (int c = 0; c < CHANNELS; c++) sums[c] += products[c];
}

EACH_MACHINE static void add_long(const int32_t *products, int32_t *sums) {
    for (int c = 0; c < CHANNELS; c++) sums[c] += products[c];
}

/* Puts a piece into row `at`, and its products into the sums of those of the rows [0, rows) that convolve it. `made`:
 * NULL if it was remembered. */
static void put_piece(const Piece *piece, const Made *made, int at, int rows, float (*x)[ALL], int32_t (*sums)[ALL]) {
    memcpy(x[at], piece->x, sizeof piece->x);
    for (int b = 0, first = 0; b < BRANCHES; first += ORDER[b], b++)
        for (int tap = 0; tap < ORDER[b]; tap++) {
            int t = at + BEFORE[b] - tap;
            if (t < 0 || t >= rows) continue;
            if (made && !made->fits)
                add_long(made->products[first + tap], sums[t] + b * CHANNELS);
            else
                add_short(piece->products[first + tap], sums[t] + b * CHANNELS);
        }
}

/* The number of a piece among the new ones; at the end if it is not among them. */
static int number_among(const int32_t *fresh, int count, int32_t piece) {
    int at = 0;
    while (at < count && fresh[at] != piece) at++;
    return at;
}

/* The projected rows of a block, and the sums of the first layers with nothing before and after the block. */
static void read_pieces(const Deep *deep, Multiply *multiply, Pieces *work, const int32_t *pieces, int rows,
                        float (*x)[ALL], int32_t (*sums)[ALL]) {
    Memory *memory = deep->memory;
    for (int t = 0; t < rows; t++) memcpy(sums[t], memory->sums, sizeof memory->sums);
    int count = 0, is_ours = try_to_take(memory);
    for (int t = 0; t < rows; t++) {
        const Piece *known = is_ours ? remembered(memory, pieces[t]) : NULL;
        work->number[t] = known ? -1 : number_among(work->fresh, count, pieces[t]);
        if (known)
            put_piece(known, NULL, t, rows, x, sums);
        else if (work->number[t] == count)
            work->fresh[count++] = pieces[t];
    }
    if (is_ours) let_go(memory);
    for (int start = 0; start < count; start += AT_ONCE) {
        int some = lesser(count - start, AT_ONCE);
        make_pieces(deep, multiply, work, work->fresh + start, some);
        for (int t = 0; t < rows; t++) {
            int at = work->number[t] - start;
            if (at < 0 || at >= some) continue;
            put_piece(&work->made[at].piece, &work->made[at], t, rows, x, sums);
        }
        if (!try_to_take(memory)) continue;
        for (int at = 0; at < some; at++)
            if (work->made[at].fits) remember(memory, work->fresh[start + at], &work->made[at].piece);
        let_go(memory);
    }
}

static int count_pieces(const Memory *memory) {
    int count = 0;
    for (int at = 0; at < PLACES; at++) count += memory->pieces[at] != 0;
    return count;
}

/* An empty memory, or NULL if out of memory. Untouched places take none: calloc leaves them to the system. */
static Memory *open_memory(const Deep *deep, Multiply *multiply) {
    Memory *memory = calloc(1, sizeof *memory);
    if (!memory) return NULL;
    let_go(memory);
    uint8_t bytes[CHANNELS];
    memset(bytes, ZERO, sizeof bytes);
    for (int b = 0, first = 0; b < BRANCHES; first += ORDER[b], b++)
        for (int tap = 0; tap < ORDER[b]; tap++) {
            take_products(deep, multiply, b, tap, bytes, 1, memory->nothing[first + tap]);
            add_long(memory->nothing[first + tap], memory->sums + b * CHANNELS);
        }
    return memory;
}
#endif

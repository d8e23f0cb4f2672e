/* Products of small integers. Integers do not round, so the sums are the same on every processor.
 *
 *   sums[r][c] = sum over k of  a[r * stride + k] * w[k][c]
 *
 * `a`: unsigned bytes, with rows `stride` bytes apart (they may overlap). `w`: numbers of 6 bits and a sign, so that
 * the sum of two products fits into 16 bits, as AVX2 needs it; packed in panels of 16 columns, with groups of 4 k:
 * w[c / 16][k / 4][c % 16][k % 4], so that a panel is read from one end to the other. k is a multiple of 4, columns one
 * of 16.
 */
#ifndef INTEGERS_H
#define INTEGERS_H
#include <stdint.h>
#include <string.h>

#define COLUMNS 16 /* of a panel */
#define QUAD 4

typedef void Multiply(const uint8_t *a, size_t stride, size_t rows, const int8_t *w, size_t k, size_t columns,
                      int32_t *sums);

static void multiply_anywhere(const uint8_t *a, size_t stride, size_t rows, const int8_t *w, size_t k, size_t columns,
                              int32_t *sums) {
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < columns; c += COLUMNS) {
            int32_t of[COLUMNS] = {0};
            for (size_t q = 0; q < k; q += QUAD) {
                const uint8_t *x = a + r * stride + q;
                const int8_t *at = w + c * k + q * COLUMNS;
                for (int i = 0; i < COLUMNS; i++)
                    of[i] += x[0] * at[QUAD * i] + x[1] * at[QUAD * i + 1] + x[2] * at[QUAD * i + 2] +
                             x[3] * at[QUAD * i + 3];
            }
            memcpy(sums + r * columns + c, of, sizeof of);
        }
}

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>
#define HAS_X86 1
#define ROWS 6 /* of a tile; the sums of 4 panels stay in registers */
#define PANELS 4

static inline int32_t four_bytes(const uint8_t *at) {
    int32_t found;
    memcpy(&found, at, sizeof found);
    return found;
}

/* A tile of up to ROWS rows and PANELS panels. The bounds are constants where speed matters. */
__attribute__((target("avx512f,avx512bw,avx512vnni"), always_inline)) static inline void tile_512(
    const uint8_t *a, size_t stride, const int8_t *w, size_t k, size_t columns, int32_t *sums, int rows, int panels) {
    __m512i of[ROWS][PANELS];
    for (int r = 0; r < rows; r++)
        for (int g = 0; g < panels; g++) of[r][g] = _mm512_setzero_si512();
    for (size_t q = 0; q < k; q += QUAD) {
        __m512i weights[PANELS];
        for (int g = 0; g < panels; g++) weights[g] = _mm512_loadu_si512(w + (size_t)g * COLUMNS * k + q * COLUMNS);
        for (int r = 0; r < rows; r++) {
            __m512i x = _mm512_set1_epi32(four_bytes(a + (size_t)r * stride + q));
            for (int g = 0; g < panels; g++) of[r][g] = _mm512_dpbusd_epi32(of[r][g], x, weights[g]);
        }
    }
    for (int r = 0; r < rows; r++)
        for (int g = 0; g < panels; g++)
            _mm512_storeu_si512(sums + (size_t)r * columns + (size_t)g * COLUMNS, of[r][g]);
}

__attribute__((target("avx512f,avx512bw,avx512vnni"))) static void multiply_512(
    const uint8_t *a, size_t stride, size_t rows, const int8_t *w, size_t k, size_t columns, int32_t *sums) {
    for (size_t c = 0; c < columns; c += COLUMNS * PANELS) {
        int panels = columns - c >= COLUMNS * PANELS ? PANELS : (int)((columns - c) / COLUMNS);
        for (size_t r = 0; r < rows; r += ROWS) {
            int some = rows - r >= ROWS ? ROWS : (int)(rows - r);
            const uint8_t *x = a + r * stride;
            const int8_t *at = w + c * k;
            int32_t *to = sums + r * columns + c;
            if (some == ROWS && panels == PANELS)
                tile_512(x, stride, at, k, columns, to, ROWS, PANELS);
            else
                tile_512(x, stride, at, k, columns, to, some, panels);
        }
    }
}

/* A tile of one panel and up to ROWS rows: 12 of the 16 registers hold sums. */
__attribute__((target("avx2"), always_inline)) static inline void tile_256(const uint8_t *a, size_t stride,
                                                                           const int8_t *w, size_t k, size_t columns,
                                                                           int32_t *sums, int rows) {
    __m256i of[ROWS][2];
    const __m256i ones = _mm256_set1_epi16(1);
    for (int r = 0; r < rows; r++) of[r][0] = of[r][1] = _mm256_setzero_si256();
    for (size_t q = 0; q < k; q += QUAD) {
        const __m256i *halves = (const __m256i *)(w + q * COLUMNS);
        __m256i left = _mm256_loadu_si256(halves), right = _mm256_loadu_si256(halves + 1);
        for (int r = 0; r < rows; r++) {
            __m256i x = _mm256_set1_epi32(four_bytes(a + (size_t)r * stride + q));
            of[r][0] = _mm256_add_epi32(of[r][0], _mm256_madd_epi16(_mm256_maddubs_epi16(x, left), ones));
            of[r][1] = _mm256_add_epi32(of[r][1], _mm256_madd_epi16(_mm256_maddubs_epi16(x, right), ones));
        }
    }
    for (int r = 0; r < rows; r++)
        for (int h = 0; h < 2; h++)
            _mm256_storeu_si256((__m256i *)(sums + (size_t)r * columns) + h, of[r][h]);
}

__attribute__((target("avx2"))) static void multiply_256(const uint8_t *a, size_t stride, size_t rows, const int8_t *w,
                                                         size_t k, size_t columns, int32_t *sums) {
    for (size_t c = 0; c < columns; c += COLUMNS) {
        const int8_t *at = w + c * k;
        for (size_t r = 0; r < rows; r += ROWS) {
            const uint8_t *x = a + r * stride;
            int32_t *to = sums + r * columns + c;
            switch (rows - r) { /* the bounds are constants, so that the sums stay in registers */
                case 1: tile_256(x, stride, at, k, columns, to, 1); break;
                case 2: tile_256(x, stride, at, k, columns, to, 2); break;
                case 3: tile_256(x, stride, at, k, columns, to, 3); break;
                case 4: tile_256(x, stride, at, k, columns, to, 4); break;
                case 5: tile_256(x, stride, at, k, columns, to, 5); break;
                default: tile_256(x, stride, at, k, columns, to, ROWS);
            }
        }
    }
}
#endif

/* The version in use: 0: portable, 1: AVX2, 2: AVX-512 with VNNI; at most what the processor supports. */
static int best_multiply(void) {
#ifdef HAS_X86
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("avx512bw")) return 2;
    if (__builtin_cpu_supports("avx2")) return 1;
#endif
    return 0;
}

static Multiply *multiply_by(int which) {
#ifdef HAS_X86
    if (which >= 2) return multiply_512;
    if (which == 1) return multiply_256;
#endif
    (void)which;
    return multiply_anywhere;
}
#endif

/* Normalizes ASCII. Most comments are pure ASCII and need no Python to be normalized. */
#include <stddef.h>
#include <stdint.h>

/* As normalize.py does. `to` has room for n code points. Returns their number afterwards. */
static inline size_t read_ascii(const uint8_t *text, size_t n, uint32_t *to) {
    size_t left = 0;
    for (size_t i = 0; i < n; i++) {
        uint8_t c = text[i];
        int is_blank = (c >= '\t' && c <= '\r') || (c >= 0x1c && c <= ' ');
        to[left] = is_blank ? ' ' : c >= 'A' && c <= 'Z' ? c | 0x20u : c;
        left += is_blank || (c > ' ' && c != 0x7f); /* other control characters are dropped */
    }
    return left;
}

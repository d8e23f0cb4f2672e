/* ASCII as it is read. Most comments are nothing else, and need no Python to be read then. */
#include <stddef.h>
#include <stdint.h>

/* What normalize.py makes of ASCII: `to` has room for n. Returns how many are left. */
static inline size_t read_ascii(const uint8_t *text, size_t n, uint32_t *to) {
    size_t left = 0;
    for (size_t i = 0; i < n; i++) {
        uint8_t c = text[i];
        int is_blank = (c >= '\t' && c <= '\r') || (c >= 0x1c && c <= ' ');
        to[left] = is_blank ? ' ' : c >= 'A' && c <= 'Z' ? c | 0x20u : c;
        left += is_blank || (c > ' ' && c != 0x7f); /* other controls are dropped */
    }
    return left;
}

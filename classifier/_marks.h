/* The roles of a code point in an obfuscated word. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* For a test that counts look-ups and the code points that they read. */
#ifdef COUNT_WORK
static _Thread_local uint64_t work_done;
#define COUNT(n) (work_done += (uint64_t)(n))
uint64_t unmask_work(void) { return work_done; }
#else
#define COUNT(n) ((void)0)
#endif

/* The properties that Python passes for each code point (the same numbers as in classifier/homoglyphs.py). The lower
 * eight bits are the script of the letters that it may represent: 0: none, 1: Latin, SEVERAL: more than one. */
#define SCRIPT 0xffu
#define LATIN 1u
#define SEVERAL 0xffu
#define LOOKS 0x100u    /* a homoglyph: looks like another letter */
#define REGIONAL 0x200u /* a pair of these is a flag */
#define ALPHA 0x400u    /* these three describe the letter that it looks like */
#define DIGIT 0x800u
#define WORD 0x1000u    /* a letter, a digit or an underscore */

/* A part of a text and the properties of its code points; `about` is NULL if all are ASCII. */
typedef struct {
    const uint32_t *text;
    const uint16_t *about;
    size_t n;
} Slice;

static inline Slice part(Slice s, size_t start, size_t end) {
    Slice found = {s.text + start, s.about ? s.about + start : NULL, end - start};
    return found;
}

#define EDGE 1u          /* surrounds a word and is no letter there */
#define BEFORE 2u        /* the same before a word ... */
#define BEHIND 4u        /* ... and after it */
#define SHOUT 8u         /* exclamation and question marks, and the 1 typed without the shift key */
#define PARTS 16u        /* separates a chunk */
#define PARTS_PLAIN 32u  /* separates a compound of ordinary words */
#define AFTER_ONE 64u    /* follows a single letter */
#define STAND_IN 128u    /* within a word it can only replace a letter */
#define SURE_MASK 256u   /* can only mask a letter */
#define OTHERWISE 512u   /* part of names and numbers */

static uint16_t mark_kinds[128];
static uint8_t mark_letters[128]; /* the letter that it replaces; 0: none, it is dropped */
static uint8_t mark_masks[128];   /* '*' for a mask, else the letter or the character itself */

static void mark(const char *marks, uint16_t kind) {
    for (; *marks; marks++) mark_kinds[(uint8_t)*marks] |= kind;
}

static void prepare_marks(void) {
    static const char FROM[] = "01345789@$!|+(<#26", TO[] = "oieastbgasiitcchzg";
    static const char HIDDEN[] = "#%&@$!?+-._";
    mark(".,;:?\"'()[]{}<>~`^-=/\\", EDGE | BEFORE | BEHIND);
    mark("#", BEFORE);
    mark("!", BEHIND);
    mark("!1?", SHOUT);
    mark("-./,:;&_\\'\"=~^[]{}<>)?*", PARTS | PARTS_PLAIN);
    mark("|+(", PARTS_PLAIN);
    mark("-.,;:!?*_'\")", AFTER_ONE);
    mark("0123456789@$!|+(<#", STAND_IN);
    mark("*#%@$&", SURE_MASK);
    mark("-/_.:;,", OTHERWISE);
    for (int c = 0; c < 128; c++) mark_letters[c] = mark_masks[c] = (uint8_t)c;
    for (const char *left_out = "-./,:;&_\\'\"=~^[]{}>)?*%`"; *left_out; left_out++)
        mark_letters[(uint8_t)*left_out] = 0;
    for (size_t i = 0; FROM[i]; i++) mark_letters[(uint8_t)FROM[i]] = (uint8_t)TO[i];
    for (const char *digits = "013457", *letters = "oieast"; *digits; digits++, letters++)
        mark_masks[(uint8_t)*digits] = (uint8_t)*letters;
    for (size_t i = 0; HIDDEN[i]; i++) mark_masks[(uint8_t)HIDDEN[i]] = '*';
}

static inline int is_dash(uint32_t c) { return c == 0x2013 || c == 0x2014; }

static inline int is_single_quote(uint32_t c) { return c == 0x2018 || c == 0x2019; }

static inline int is_quote(uint32_t c) {
    return is_single_quote(c) || c == 0x201c || c == 0x201d || c == 0x201e || c == 0xab || c == 0xbb;
}

static inline int is_of(uint32_t c, uint16_t kinds) {
    if (c < 128) return (mark_kinds[c] & kinds) != 0;
    if (kinds & (EDGE | BEFORE | BEHIND) && (is_dash(c) || is_quote(c))) return 1;
    return kinds & (PARTS | PARTS_PLAIN) && (is_dash(c) || is_single_quote(c));
}

/* The letter that it replaces; the code point itself if it is no mark, 0 if it is dropped. */
static inline uint32_t letter_of(uint32_t c) {
    if (c < 128) return mark_letters[c];
    return is_dash(c) || is_single_quote(c) ? 0 : c;
}

/* '*' for a mask. */
static inline uint32_t mask_of(uint32_t c) {
    if (c < 128) return mark_masks[c];
    return is_dash(c) || c == 0xd7 ? '*' : c;
}

static inline int is_letter(uint32_t c) { return c >= 'a' && c <= 'z'; }

static inline int is_digit(uint32_t c) { return c >= '0' && c <= '9'; }

static inline int is_alpha_at(Slice s, size_t i) {
    return s.text[i] < 128 ? is_letter(s.text[i]) : (s.about[i] & ALPHA) != 0;
}

static inline int is_digit_at(Slice s, size_t i) {
    return s.text[i] < 128 ? is_digit(s.text[i]) : (s.about[i] & DIGIT) != 0;
}

static inline int is_word_at(Slice s, size_t i) {
    uint32_t c = s.text[i];
    return c < 128 ? is_letter(c) || is_digit(c) || c == '_' : (s.about[i] & WORD) != 0;
}

static int is_alpha(Slice s) {
    COUNT(s.n);
    for (size_t i = 0; i < s.n; i++)
        if (!is_alpha_at(s, i)) return 0;
    return s.n > 0;
}

static int is_digits(Slice s) {
    for (size_t i = 0; i < s.n; i++)
        if (!is_digit_at(s, i)) return 0;
    return s.n > 0;
}

static int holds(Slice s, uint32_t c) {
    COUNT(s.n);
    for (size_t i = 0; i < s.n; i++)
        if (s.text[i] == c) return 1;
    return 0;
}

/* Without the marks before and after it. */
static Slice stripped(Slice s, uint16_t before, uint16_t behind) {
    size_t start = 0, end = s.n;
    while (end > start && is_of(s.text[end - 1], behind)) end--;
    while (end > start && is_of(s.text[start], before)) start++;
    COUNT(s.n - (end - start) + 1);
    return part(s, start, end);
}

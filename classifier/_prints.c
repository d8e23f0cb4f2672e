/* Fingerprints of a text: the smallest hashes of its shingles, which are runs of words.
 *
 * classifier/fingerprints.py says what they are for. They are kept in Redis and compared by other releases, so what is
 * computed here must never change.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define FINGERPRINTS 6
#define MINIMA 2 /* of each fingerprint */
#define HASHES (FINGERPRINTS * MINIMA)
#define LONGEST_SHINGLE 8
/* Shingles of two words with fewer letters count only where there are fewer than LEAST_SHINGLES others. */
#define LETTERS_OF_SHINGLE 13
#define LEAST_SHINGLES 3
#define RAW 9 /* bytes of a fingerprint before it is written */
#define WRITTEN 12

static uint32_t crc_table[256];
static uint64_t factors[HASHES], added[HASHES];
static const uint64_t BETWEEN = 0x9E3779B97F4A7C15u;

/* Factors and what is added are of HASHES hash functions. Called once, before anything else. */
void prints_prepare(const uint64_t *some_factors, const uint64_t *some_added) {
    memcpy(factors, some_factors, sizeof factors);
    memcpy(added, some_added, sizeof added);
    for (uint32_t byte = 0; byte < 256; byte++) {
        uint32_t crc = byte;
        for (int bit = 0; bit < 8; bit++) crc = crc & 1 ? crc >> 1 ^ 0xEDB88320u : crc >> 1;
        crc_table[byte] = crc;
    }
}

/* In base 64, with the letters that are safe in addresses. */
static void write_base64(const uint8_t raw[RAW], char out[WRITTEN]) {
    static const char LETTERS[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    for (int i = 0; i < RAW; i += 3) {
        uint32_t three = (uint32_t)raw[i] << 16 | (uint32_t)raw[i + 1] << 8 | raw[i + 2];
        for (int at = 0; at < 4; at++) *out++ = LETTERS[three >> (18 - 6 * at) & 63];
    }
}

static void write_minima(const uint64_t minima[HASHES], char *out) {
    for (int print = 0; print < FINGERPRINTS; print++, out += WRITTEN) {
        uint8_t raw[RAW] = {0};
        for (int at = 0; at < MINIMA; at++) {
            uint64_t upper = minima[MINIMA * print + at] >> 32;
            for (int byte = 0; byte < 4; byte++) raw[4 * at + byte] = (uint8_t)(upper >> 8 * byte);
        }
        write_base64(raw, out);
    }
}

typedef struct {
    uint64_t minima[HASHES];
    size_t shingles;
} Found;

static void add_shingle(Found *found, const uint64_t values[HASHES]) {
    for (int i = 0; i < HASHES; i++) {
        if (values[i] < found->minima[i]) found->minima[i] = values[i];
    }
    found->shingles++;
}

/* The last words, as many as a shingle has. */
typedef struct {
    uint64_t hashes[LONGEST_SHINGLE];
    size_t letters[LONGEST_SHINGLE];
    size_t count; /* of all words so far */
} Words;

static void find_shingle(const Words *words, size_t length, Found *all, Found *telling) {
    uint64_t shingle = 0, values[HASHES];
    size_t letters = 0;
    for (size_t at = words->count - length; at < words->count; at++) {
        shingle = shingle * BETWEEN + words->hashes[at % LONGEST_SHINGLE];
        letters += words->letters[at % LONGEST_SHINGLE];
    }
    for (int i = 0; i < HASHES; i++) values[i] = shingle * factors[i] + added[i];
    add_shingle(all, values);
    if (letters >= LETTERS_OF_SHINGLE) add_shingle(telling, values);
}

/* `text`: words with one space between them, in UTF-8. `length`: words of a shingle, LONGEST_SHINGLE at most; 0: write
 * nothing. `only_telling`: prefer shingles with many letters.
 * If there are words, writes FINGERPRINTS of WRITTEN bytes, of which the last says nothing. Returns how many letters
 * there are: code points other than spaces.
 */
size_t prints_of_words(const char *text, size_t bytes, size_t length, int only_telling, char *out) {
    size_t letters = 0, before = 0;
    Words words = {.count = 0};
    Found all = {.shingles = 0}, telling;
    memset(all.minima, 0xff, sizeof all.minima);
    telling = all;
    uint32_t crc = ~0u;
    for (size_t at = 0; at <= bytes; at++) {
        if (at < bytes && text[at] != ' ') {
            uint8_t byte = (uint8_t)text[at];
            letters += (byte & 0xC0) != 0x80;
            if (length) crc = crc_table[(crc ^ byte) & 0xff] ^ crc >> 8;
        } else if (length && letters > before) {
            words.hashes[words.count % LONGEST_SHINGLE] = ~crc;
            words.letters[words.count % LONGEST_SHINGLE] = letters - before;
            words.count++;
            if (words.count >= length) find_shingle(&words, length, &all, &telling);
            before = letters;
            crc = ~0u;
        }
    }
    if (!words.count) return letters;
    if (words.count < length) find_shingle(&words, words.count, &all, &telling);
    write_minima(only_telling && telling.shingles >= LEAST_SHINGLES ? telling.minima : all.minima, out);
    return letters;
}

/* Of ASCII the words with one space between them: of letters, in small letters, and of digits, each run of which becomes
 * one 0. `words` has room for as many bytes. Returns how many are written.
 */
size_t prints_ascii_words(const char *text, size_t bytes, char *words) {
    size_t count = 0;
    char last = ' ';
    for (size_t at = 0; at < bytes; at++) {
        char each = text[at];
        if (each >= 'A' && each <= 'Z') each += 'a' - 'A';
        else if (each >= '0' && each <= '9') each = '0';
        else if (each < 'a' || each > 'z') each = ' ';
        if (each == last && (each == ' ' || each == '0')) continue;
        words[count++] = last = each;
    }
    return count && last == ' ' ? count - 1 : count;
}

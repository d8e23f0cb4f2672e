/* Decodes the obfuscated words in one chunk between blanks. */
#include "_findings.h"

#define LONGEST_CHUNK 40 /* a longer one is no obfuscated word, unless its letters are separated */
#define LONGEST_SPELLED (3 * LONGEST_CHUNK)
/* Harmful words shorter than the first, harmless ones shorter than the second, and words that differ only by i and l
 * and are shorter than the third are no evidence. */
#define SURE 3
#define PLAIN 4
#define TOLD 6

/* A known word, or letters that contain a harmful one, and the evidence that it was obfuscated. */
typedef struct {
    uint32_t word;
    const uint32_t *letters; /* NULL: the letters of the word */
    size_t n;
    int evidence; /* NOTHING: there is no such reading */
} Read;

#define NOTHING (-1)
static const Read NO_READING = {NO_WORD, NULL, 0, NOTHING};

static Read reading_of(uint32_t word, int evidence) {
    Read found = {word, NULL, 0, word == NO_WORD ? NOTHING : evidence};
    return found;
}

static int evidence_of(const Words *w, uint32_t word, int otherwise) {
    if (word == NO_WORD) return ENOUGH;
    if (is_harmful(w, word)) return has(w, word, IS_TELLING) ? ENOUGH : NONE;
    return has(w, word, IS_KNOWN) ? otherwise : ENOUGH;
}

static size_t longest_run(Slice s) {
    size_t longest = 0;
    for (size_t i = 0, start = 0; i < s.n; i++) {
        if (s.text[i] != s.text[start]) start = i;
        if (i + 1 - start > longest) longest = i + 1 - start;
    }
    return longest;
}

static Read drawn_out(const Words *w, Slice s) {
    uint32_t word = stretched(w, s.text, s.n, 0);
    if (word == NO_WORD || length_of(w, word) < SURE) return NO_READING;
    /* "bails" is a word, although it looks like "balls"; "woop" may be a typing error, "wooop" is not. */
    int is_sure = length_of(w, word) >= (s.n > length_of(w, word) ? PLAIN : TOLD) || longest_run(s) >= 3;
    return reading_of(word, is_sure ? evidence_of(w, word, NONE) : NONE);
}

/* A word that was stretched or has two letters swapped. The letters are no known word, or an alias. */
static Read misspelt(const Words *w, Slice s) {
    uint32_t itself = listed(w, s.text, s.n);
    if (itself != NO_WORD && w->aliases[itself] != NO_WORD) return reading_of(w->aliases[itself], ENOUGH);
    if (s.n > LONGEST_CHUNK || s.n < PLAIN) return NO_READING;
    Read found = drawn_out(w, s);
    if (found.evidence != NOTHING) return found;
    uint32_t word = swapped(w, s.text, s.n);
    return reading_of(word, word == NO_WORD ? NONE : evidence_of(w, word, NONE));
}

/* Replaces digits and symbols by letters and drops separators; 0 if the result is no word. `kept`: a mark that is not
 * replaced; `eight`: the letters that an 8 represents. */
static size_t spelled(Slice s, uint32_t kept, const char *eight, uint32_t *to) {
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++) {
        uint32_t c = s.text[i], letter = c == kept ? c : letter_of(c);
        if (c == '8')
            for (const char *each = eight; *each; each++) to[n++] = (uint32_t)*each;
        else if (letter)
            to[n++] = letter;
    }
    return n;
}

static int are_letters(const uint32_t *text, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (!is_letter(text[i])) return 0;
    return n > 0;
}

/* Letters and digits, the first and the last a letter. */
static int is_compound_of_symbols(Slice s) {
    int others = 0;
    for (size_t i = 0; i < s.n; i++) {
        uint32_t c = s.text[i];
        if (is_letter(c)) continue;
        if (!is_digit(c) && c != '@' && c != '$' && c != '!') return 0;
        others = 1;
    }
    return others && is_letter(s.text[0]) && is_letter(s.text[s.n - 1]);
}

typedef struct { size_t letters, digits; } Kinds;

/* A code point that occurs more than twice in a row counts once. */
static Kinds kinds_in(Slice s) {
    Kinds found = {0, 0};
    for (size_t start = 0, end; start < s.n; start = end) {
        end = start;
        while (end < s.n && s.text[end] == s.text[start]) end++;
        size_t count = end - start >= 3 ? 1 : end - start;
        if (is_letter(s.text[start])) found.letters += count;
        if (is_digit_at(s, start)) found.digits += count;
    }
    return found;
}

/* Digits and then letters, or letters and then digits. */
static int is_number_at_an_end(Slice s) {
    size_t changes = 0;
    for (size_t i = 0; i < s.n; i++) {
        if (!is_letter(s.text[i]) && !is_digit_at(s, i)) return 0;
        changes += i && is_letter(s.text[i]) != is_letter(s.text[i - 1]);
    }
    return changes == 1;
}

/* Money, mentions, brackets, and parts of names and numbers replace letters only in harmful words. */
static int may_be_otherwise(Slice s) {
    for (size_t i = 0; i < s.n; i++)
        if (is_of(s.text[i], OTHERWISE)) return 1;
    return (s.text[0] == '$' && s.n > 1 && is_digit_at(s, 1)) || s.text[0] == '@' || s.text[0] == '(' ||
           s.text[s.n - 1] == '(';
}

static int holds_any(Slice s, uint16_t kinds) {
    for (size_t i = 0; i < s.n; i++)
        if (is_of(s.text[i], kinds)) return 1;
    return 0;
}

/* The evidence that digits replace letters here; NOTHING for sizes, dates and names of models. */
static int proof(const Words *w, Slice s, uint32_t word, size_t length) {
    Kinds kinds = kinds_in(s);
    if ((length <= SURE || !has(w, word, IS_KNOWN)) && kinds.digits > kinds.letters) return NOTHING;
    if (!(word != NO_WORD && is_harmful(w, word)) && may_be_otherwise(s)) return holds(s, '(') ? NOTHING : NONE;
    int is_clear = holds_any(s, STAND_IN) && length >= SURE && kinds.digits <= kinds.letters + 1 &&
                   !is_number_at_an_end(s);
    return evidence_of(w, word, !is_clear ? NONE : length > SURE ? ENOUGH : HALF);
}

static Read best_read(Read a, Read b) {
    if (a.evidence == NOTHING) return b;
    return b.evidence != NOTHING && b.word < a.word ? b : a;
}

static Read proved(const Words *w, Slice s, uint32_t word) {
    return reading_of(word, proof(w, s, word, length_of(w, word)));
}

/* The word spelled with digits and symbols for letters, and with symbols between letters. `letters`: a buffer for it.
 * `any`: whether any reading has evidence. */
static Read spelled_word(const Words *w, Slice s, uint32_t *letters, int *any) {
    Read best = NO_READING;
    int is_starred = holds(s, '*'), found = 0;
    size_t n;
    if (holds(s, '\'') && (n = spelled(s, '\'', "b", letters)) && known(w, letters, n) != NO_WORD)
        return best = proved(w, s, known(w, letters, n)), *any = best.evidence > 0, best;
    if (holds(s, '8') && (n = spelled(s, 0, "ate", letters)) && known(w, letters, n) != NO_WORD)
        found = 1, best = proved(w, s, known(w, letters, n)), *any |= best.evidence > 0;
    n = spelled(s, 0, "b", letters);
    int is_word = are_letters(letters, n);
    for (uint32_t at = is_word ? first_stretched(w, letters, n) : 0; at;
         at = next_stretched(w, letters, n, w->next[at - 1])) {
        if (is_starred && length_of(w, at - 1) <= PLAIN) continue; /* there the star probably hides a letter */
        Read read = proved(w, s, at - 1);
        found = 1, *any |= read.evidence > 0, best = best_read(best, read);
    }
    if (!found && is_word && n <= LONGEST_CHUNK && is_compound_of_symbols(s) && holds_telling(w, letters, n, PLAIN)) {
        Read read = {NO_WORD, letters, n, proof(w, s, NO_WORD, n)};
        *any = read.evidence > 0, best = read;
    }
    return best;
}

/* The number of stars is often not that of the letters. */
static uint32_t miscounted(const Words *w, Slice s) {
    uint32_t tried[LONGEST_CHUNK + 5];
    size_t first = 0, end = s.n, stars;
    while (first < s.n && s.text[first] != '*') first++;
    while (end > first && s.text[end - 1] != '*') end--;
    stars = end - first;
    if (!stars || s.n - stars <= SURE) return NO_WORD;
    for (size_t i = 0; i < s.n; i++)
        if (i >= first && i < end ? s.text[i] != '*' : !is_letter(s.text[i])) return NO_WORD;
    for (size_t apart = 0; apart <= LONGEST_CHUNK; apart++)
        for (int side = -1; side <= (apart ? 1 : -1); side += 2) { /* the shorter one first */
            size_t length = side < 0 ? stars - apart : stars + apart;
            if (length < 1 || length > 5 || (side < 0 && apart >= stars)) continue;
            memcpy(tried, s.text, first * sizeof *tried);
            for (size_t i = 0; i < length; i++) tried[first + i] = '*';
            memcpy(tried + first + length, s.text + end, (s.n - end) * sizeof *tried);
            uint32_t word = masked(w, tried, s.n - stars + length);
            if (word != NO_WORD) return word;
        }
    return NO_WORD;
}

/* Single letters with full stops between them, as in "H.M.S", where no stop hides a letter. */
static int is_abbreviation(Slice s) {
    for (size_t i = 0; i < s.n; i++)
        if (i % 2 ? s.text[i] != '.' : !is_letter(s.text[i])) return 0;
    return s.n % 2;
}

/* The word in which masks replace some letters. */
static uint32_t masked_word(const Words *w, Slice s) {
    uint32_t pattern[LONGEST_CHUNK];
    size_t seen = 0, hidden = 0, stars = 0;
    int is_sure = 0;
    if ((s.text[0] == '*' && s.text[s.n - 1] == '*') || s.text[0] == '@') return NO_WORD; /* emphasis; a mention */
    for (size_t i = 0; i < s.n; i++) {
        pattern[i] = mask_of(s.text[i]);
        seen += is_letter(pattern[i]), hidden += pattern[i] == '*', stars += s.text[i] == '*';
        is_sure |= is_of(s.text[i], SURE_MASK);
    }
    if (!hidden || seen + hidden != s.n || s.n < SURE || is_abbreviation(s)) return NO_WORD;
    if (!is_sure) {
        int is_inside = pattern[0] != '*' && pattern[s.n - 1] != '*';
        uint32_t word = is_inside && s.n >= PLAIN && hidden <= seen ? masked(w, pattern, s.n) : NO_WORD;
        return word != NO_WORD && is_harmful(w, word) ? word : NO_WORD;
    }
    int is_initial = seen == 1 && (pattern[0] == '*' || stars < 2);
    if (is_initial || (s.n == SURE && !stars)) return NO_WORD; /* R&D, 5%x */
    uint32_t word = masked(w, pattern, s.n);
    return word != NO_WORD ? word : miscounted(w, s);
}

/* `letters`: room for LONGEST_SPELLED; the reading may point there. */
static Read with_symbols(const Words *w, Slice s, uint32_t *letters) {
    int any = 0;
    Read found = spelled_word(w, s, letters, &any);
    if (any && !holds(s, '*')) return found;
    uint32_t word = masked_word(w, s);
    if (word == NO_WORD || (found.evidence != NOTHING && found.word <= word)) return found;
    return reading_of(word, evidence_of(w, word, NONE));
}

/* The obfuscated words of one chunk between blanks, read whole, letter by letter, or part by part. */
#include "_chunk.h"

/* The words that single letters spell, if one of them is harmful. The letters are at the first `count` of `positions`
 * in the whole text `s`. Returns whether there are any. */
static int letter_by_letter(Findings *f, Slice s, const uint32_t *positions, size_t count) {
    const Words *w = f->words;
    uint32_t *letters = f->spelled, *places = f->places;
    size_t n = 0, sure = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t letter = letter_of(s.text[positions[i]]);
        sure += (size_t)is_alpha_at(s, positions[i]);
        if (letter) letters[n] = letter, places[n++] = positions[i];
    }
    if (!sure || !are_letters(letters, n)) return 0;
    uint32_t word = stretched(w, letters, n, 0);
    if (word != NO_WORD && (2 * sure >= count || length_of(w, word) > SURE)) {
        add(f, places[0], places[n - 1] + 1, word, NULL, 0, evidence_of(w, word, NONE));
        return 1;
    }
    if (2 * sure < count) return 0;
    parted(w, letters, n, f->costs, f->from);
    size_t parts = 0, longest = 0;
    int is_all_known = 1;
    for (size_t end = n; end; end = f->from[end]) {
        uint32_t each = listed(w, letters + f->from[end], end - f->from[end]);
        is_all_known &= has(w, each, IS_KNOWN);
        if (has(w, each, IS_TELLING) && end - f->from[end] > longest) longest = end - f->from[end];
        f->ends[parts++] = (uint32_t)end;
    }
    if (longest < (is_all_known ? SURE : PLAIN)) return 0;
    while (parts--) {
        size_t end = f->ends[parts], start = f->from[end];
        add(f, places[start], places[end - 1] + 1, listed(w, letters + start, end - start), letters + start,
            end - start, start ? NONE : ENOUGH);
    }
    return 1;
}

static int add_read(Findings *f, size_t start, size_t end, Read read) {
    if (read.evidence == NOTHING) return 0;
    add(f, start, end, read.word, read.letters, read.n, read.evidence);
    return 1;
}

static int may_be_letters(Slice s) {
    int at = 0, dollar = 0;
    for (size_t i = 0; i < s.n; i++) {
        if (is_letter(s.text[i])) return 1;
        at |= s.text[i] == '@', dollar |= s.text[i] == '$';
    }
    return at && dollar; /* prices have digits only; "@$$" has none of either */
}

/* How a part of a text was read. */
enum { NOT_YET, AS_PART, AS_CHUNK, AS_LOOK_ALIKE };

static int in_part(Findings *f, Slice s, size_t offset) {
    uint32_t letters[LONGEST_SPELLED];
    int found;
    if (s.n > LONGEST_CHUNK || !may_be_letters(s)) return 0;
    Memory *memory = remembered(f, s, AS_PART, offset, &found);
    if (found >= 0) return found;
    size_t before = f->count;
    if (known(f->words, s.text, s.n) == NO_WORD) {
        Read read = is_alpha(s) ? drawn_out(f->words, s) : with_symbols(f->words, s, letters);
        found = add_read(f, offset, offset + s.n, read);
    }
    if (found <= 0 || f->count > before) remember(memory, s, AS_PART, offset, before, f->count);
    return found > 0;
}

/* `core`: a chunk without the marks around it, at `offset` of the whole text. */
static int in_core(Findings *f, Slice whole, size_t offset, Slice core) {
    uint32_t letters[LONGEST_SPELLED];
    if (is_alpha(core)) return add_read(f, offset, offset + core.n, misspelt(f->words, core));
    size_t parts = 0, singles = 0, count = 0;
    for (size_t i = 0, start = 0; i <= core.n; i++) {
        if (i < core.n && !is_of(core.text[i], PARTS)) {
            f->positions[count++] = (uint32_t)(offset + i);
            continue;
        }
        parts += i > start, singles += i - start == 1;
        start = i + 1;
    }
    if (singles >= 3 && 10 * singles >= 7 * parts && letter_by_letter(f, whole, f->positions, count)) return 1;
    if (core.n <= LONGEST_CHUNK && add_read(f, offset, offset + core.n, with_symbols(f->words, core, letters)))
        return 1;
    int found = 0;
    for (size_t i = 0, start = 0; parts > 1 && i <= core.n; i++) {
        if (i < core.n && !is_of(core.text[i], PARTS)) continue;
        if (i > start) found |= in_part(f, part(core, start, i), offset + start);
        start = i + 1;
    }
    return found;
}

static int is_shouted(Slice s) {
    for (size_t i = s.n; i-- > 1 && is_of(s.text[i], SHOUT) && is_of(s.text[i - 1], SHOUT);)
        if ((s.text[i] == '!' && s.text[i - 1] == '1') || (s.text[i] == '1' && s.text[i - 1] == '!')) return 1;
    return 0;
}

/* The chunk without the marks around it; `offset`: its start in the chunk. */
static Slice core_of(const Words *w, Slice chunk, size_t *offset) {
    size_t from = 0, to = chunk.n, opened = 0;
    while (to && is_of(chunk.text[to - 1], EDGE | SHOUT)) to--;
    Slice inner = stripped(part(chunk, 0, to), BEFORE, BEFORE);
    if (known(w, inner.text, inner.n) == NO_WORD && !is_shouted(chunk)) {
        to = chunk.n;
        while (to && is_of(chunk.text[to - 1], BEHIND)) to--;
    }
    while (from < to && is_of(chunk.text[from], BEFORE)) from++;
    *offset = from;
    Slice core = part(chunk, from, to);
    for (size_t i = 0; i < chunk.n; i++) opened += chunk.text[i] == '(';
    if (opened != 1 || holds(chunk, ')') || known(w, core.text, core.n) != NO_WORD) return core;
    if (to < chunk.n && chunk.text[to] == '(') to++; /* a bracket that is not closed may be a c */
    if (from && chunk.text[from - 1] == '(') from--;
    *offset = from;
    return part(chunk, from, to);
}

static int is_one_of(const uint32_t *text, size_t n, const char *const *words, size_t count) {
    for (size_t k = 0; k < count; k++) {
        size_t i = 0;
        while (i < n && words[k][i] && text[i] == (uint32_t)words[k][i]) i++;
        if (i == n && !words[k][i]) return 1;
    }
    return 0;
}

static int is_number_with_unit(Slice s) {
    static const char *const UNITS[] = {"st", "nd", "rd", "th", "s",  "am", "pm", "px",
                                        "em", "km", "kg", "mb", "gb", "m",  "k"};
    size_t digits = 0;
    while (digits < s.n && is_digit_at(s, digits)) digits++;
    return digits && is_one_of(s.text + digits, s.n - digits, UNITS, sizeof UNITS / sizeof *UNITS);
}

/* A known word, also emphasized or with an 's, or a compound of such words and numbers. */
static int is_ordinary_core(const Words *w, Slice s) {
    uint32_t word = known(w, s.text, s.n);
    if (word != NO_WORD) return w->aliases[word] == NO_WORD;
    size_t from = 0, to = s.n;
    while (to > from && (s.text[to - 1] == '*' || s.text[to - 1] == '_')) to--;
    while (to > from && (s.text[from] == '*' || s.text[from] == '_')) from++;
    if (known(w, s.text + from, to - from) != NO_WORD) return 1;
    if (is_alpha(s) || holds(s, '*')) return 0;
    if (is_number_with_unit(s)) return 1;
    if (s.n > 1 && s.text[s.n - 1] == 's' && (s.text[s.n - 2] == '\'' || s.text[s.n - 2] == 0x2019)) s.n -= 2;
    for (size_t i = 0, start = 0; i <= s.n; i++) {
        if (i < s.n && !is_of(s.text[i], PARTS_PLAIN)) continue;
        Slice each = part(s, start, i);
        start = i + 1;
        if (!each.n || is_digits(each)) continue;
        uint32_t found = listed(w, each.text, each.n);
        if (!has(w, found, IS_STANDING) && !(each.n >= PLAIN && has(w, found, IS_WHOLE))) return 0;
    }
    return 1;
}

static int is_address(Slice s) {
    static const char *const ENDS[] = {"com", "org", "net",  "edu", "gov", "info", "htm", "html",
                                       "php", "jpg", "jpeg", "png", "gif", "svg",  "pdf"};
    int is_mail = 0, slashes = 0, is_path = 1;
    if (s.n > 4 && s.text[0] == 'w' && s.text[1] == 'w' && s.text[2] == 'w' && s.text[3] == '.') return 1;
    for (size_t i = 0; i < s.n; i++) {
        uint32_t c = s.text[i];
        if (c == ':' && i + 2 < s.n && s.text[i + 1] == '/' && s.text[i + 2] == '/') return 1;
        if (c == '@') is_mail = i && s.text[i - 1] != '@';
        if (c == '.' && (is_mail || (is_path && slashes))) return 1;
        slashes |= c == '/';
        is_path &= c == '/' || c == '-' || is_word_at(s, i);
        if (c != '.') continue;
        size_t end = i + 1;
        while (end < s.n && end <= i + 5 && is_word_at(s, end)) end++;
        if (is_one_of(s.text + i + 1, end - i - 1, ENDS, sizeof ENDS / sizeof *ENDS)) return 1;
    }
    return 0;
}

/* Newspapers write sh-- and f---. */
static uint32_t censored(const Words *w, Slice s) {
    uint32_t pattern[8];
    size_t letters = 0;
    if (s.n < 4 || s.n > 7) return NO_WORD;
    while (letters < s.n && is_letter(s.text[letters])) letters++;
    for (size_t i = 0; i < s.n; i++) {
        if (i >= letters && s.text[i] != '-' && s.text[i] != '_') return NO_WORD;
        pattern[i] = i < letters ? s.text[i] : '*';
    }
    size_t hidden = s.n - letters;
    int is_so = letters == 1 ? hidden >= 3 && hidden <= 5 : letters >= 2 && letters <= 3 && hidden >= 2 && hidden <= 4;
    if (!is_so || has(w, listed(w, s.text, letters), IS_STANDING)) return NO_WORD;
    uint32_t word = masked(w, pattern, s.n);
    return word != NO_WORD && is_harmful(w, word) ? word : NO_WORD;
}

static int in_chunk(Findings *f, Slice text, size_t start, size_t end, int is_alike, int is_seen) {
    const Words *w = f->words;
    size_t offset;
    Slice chunk = part(text, start, end), core = core_of(w, chunk, &offset);
    offset += start;
    if (is_alike) {
        uint32_t word = stretched(w, core.text, core.n, 1);
        int is_around = word == NO_WORD && core.n <= LONGEST_CHUNK && are_letters(core.text, core.n) &&
                        holds_telling(w, core.text, core.n, PLAIN);
        if (word != NO_WORD || is_around) {
            add(f, offset, offset + core.n, word, core.text, core.n, evidence_of(w, word, HALF));
            return 1;
        }
        if (is_seen && chunk.n > LONGEST_REMEMBERED) return 0;
    }
    uint32_t word = censored(w, chunk);
    if (word != NO_WORD) {
        add(f, start, end, word, NULL, 0, ENOUGH);
        return 1;
    }
    if (!may_be_letters(core) || is_ordinary_core(w, core) || is_address(core)) return 0;
    return in_core(f, text, offset, core);
}

/* Adds the obfuscated words of the chunk [start, end) of the text, in order. `is_alike`: some letters are homoglyphs;
 * `is_seen`: it was read before with the homoglyphs replaced. Returns whether there are any. */
static int words_in(Findings *f, Slice text, size_t start, size_t end, int is_alike, int is_seen) {
    Slice chunk = part(text, start, end);
    int kind = is_alike ? AS_LOOK_ALIKE : AS_CHUNK, found;
    if (chunk.n > LONGEST_REMEMBERED) return in_chunk(f, text, start, end, is_alike, is_seen);
    Memory *memory = remembered(f, chunk, kind, start, &found);
    if (found >= 0) return found;
    size_t before = f->count;
    found = in_chunk(f, text, start, end, is_alike, is_seen);
    /* For homoglyphs more than their look decides. */
    if (!found || (f->count > before && !is_alike)) remember(memory, chunk, kind, start, before, f->count);
    return found;
}

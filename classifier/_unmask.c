/* Decodes obfuscated words: homoglyphs, leetspeak, and spaced, dotted, masked and stretched letters.
 *
 * A word is replaced only by a word that the model knows, so text without obfuscation stays unchanged. The time is
 * linear in the length of any text: each loop reads a code point a fixed number of times at most, each look-up takes
 * bounded time per letter, and nothing longer than the longest word is looked up.
 */
#include "_quick.h"

#define FEWEST_APART 3
#define WIDEST_GAP 3 /* blanks between spaced letters */
#define SHORTEST_JOINED 4
#define FLAG_LETTERS 2

typedef struct { uint32_t start, end; } Place;

/* A text, and the words found in it so far. */
typedef struct {
    Findings f;
    Slice text;
    Place *chunks; /* separated by blanks */
    size_t count;
} Look;

/* The text after classifier.normalize. `starts` and `ends`: the origin in it of each code point of the text with
 * homoglyphs replaced; NULL if both are the same. */
typedef struct {
    Slice s;
    const uint32_t *starts, *ends;
} Plain;

/* Called once when the library is loaded, before any other call. */
void unmask_prepare(void) { prepare_marks(); }

static Slice chunk_of(const Look *look, size_t at) {
    return part(look->text, look->chunks[at].start, look->chunks[at].end);
}

static void part_at_blanks(Look *look) {
    for (size_t start = 0, end; start < look->text.n; start = end + 1) {
        for (end = start; end < look->text.n && look->text.text[end] != ' ';) end++;
        if (end == start) continue;
        Place place = {(uint32_t)start, (uint32_t)end};
        look->chunks[look->count++] = place;
    }
}

/* Whether it is an ordinary word. */
static int is_ordinary(const Words *w, Slice s) {
    uint32_t plain[LONGEST_WORD];
    s = stripped(s, BEFORE | BEHIND, BEFORE | BEHIND);
    if (s.n > LONGEST_WORD) return 0;
    for (size_t i = 0; i < s.n; i++) plain[i] = s.text[i] == 0x2019 ? '\'' : s.text[i];
    return has(w, listed(w, plain, s.n), IS_ORDINARY);
}

static int is_fragment(const Words *w, Slice s) {
    s = stripped(s, BEFORE, EDGE);
    return s.n <= LONGEST_FRAGMENT && is_alpha(s) && !has(w, listed(w, s.text, s.n), IS_STANDING);
}

static int are_standing_apart(const Words *w, Slice s) {
    for (size_t i = 0, start = 0; i <= s.n; i++) {
        if (i < s.n && s.text[i] != ' ') continue;
        if (has(w, listed(w, s.text + start, i - start), IS_STANDING)) return 0;
        start = i + 1;
    }
    return 1;
}

/* The word that chunk `at` forms with its neighbors, each separated by one blank. */
static int joined(Look *look, size_t at) {
    static const int JOINS[][2] = {{0, 1}, {-1, 0}, {-1, 1}, {0, 2}, {-2, 0}};
    const Words *w = look->f.words;
    for (size_t k = 0; k < sizeof JOINS / sizeof *JOINS; k++) {
        if ((int64_t)at + JOINS[k][0] < 0 || at + (size_t)JOINS[k][1] >= look->count) continue;
        size_t first = at - (size_t)-JOINS[k][0], last = at + (size_t)JOINS[k][1], n = 0;
        uint32_t letters[LONGEST_WORD], start = look->chunks[first].start;
        Slice whole = stripped(part(look->text, start, look->chunks[last].end), BEFORE, BEHIND);
        if (whole.n > LONGEST_WORD + last - first || whole.n < SURE + last - first) continue;
        if (whole.text[0] == ' ' || whole.text[whole.n - 1] == ' ') continue; /* a chunk of marks only */
        for (size_t i = 0; i < whole.n && n <= LONGEST_WORD; i++)
            if (whole.text[i] != ' ' && n++ < LONGEST_WORD) letters[n - 1] = whole.text[i];
        if (n < SURE || whole.n != n + last - first) continue;
        uint32_t word = known(w, letters, n);
        if (word == NO_WORD || !(is_harmful(w, word) || are_standing_apart(w, whole))) continue;
        size_t from = (size_t)(whole.text - look->text.text);
        int is_sure = has(w, word, IS_TELLING) && n >= SHORTEST_JOINED;
        add(&look->f, from, from + whole.n, word, NULL, 0, is_sure ? ENOUGH : NONE);
        return 1;
    }
    return 0;
}

static int stands_alone(Slice s) {
    for (size_t i = 1; i < s.n; i++) {
        COUNT(1);
        if (!is_of(s.text[i], AFTER_ONE)) return 0;
    }
    return 1;
}

/* Spaced letters in the chunks [first, end). Gaps between words are wider than those between letters, or missing. */
static void read_apart(Look *look, size_t first, size_t end) {
    const Place *chunks = look->chunks;
    uint32_t *positions = look->f.positions, narrow = UINT32_MAX;
    size_t before = look->f.count, used = look->f.used, gaps = 0;
    for (size_t i = first; i < end; i++) positions[i - first] = chunks[i].start;
    for (size_t i = first + 1; i < end; i++)
        if (chunks[i].start - chunks[i - 1].start < narrow) narrow = chunks[i].start - chunks[i - 1].start;
    for (size_t i = first + 1, start = first; i <= end; i++) {
        int is_gap = i < end && chunks[i].start - chunks[i - 1].start > narrow;
        gaps += (size_t)is_gap;
        if (i < end && !is_gap) continue;
        letter_by_letter(&look->f, look->text, positions + (start - first), i - start);
        start = i;
    }
    if (any_harm(&look->f, before)) return;
    forget(&look->f, before, used);
    if (!gaps) return;
    letter_by_letter(&look->f, look->text, positions, end - first);
    if (!any_harm(&look->f, before)) forget(&look->f, before, used);
}

/* The end of the run of three or more single characters that begins with chunk `at`; `at` if there is none. */
static size_t end_of_run(const Look *look, size_t at) {
    size_t end = at;
    while (end < look->count && stands_alone(chunk_of(look, end)) &&
           (end == at || look->chunks[end].start - look->chunks[end - 1].end <= WIDEST_GAP))
        end++;
    return end - at >= FEWEST_APART ? end : at;
}

/* Everything obfuscated without homoglyphs. */
static void look_everywhere(Look *look) {
    const Words *w = look->f.words;
    size_t done = 0, end;
    for (size_t at = 0; at < look->count && look->f.count < MOST_HARMFUL; at = end) {
        end = end_of_run(look, at);
        if (end > at) {
            read_apart(look, at, end);
            continue;
        }
        end = at + 1;
        if (look->chunks[at].start < done || is_ordinary(w, chunk_of(look, at))) continue;
        size_t before = look->f.count;
        if (!words_in(&look->f, look->text, look->chunks[at].start, look->chunks[at].end, 0, 0) &&
            is_fragment(w, chunk_of(look, at)))
            joined(look, at);
        if (look->f.count > before) done = (size_t)look->f.items[look->f.count - 1].end;
    }
}

static int starts_before(const void *a, const void *b) {
    const Found *one = a, *other = b;
    if (one->start != other->start) return one->start < other->start ? -1 : 1;
    if (one->end != other->end) return one->end > other->end ? -1 : 1;
    return one->at < other->at ? -1 : one->at > other->at;
}

/* Sorts in order of the text; of two that overlap the longer one stays. */
static void order(Findings *f) {
    size_t kept = 0;
    int is_ordered = 1;
    for (size_t i = 1; i < f->count; i++) is_ordered &= starts_before(f->items + i - 1, f->items + i) < 0;
    if (!is_ordered) qsort(f->items, f->count, sizeof *f->items, starts_before);
    for (size_t i = 0; i < f->count; i++)
        if (!kept || f->items[i].start >= f->items[kept - 1].end) f->items[kept++] = f->items[i];
    f->count = kept;
}

/* Whether all original letters are of one script other than Latin, as in a word of another language. */
static int is_foreign(Slice s) {
    unsigned script = 0;
    COUNT(s.n);
    for (size_t i = 0; i < s.n; i++) {
        unsigned here = s.about[i] & SCRIPT;
        if (here && script && here != script) return 0;
        if (here) script = here;
    }
    return script && script != LATIN && script != SEVERAL;
}

static int is_flag(Slice s) {
    COUNT(s.n);
    for (size_t i = 0; i < s.n; i++)
        if (!(s.about[i] & REGIONAL)) return 0;
    return 1;
}

/* Whether the text is in Latin letters, and all other letters look like Latin ones. */
static int is_latin(Slice s, const Plain *plain) {
    for (size_t i = 0; i < s.n; i++)
        if (s.text[i] >= 128 && s.about[i] & ALPHA) return 0;
    for (size_t i = 0; i < plain->s.n; i++)
        if (is_letter(plain->s.text[i])) return 1;
    return 0;
}

/* Removes findings that are words of another script which only look like a known word, unless the word is harmful and
 * among Latin words. Returns whether any was removed. */
static int keep_what_is_meant(Look *look, size_t first, const Slice *chunk, int latin) {
    Findings *f = &look->f;
    size_t kept = first;
    /* Computed once: a chunk may be the whole text and contain hundreds of findings. */
    int is_chunk_foreign = chunk && is_foreign(*chunk), is_chunk_flag = chunk && is_flag(*chunk), is_changed = 0;
    for (size_t i = first; i < f->count; i++) {
        Found *each = f->items + i;
        int is_other = chunk ? is_chunk_foreign
                             : is_foreign(part(look->text, (size_t)each->start, (size_t)each->end));
        if (is_other && !(latin && each->harmful)) continue;
        if (each->n <= FLAG_LETTERS && is_chunk_flag) each->evidence = NONE, is_changed = 1;
        f->items[kept++] = *each;
    }
    int is_fewer = kept < f->count;
    if (is_changed || is_fewer) forget_memories(f); /* the findings that they point to have changed */
    f->count = kept;
    return is_fewer;
}

static void look_at_look_alikes(Look *look, const Plain *plain, int is_seen) {
    int latin = is_latin(look->text, plain);
    is_seen &= !keep_what_is_meant(look, 0, NULL, latin);
    forget_memories(&look->f); /* the findings have been sorted */
    for (size_t at = 0; at < look->count && look->f.count < MOST_HARMFUL; at++) {
        Slice chunk = chunk_of(look, at);
        size_t before = look->f.count, used = look->f.used, i = 0;
        while (i < chunk.n && !(chunk.about[i] & LOOKS)) i++;
        if (i == chunk.n) continue;
        if (words_in(&look->f, look->text, look->chunks[at].start, look->chunks[at].end, 1, is_seen))
            keep_what_is_meant(look, before, &chunk, latin);
        if (look->f.count == before) look->f.used = used;
    }
    order(&look->f);
}

static int is_worth_it(Look *look, const Lexicon *quick) {
    int64_t odd[2 * FEW_ODD];
    int64_t count = quick_find(quick, look->text.text, look->text.n, odd, FEW_ODD);
    for (int64_t i = 0; i < count; i++) {
        words_in(&look->f, look->text, (size_t)odd[2 * i], (size_t)odd[2 * i + 1], 0, 0);
        int is_disguised = any_evidence(&look->f, 0);
        forget(&look->f, 0, 0);
        forget_memories(&look->f);
        if (is_disguised) return 1;
    }
    return count < 0;
}

static size_t copy(const uint32_t *from, size_t start, size_t end, uint32_t *to) {
    if (start >= end) return 0;
    memcpy(to, from + start, (end - start) * sizeof *to);
    return end - start;
}

/* Whether there is a blank, a letter or a digit between two words. */
static int are_parted(Slice s) {
    for (size_t i = 0; i < s.n; i++)
        if (s.text[i] == ' ' || (s.text[i] != '_' && is_word_at(s, i))) return 1;
    return 0;
}

/* The text with each obfuscated word replaced. Returns its length. */
static size_t write_reading(const Look *look, const Plain *plain, uint32_t *to) {
    const Findings *f = &look->f;
    size_t n = 0, done = 0;
    for (size_t i = 0; i < f->count; i++) {
        Found *each = f->items + i;
        size_t start = (size_t)each->start, end = (size_t)each->end;
        each->from = plain->starts ? plain->starts[start] : start;
        each->to = plain->ends ? plain->ends[end - 1] : end;
        each->blank = i && !(each->from > (int64_t)done && are_parted(part(plain->s, done, (size_t)each->from)));
        if (each->blank)
            to[n++] = ' ';
        else
            n += copy(plain->s.text, done, (size_t)each->from, to + n);
        for (int64_t k = 0; k < each->n; k++) to[n++] = f->letters[each->at + k];
        done = (size_t)each->to;
    }
    return n + copy(plain->s.text, done, plain->s.n, to + n);
}

/* The obfuscated words of a text of n code points, in order, and the decoded text. `found` has room for MOST_HARMFUL
 * words, `letters` for MOST_LETTERS, `reading` for the text, these letters, and a blank for each word. `about`:
 * properties of each code point (_marks.h); NULL for ASCII. `quick`: NULL skips the quick test. Returns the number
 * of words, 0 if the evidence is too weak, or -2 if out of memory. */
int64_t unmask_find(const Words *words, const Lexicon *quick, const uint32_t *text, const uint16_t *about, size_t n,
                    const Plain *plain, Found *found, uint8_t *letters, uint32_t *reading, int64_t *length) {
    size_t room = n + 1;
    uint8_t *memory = malloc(room * (sizeof(double) + sizeof(Place) + 5 * sizeof(uint32_t)));
    if (!memory) return -2;
    double *costs = (double *)memory;
    Place *chunks = (Place *)(costs + room);
    uint32_t *numbers = (uint32_t *)(chunks + room);
    Look look = {.f = {words, found, 0, letters, 0, numbers, numbers + room, numbers + 2 * room, numbers + 3 * room,
                       numbers + 4 * room, costs, {{{0}}}},
                 .text = {text, about, n},
                 .chunks = chunks};
    int looks = 0, evidence = 0;
    for (size_t i = 0; about && i < n && !looks; i++) looks = about[i] & LOOKS;
    int is_worth_reading = !quick || is_worth_it(&look, quick);
    if (is_worth_reading || looks) part_at_blanks(&look);
    if (is_worth_reading) look_everywhere(&look);
    order(&look.f);
    if (looks) look_at_look_alikes(&look, plain, is_worth_reading);
    for (size_t i = 0; i < look.f.count; i++) evidence += (int)look.f.items[i].evidence;
    if (evidence >= ENOUGH) *length = (int64_t)write_reading(&look, plain, reading);
    free(memory);
    return evidence < ENOUGH ? 0 : (int64_t)look.f.count;
}

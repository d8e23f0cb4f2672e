/* A fast test whether an ASCII text is clearly English. Only a yes is an answer; otherwise language.py asks CLD2.
 *
 * A yes needs all of this, which neither text in another language nor mixed text has:
 *   at least FEWEST words, of which LEAST_SHARE percent are English function words,
 *   at least FEWEST_OWN different function words that are common in no other language,
 *   at least LEAST_NEAR function words among any NEAR consecutive words.
 * The text must contain no control characters, and nothing that language.py removes before it asks CLD2.
 */
#include <stddef.h>
#include <stdint.h>

#define FEWEST 10
#define LEAST_SHARE 35 /* percent */
#define FEWEST_OWN 4
#define NEAR 8 /* bits of `near` */
#define LEAST_NEAR 2
#define LONGEST 8 /* letters that fit a key */

static const char *const OWN =
    "about after again against always another anyone anything are around away because been before being believe "
    "better between both called cannot comes could didn did does doesn doing don each else enough even ever every "
    "everyone few going having himself however isn itself keep know known least less little lot makes maybe mean "
    "might much myself need never nothing often others people please rather really saying says see seems should "
    "shouldn since someone thank that the their them then there these they thing things think this those though "
    "thought through today together trying under until upon used using want wants wasn way were what whatever when "
    "where whether which while who whole whose why with without would wouldn wrong year years you your yourself";

static const char *const SHARED =
    "a all also am an and any as at back be but by can come d day did do down find first for from get give go good "
    "got great had has have he help her here high him his how i if in is it its just let like ll long look made make "
    "man many me more most must my new no not now of off old on once one only or other our out over own put re right "
    "s said same so some still such sure t take tell than time to too two up us use ve very was we well will won work "
    "world yes yet";

#define SLOTS 1024
typedef struct {
    uint64_t key; /* the letters, the last one in the lowest bits; 0: empty */
    int own;      /* its index in OWN plus 1, or 0 */
} Slot;

static Slot slots[SLOTS];

static inline Slot *slot_of(uint64_t key) {
    size_t at = key * 0x9e3779b97f4a7c15u >> 54; /* the highest 10 bits */
    while (slots[at].key && slots[at].key != key) at = (at + 1) % SLOTS;
    return &slots[at];
}

static void put(const char *words, int is_own) {
    int number = 0;
    for (uint64_t key = 0;; words++) {
        if (*words >= 'a') {
            key = key << 8 | (uint8_t)*words;
            continue;
        }
        Slot *slot = slot_of(key);
        number++;
        if (!slot->key) *slot = (Slot){key, is_own ? number : 0};
        key = 0;
        if (!*words) return;
    }
}

/* Called once when the library is loaded, before any other call. */
void english_prepare(void) {
    put(OWN, 1);
    put(SHARED, 0);
}

typedef struct {
    uint64_t key, seen[4]; /* seen: which of OWN */
    size_t length, words, found;
    uint32_t near;
    int is_thin; /* somewhere there are too few function words near each other */
} Look;

static inline void end_word(Look *look) {
    const Slot *slot = look->length <= LONGEST ? slot_of(look->key) : NULL;
    int known = slot && slot->key;
    if (known && slot->own) look->seen[slot->own / 64] |= (uint64_t)1 << slot->own % 64;
    look->found += (size_t)known;
    look->near = (look->near << 1 | (uint32_t)known) & ((1u << NEAR) - 1);
    look->is_thin |= ++look->words >= NEAR && __builtin_popcount(look->near) < LEAST_NEAR;
    look->key = look->length = 0;
}

/* Whether the character at i ends a part of a URL, user name, hashtag or HTML, or is one that people do not type. */
static inline int is_noise(const uint8_t *text, size_t i) {
    switch (text[i]) {
    case '@': case '#': case '&': case '<': case 0x7f: return 1;
    case '/': return i > 1 && text[i - 1] == '/' && text[i - 2] == ':';
    case '.': return i > 2 && text[i - 1] == 'w' && text[i - 2] == 'w' && text[i - 3] == 'w';
    case '\t': case '\n': case '\r': return 0;
    default: return text[i] < ' ';
    }
}

/* 1 if n bytes of ASCII are clearly English, 0 if unknown. */
int english_is_plain(const uint8_t *text, size_t n) {
    Look look = {0};
    for (size_t i = 0; i < n; i++) {
        uint8_t letter = text[i] | 0x20;
        if (letter >= 'a' && letter <= 'z') {
            look.key = look.key << 8 | letter;
            look.length++;
            continue;
        }
        if (is_noise(text, i)) return 0;
        if (look.length) end_word(&look);
    }
    if (look.length) end_word(&look);
    int own = 0;
    for (int i = 0; i < 4; i++) own += __builtin_popcountll(look.seen[i]);
    return !look.is_thin && own >= FEWEST_OWN && look.words >= FEWEST && look.found * 100 >= look.words * LEAST_SHARE;
}

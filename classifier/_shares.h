/* The contribution of each token to the network's logits. If the active units are held fixed, the network is linear, so
 * the contributions are exact: the logit is their sum plus the part of the biases.
 */
typedef struct {
    Token *tokens;
    Part *parts;
    float (*sums)[CHANNELS]; /* of the filters, before negative ones become 0 */
    size_t n;
} Reading;

static void close_reading(Reading *reading) {
    free(reading->tokens), free(reading->parts), free(reading->sums);
}

static int open_reading(const Network *net, Bag *bag, Reading *reading) {
    size_t n = 0;
    for (Token token = next_token(bag, 0); token.start < bag->n && n < MOST_TOKENS; token = next_token(bag, token.end)) n++;
    *reading = (Reading){malloc((n + 1) * sizeof(Token)), malloc((n + 1) * sizeof(Part)),
                         malloc((n + 1) * sizeof(float[CHANNELS])), n};
    if (!reading->tokens || !reading->parts || !reading->sums) return close_reading(reading), -1;
    Token token = next_token(bag, 0);
    for (size_t i = 0; i < n; i++, token = next_token(bag, token.end)) {
        reading->tokens[i] = token;
        make_part(net, bag, token, &reading->parts[i]);
    }
    for (size_t i = 0; i < n; i++)
        for (int c = 0; c < CHANNELS; c++) {
            float sum = net->filter_bias[c] + (i ? reading->parts[i - 1].taps[0][c] : 0) + reading->parts[i].taps[1][c];
            reading->sums[i][c] = i + 1 < n ? sum + reading->parts[i + 1].taps[2][c] : sum;
        }
    return 0;
}

/* The gradient of each label's logit in each pooled number, for the active hidden units. */
static void slopes_of(const Network *net, const double *hidden, double slopes[POOLED][LABELS]) {
    memset(slopes, 0, POOLED * sizeof *slopes);
    for (int p = 0; p < POOLED; p++)
        for (int h = 0; h < HIDDEN; h++)
            for (int l = 0; l < LABELS && hidden[h] > 0; l++)
                slopes[p][l] += (double)net->hidden[(size_t)p * HIDDEN + h] * net->output[h * LABELS + l];
}

static void strongest_of(const Reading *reading, size_t strongest[CHANNELS]) {
    for (int c = 0; c < CHANNELS; c++) {
        strongest[c] = 0;
        for (size_t i = 1; i < reading->n; i++)
            if (reading->sums[i][c] > reading->sums[strongest[c]][c]) strongest[c] = i;
    }
}

/* The gradient of a label's logit in filter c at token i; 0 if the filter is inactive. */
static inline double slope_at(const Reading *reading, double slopes[POOLED][LABELS], const size_t *strongest, size_t i,
                              int c, int l) {
    if (i >= reading->n || reading->sums[i][c] <= 0) return 0;
    double slope = slopes[CHANNELS + c][l] / (double)reading->n;
    return strongest[c] == i ? slope + slopes[c][l] : slope;
}

static void add_token(const Bag *bag, const Reading *reading, size_t i, double slopes[POOLED][LABELS], const size_t *strongest,
                      double *shares) {
    Token token = reading->tokens[i];
    for (int l = 0; l < LABELS; l++) {
        double share = 0;
        for (int d = 0; d < DIM; d++)
            share += reading->parts[i].x[d] * slopes[2 * CHANNELS + d][l] / sqrt((double)reading->n);
        for (int c = 0; c < CHANNELS; c++)
            for (int tap = 0; tap < TAPS; tap++) /* tap 0: this token precedes i + 1; i - 1 below 0 wraps */
                share += reading->parts[i].taps[tap][c] * slope_at(reading, slopes, strongest, i + 1 - (size_t)tap, c, l);
        for (size_t at = token.start; at < token.end; at++)
            shares[(size_t)bag->where[at] * LABELS + l] += share / (double)(token.end - token.start);
    }
}

static int add_shares(const Network *net, Bag *bag, double *shares) {
    double pooled[POOLED], hidden[HIDDEN];
    Pools pools;
    double slopes[POOLED][LABELS];
    size_t strongest[CHANNELS];
    Reading reading;
    if (open_reading(net, bag, &reading)) return -1;
    memset(&pools, 0, sizeof pools);
    for (size_t i = 0; i < reading.n; i++) pool(&pools, reading.sums[i], reading.parts[i].x);
    finish(&pools, reading.n, pooled);
    hidden_of(net, pooled, hidden);
    slopes_of(net, hidden, slopes);
    strongest_of(&reading, strongest);
    for (size_t i = 0; i < reading.n; i++) add_token(bag, &reading, i, slopes, strongest, shares);
    close_reading(&reading);
    return 0;
}

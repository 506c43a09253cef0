/* The network for one type of numbers and one instruction set; see vectors.h. */

/* What `kept` needs is written over the gates; `infer` is faster where nothing is to be kept. */
static int NAME(forward)(const struct task *k, long first, long last, int chunk)
{
    const int d = k->features, H = k->hidden, P = k->heads, layers = k->layers, L = LANES / WIDTH;
    const int wide = d > H ? d : H, rows = KEPT_ROWS(k);
    V *input = aligned_alloc(64, sizeof(REAL) * LANES * (wide + H + 1 + H + P + 5 * H + UPDATE_ROWS));
    (void)chunk;
    if (!input)
        return 0;
    V *cell = input + (wide + H + 1) * L, *raw = cell + H * L, *gates = raw + P * L;
    V *squashed = gates + 4 * H * L, *own = gates + 5 * H * L;
    for (long start = first; start < last; start += LANES) {
        int count = last - start < LANES ? (int)(last - start) : LANES;
        V *kept = (V *)((REAL *)k->kept + start * rows);
        const REAL *w = k->weights;
        int width = d;
        if (k->update)
            NAME(features)(k, input, own, start, count);
        else
            NAME(load)(input, k->x, d, k->n, start, count);
        for (int layer = 0; layer < layers; layer++) {
            const long at = (long)layer * H * k->n;
            NAME(fetch_rows)((const REAL *)k->h + at + start + LANES, H, k->n);
            NAME(fetch_rows)((const REAL *)k->c + at + start + LANES, H, k->n);
            NAME(load)(input + width * L, (const REAL *)k->h + at, H, k->n, start, count);
            NAME(fill)(input + (width + H) * L, 1);
            NAME(load)(cell, (const REAL *)k->c + at, H, k->n, start, count);
            NAME(product)(4 * H, width + H + 1, w, width + H + 1, 1, input, gates);
            w += 4 * H * (width + H + 1);
            for (int u = 0; u < H * L; u++) {
                V i = NAME(sigmoid)(gates[u]), f = NAME(sigmoid)(gates[H * L + u]);
                V g = NAME(hyperbolic_tangent)(gates[2 * H * L + u]), o = NAME(sigmoid)(gates[3 * H * L + u]);
                cell[u] = f * cell[u] + i * g;
                gates[u] = i, gates[H * L + u] = f, gates[2 * H * L + u] = g, gates[3 * H * L + u] = o;
            }
            /* In a loop of its own: the processor looks ahead over many vectors that wait for a division. */
            for (int u = 0; u < H * L; u++) {
                squashed[u] = NAME(hyperbolic_tangent)(cell[u]);
                input[u] = gates[3 * H * L + u] * squashed[u];
            }
            NAME(store)((REAL *)k->h_next + at, input, H, k->n, start, count);
            NAME(store)((REAL *)k->c_next + at, cell, H, k->n, start, count);
            NAME(put_away)(kept, gates, 5 * H);
            kept += 5 * H * L;
            width = H;
        }
        NAME(fill)(input + H * L, 1);
        NAME(product)(H, H + 1, w, H + 1, 1, input, gates);
        w += H * (H + 1);
        for (int u = 0; u < H * L; u++)
            input[u] = VMAX((V){0}, gates[u]);
        NAME(put_away)(kept, input, H);
        NAME(product)(P, H + 1, w, H + 1, 1, input, raw);
        if (k->update) {
            NAME(update)(k, raw, own, start, count);
            NAME(put_away)(kept + H * L, raw, P);
        } else
            NAME(store)(k->raw, raw, P, k->n, start, count);
    }
    free(input);
    return 1;
}

/* 2^(a x) for a pass without an adjoint: y - n is exact, and the polynomial is the minimax one. */
static inline V NAME(power_of_two)(V x, REAL a)
{
    const REAL round = (REAL)1.5 * (REAL)((INTEGER)1 << MANTISSA);
    V y = a * x;
    y = VMIN((V){0} + (REAL)EXP2_LIMIT, VMAX((V){0} - (REAL)EXP2_LIMIT, y));
    V shifted = y + round;
    V r = y - (shifted - round);
    V p = (V){0} + (REAL)EXP2[EXP2_TERMS];
    for (int k = EXP2_TERMS - 1; k >= 0; k--)
        p = p * r + (REAL)EXP2[k];
    return (V)((IV)p + ((IV)shifted << MANTISSA));
}

/* Weights for `infer`: the four gates of a unit side by side, in the order in which they are read. */
static void NAME(arrange)(const struct task *k)
{
    const int H = k->hidden;
    const REAL *w = k->weights;
    REAL *to = k->arranged;
    for (int layer = 0; layer < k->layers; layer++) {
        const int columns = (layer ? H : k->features) + H + 1;
        for (int u = 0; u < H; u++)
            for (int j = 0; j < columns; j++)
                for (int gate = 0; gate < 4; gate++)
                    *to++ = w[(gate * H + u) * columns + j];
        w += 4 * H * columns;
    }
    memcpy(to, w, sizeof(REAL) * (H + k->heads) * (H + 1));
}

/* The next cell of one vector of a unit, with one division for three gates; `*out` becomes the divisor of the output
 * gate. EXP2_LIMIT keeps the products of three powers finite; a sigmoid of less than 2^-EXP2_LIMIT counts as that. */
static inline V NAME(next_cell)(V i, V f, V g, V o, V cell, V *out)
{
    const REAL once = (REAL)-LOG2_E, twice = (REAL)(-2 * LOG2_E);
    V ei = NAME(power_of_two)(i, once), ef = NAME(power_of_two)(f, once);
    V eg = NAME(power_of_two)(g, twice), eo = NAME(power_of_two)(o, once);
    V entered = (1 + ei) * (1 + eg), forgot = 1 + ef;
    *out = 1 + eo;
    return (cell * entered + (1 - eg) * forgot) / (entered * forgot);
}

/* `forward` for a pass that nothing follows: the gates of a unit never leave the registers. */
static int NAME(infer)(const struct task *k, long first, long last, int chunk)
{
    const int d = k->features, H = k->hidden, P = k->heads, layers = k->layers, L = LANES / WIDTH;
    const int rows = (d > H ? d : H) + H + 1;
    (void)chunk;
    V *tiles = aligned_alloc(64, sizeof(REAL) * LANES * (2 * rows + H + P + UPDATE_ROWS));
    if (!tiles)
        return 0;
    V *input = tiles, *output = input + rows * L, *cell = output + rows * L, *raw = cell + H * L, *own = raw + P * L;
    for (long start = first; start < last; start += LANES) {
        int count = last - start < LANES ? (int)(last - start) : LANES;
        const REAL *w = k->arranged;
        int width = d;
        if (k->update)
            NAME(features)(k, input, own, start, count);
        else
            NAME(load)(input, k->x, d, k->n, start, count);
        for (int layer = 0; layer < layers; layer++) {
            const long at = (long)layer * H * k->n;
            NAME(load)(input + width * L, (const REAL *)k->h + at, H, k->n, start, count);
            NAME(load)(cell, (const REAL *)k->c + at, H, k->n, start, count);
            const int inner = width + H;
            for (int u = 0; u < H; u++, w += 4 * (inner + 1)) {
                const long next = at + u * k->n + start;
                NAME(fetch)((const REAL *)k->h + next + LANES);
                NAME(fetch)((const REAL *)k->c + next + LANES);
                NAME(fetch)((const REAL *)k->h_next + next);
                NAME(fetch)((const REAL *)k->c_next + next);
                for (int t = 0; t < L; t += ACROSS) {
                    const REAL *p = w, *b = w + 4 * inner;
                    V gate[4][ACROSS];
#pragma GCC unroll 8
                    for (int j = 0; j < ACROSS; j++)
                        gate[0][j] = gate[1][j] = gate[2][j] = gate[3][j] = (V){0};
                    for (const V *x = input + t; p < b; p += 4, x += L)
#pragma GCC unroll 4
                        for (int i = 0; i < 4; i++)
#pragma GCC unroll 8
                            for (int j = 0; j < ACROSS; j++)
                                gate[i][j] += p[i] * x[j];
                    V *c = cell + u * L + t, *out = output + u * L + t;
#pragma GCC unroll 8
                    for (int j = 0; j < ACROSS; j++)
                        c[j] = NAME(next_cell)(
                            gate[0][j] + b[0], gate[1][j] + b[1], gate[2][j] + b[2], gate[3][j] + b[3], c[j], out + j);
                }
            }
            /* In a loop of its own, as in `forward`. */
            for (int u = 0; u < H * L; u++) {
                V e = NAME(power_of_two)(cell[u], (REAL)(-2 * LOG2_E));
                output[u] = (1 - e) / (output[u] * (1 + e));
            }
            NAME(store)((REAL *)k->h_next + at, output, H, k->n, start, count);
            NAME(store)((REAL *)k->c_next + at, cell, H, k->n, start, count);
            V *swap = input;
            input = output, output = swap;
            width = H;
        }
        NAME(fill)(input + H * L, 1);
        NAME(product)(H, H + 1, w, H + 1, 1, input, output);
        for (int u = 0; u < H * L; u++)
            output[u] = VMAX((V){0}, output[u]);
        NAME(fill)(output + H * L, 1);
        NAME(product)(P, H + 1, w + H * (H + 1), H + 1, 1, output, raw);
        if (k->update)
            NAME(update)(k, raw, own, start, count);
        if (k->raw)
            NAME(store)(k->raw, raw, P, k->n, start, count);
    }
    free(tiles);
    return 1;
}

/* Numbers in the sums over the lanes of the gradients of all weights, as `outer` lays them out. */
static int NAME(sums_size)(const struct task *k)
{
    const int H = k->hidden;
    int size = (PADDED(H) + PADDED(k->heads)) * (H + 1);
    for (int layer = 0; layer < k->layers; layer++)
        size += PADDED(4 * H) * ((layer ? H : k->features) + H + 1);
    return size;
}

/* Adds one matrix of these sums, row by row; returns the place behind it. */
static REAL *NAME(unpadded)(int rows, int columns, const REAL **sum, REAL *out)
{
    for (int r = 0; r < rows; r++)
        for (int c = 0; c < columns; c++)
            out[r * columns + c] += (*sum)[c * PADDED(rows) + r];
    *sum += columns * PADDED(rows);
    return out + rows * columns;
}

/* The adjoint of `forward`: from the gradients of raw, h_next and c_next those of x, h, c and the weights. */
static int NAME(backward)(const struct task *k, long first, long last, int chunk)
{
    const int d = k->features, H = k->hidden, P = k->heads, layers = k->layers, L = LANES / WIDTH;
    const int wide = d > H ? d : H, rows = KEPT_ROWS(k);
    const int many = PADDED(P > 4 * H ? P : 4 * H), sizes = NAME(sums_size)(k);
    V *input = aligned_alloc(64, sizeof(REAL) * LANES * ((wide + H + 1) * 2 + 4 * H + 4 * H + P + many + UPDATE_ROWS));
    V *g_input = input + (wide + H + 1) * L, *g_gates = g_input + (wide + H + 1) * L, *cell = g_gates + 4 * H * L;
    V *g_out = cell + H * L, *g_cell = g_out + H * L, *g_hidden = g_cell + H * L, *g_raw = g_hidden + H * L;
    V *room = g_raw + P * L, *own = room + many * L;
    V *sums = aligned_alloc(64, (sizeof(REAL) * sizes + 63) / 64 * 64);
    if (!input || !sums) {
        free(input), free(sums);
        return 0;
    }
    memset(sums, 0, sizeof(REAL) * sizes);
    const int heads_sum = PADDED(P) / WIDTH * (H + 1), linear_sum = PADDED(H) / WIDTH * (H + 1);
    for (long start = first; start < last; start += LANES) {
        int count = last - start < LANES ? (int)(last - start) : LANES;
        const V *kept = (const V *)((const REAL *)k->kept + start * rows) + 5 * layers * H * L;
        const REAL *w = (const REAL *)k->weights + k->size - P * (H + 1);
        V *sum = sums + sizes / WIDTH - heads_sum;
        if (k->update)
            NAME(update_adjoint)(k, kept + H * L, g_raw, own, start, count);
        else
            NAME(load)(g_raw, k->g_raw, P, k->n, start, count);
        memcpy(input, kept, sizeof(REAL) * LANES * H);
        NAME(fill)(input + H * L, 1);
        NAME(outer)(P, H + 1, g_raw, input, sum, room);
        NAME(product)(H, P, w, 1, H + 1, g_raw, g_out);
        for (int u = 0; u < H * L; u++)
            g_out[u] = (V)((IV)g_out[u] & (IV)(kept[u] > 0));
        w -= H * (H + 1), sum -= linear_sum;
        NAME(load)(input, (const REAL *)k->h_next + (layers - 1L) * H * k->n, H, k->n, start, count);
        NAME(outer)(H, H + 1, g_out, input, sum, room);
        NAME(product)(H, H, w, 1, H + 1, g_out, g_hidden);
        for (int layer = layers - 1; layer >= 0; layer--) {
            const long at = (long)layer * H * k->n;
            const int width = layer ? H : d, columns = width + H + 1;
            kept -= 5 * H * L, w -= 4 * H * columns, sum -= PADDED(4 * H) / WIDTH * columns;
            const REAL *read[] = {k->h, k->c, k->g_h_next, k->g_c_next, k->h_next};
            for (int j = 0; j < 5; j++)
                NAME(fetch_rows)(read[j] + at + start + LANES, H, k->n);
            NAME(load)(cell, (const REAL *)k->c + at, H, k->n, start, count);
            NAME(load)(g_cell, (const REAL *)k->g_c_next + at, H, k->n, start, count);
            NAME(load)(g_out, (const REAL *)k->g_h_next + at, H, k->n, start, count);
            for (int u = 0; u < H * L; u++) {
                V i = kept[u], f = kept[H * L + u], g = kept[2 * H * L + u], o = kept[3 * H * L + u];
                V tanh_c = kept[4 * H * L + u], g_h = g_hidden[u] + g_out[u];
                V g_c = g_cell[u] + g_h * o * (1 - tanh_c * tanh_c);
                g_gates[u] = g_c * g * i * (1 - i);
                g_gates[H * L + u] = g_c * cell[u] * f * (1 - f);
                g_gates[2 * H * L + u] = g_c * i * (1 - g * g);
                g_gates[3 * H * L + u] = g_h * tanh_c * o * (1 - o);
                g_cell[u] = g_c * f;
            }
            NAME(store)((REAL *)k->g_c + at, g_cell, H, k->n, start, count);
            if (layer)
                NAME(load)(input, (const REAL *)k->h_next + at - H * k->n, H, k->n, start, count);
            else if (k->update)
                NAME(features)(k, input, own, start, count);
            else
                NAME(load)(input, k->x, d, k->n, start, count);
            NAME(load)(input + width * L, (const REAL *)k->h + at, H, k->n, start, count);
            NAME(fill)(input + (width + H) * L, 1);
            NAME(outer)(4 * H, columns, g_gates, input, sum, room);
            int skipped = layer || k->g_x || k->update == GO_MATH ? 0 : d; /* nobody asks for the gradient of the features */
            NAME(product)(width + H - skipped, 4 * H, w + skipped, 1, columns, g_gates, g_input + skipped * L);
            NAME(store)((REAL *)k->g_h + at, g_input + width * L, H, k->n, start, count);
            if (layer)
                memcpy(g_hidden, g_input, sizeof(REAL) * LANES * H);
            else if (k->update)
                NAME(finish_adjoint)(k, g_input, own, start, count);
            else if (k->g_x)
                NAME(store)(k->g_x, g_input, d, k->n, start, count);
        }
    }
    REAL *g_weights = (REAL *)k->g_weights + (int64_t)chunk * k->size;
    const REAL *sum = (const REAL *)sums;
    for (int layer = 0; layer < layers; layer++)
        g_weights = NAME(unpadded)(4 * H, (layer ? H : d) + H + 1, &sum, g_weights);
    g_weights = NAME(unpadded)(H, H + 1, &sum, g_weights);
    NAME(unpadded)(P, H + 1, &sum, g_weights);
    free(sums);
    free(input);
    return 1;
}

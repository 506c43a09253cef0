/* The coordinate-wise network for one type of numbers and one instruction set; see kernel.c, which sets
 *
 *   REAL, INTEGER   the numbers and the integers of the same size
 *   WIDTH           numbers in a vector register
 *   NAME(x)         the name of function x in this variant
 *   EXP_TERMS, EXP_LIMIT, MANTISSA   for the exponential of a pass that is differentiated
 *   EXP2, EXP2_TERMS, EXP2_LIMIT     for that of a pass that is not
 *   VMAX, VMIN      larger and smaller of two vectors; the second operand where one is NaN
 */

typedef REAL NAME(vec) __attribute__((vector_size(WIDTH * sizeof(REAL))));
typedef INTEGER NAME(ivec) __attribute__((vector_size(WIDTH * sizeof(REAL))));
typedef REAL NAME(loose) __attribute__((vector_size(WIDTH * sizeof(REAL)), aligned(sizeof(REAL)), may_alias));
#define V NAME(vec)
#define LOOSE NAME(loose)
#define IV NAME(ivec)

/* e^x: x = n ln 2 + r with |r| <= ln 2 / 2, Taylor's polynomial in r, n added to the exponent bits.
 * Adding 1.5 * 2^MANTISSA rounds to an integer, which then stands in the lowest bits. NaN stays NaN. */
static inline V NAME(exponential)(V x)
{
    const REAL round = (REAL)1.5 * (REAL)((INTEGER)1 << MANTISSA);
    x = VMIN((V){0} + (REAL)EXP_LIMIT, VMAX((V){0} - (REAL)EXP_LIMIT, x));
    V shifted = x * (REAL)1.4426950408889634074 + round;
    V n = shifted - round;
    V r = x - n * (REAL)LN2_HIGH - n * (REAL)LN2_LOW;
    V p = (V){0} + (REAL)INVERSE_FACTORIAL[EXP_TERMS];
    for (int k = EXP_TERMS - 1; k >= 0; k--)
        p = p * r + (REAL)INVERSE_FACTORIAL[k];
    return (V)((IV)p + ((IV)shifted << MANTISSA));
}

static inline V NAME(sigmoid)(V x) { return (REAL)1 / ((REAL)1 + NAME(exponential)(-x)); }

static inline V NAME(hyperbolic_tangent)(V x) { return (REAL)2 * NAME(sigmoid)((REAL)2 * x) - (REAL)1; }

/* out[r][t] = sum_k w[r*row + k*column] x[k][t] for all lanes t of a tile */
static inline __attribute__((always_inline)) void NAME(product)(
    int rows, int inner, const REAL *restrict w, int row, int column, const V *restrict x, V *restrict out)
{
    const int L = LANES / WIDTH;
    for (int t = 0; t < L; t += 2) {
        int r = 0;
        for (; r + 4 <= rows; r += 4) {
            V a0 = {0}, a1 = {0}, b0 = {0}, b1 = {0}, c0 = {0}, c1 = {0}, d0 = {0}, d1 = {0};
            const REAL *p = w + r * row;
            for (int k = 0; k < inner; k++, p += column) {
                V x0 = x[k * L + t], x1 = x[k * L + t + 1];
                REAL u = p[0], v = p[row], y = p[2 * row], z = p[3 * row];
                a0 += u * x0, a1 += u * x1;
                b0 += v * x0, b1 += v * x1;
                c0 += y * x0, c1 += y * x1;
                d0 += z * x0, d1 += z * x1;
            }
            V *o = out + r * L + t;
            o[0] = a0, o[1] = a1;
            o[L] = b0, o[L + 1] = b1;
            o[2 * L] = c0, o[2 * L + 1] = c1;
            o[3 * L] = d0, o[3 * L + 1] = d1;
        }
        for (; r < rows; r++) {
            V a0 = {0}, a1 = {0};
            const REAL *p = w + r * row;
            for (int k = 0; k < inner; k++, p += column)
                a0 += p[0] * x[k * L + t], a1 += p[0] * x[k * L + t + 1];
            out[r * L + t] = a0, out[r * L + t + 1] = a1;
        }
    }
}

/* sum[r*columns + k] += g[r][.] * x[k][.], lane by lane; the lanes are added up at the end of a chunk */
static void NAME(outer)(int rows, int columns, const V *restrict g, const V *restrict x, V *restrict sum)
{
    const int L = LANES / WIDTH;
    for (int r = 0; r < rows; r += 4) {
        int height = rows - r < 4 ? rows - r : 4;
        for (int k = 0; k < columns; k += 2) {
            int width = columns - k < 2 ? 1 : 2;
            if (height == 4 && width == 2) {
                V *s = sum + r * columns + k;
                V a0 = s[0], a1 = s[1], b0 = s[columns], b1 = s[columns + 1];
                V c0 = s[2 * columns], c1 = s[2 * columns + 1], d0 = s[3 * columns], d1 = s[3 * columns + 1];
                for (int t = 0; t < L; t++) {
                    V x0 = x[k * L + t], x1 = x[(k + 1) * L + t];
                    V g0 = g[r * L + t], g1 = g[(r + 1) * L + t], g2 = g[(r + 2) * L + t], g3 = g[(r + 3) * L + t];
                    a0 += g0 * x0, a1 += g0 * x1;
                    b0 += g1 * x0, b1 += g1 * x1;
                    c0 += g2 * x0, c1 += g2 * x1;
                    d0 += g3 * x0, d1 += g3 * x1;
                }
                s[0] = a0, s[1] = a1, s[columns] = b0, s[columns + 1] = b1;
                s[2 * columns] = c0, s[2 * columns + 1] = c1, s[3 * columns] = d0, s[3 * columns + 1] = d1;
            } else {
                for (int i = r; i < r + height; i++)
                    for (int j = k; j < k + width; j++) {
                        V a = sum[i * columns + j];
                        for (int t = 0; t < L; t++)
                            a += g[i * L + t] * x[j * L + t];
                        sum[i * columns + j] = a;
                    }
            }
        }
    }
}

/* Rows of a (rows, N) array at [start, start + count) into a tile, zeros behind; and back. */
static void NAME(load)(V *restrict tile, const REAL *restrict from, int rows, long n, long start, int count)
{
    const int L = LANES / WIDTH;
    for (int r = 0; r < rows; r++) {
        const REAL *row = from + r * n + start;
        if (count == LANES)
            for (int t = 0; t < L; t++)
                tile[r * L + t] = ((const LOOSE *)row)[t];
        else {
            REAL *to = (REAL *)(tile + r * L);
            memcpy(to, row, count * sizeof(REAL));
            memset(to + count, 0, (LANES - count) * sizeof(REAL));
        }
    }
}

static void NAME(store)(REAL *restrict to, const V *restrict tile, int rows, long n, long start, int count)
{
    const int L = LANES / WIDTH;
    for (int r = 0; r < rows; r++) {
        REAL *row = to + r * n + start;
        if (count == LANES)
            for (int t = 0; t < L; t++)
                ((LOOSE *)row)[t] = tile[r * L + t];
        else
            memcpy(row, tile + r * L, count * sizeof(REAL));
    }
}

static void NAME(fill)(V *tile, REAL value)
{
    for (int t = 0; t < LANES / WIDTH; t++)
        tile[t] = (V){0} + value;
}

/* What `kept` needs is written over the gates; `infer` is faster where nothing is to be kept. */
static int NAME(forward)(const struct task *k, long first, long last, int chunk)
{
    const int d = k->features, H = k->hidden, P = k->heads, layers = k->layers, L = LANES / WIDTH;
    const int wide = d > H ? d : H, rows = KEPT_ROWS(k);
    V *input = aligned_alloc(64, sizeof(REAL) * LANES * (wide + H + 1 + H + P));
    (void)chunk;
    if (!input)
        return 0;
    V *cell = input + (wide + H + 1) * L, *raw = cell + H * L;
    for (long start = first; start < last; start += LANES) {
        int count = last - start < LANES ? (int)(last - start) : LANES;
        V *kept = (V *)((REAL *)k->kept + start * rows);
        const REAL *w = k->weights;
        int width = d;
        NAME(load)(input, k->x, d, k->n, start, count);
        for (int layer = 0; layer < layers; layer++) {
            const long at = (long)layer * H * k->n;
            V *gates = kept, *squashed = kept + 4 * H * L;
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
            kept += 5 * H * L;
            width = H;
        }
        NAME(fill)(input + H * L, 1);
        NAME(product)(H, H + 1, w, H + 1, 1, input, kept);
        w += H * (H + 1);
        for (int u = 0; u < H * L; u++)
            input[u] = kept[u] = VMAX((V){0}, kept[u]);
        NAME(product)(P, H + 1, w, H + 1, 1, input, raw);
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

/* A row of a tile that is needed soon, into the second-level cache. */
static inline void NAME(fetch)(const REAL *row)
{
    for (size_t line = 0; line < LANES * sizeof(REAL); line += 64)
        __builtin_prefetch((const char *)row + line, 0, 2);
}

/* `forward` for a pass that nothing follows: the gates of a unit never leave the registers. */
static int NAME(infer)(const struct task *k, long first, long last, int chunk)
{
    const int d = k->features, H = k->hidden, P = k->heads, layers = k->layers, L = LANES / WIDTH;
    const int rows = (d > H ? d : H) + H + 1;
    (void)chunk;
    V *input = aligned_alloc(64, sizeof(REAL) * LANES * (2 * rows + H + P));
    if (!input)
        return 0;
    V *output = input + rows * L, *cell = output + rows * L, *raw = cell + H * L, *own = input;
    for (long start = first; start < last; start += LANES) {
        int count = last - start < LANES ? (int)(last - start) : LANES;
        const REAL *w = k->arranged;
        int width = d;
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
                for (int t = 0; t < L; t += 2) {
                    const REAL *p = w, *b = w + 4 * inner;
                    V i0 = {0}, f0 = {0}, g0 = {0}, o0 = {0}, i1 = {0}, f1 = {0}, g1 = {0}, o1 = {0};
                    for (const V *x = input + t; p < b; p += 4, x += L) {
                        V x0 = x[0], x1 = x[1];
                        i0 += p[0] * x0, i1 += p[0] * x1;
                        f0 += p[1] * x0, f1 += p[1] * x1;
                        g0 += p[2] * x0, g1 += p[2] * x1;
                        o0 += p[3] * x0, o1 += p[3] * x1;
                    }
                    V *c = cell + u * L + t, *out = output + u * L + t;
                    c[0] = NAME(next_cell)(i0 + b[0], f0 + b[1], g0 + b[2], o0 + b[3], c[0], out);
                    c[1] = NAME(next_cell)(i1 + b[0], f1 + b[1], g1 + b[2], o1 + b[3], c[1], out + 1);
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
        NAME(store)(k->raw, raw, P, k->n, start, count);
    }
    free(own);
    return 1;
}

/* The adjoint of `forward`: from the gradients of raw, h_next and c_next those of x, h, c and the weights. */
static int NAME(backward)(const struct task *k, long first, long last, int chunk)
{
    REAL *g_weights = (REAL *)k->g_weights + (int64_t)chunk * k->size;
    const int d = k->features, H = k->hidden, P = k->heads, layers = k->layers, L = LANES / WIDTH;
    const int wide = d > H ? d : H, rows = KEPT_ROWS(k);
    V *input = aligned_alloc(64, sizeof(REAL) * LANES * ((wide + H + 1) * 2 + 4 * H + 4 * H + P));
    V *g_input = input + (wide + H + 1) * L, *g_gates = g_input + (wide + H + 1) * L, *cell = g_gates + 4 * H * L;
    V *g_out = cell + H * L, *g_cell = g_out + H * L, *g_hidden = g_cell + H * L, *g_raw = g_hidden + H * L;
    V *sums = aligned_alloc(64, (sizeof(V) * k->size + 63) / 64 * 64);
    if (!input || !sums) {
        free(input), free(sums);
        return 0;
    }
    memset(sums, 0, sizeof(V) * k->size);
    for (long start = first; start < last; start += LANES) {
        int count = last - start < LANES ? (int)(last - start) : LANES;
        const V *kept = (const V *)((const REAL *)k->kept + start * rows) + 5 * layers * H * L;
        const REAL *w = (const REAL *)k->weights + k->size - P * (H + 1);
        V *sum = sums + k->size - P * (H + 1);
        NAME(load)(g_raw, k->g_raw, P, k->n, start, count);
        memcpy(input, kept, sizeof(REAL) * LANES * H);
        NAME(fill)(input + H * L, 1);
        NAME(outer)(P, H + 1, g_raw, input, sum);
        NAME(product)(H, P, w, 1, H + 1, g_raw, g_out);
        for (int u = 0; u < H * L; u++)
            g_out[u] = (V)((IV)g_out[u] & (kept[u] > 0));
        w -= H * (H + 1), sum -= H * (H + 1);
        NAME(load)(input, (const REAL *)k->h_next + (layers - 1L) * H * k->n, H, k->n, start, count);
        NAME(outer)(H, H + 1, g_out, input, sum);
        NAME(product)(H, H, w, 1, H + 1, g_out, g_hidden);
        for (int layer = layers - 1; layer >= 0; layer--) {
            const long at = (long)layer * H * k->n;
            const int width = layer ? H : d, columns = width + H + 1;
            kept -= 5 * H * L, w -= 4 * H * columns, sum -= 4 * H * columns;
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
            else
                NAME(load)(input, k->x, d, k->n, start, count);
            NAME(load)(input + width * L, (const REAL *)k->h + at, H, k->n, start, count);
            NAME(fill)(input + (width + H) * L, 1);
            NAME(outer)(4 * H, columns, g_gates, input, sum);
            int skipped = layer || k->g_x ? 0 : d; /* nobody asks for the gradient of the features */
            NAME(product)(width + H - skipped, 4 * H, w + skipped, 1, columns, g_gates, g_input + skipped * L);
            NAME(store)((REAL *)k->g_h + at, g_input + width * L, H, k->n, start, count);
            if (layer)
                memcpy(g_hidden, g_input, sizeof(REAL) * LANES * H);
            else if (k->g_x)
                NAME(store)(k->g_x, g_input, d, k->n, start, count);
        }
    }
    for (int j = 0; j < k->size; j++) {
        REAL total = 0;
        for (int l = 0; l < WIDTH; l++)
            total += sums[j][l];
        g_weights[j] = total;
    }
    free(sums);
    free(input);
    return 1;
}

static const struct variant NAME(variant) = {NAME(arrange), NAME(infer), NAME(forward), NAME(backward)};

#undef V
#undef LOOSE
#undef IV

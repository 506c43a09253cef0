/* The update around the network, tile by tile, for r = lam ||x||_1: features, heads, soft thresholding, next memory;
 * and their adjoint. See kernel.c for the arrays, vectors.h for the macros.
 *
 *   GO_MATH  features grad/s_0, (the ends of the subdifferential of r)/s_1 and /s_2; heads r, q, b:
 *            x' = prox_r(x - r grad - q v),  v' = b v + (1 - b)(x - x')
 *   L2O_PA   features grad and x, off the graph; heads p, a:
 *            z' = prox_p(x - p grad),  x' = z' + a (z' - z)
 *
 * A head is its factor times a sigmoid; r and p also times the step of their instance.
 */

/* Numbers of the instances, one for each coordinate of a tile. */
static void NAME(spread)(const struct task *k, V *tile, const REAL *of_instance, long start, int count)
{
    REAL *to = (REAL *)tile;
    long instance = start / k->dim, left = k->dim - start % k->dim;
    for (int lane = 0; lane < LANES; instance++, left = k->dim) {
        /* Behind the last coordinate the number of the last one, so that nothing there is divided by 0. */
        int until = lane + left < count ? lane + (int)left : LANES;
        for (const REAL number = of_instance[instance]; lane < until; lane++)
            to[lane] = number;
    }
}

static void NAME(features)(const struct task *k, V *restrict out, V *restrict own, long start, int count)
{
    const int L = LANES / WIDTH;
    const V *x = own + POINT * L, *gradient = own + GRADIENT * L, *lam = own + LAM * L, *scale = own + SCALE * L;
    NAME(load)(own + POINT * L, k->point, 1, k->n, start, count);
    NAME(load)(own + MEMORY * L, k->memory, 1, k->n, start, count);
    NAME(load)(own + GRADIENT * L, k->gradient, 1, k->n, start, count);
    NAME(spread)(k, own + LAM * L, k->lam, start, count);
    NAME(spread)(k, own + STEP * L, k->step, start, count);
    if (k->update == L2O_PA) {
        memcpy(out, gradient, sizeof(REAL) * LANES);
        memcpy(out + L, x, sizeof(REAL) * LANES);
    } else {
        for (int j = 0; j < 3; j++)
            NAME(spread)(k, own + (SCALE + j) * L, (const REAL *)k->scales + j * (k->n / k->dim), start, count);
        for (int t = 0; t < L; t++) {
            /* lam sign(x), 0 at 0 and NaN where x is NaN; at 0 the ends are -lam and lam. */
            V slope = (V)(((IV)lam[t] & (IV)(x[t] > 0)) | ((IV)-lam[t] & (IV)(x[t] < 0)) | ((IV)x[t] & (IV)(x[t] != x[t])));
            V kink = lam[t] - VMAX(-slope, slope);
            out[t] = gradient[t] / scale[t];
            out[L + t] = (slope - kink) / scale[L + t];
            out[2 * L + t] = (slope + kink) / scale[2 * L + t];
        }
    }
    if (k->features_out)
        NAME(store)(k->features_out, out, k->features, k->n, start, count);
}

static inline V NAME(thresholded)(V u, V level)
{
    V size = VMAX(-u, u) - level;
    V kept = (V)(((IV)size & (IV)(u > 0)) | ((IV)-size & (IV)(u < 0)));
    return (V)(((IV)kept & (IV)(size > 0)) | ((IV)size & (IV)(size != size)));
}

/* Raw heads to x' and the next memory; `raw` becomes the sigmoids where an adjoint is to follow, else the heads. */
static void NAME(update)(const struct task *k, V *restrict raw, V *restrict own, long start, int count)
{
    const int L = LANES / WIDTH;
    const REAL one = (REAL)k->factor[0], two = (REAL)k->factor[1], three = (REAL)k->factor[2];
    V *argument = own + G_GRADIENT * L, *next = own + G_POINT * L, *memory = own + G_MEMORY * L;
    for (int t = 0; t < L; t++) {
        V x = own[POINT * L + t], old = own[MEMORY * L + t], gradient = own[GRADIENT * L + t];
        V sr = NAME(sigmoid)(raw[t]), sq = NAME(sigmoid)(raw[L + t]);
        V r = one * sr * own[STEP * L + t], q = two * sq, level = own[LAM * L + t] * r;
        if (k->update == GO_MATH) {
            V sb = NAME(sigmoid)(raw[2 * L + t]), b = three * sb;
            argument[t] = x - r * gradient - q * old;
            next[t] = NAME(thresholded)(argument[t], level);
            memory[t] = b * old + (1 - b) * (x - next[t]);
            raw[2 * L + t] = k->kept ? sb : b;
        } else {
            argument[t] = x - r * gradient;
            memory[t] = NAME(thresholded)(argument[t], level);
            next[t] = memory[t] + q * (memory[t] - old);
        }
        raw[t] = k->kept ? sr : r;
        raw[L + t] = k->kept ? sq : q;
    }
    NAME(store)(k->point_next, next, 1, k->n, start, count);
    NAME(store)(k->memory_next, memory, 1, k->n, start, count);
    if (k->argument)
        NAME(store)(k->argument, argument, 1, k->n, start, count);
}

/* From the gradients of x' and the next memory those of the raw heads, and the parts of the gradients of x, memory and
 * grad that do not go through the network; these stay in `own`. */
static void NAME(update_adjoint)(
    const struct task *k, const V *restrict sigmoids, V *restrict g_raw, V *restrict own, long start, int count)
{
    const int L = LANES / WIDTH;
    const REAL one = (REAL)k->factor[0], two = (REAL)k->factor[1], three = (REAL)k->factor[2];
    V *g_point = own + G_POINT * L, *g_memory = own + G_MEMORY * L, *g_gradient = own + G_GRADIENT * L;
    NAME(load)(own + POINT * L, k->point, 1, k->n, start, count);
    NAME(load)(own + MEMORY * L, k->memory, 1, k->n, start, count);
    NAME(load)(own + GRADIENT * L, k->gradient, 1, k->n, start, count);
    NAME(spread)(k, own + LAM * L, k->lam, start, count);
    NAME(spread)(k, own + STEP * L, k->step, start, count);
    NAME(load)(g_point, k->g_point_next, 1, k->n, start, count);
    NAME(load)(g_memory, k->g_memory_next, 1, k->n, start, count);
    for (int t = 0; t < L; t++) {
        V x = own[POINT * L + t], old = own[MEMORY * L + t], gradient = own[GRADIENT * L + t], lam = own[LAM * L + t];
        V sr = sigmoids[t], sq = sigmoids[L + t], r = one * sr * own[STEP * L + t], q = two * sq;
        V argument = k->update == GO_MATH ? x - r * gradient - q * old : x - r * gradient;
        V level = lam * r, size = VMAX(-argument, argument) - level, out = NAME(thresholded)(argument, level);
        V g_next = g_point[t], g_out, g_rest, g_q;
        if (k->update == GO_MATH) {
            V sb = sigmoids[2 * L + t], b = three * sb, g_kept = g_memory[t];
            g_rest = g_kept * (1 - b);
            g_raw[2 * L + t] = g_kept * (old - (x - out)) * b * (1 - sb);
            g_memory[t] = g_kept * b;
            g_out = g_next - g_rest;
        } else {
            g_rest = (V){0};
            g_q = g_next * (out - old);
            g_out = g_next * (1 + q) + g_memory[t];
            g_memory[t] = -g_next * q;
        }
        V g_argument = (V)((IV)g_out & (IV)(size >= 0));
        V g_level = (V)(((IV)-g_argument & (IV)(argument > 0)) | ((IV)g_argument & (IV)(argument < 0)));
        if (k->update == GO_MATH) {
            g_q = -g_argument * old;
            g_memory[t] -= g_argument * q;
        }
        g_raw[t] = (g_level * lam - g_argument * gradient) * r * (1 - sr);
        g_raw[L + t] = g_q * q * (1 - sq);
        g_point[t] = g_rest + g_argument;
        g_gradient[t] = -g_argument * r;
    }
}

/* Adds what came through the network's features, and stores the three gradients. */
static void NAME(finish_adjoint)(
    const struct task *k, const V *restrict g_features, V *restrict own, long start, int count)
{
    const int L = LANES / WIDTH;
    if (k->update == GO_MATH)
        for (int t = 0; t < L; t++)
            own[G_GRADIENT * L + t] += g_features[t] / own[SCALE * L + t];
    NAME(store)(k->g_point, own + G_POINT * L, 1, k->n, start, count);
    NAME(store)(k->g_memory, own + G_MEMORY * L, 1, k->n, start, count);
    NAME(store)(k->g_gradient, own + G_GRADIENT * L, 1, k->n, start, count);
}

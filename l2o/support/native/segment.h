/* A segment of training on one group of instances after another: T steps forward, T steps back, for least squares or
 * logistic loss with dense matrices and r = lam ||x||_1. What a group needs, its matrices too, stays in the caches over all steps.
 *
 * loss = sum over t and instances of loss_weights[t] F(x_t). Arrays of a group are those of its coordinates alone.
 */

/* Rows of a (rows, N) array: the coordinates [at, at + count) into an array of their own, and back. */
static void NAME(cut)(REAL *to, const REAL *from, long rows, long n, long at, long count)
{
    for (long r = 0; r < rows; r++)
        memcpy(to + r * count, from + r * n + at, count * sizeof(REAL));
}

static void NAME(paste)(REAL *to, const REAL *from, long rows, long n, long at, long count)
{
    for (long r = 0; r < rows; r++)
        memcpy(to + r * n + at, from + r * count, count * sizeof(REAL));
}

/* Gradients and second derivatives of f at x (count instances from `first` on), and F where asked for. */
static void NAME(evaluate)(
    const struct segment_task *s, long first, long count, const REAL *x, REAL *gradient, REAL *curvatures, REAL *values)
{
    const long m = s->rows, n = s->network.dim;
    for (long b = 0; b < count; b++) {
        NAME(gram_one)(
            s->loss, m, n, (const REAL *)s->matrix + (first + b) * m * n, x + b * n,
            (const REAL *)s->target + (first + b) * m, NULL, curvatures + b * m, gradient + b * n,
            values ? values + b : NULL);
        if (values) {
            REAL sum = 0;
            for (long i = 0; i < n; i++)
                sum += x[b * n + i] < 0 ? -x[b * n + i] : x[b * n + i];
            values[b] += ((const REAL *)s->network.lam)[first + b] * sum;
        }
    }
}

/* The curvature of f, as `evaluate` left it, times p. */
static void NAME(bend)(
    const struct segment_task *s, long first, long count, const REAL *p, REAL *curvatures, REAL *product)
{
    const long m = s->rows, n = s->network.dim;
    for (long b = 0; b < count; b++)
        NAME(gram_one)(
            s->loss == LOGISTIC ? WEIGHTED : LEAST_SQUARES, m, n, (const REAL *)s->matrix + (first + b) * m * n,
            p + b * n, NULL, NULL, curvatures + b * m, product + b * n, NULL);
}

static int NAME(group)(const struct segment_task *s, long first, long count, int chunk)
{
    const struct task *all = &s->network;
    const long dim = all->dim, n = count * dim, at = first * dim, deep = (long)all->layers * all->hidden, T = s->steps;
    const long kept = (n + LANES - 1) / LANES * LANES * KEPT_ROWS(all), state = 2 * deep * n;
    /* Of each step what is kept, (h, c), x, memory and the gradient of f; then gradients of these five, the curvature times
     * one, the scales of the features, and of each step the curvature. */
    const long numbers = T * kept + (T + 2) * (state + 3 * n) + n + 3 * count + (T + 1) * count * s->rows;
    REAL *room = aligned_alloc(64, (numbers * sizeof(REAL) + 63) / 64 * 64);
    if (!room)
        return 0;
    REAL *hc = room + T * kept, *x = hc + (T + 1) * state, *memory = x + (T + 1) * n, *gradient = memory + (T + 1) * n;
    REAL *g_hc = gradient + (T + 1) * n, *g_x = g_hc + state, *g_memory = g_x + n, *g_gradient = g_memory + n;
    REAL *product = g_gradient + n, *scales = product + n, *curvatures = scales + 3 * count;
    const long bent = count * s->rows;
    NAME(cut)(hc, all->h, deep, all->n, at, n);
    NAME(cut)(hc + deep * n, all->c, deep, all->n, at, n);
    NAME(cut)(x, all->point, 1, all->n, at, n);
    NAME(cut)(memory, all->memory, 1, all->n, at, n);
    if (all->scales)
        NAME(cut)(scales, all->scales, 3, all->n / dim, first, count);
    struct task k = *all;
    k.n = n;
    k.lam = (const REAL *)all->lam + first, k.step = (const REAL *)all->step + first, k.scales = scales;
    k.raw = k.argument = k.features_out = k.g_x = NULL;
    NAME(evaluate)(s, first, count, x, gradient, curvatures, NULL);
    int done = 1;
    for (long t = 0; t < T && done; t++) {
        k.kept = room + t * kept;
        k.h = hc + t * state, k.c = hc + t * state + deep * n;
        k.h_next = hc + (t + 1) * state, k.c_next = hc + (t + 1) * state + deep * n;
        k.point = x + t * n, k.memory = memory + t * n, k.gradient = gradient + t * n;
        k.point_next = x + (t + 1) * n, k.memory_next = memory + (t + 1) * n;
        done = NAME(forward)(&k, 0, n, chunk);
        NAME(evaluate)(
            s, first, count, x + (t + 1) * n, gradient + (t + 1) * n, curvatures + (t + 1) * bent,
            (REAL *)s->values + t * s->batch + first);
    }
    NAME(paste)(all->h_next, hc + T * state, deep, all->n, at, n);
    NAME(paste)(all->c_next, hc + T * state + deep * n, deep, all->n, at, n);
    NAME(paste)(all->point_next, x + T * n, 1, all->n, at, n);
    NAME(paste)(all->memory_next, memory + T * n, 1, all->n, at, n);
    memset(g_hc, 0, (state + 3 * n) * sizeof(REAL));
    k.g_h_next = k.g_h = g_hc, k.g_c_next = k.g_c = g_hc + deep * n;
    k.g_point_next = k.g_point = g_x, k.g_memory_next = k.g_memory = g_memory, k.g_gradient = g_gradient;
    for (long t = T - 1; t >= 0 && done; t--) {
        const REAL weight = ((const REAL *)s->loss_weights)[t], *point = x + (t + 1) * n, *of_f = gradient + (t + 1) * n;
        if (t < T - 1) {
            NAME(bend)(s, first, count, g_gradient, curvatures + (t + 1) * bent, product);
            for (long i = 0; i < n; i++)
                g_x[i] += product[i];
        }
        for (long b = 0; b < count; b++) {
            const REAL lam = ((const REAL *)k.lam)[b];
            for (long i = b * dim; i < (b + 1) * dim; i++)
                g_x[i] += weight * (of_f[i] + (point[i] > 0 ? lam : point[i] < 0 ? -lam : 0));
        }
        k.kept = room + t * kept;
        k.h = hc + t * state, k.c = hc + t * state + deep * n, k.h_next = hc + (t + 1) * state;
        k.point = x + t * n, k.memory = memory + t * n, k.gradient = gradient + t * n;
        done = NAME(backward)(&k, 0, n, chunk);
    }
    free(room);
    return done;
}

static int NAME(segment)(const struct segment_task *s, long first, long last, int chunk)
{
    for (long b = first; b < last; b += s->group)
        if (!NAME(group)(s, b, last - b < s->group ? last - b : s->group, chunk))
            return 0;
    return 1;
}

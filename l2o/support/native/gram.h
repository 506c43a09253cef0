/* Gradients A' phi'(A x) with each row of A read once, for one type of numbers and one instruction set. */

#define ROWS 4

static inline REAL NAME(total)(V v)
{
    REAL sum = 0;
    for (int lane = 0; lane < WIDTH; lane++)
        sum += v[lane];
    return sum;
}

/* One instance: f(x) = sum_i phi_i(a_i'x) with gradient A' phi'. `values` gets f, `slopes` phi'. While ROWS rows of A are
 * in the first-level cache, their products with x are taken and they are added to the gradient.
 *
 *   LEAST_SQUARES  phi_i(z) = (z - y_i)^2 / 2, without y 0
 *   LOGISTIC       phi_i(z) = (log(1 + e^z) - y_i z) / m; `curvatures` gets phi''
 *   WEIGHTED       phi_i(z) = w_i z^2 / 2 with w in `curvatures`: the curvature of f times x as the gradient */
static void NAME(gram_one)(
    enum loss loss, long m, long n, const REAL *restrict a, const REAL *restrict x, const REAL *restrict y,
    REAL *restrict slopes, REAL *restrict curvatures, REAL *restrict gradient, REAL *restrict value)
{
    const long whole = n / (2 * WIDTH) * (2 * WIDTH);
    REAL sum_of_losses = 0;
    if (gradient)
        memset(gradient, 0, n * sizeof(REAL));
    for (long first = 0; first < m; first += ROWS) {
        const int height = m - first < ROWS ? (int)(m - first) : ROWS;
        const REAL *row[ROWS];
        REAL r[ROWS];
        V sum[ROWS][2];
#pragma GCC unroll 8
        for (int i = 0; i < ROWS; i++) {
            row[i] = a + (first + (i < height ? i : 0)) * n; /* where rows are missing, the first one again, times 0 */
            sum[i][0] = sum[i][1] = (V){0};
        }
        for (long j = 0; j < whole; j += 2 * WIDTH) {
            V x0 = *(const LOOSE *)(x + j), x1 = *(const LOOSE *)(x + j + WIDTH);
#pragma GCC unroll 8
            for (int i = 0; i < ROWS; i++) {
                sum[i][0] += *(const LOOSE *)(row[i] + j) * x0;
                sum[i][1] += *(const LOOSE *)(row[i] + j + WIDTH) * x1;
            }
        }
#pragma GCC unroll 8
        for (int i = 0; i < ROWS; i++) {
            r[i] = NAME(total)(sum[i][0] + sum[i][1]);
            for (long j = whole; j < n; j++)
                r[i] += row[i][j] * x[j];
        }
        for (int i = 0; i < height; i++) {
            if (loss == LOGISTIC) {
                const double label = y[first + i], z = r[i], small = exp(-fabs(z)), positive = z > 0;
                const double s = (positive ? 1 : small) / (1 + small);
                /* log(1 + e^(-+z)): the loss without a difference of log(1 + e^z) and y z. */
                const double against = label > 0.5 ? -z : z;
                sum_of_losses += (REAL)((log1p(small) + (against > 0 ? against : 0)) / m);
                r[i] = (REAL)((s - label) / m);
                curvatures[first + i] = (REAL)(small / ((1 + small) * (1 + small) * m));
            } else if (loss == WEIGHTED)
                r[i] *= curvatures[first + i];
            else {
                if (y)
                    r[i] -= y[first + i];
                sum_of_losses += (REAL)0.5 * r[i] * r[i];
            }
            if (slopes)
                slopes[first + i] = r[i];
        }
        if (!gradient)
            continue;
        for (int i = height; i < ROWS; i++)
            r[i] = 0;
        for (long j = 0; j < whole; j += WIDTH) {
            V g = *(const LOOSE *)(gradient + j);
#pragma GCC unroll 8
            for (int i = 0; i < ROWS; i++)
                g += r[i] * *(const LOOSE *)(row[i] + j);
            *(LOOSE *)(gradient + j) = g;
        }
        for (long j = whole; j < n; j++)
            for (int i = 0; i < ROWS; i++)
                gradient[j] += r[i] * row[i][j];
    }
    if (value)
        *value = sum_of_losses;
}

static void NAME(gram)(const struct gram_task *k, long first, long last)
{
    for (long b = first; b < last; b++)
        NAME(gram_one)(
            LEAST_SQUARES, k->rows, k->dim, (const REAL *)k->matrix + b * k->rows * k->dim, (const REAL *)k->x + b * k->dim,
            k->y ? (const REAL *)k->y + b * k->rows : NULL, k->residual ? (REAL *)k->residual + b * k->rows : NULL, NULL,
            k->gradient ? (REAL *)k->gradient + b * k->dim : NULL, k->value ? (REAL *)k->value + b : NULL);
}

#undef ROWS

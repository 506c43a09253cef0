/* Vectors, tiles and their products for one type of numbers and one instruction set; see kernel.c, which sets
 *
 *   REAL, INTEGER   the numbers and the integers of the same size
 *   WIDTH           numbers in a vector register
 *   ACROSS          vectors of a row that a product holds in registers: more registers, more vectors
 *   DOWN            rows that it holds there
 *   NAME(x)         the name of function x in this variant
 *   EXP_TERMS, EXP_LIMIT, MANTISSA   for the exponential of a pass that is differentiated
 *   EXP2, EXP2_TERMS, EXP2_LIMIT     for that of a pass that is not
 *   VMAX, VMIN      larger and smaller of two vectors; the second operand where one is NaN
 *
 * A tile is some rows of LANES numbers, one number for each of LANES coordinates.
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

/* out[r][t] = sum_k w[r*row + k*column] x[k][t] for `height` rows, whose sums stay in registers. */
static inline __attribute__((always_inline)) void NAME(rows)(
    const int height, int inner, const REAL *restrict w, int row, int column, const V *restrict x, V *restrict out)
{
    const int L = LANES / WIDTH;
    V sum[DOWN][ACROSS];
#pragma GCC unroll 8
    for (int r = 0; r < height; r++)
#pragma GCC unroll 8
        for (int t = 0; t < ACROSS; t++)
            sum[r][t] = (V){0};
    for (int k = 0; k < inner; k++, w += column, x += L)
#pragma GCC unroll 8
        for (int r = 0; r < height; r++)
#pragma GCC unroll 8
            for (int t = 0; t < ACROSS; t++)
                sum[r][t] += w[r * row] * x[t];
#pragma GCC unroll 8
    for (int r = 0; r < height; r++)
#pragma GCC unroll 8
        for (int t = 0; t < ACROSS; t++)
            out[r * L + t] = sum[r][t];
}

/* out[r][t] = sum_k w[r*row + k*column] x[k][t] for all lanes t of a tile */
static inline __attribute__((always_inline)) void NAME(product)(
    int rows, int inner, const REAL *restrict w, int row, int column, const V *restrict x, V *restrict out)
{
    const int L = LANES / WIDTH;
    for (int t = 0; t < L; t += ACROSS) {
        int r = 0;
        for (; r + DOWN <= rows; r += DOWN)
            NAME(rows)(DOWN, inner, w + r * row, row, column, x + t, out + r * L + t);
        for (; r + 2 <= rows; r += 2)
            NAME(rows)(2, inner, w + r * row, row, column, x + t, out + r * L + t);
        if (r < rows)
            NAME(rows)(1, inner, w + r * row, row, column, x + t, out + r * L + t);
    }
}

/* WIDTH vectors turned: number j of vector i becomes number i of vector j. In log2(WIDTH) rounds, in each of which the
 * vectors whose places differ in one bit exchange halves. */
static inline __attribute__((always_inline)) void NAME(turn)(V *v)
{
#if defined(__clang__)
    V old[WIDTH];
    memcpy(old, v, sizeof(old));
    for (int i = 0; i < WIDTH; i++)
        for (int j = 0; j < WIDTH; j++)
            v[i][j] = old[j][i];
#else
#pragma GCC unroll 8
    for (int bit = 1; bit < WIDTH; bit *= 2) {
        IV low, high;
#pragma GCC unroll 16
        for (int j = 0; j < WIDTH; j++) {
            low[j] = j & bit ? WIDTH + j - bit : j;
            high[j] = j & bit ? WIDTH + j : j + bit;
        }
#pragma GCC unroll 16
        for (int i = 0; i < WIDTH; i++)
            if (!(i & bit)) {
                V one = v[i], two = v[i + bit];
                v[i] = __builtin_shuffle(one, two, low);
                v[i + bit] = __builtin_shuffle(one, two, high);
            }
    }
#endif
}

/* Rows rounded up to whole vectors. */
#define PADDED(rows) (((rows) + WIDTH - 1) / WIDTH * WIDTH)

/* turned[lane][r] = g[r][lane], with zeros behind the last row. */
static void NAME(turned)(int rows, const V *restrict g, V *restrict turned)
{
    const int L = LANES / WIDTH, deep = PADDED(rows) / WIDTH;
    for (int r = 0; r < rows; r += WIDTH)
        for (int t = 0; t < L; t++) {
            V block[WIDTH];
#pragma GCC unroll 16
            for (int i = 0; i < WIDTH; i++)
                block[i] = r + i < rows ? g[(r + i) * L + t] : (V){0};
            NAME(turn)(block);
#pragma GCC unroll 16
            for (int i = 0; i < WIDTH; i++)
                turned[(t * WIDTH + i) * deep + r / WIDTH] = block[i];
        }
}

/* `height` vectors of rows and `width` columns of `outer`, whose sums stay in registers over the lanes. */
static inline __attribute__((always_inline)) void NAME(block)(
    const int height, const int width, int deep, const V *restrict turned, const REAL *restrict x, V *restrict sum)
{
    V a[OUTER_DOWN][OUTER_ACROSS];
#pragma GCC unroll 8
    for (int j = 0; j < width; j++)
#pragma GCC unroll 8
        for (int i = 0; i < height; i++)
            a[i][j] = sum[j * deep + i];
    for (int lane = 0; lane < LANES; lane++, turned += deep)
#pragma GCC unroll 8
        for (int j = 0; j < width; j++)
#pragma GCC unroll 8
            for (int i = 0; i < height; i++)
                a[i][j] += x[j * LANES + lane] * turned[i];
#pragma GCC unroll 8
    for (int j = 0; j < width; j++)
#pragma GCC unroll 8
        for (int i = 0; i < height; i++)
            sum[j * deep + i] = a[i][j];
}

/* sum[k][r] += sum over the lanes of g[r] x[k]; the rows of a column lie side by side, so that no sum has to be taken
 * across a vector. */
static void NAME(outer)(int rows, int columns, const V *restrict g, const V *restrict x, V *restrict sum, V *restrict room)
{
    const int L = LANES / WIDTH, deep = PADDED(rows) / WIDTH;
    NAME(turned)(rows, g, room);
    for (int k = 0; k < columns;) {
        const REAL *column = (const REAL *)(x + k * L);
        int r = 0;
        if (k + OUTER_ACROSS <= columns) {
            for (; r + OUTER_DOWN <= deep; r += OUTER_DOWN)
                NAME(block)(OUTER_DOWN, OUTER_ACROSS, deep, room + r, column, sum + k * deep + r);
            for (; r < deep; r++)
                NAME(block)(1, OUTER_ACROSS, deep, room + r, column, sum + k * deep + r);
            k += OUTER_ACROSS;
        } else {
            for (; r + OUTER_DOWN <= deep; r += OUTER_DOWN)
                NAME(block)(OUTER_DOWN, 1, deep, room + r, column, sum + k * deep + r);
            for (; r < deep; r++)
                NAME(block)(1, 1, deep, room + r, column, sum + k * deep + r);
            k++;
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

/* A row of a tile that is needed soon, into the second-level cache. */
static inline void NAME(fetch)(const REAL *row)
{
    for (size_t line = 0; line < LANES * sizeof(REAL); line += 64)
        __builtin_prefetch((const char *)row + line, 0, 2);
}

/* Rows of a tile that are needed soon. */
static inline void NAME(fetch_rows)(const REAL *row, int rows, long n)
{
    for (int r = 0; r < rows; r++)
        NAME(fetch)(row + r * n);
}

/* A tile into memory that is not read for a long time, past the caches where the processor can. */
static inline void NAME(put_away)(V *restrict to, const V *restrict from, int rows)
{
    for (int t = 0; t < rows * (LANES / WIDTH); t++)
        STREAM(to + t, from[t]);
}

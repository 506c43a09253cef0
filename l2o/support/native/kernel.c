/* A coordinate-wise recurrent network on N coordinates, and its adjoint, in closed form.
 *
 * Stacked LSTM (gates i, f, g, o), a linear layer with ReLU, and linear heads: what every learned optimizer of this
 * package runs at each iteration, on rows of length N = instances * variables. Coordinates are independent, so they
 * are taken in tiles of LANES; all of a tile's numbers stay in the cache from the features to the heads, every gate is
 * squashed where it was computed, and nothing but the next state goes back to memory (with the gates, if an adjoint is
 * to follow). Weights come as one vector: for each layer [W_ih | W_hh | b] row by row, then [W | b] of the linear
 * layer, then [W | b] of the heads.
 *
 * Gradients of the weights are summed over CHUNKS fixed ranges of tiles, each by one thread, and then in order: equal
 * inputs give equal bytes, whatever the number of threads.
 *
 * Threads are those of the OpenMP library that the caller has already loaded (torch's), through two function
 * pointers: a second pool would fight with the first for the cores. Without them one thread does all.
 */

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define LANES 64
#define CHUNKS 16
/* What an adjoint needs of the forward pass, tile by tile: gates and tanh(c) of each layer, the ReLU's output, and where
 * the update is part of it the sigmoids of the heads. */
#define KEPT_ROWS(k) (((k)->layers * 5 + 1) * (k)->hidden + ((k)->update ? (k)->heads : 0))

enum update { NO_UPDATE, GO_MATH, L2O_PA }; /* see update.h */
#define UPDATE_ROWS 11

/* The rows of a tile in update.h: x, memory, gradient; lam, step and three scales of each coordinate's instance; the
 * gradients of the first three, which stand in for x', the next memory and the argument of the prox before. */
enum row { POINT, MEMORY, GRADIENT, LAM, STEP, SCALE, G_POINT = SCALE + 3, G_MEMORY, G_GRADIENT };

enum loss { LEAST_SQUARES, LOGISTIC, WEIGHTED }; /* see gram.h */

struct pool { /* the threads of the OpenMP library */
    void (*parallel)(void (*)(void *), void *, unsigned, unsigned);
    int (*thread)(void), (*team)(void);
};

struct task {
    int32_t layers, hidden, features, heads, size, doubles, threads, adjoint, level, update;
    int64_t n, dim;
    double factor[3];
    const void *weights, *x, *h, *c;
    void *raw, *h_next, *c_next, *kept;
    const void *g_raw, *g_h_next, *g_c_next;
    void *g_x, *g_h, *g_c, *g_weights; /* g_weights: (CHUNKS, size) */
    const void *point, *memory, *gradient, *lam, *step, *scales;
    void *point_next, *memory_next, *argument, *features_out;
    const void *g_point_next, *g_memory_next;
    void *g_point, *g_memory, *g_gradient;
    void *arranged; /* the weights as `infer` reads them */
    struct pool pool;
    int32_t failed; /* set to 1 where memory ran out */
};

struct gram_task {
    int32_t doubles, threads, level;
    int64_t batch, rows, dim;
    const void *matrix, *x, *y;
    void *residual, *gradient, *value;
    struct pool pool;
};

struct segment_task {
    int32_t steps, group, loss; /* steps, instances that are taken through them together, and which f */
    int64_t batch, rows;
    const void *matrix, *target, *loss_weights; /* (batch, rows, dim), (batch, rows), (steps) */
    void *values;               /* (steps, batch) F after each step */
    struct task network;        /* the state before and after, and the gradients of the weights */
};

/* The functions for one type of numbers and one instruction set; 0 is "out of memory". */
struct variant {
    void (*arrange)(const struct task *);
    int (*infer)(const struct task *, long, long, int), (*forward)(const struct task *, long, long, int),
        (*backward)(const struct task *, long, long, int);
    void (*gram)(const struct gram_task *, long, long);
    int (*segment)(const struct segment_task *, long, long, int);
};

static const double INVERSE_FACTORIAL[] = {
    1.0, 1.0, 1.0 / 2, 1.0 / 6, 1.0 / 24, 1.0 / 120, 1.0 / 720, 1.0 / 5040, 1.0 / 40320, 1.0 / 362880,
    1.0 / 3628800, 1.0 / 39916800, 1.0 / 479001600, 1.0 / 6227020800.0,
};

/* Minimax polynomials of 2^r on |r| <= 1/2 (Remez), relative errors 2e-9 and 3e-18. */
static const double EXP2_FLOAT[] = {
    1.0000000005541647956, 0.69314720573719575134, 0.24022646890645520696, 0.05550328777105324799,
    0.0096184889563311816196, 0.0013399931177239737967, 0.00015345812161311629759,
};
static const double EXP2_DOUBLE[] = {
    1.0, 0.69314718055994533046, 0.24022650695910156204, 0.055504108664819921605, 0.0096181291075883352443,
    0.0013333558146789921722, 0.00015403530462514432062, 0.000015252733489988525649, 1.321543308967639918e-6,
    1.0178198021671930844e-7, 7.0741056135081427963e-9, 4.4352827069572771511e-10,
};
#define LOG2_E 1.4426950408889634074

#define SELECT(mask, a, b) (((mask) & (__typeof__(mask))(a)) | (~(mask) & (__typeof__(mask))(b)))
#define GENERIC_MAX(a, b) ((__typeof__(b))SELECT((a) > (b), a, b))
#define GENERIC_MIN(a, b) ((__typeof__(b))SELECT((a) < (b), a, b))

#define REAL float
#define INTEGER int32_t
#define EXP_TERMS 7
#define EXP_LIMIT 87
#define MANTISSA 23
#define LN2_HIGH 0.693145751953125          /* 16 bits: n * LN2_HIGH is exact */
#define LN2_LOW 1.42860682030941723212e-6
#define EXP2 EXP2_FLOAT
#define EXP2_TERMS 6
#define EXP2_LIMIT 40

#define WIDTH 4
#define NAME(x) x##_float
#define VMAX GENERIC_MAX
#define VMIN GENERIC_MIN
#define STREAM(to, v) (*(to) = (v))
#include "narrow.h"

#if defined(__x86_64__) && !defined(__clang__)
#define HAS_X86
#include <immintrin.h>
#pragma GCC push_options
#pragma GCC target("avx2,fma")
#define WIDTH 8
#define NAME(x) x##_float_avx2
#define VMAX(a, b) ((__typeof__(b))_mm256_max_ps((__m256)(a), (__m256)(b)))
#define VMIN(a, b) ((__typeof__(b))_mm256_min_ps((__m256)(a), (__m256)(b)))
#define STREAM(to, v) _mm256_stream_ps((float *)(to), (__m256)(v))
#include "narrow.h"
#pragma GCC pop_options
#pragma GCC push_options
#pragma GCC target("avx512f,avx512dq,avx512vl,avx2,fma")
#define WIDTH 16
#define NAME(x) x##_float_avx512
#define VMAX(a, b) ((__typeof__(b))_mm512_max_ps((__m512)(a), (__m512)(b)))
#define VMIN(a, b) ((__typeof__(b))_mm512_min_ps((__m512)(a), (__m512)(b)))
#define STREAM(to, v) _mm512_stream_ps((float *)(to), (__m512)(v))
#include "wide.h"
#pragma GCC pop_options
#endif

#undef REAL
#undef INTEGER
#undef EXP_TERMS
#undef EXP_LIMIT
#undef MANTISSA
#undef LN2_HIGH
#undef LN2_LOW
#undef EXP2
#undef EXP2_TERMS
#undef EXP2_LIMIT
#define REAL double
#define INTEGER int64_t
#define EXP_TERMS 13
#define EXP_LIMIT 700
#define MANTISSA 52
#define LN2_HIGH 0.693147180369123816490     /* the upper 33 bits: n * LN2_HIGH is exact */
#define LN2_LOW 1.90821492927058770002e-10
#define EXP2 EXP2_DOUBLE
#define EXP2_TERMS 11
#define EXP2_LIMIT 300

#define WIDTH 2
#define NAME(x) x##_double
#define VMAX GENERIC_MAX
#define VMIN GENERIC_MIN
#define STREAM(to, v) (*(to) = (v))
#include "narrow.h"

#if defined(HAS_X86)
#pragma GCC push_options
#pragma GCC target("avx2,fma")
#define WIDTH 4
#define NAME(x) x##_double_avx2
#define VMAX(a, b) ((__typeof__(b))_mm256_max_pd((__m256d)(a), (__m256d)(b)))
#define VMIN(a, b) ((__typeof__(b))_mm256_min_pd((__m256d)(a), (__m256d)(b)))
#define STREAM(to, v) _mm256_stream_pd((double *)(to), (__m256d)(v))
#include "narrow.h"
#pragma GCC pop_options
#pragma GCC push_options
#pragma GCC target("avx512f,avx512dq,avx512vl,avx2,fma")
#define WIDTH 8
#define NAME(x) x##_double_avx512
#define VMAX(a, b) ((__typeof__(b))_mm512_max_pd((__m512d)(a), (__m512d)(b)))
#define VMIN(a, b) ((__typeof__(b))_mm512_min_pd((__m512d)(a), (__m512d)(b)))
#define STREAM(to, v) _mm512_stream_pd((double *)(to), (__m512d)(v))
#include "wide.h"
#pragma GCC pop_options
#endif

/* Levels: 0 vectors of 16 bytes, as every processor has them; 1 AVX2; 2 AVX-512. */
static int best_level(void)
{
#if defined(HAS_X86)
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
        return 2;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        return 1;
#endif
    return 0;
}

static const struct variant *variant_for(int level, int doubles)
{
    int best = best_level();
    level = level < 0 || level > best ? best : level;
#if defined(HAS_X86)
    if (level == 2)
        return doubles ? &variant_double_avx512 : &variant_float_avx512;
    if (level == 1)
        return doubles ? &variant_double_avx2 : &variant_float_avx2;
#endif
    return doubles ? &variant_double : &variant_float;
}

/* Chunk `index` of CHUNKS: a range of whole tiles. */
static void run_chunk(struct task *k, int index)
{
    const struct variant *v = variant_for(k->level, k->doubles);
    int64_t tiles = (k->n + LANES - 1) / LANES;
    int64_t first = tiles * index / CHUNKS * LANES, last = tiles * (index + 1) / CHUNKS * LANES;
    last = last < k->n ? last : k->n;
    if (!(k->adjoint ? v->backward : k->kept ? v->forward : v->infer)(k, first, last, index))
        __atomic_store_n(&k->failed, 1, __ATOMIC_RELAXED);
}

static void worker(void *given)
{
    struct task *k = given;
    int index = k->pool.thread(), count = k->pool.team(); /* the team may be smaller than asked for */
    for (int chunk = CHUNKS * index / count; chunk < CHUNKS * (index + 1) / count; chunk++)
        run_chunk(k, chunk);
}

static void gram_worker(void *given)
{
    struct gram_task *k = given;
    int64_t index = k->pool.thread(), count = k->pool.team();
    variant_for(k->level, k->doubles)->gram(k, k->batch * index / count, k->batch * (index + 1) / count);
}

#if defined(_WIN32)
#define PUBLIC __declspec(dllexport)
#else
#define PUBLIC __attribute__((visibility("default")))
#endif

PUBLIC int l2o_level(void) { return best_level(); }

PUBLIC int l2o_network(struct task *k)
{
    if (!k->adjoint && !k->kept) {
        k->arranged = malloc(k->size * sizeof(double));
        if (!k->arranged)
            return 0;
        variant_for(k->level, k->doubles)->arrange(k);
    }
    if (k->threads > 1 && k->pool.parallel)
        k->pool.parallel(worker, k, (unsigned)k->threads, 0);
    else
        for (int chunk = 0; chunk < CHUNKS; chunk++)
            run_chunk(k, chunk);
    free(k->arranged);
    return !k->failed;
}

PUBLIC void l2o_gram(struct gram_task *k)
{
    if (k->threads > 1 && k->pool.parallel)
        k->pool.parallel(gram_worker, k, (unsigned)k->threads, 0);
    else
        variant_for(k->level, k->doubles)->gram(k, 0, k->batch);
}

static void segment_chunk(struct segment_task *s, int index)
{
    const struct variant *v = variant_for(s->network.level, s->network.doubles);
    if (!v->segment(s, s->batch * index / CHUNKS, s->batch * (index + 1) / CHUNKS, index))
        __atomic_store_n(&s->network.failed, 1, __ATOMIC_RELAXED);
}

static void segment_worker(void *given)
{
    struct segment_task *s = given;
    int index = s->network.pool.thread(), count = s->network.pool.team();
    for (int chunk = CHUNKS * index / count; chunk < CHUNKS * (index + 1) / count; chunk++)
        segment_chunk(s, chunk);
}

PUBLIC int l2o_segment(struct segment_task *s)
{
    if (s->network.threads > 1 && s->network.pool.parallel)
        s->network.pool.parallel(segment_worker, s, (unsigned)s->network.threads, 0);
    else
        for (int chunk = 0; chunk < CHUNKS; chunk++)
            segment_chunk(s, chunk);
    return !s->network.failed;
}

/* An empty module: Python finds the library by importing it; ctypes calls it, without the interpreter's lock. */
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "_kernel", NULL, -1, NULL, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit__kernel(void) { return PyModule_Create(&module); }

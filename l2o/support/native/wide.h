/* A variant with 32 vector registers. */
#define ACROSS 4
#define DOWN 5
#define OUTER_DOWN 5
#define OUTER_ACROSS 4
#include "variant.h"

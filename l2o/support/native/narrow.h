/* A variant with 16 vector registers. */
#define ACROSS 2
#define DOWN 4
#define OUTER_DOWN 2
#define OUTER_ACROSS 5
#include "variant.h"

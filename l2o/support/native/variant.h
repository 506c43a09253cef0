/* All functions for one type of numbers and one instruction set. */

#include "vectors.h"
#include "update.h"
#include "network.h"
#include "gram.h"
#include "segment.h"

static const struct variant NAME(variant) = {
    NAME(arrange), NAME(infer), NAME(forward), NAME(backward), NAME(gram), NAME(segment),
};

#undef V
#undef LOOSE
#undef IV
#undef PADDED
#undef WIDTH
#undef ACROSS
#undef DOWN
#undef OUTER_DOWN
#undef OUTER_ACROSS
#undef NAME
#undef VMAX
#undef VMIN
#undef STREAM

/* SPDX-License-Identifier: MIT
 *
 * spans.h - which spans of the range are free, and which are cut into slots.
 *
 * Numbers only: span n lies n spans behind the range's base, and slot n as
 * many slots.  A bit for each span says whether it is free, and a tree over
 * the words of those bits knows the longest row of free spans below each of
 * its nodes.  So the first row that is long enough is found in as many steps
 * as the tree has levels, however many spans are taken.
 *
 * A span that is cut has 32 slots.  Those with a free slot are on a list.  A
 * span whose slots are all free again is whole.
 *
 * What it cannot do: get memory for itself.  The caller hands it some when
 * the range has outgrown what it has.
 *
 * The range's lock owns all of it.
 */
#ifndef MP_SPANS_H
#define MP_SPANS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"

#define SPANS_NONE SIZE_MAX
#define SPANS_SLOTS 32u /* of a span */

/* Free spans in a row below a node: at its start, at its end, the longest. */
struct spans_node {
    uint32_t first;
    uint32_t last;
    uint32_t most;
};

/* A span that is cut; all 0 but row: it is whole.  Names of spans are their
 * numbers plus 1, and 0 is none. */
struct spans_cut {
    uint32_t free; /* a bit for each free slot */
    uint32_t next; /* on the list of those with a free slot */
    uint32_t from;
    uint32_t row; /* how many spans from this one on are one row; 0: none */
};

struct spans {
    size_t words;             /* of 64 spans; a power of two, or 0 */
    uint64_t *free;           /* a bit for each span */
    uint64_t *dirty;          /* free, and with memory */
    uint64_t *starts;         /* the first of some that were taken together */
    struct spans_node *nodes; /* the root is 1; a leaf for each word */
    struct spans_cut *cuts;   /* one for each span */
    size_t dirty_count;
    uint32_t cut; /* the first with a free slot */
};

/* Bytes that so many words need. */
MP_INNER size_t spans_bytes(size_t words);

/* Moves all to longer memory, which is all 0 and aligned for a uint64_t.  The
 * memory before is the caller's again.  New spans are taken. */
MP_INNER void spans_move(struct spans *spans, void *memory, size_t words);

/* The first row of that many free spans, taken now; SPANS_NONE: there is
 * none. */
MP_INNER size_t spans_take(struct spans *spans, size_t count);

/* That row of spans, taken now; false: not all of it is free. */
MP_INNER bool spans_take_at(struct spans *spans, size_t first, size_t count);

/* The first row of spans that are dirty, which are so no more; SPANS_NONE:
 * there is none. */
MP_INNER size_t spans_clean(struct spans *spans, size_t *count);

/* They are free now; dirty: and have memory. */
MP_INNER void spans_give(struct spans *spans, size_t first, size_t count,
                         bool dirty);

/* So many spans, which were taken together, are one row from now on; 0: they
 * are none any more.  Returns how many were. */
MP_INNER size_t spans_set_row(struct spans *spans, size_t first, size_t count);

/* Where the row starts that has this span; SPANS_NONE: none has it.  Takes a
 * step for each word of spans between the two. */
MP_INNER size_t spans_row(const struct spans *spans, size_t span);

/* A slot; SPANS_NONE: no slot and no span is free. */
MP_INNER size_t spans_take_slot(struct spans *spans);

/* The span that is whole now, and taken, so that the caller gives it;
 * SPANS_NONE: there is none.  One span with free slots stays cut, so that a
 * pool which comes and goes does not cut a span each time. */
MP_INNER size_t spans_give_slot(struct spans *spans, size_t slot);

/* The tree agrees with the bits. */
MP_INNER bool spans_is_sound(const struct spans *spans);

#endif /* MP_SPANS_H */

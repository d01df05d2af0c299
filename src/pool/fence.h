/* SPDX-License-Identifier: MIT
 *
 * fence.h - memory for one tracked object, and what stands around it.
 *
 *     malloc() | front zone | object | tag | back zone |
 *
 * or, before a guard page,
 *
 *     mmap() | front zone ... | object | at most 15 bytes | unreadable page |
 *
 * Where no flag asks for any of that, the memory is all that there is, and no
 * fence is made.
 *
 * What it cannot do: see a write that goes over a zone without touching it, or
 * any read but those into a guard page.
 */
#ifndef MP_FENCE_H
#define MP_FENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"

/* Fixed, except for filled; the owner of the object's record owns it. */
struct fence {
    uintptr_t hidden; /* ~ of where the memory begins */
    size_t bytes;     /* of all */
    size_t front;     /* bytes before the object */
    bool guarded;     /* mapped, with a guard page at its end */
    bool zoned;       /* before and behind the object are zones */
    bool filled;      /* freed, and full of a byte that is known */
    const void *tag;  /* which stands behind the object; NULL: none */
};

/* What a check found first. */
enum fence_damage { FENCE_WHOLE, FENCE_BEFORE, FENCE_BEHIND, FENCE_TAG,
                    FENCE_INSIDE };

/* Memory from malloc(), so that a checker takes it for one of the program's
 * own, if that aligns strictly enough; NULL: there is none.  No lock held. */
MP_INNER void *fence_allocate(size_t bytes, size_t alignment);

/* The same for an object with what stands around it.  flags are MP_*; guarded:
 * it is to end before a guard page, if there are pages. */
MP_INNER void *fence_make(struct fence *fence, unsigned flags, bool guarded,
                          size_t size, size_t alignment, const void *tag);

/* Checks the zones and the tag.  *at is the first byte that is wrong. */
MP_INNER enum fence_damage fence_check(const struct fence *fence, size_t size,
                                       const void **at);

/* Fills the zones, and writes the tag where there is room for it: all that was
 * written over is as it was, what was not reported, too. */
MP_INNER void fence_mend(const struct fence *fence, size_t size);

/* Changes the size of an object in place, from was to size bytes, and moves the
 * tag and the zone behind it.  False: its memory is not so long, or a check
 * found a fault that a longer object would hide. */
MP_INNER bool fence_fit(const struct fence *fence, size_t was, size_t size);

/* For an object that is freed, with its memory kept.  fence_close() makes the
 * memory unreadable, or fills it if that is asked for.  fence_check_closed()
 * checks it later. */
MP_INNER void fence_close(struct fence *fence, size_t size, bool fill);
MP_INNER enum fence_damage fence_check_closed(const struct fence *fence,
                                              size_t size, const void **at);

/* Gives the memory back.  No lock held. */
MP_INNER void fence_drop(struct fence *fence);

#endif /* MP_FENCE_H */

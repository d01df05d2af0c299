/* SPDX-License-Identifier: MIT
 *
 * extent.h - where the range lies, and how much of it is mapped.
 *
 * The range is one stretch of addresses with two tables in front of it: a map
 * byte for each granule, as block.h has it, and an owner, a pool, for each
 * slot of 2 KiB.
 *
 *     map (limit / 16) | owners (limit / 256) | base: spans (limit)
 *
 * Nothing of it is reserved.  The place is chosen once, where the address
 * space has much room, and each of the three is mapped from its start on as
 * pools grow.  So a program with one small pool has little mapped, which is
 * what valgrind, core files, mlockall(2) and limits on address space ask for;
 * and the limit may be far more than the machine has memory.
 *
 * The extent is what has been mapped.  Where another mapping of the process
 * lies in the way, the extent goes on behind it: the addresses between never
 * have an owner.
 *
 * What it cannot do: shrink, or lie at the addresses that another process or
 * run of the program had.
 */
#ifndef MP_EXTENT_H
#define MP_EXTENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/sync.h"

struct memory_pool;

#define EXTENT_SPAN ((size_t)1 << 16)
#define EXTENT_SLOT ((size_t)1 << 11) /* of one owner */

struct extent {
    size_t bytes; /* atomic; of spans, from base on; written under the range's
                   * lock; 0: there is no range.  Never less than before */
    /* Written before the first value of bytes, and fixed but for limit. */
    unsigned char *base;
    struct memory_pool **owners; /* by slots */
    uintptr_t bias; /* the map byte of an address is at this plus a sixteenth
                     * of the address, as numbers */
    size_t limit;   /* the most that bytes may be; the range's lock.  Tests
                     * lower it to have a short range */
};
MP_INNER struct extent extent;

/* Chooses the place and maps the first piece.  False: there is none.  The
 * range's lock is held here and below; errno is kept. */
MP_INNER bool extent_start(void);

/* Bytes that the extent would grow by, if the system gives them. */
MP_INNER size_t extent_step(size_t least);

/* Maps at least that many more bytes in a row, a multiple of EXTENT_SPAN, and
 * says at which offset they start; 0: neither the limit nor the system has
 * room for them. */
MP_INNER size_t extent_grow(size_t least, size_t *start);

/* Gives the memory of whole spans, whose map is clear, to the system, and that
 * of their map; true: it has gone. */
MP_INNER bool extent_drop(size_t offset, size_t bytes);

/* Makes bytes in use 0 by giving their pages to the system; false: that keeps
 * them.  They have a page's start among them. */
MP_INNER bool extent_zero(void *start, size_t bytes);

/* More memory than malloc() should be asked for under a lock, all 0; NULL:
 * there is none. */
MP_INNER void *extent_get(size_t bytes);
MP_INNER void extent_put(void *memory, size_t bytes);

/* Milliseconds since some moment. */
MP_INNER uint64_t extent_now(void);

/* The bytes that are mapped.  Acquire pairs with the release in extent_grow():
 * the tables are there for all that is below. */
static inline size_t extent_bytes(void)
{
    return sync_get_acquire(&extent.bytes);
}

/* The map byte of an address in the extent. */
static inline unsigned char *extent_map(const void *at)
{
    return (unsigned char *)(extent.bias + (uintptr_t)at / 16);
}

#endif /* MP_EXTENT_H */

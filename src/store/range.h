/* SPDX-License-Identifier: MIT
 *
 * range.h - one stretch of addresses, where pools with thread caches live that
 * have no backing.
 *
 * It grows as pools do; extent.h says where it lies and how.  In front of it
 * are a map byte for each granule and an owner, a pool, for each 2 KiB.  "Is
 * this address the start of a live object of this pool?" is then two loads
 * that depend on nothing but the address, for any address at all.
 *
 * It is cut into spans of 64 KiB, and some of those into slots of 2 KiB.
 *
 * What it cannot do: be everywhere.  Where the system has no room for it, or
 * none for it to grow, there is no range or no span, and pools take their
 * blocks elsewhere and look addresses up in an index.
 */
#ifndef MP_RANGE_H
#define MP_RANGE_H

#include "base/lock.h"
#include "store/block.h"
#include "store/extent.h"

#define RANGE_SPAN EXTENT_SPAN
#define RANGE_SLOT EXTENT_SLOT

/* Makes the range if there is none yet; false: there is none.  Keeps errno,
 * as do all functions here. */
MP_INNER bool range_start(void);

/* Spans in a row, all of their map 0; NULL: no room.  *zero, unless zero is
 * NULL: all of their memory is 0, too. */
MP_INNER void *range_take(size_t spans, bool *zero);
MP_INNER void range_give(void *start, size_t spans);

/* Gives the last of some spans that were taken together. */
MP_INNER void range_narrow(void *start, size_t spans, size_t less);

/* As many spans more behind some that are taken, under the same name, all of
 * their map 0; false: they are not free. */
MP_INNER bool range_extend(void *start, size_t spans, size_t more);

/* Makes a long stretch in use 0 by the system; false: that does not do it, or
 * writing takes less time. */
MP_INNER bool range_zero(void *start, size_t bytes);

/* Milliseconds since some moment, for what is kept for a while; tests have
 * their own. */
MP_INNER uint64_t (*range_clock)(void);

/* Gives the memory that free spans kept for the next pool to the system. */
MP_INNER void range_trim(void);

/* One slot, its map 0. */
MP_INNER void *range_take_slot(void);
MP_INNER void range_give_slot(void *slot);

/* Names the owner of whole slots.  The name stays when they are given back, but
 * for that of the slot that a pool itself lies in, see range_pool().  Their map
 * is clear then, so that no address in them is taken for an object, and what is
 * not in its owner's heap is not its owner's. */
MP_INNER void range_own(void *start, size_t bytes, struct memory_pool *owner);

/* The same for whole spans that were taken together, are a row from now on, and
 * will hold one chunk: only the first slot gets the name.  The second gives
 * that name to all slots, before another chunk may start in them.  The row must
 * not change meanwhile. */
MP_INNER void range_own_row(void *start, size_t bytes,
                            struct memory_pool *owner);
MP_INNER void range_spread(void *start, size_t bytes);

/* The pool that an address belongs to, or belonged to last, in a row, too;
 * NULL: none in the range.  range_owner() is for addresses where a chunk or a
 * block starts. */
MP_INNER struct memory_pool *range_holder(const void *ptr);

/* Between the first and the second no slot is given or taken.  For range_pool(),
 * and for the fork handlers. */
MP_INNER void range_enter(void);
MP_INNER void range_leave(void);

/* Held: the pool that range_holder() tells, if its structure still lies in the
 * slot that it began in; it may be one that is being made or ended.  NULL: the
 * range has no such pool. */
MP_INNER struct memory_pool *range_pool(const void *ptr);

/* Names it again, for blocks that are kept and used again.  apart: no cache
 * takes what is freed there; the name is then one byte off, so that the fast
 * path does not know it. */
MP_INNER void range_rename(void *start, size_t bytes,
                           struct memory_pool *owner, bool apart);

/* It is named so. */
static inline bool range_is_named(const void *start,
                                  const struct memory_pool *owner, bool apart)
{
    size_t slot =
        (size_t)((uintptr_t)start - (uintptr_t)extent.base) / RANGE_SLOT;

    return (uintptr_t)sync_get(&extent.owners[slot]) ==
           ((uintptr_t)owner | apart);
}

/* Tells the range's lock, see lock_tell_all(). */
MP_INNER void range_tell_lock(void);

/* The address lies in what is mapped of the range, or between two pieces. */
static inline bool range_reaches(const void *ptr)
{
    /* A thread that has no pool may ask while another makes the range, so the
     * base is read only where there is one. */
    size_t bytes = extent_bytes();

    return bytes != 0 && (uintptr_t)ptr - (uintptr_t)extent.base < bytes;
}

/* The map byte at any address; BLOCK_NONE: it is not in the range, or between
 * granules.  For links that a program may have written over. */
static inline unsigned char range_code(const void *ptr)
{
    if (!range_reaches(ptr) || (uintptr_t)ptr % SIZES_GRANULE != 0) {
        return BLOCK_NONE;
    }
    return sync_get((unsigned char *)(extent.bias +
                                      (uintptr_t)ptr / SIZES_GRANULE));
}

/* The pool that stands in the table of owners for an address: the one that it
 * belongs to, or belonged to last, unless it lies within a row; NULL: none in
 * the range.  An owner is written before the first address of its slot is
 * handed out and after the last one is dead, so only misuse can race with it.
 * Acquire, for callers that read the pool; a free, which only compares, needs
 * none. */
static inline struct memory_pool *range_owner(const void *ptr)
{
    if (!range_reaches(ptr)) {
        return NULL;
    }
    size_t slot =
        (size_t)((uintptr_t)ptr - (uintptr_t)extent.base) / RANGE_SLOT;
    uintptr_t owner = (uintptr_t)sync_get_acquire(&extent.owners[slot]);
    return (struct memory_pool *)(owner & ~(uintptr_t)1);
}

/* True: the address, where a chunk or a block starts, is in the range.  Foreign
 * mappings may lie between pieces of the range; such an address never has an
 * owner. */
static inline bool range_has(const void *ptr)
{
    return range_owner(ptr) != NULL;
}

/* True: the block is one of the range's, with its map there.  A block in the
 * range need not be: a program's backing, or its buffer, may be memory that
 * another pool handed out.  Its map then stands behind it. */
static inline bool range_has_block(const struct block *block)
{
    return range_reaches(block) && block->map == extent_map(block->base);
}

#endif /* MP_RANGE_H */

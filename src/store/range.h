/* SPDX-License-Identifier: MIT
 *
 * range.h - one stretch of addresses, where pools with thread caches live.
 *
 * 16 GiB of address space, reserved once and touched piece by piece, with
 * two tables in front of it: a map byte for each granule, as block.h has it,
 * and an owner, a pool, for each 2 KiB.  "Is this address the start of a
 * live object of this pool?" is then two loads that depend on nothing but
 * the address, for any address at all.
 *
 *     map (1 GiB) | owners (64 MiB) | base: spans of 64 KiB (16 GiB)
 *
 * The tables stand in front at distances that fit an instruction, so that
 * one register finds all three.
 *
 * What it cannot do: be everywhere.  Under a limit on address space, on
 * 32-bit systems, or once it is used up, there is no range or no span, and
 * pools take their blocks elsewhere and look addresses up in an index.
 */
#ifndef MP_RANGE_H
#define MP_RANGE_H

#include "base/lock.h"
#include "store/block.h"

struct memory_pool;

#if UINTPTR_MAX > 0xffffffffu
#define RANGE_SIZE ((uintptr_t)1 << 34)
#else
#define RANGE_SIZE ((uintptr_t)1 << 24) /* never reserved */
#endif
#define RANGE_SPAN ((uintptr_t)1 << 16)
#define RANGE_SLOT ((uintptr_t)1 << 11) /* of one owner */
#define RANGE_GRANULES (RANGE_SIZE / SIZES_GRANULE)
#define RANGE_OWNERS (RANGE_SIZE / RANGE_SLOT)
#define RANGE_OWNERS_SIZE (RANGE_OWNERS * sizeof(struct memory_pool *))

/* Set once, before the first pool that uses it; NULL: there is no range. */
MP_INNER unsigned char *range_base;

/* The map byte of the granule at an address is at range_bias + address / 16,
 * as numbers. */
MP_INNER uintptr_t range_bias;

/* Reserves the range if that has not been tried; false: there is none. */
MP_INNER bool range_start(void);

/* Spans in a row, all of their map 0; NULL: no room. */
MP_INNER void *range_take(size_t spans);
MP_INNER void range_give(void *start, size_t spans);

/* One slot, its map 0. */
MP_INNER void *range_take_slot(void);
MP_INNER void range_give_slot(void *slot);

/* Names the owner of whole slots.  The name stays when they are given back:
 * their map is clear then, so that no address in them is taken for an object,
 * and what is not in its owner's heap is not its owner's. */
MP_INNER void range_own(void *start, size_t bytes, struct memory_pool *owner);

/* Names it again, for blocks that are kept and used again.  apart: no cache
 * takes what is freed there; the name is then one byte off, so that the fast
 * path does not know it. */
MP_INNER void range_rename(void *start, size_t bytes,
                           struct memory_pool *owner, bool apart);

/* For the fork handlers. */
MP_INNER void range_fork_prepare(void);
MP_INNER void range_fork_done(void);

static inline unsigned char *range_map(const unsigned char *base)
{
    return (unsigned char *)(uintptr_t)base - RANGE_OWNERS_SIZE -
           RANGE_GRANULES;
}

static inline struct memory_pool **range_owners(const unsigned char *base)
{
    return (struct memory_pool **)((uintptr_t)base - RANGE_OWNERS_SIZE);
}

static inline bool range_has(const void *ptr)
{
    /* A thread that has no pool may ask while another reserves the range. */
    const unsigned char *base = sync_get(&range_base);

    return base != NULL && (uintptr_t)ptr - (uintptr_t)base < RANGE_SIZE;
}

/* The pool that an address belongs to, or belonged to last; NULL: none in the
 * range.  An owner is written before the first address of its slot is handed
 * out and after the last one is dead, so only misuse can race with it.
 * Acquire, for who looks into the pool; a free, which only compares, needs
 * none. */
static inline struct memory_pool *range_owner(const void *ptr)
{
    if (!range_has(ptr)) {
        return NULL;
    }
    unsigned char *base = sync_get(&range_base);
    uintptr_t offset = (uintptr_t)ptr - (uintptr_t)base;
    uintptr_t owner =
        (uintptr_t)sync_get_acquire(&range_owners(base)[offset / RANGE_SLOT]);
    return (struct memory_pool *)(owner & ~(uintptr_t)1);
}

#endif /* MP_RANGE_H */

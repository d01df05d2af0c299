/* SPDX-License-Identifier: MIT
 *
 * blocks.h - where a pool's blocks come from, and the stock of empty ones.
 *
 * A block is got from the range, from the backing, or from the stock: blocks
 * that became empty and are kept for any heap of the pool.  A heap pushes an
 * empty block onto the stock, under the pool's lock; the pool takes the excess
 * off in the same hold and gives it back once the lock is left, since a
 * backing may be the program's own function.
 *
 * What it cannot do: give back a block that holds a single live object.
 */
#ifndef MP_BLOCKS_H
#define MP_BLOCKS_H

#include "memory_pool.h"
#include "store/block.h"

/* Bounds of a block outside of the range, in bytes.  Within them a block is as
 * long as all blocks before it together, or longer if one object needs more. */
#define BLOCKS_LEAST ((size_t)1 << 10)
#define BLOCKS_MOST ((size_t)1 << 20)

/* Objects of more granules than this, 256 KiB, have a block to themselves. */
#define BLOCKS_WHOLE 16384u

/* The pool's lock owns what is not fixed. */
struct blocks {
    struct block *stock;       /* empty blocks, linked by next; each has bytes
                                * of its own and an empty map */
    size_t stock_bytes;        /* of those */
    size_t stock_limit;        /* fixed; bytes that are kept */
    size_t due_at;             /* bytes of the stock from which on there is
                                * something to do as the lock is left: some go
                                * back; 0: a link was found damaged, too */
    size_t bytes;              /* of all blocks that the source gave and has
                                * not got back, those of the stock too */
    size_t taken;              /* granules that are out of the heaps whose
                                * stock it is: the sum of their taken */
    struct memory_pool *owner; /* fixed; its name in the range; NULL while
                                * the pool is being made */
    bool ranged;               /* fixed; the pool lives in the range, and uses
                                * the backing only when that is full */
    mp_backing_t backing;      /* fixed */
};

/* Empty, with what is fixed. */
MP_INNER void blocks_start(struct blocks *blocks, struct memory_pool *owner,
                           bool ranged, size_t stock_limit,
                           const mp_backing_t *backing);

/* The first returns the bytes of a head, of granules, of their map, and of what
 * aligning the granules may cost.  The second returns how many granules fit in
 * so many bytes behind a head; 0: none.  No lock. */
MP_INNER size_t blocks_layout(size_t head, size_t granules);
MP_INNER size_t blocks_fit(size_t head, size_t bytes);

/* Both lay a block out.  The first does so in the memory behind the head, with
 * a map of its own.  The second does so in the range, from memory to end, where
 * the map exists and is clear.  They set every member as for the first block of
 * a pool or mark; for any other block the caller changes what differs.  No
 * lock. */
MP_INNER void blocks_lay(struct block *block, unsigned char *memory,
                         size_t granules);
MP_INNER void blocks_lay_range(struct block *block, unsigned char *memory,
                               unsigned char *end);

/* Memory from the source for a structure with its first block, and back.
 * *ranged: it is a slot of the range, RANGE_SLOT bytes with all of their map 0
 * and of that owner.  Else it has that many bytes, and is the backing's.  No
 * lock held: a backing may call the program.  The blocks may lie in the memory
 * that is put back. */
MP_INNER void *blocks_get(struct blocks *blocks, size_t bytes, bool *ranged);
MP_INNER void blocks_put(struct blocks *blocks, void *memory, size_t bytes);

/* The stock, with the lock held.  The first pushes an empty block, which is not
 * the first of a pool or mark and is not lent.  The second takes a block of at
 * least that many granules; NULL: there is none.  The third takes one for a
 * single chunk of so many granules, which is not much longer than that.  The
 * fourth takes one that lies in the range, of that many granules or else the
 * longest.  The fifth takes off what exceeds keep bytes, for
 * blocks_release(). */
MP_INNER void blocks_push(struct blocks *blocks, struct block *block);
MP_INNER struct block *blocks_take(struct blocks *blocks, size_t granules);
MP_INNER struct block *blocks_take_whole(struct blocks *blocks,
                                         size_t granules);
MP_INNER struct block *blocks_take_ranged(struct blocks *blocks,
                                          size_t granules);
MP_INNER struct block *blocks_excess(struct blocks *blocks, size_t keep);

/* blocks_take() would have a block for that many granules; with the lock. */
MP_INNER bool blocks_have(const struct blocks *blocks, size_t granules);

/* The lock is held.  blocks_plan() returns how many bytes to ask
 * blocks_acquire() for; whole: the block is for one long object, which asks for
 * its own length.  The next function counts the block that blocks_acquire()
 * gave; NULL: it gave none. */
MP_INNER size_t blocks_plan(const struct blocks *blocks, bool whole);
MP_INNER void blocks_count(struct blocks *blocks, const struct block *block);

/* The lock is held.  A heap notes that it found a link written over; that
 * something is to be done as the lock is left; and whether a heap noted so,
 * once. */
MP_INNER void blocks_note_damage(struct blocks *blocks);

static inline bool blocks_are_due(const struct blocks *blocks)
{
    return blocks->stock_bytes >= blocks->due_at;
}

MP_INNER bool blocks_take_damage(struct blocks *blocks);

/* For a block of which all granules are one chunk; with the lock, and no
 * function of the program is called.  Granules that it can have where it
 * stands; grows what it stands in for that many, false: it cannot; whether
 * blocks_shrink() may serve, which gives back what is behind its granules. */
MP_INNER size_t blocks_room(const struct block *block);
MP_INNER bool blocks_extend(struct blocks *blocks, struct block *block,
                            size_t granules);
MP_INNER bool blocks_can_shrink(const struct block *block);
MP_INNER void blocks_shrink(struct blocks *blocks, struct block *block);

/* By these, outside.c knows whose an address in a block outside of the range
 * is; for others they do nothing.  The block will have objects; it is longer or
 * shorter now; it has none any more, or never was noted.  The lock is held. */
MP_INNER void blocks_note(const struct blocks *blocks, struct block *block);
MP_INNER void blocks_note_length(struct block *block);
MP_INNER void blocks_forget(struct block *block);

/* Between the first and the third, it is noted where it has to be. */
MP_INNER bool blocks_is_noted(const struct blocks *blocks,
                              const struct block *block);

/* Other chunks than the first may start in the block from now on; the lock is
 * held.  See range_own_row(). */
MP_INNER void blocks_spread(struct block *block);

/* No lock held: a new block of at least that many granules, and about that
 * many bytes or fewer where the source has no more, or NULL; and a list of
 * blocks back to where they came from.  Reads what is fixed alone. */
MP_INNER struct block *blocks_acquire(const struct blocks *blocks,
                                      size_t granules, size_t bytes);
MP_INNER void blocks_release(const struct blocks *blocks, struct block *block);

/* The stock is a list of whole empty blocks whose bytes are stock_bytes. */
MP_INNER bool blocks_is_sound(const struct blocks *blocks);

#endif /* MP_BLOCKS_H */

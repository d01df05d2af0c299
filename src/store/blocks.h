/* SPDX-License-Identifier: MIT
 *
 * supply.h - the blocks of a pool: made, kept, given back.
 */
#ifndef MP_BLOCKS_H
#define MP_BLOCKS_H

#include "pool/mark.h"

/* Bytes of a pool's second block, from which on each is twice the one before
 * up to BLOCKS_BLOCK_MOST. */
#define BLOCKS_BLOCK_LEAST ((size_t)1 << 10)
#define BLOCKS_BLOCK_MOST ((size_t)1 << 20)

/* Objects of more granules than this, 256 KiB, have a block to themselves. */
#define BLOCKS_WHOLE 16384u

/* Granules of a block at most: they are counted in 32 bits, with room for
 * what a block has besides; and its bytes in a size_t of 32. */
#define BLOCKS_GRANULES_MOST                                        \
    (SIZE_MAX / 32 < UINT32_MAX - 65536 ? SIZE_MAX / 32             \
                                        : (size_t)UINT32_MAX - 65536)

/* Bytes of empty blocks that a pool keeps for use, by kind. */
#define BLOCKS_SPARE_CACHED ((size_t)16 << 20)
#define BLOCKS_SPARE_LOCKED ((size_t)64 << 10)

/* Bytes of a head followed by granules, their map and their slack, with what
 * aligning the granules may cost; and the granules that fit in so many bytes
 * behind a head, 0: none. */
size_t blocks_layout(size_t head, size_t granules);
size_t blocks_fit(size_t head, size_t bytes);

/* Lays a block out in the memory behind its head, with its own map and slack;
 * or in the range, from memory to end, where its map is already, and clear. */
void blocks_lay_block(struct block *block, unsigned char *memory,
                      size_t granules);
void blocks_lay_range_block(struct block *block, unsigned char *memory,
                            unsigned char *end);

/* Bytes of empty blocks that the pool keeps for use. */
size_t blocks_spare_limit(const struct memory_pool *mp);

/* With the lock: takes an empty block, or NULL, among the spare ones; and
 * what is to be given back of them beyond keep bytes. */
void blocks_keep(struct memory_pool *mp, struct block *block);
struct block *blocks_surplus(struct memory_pool *mp, size_t keep);

/* Without the lock: gives those back. */
void blocks_release(struct memory_pool *mp, struct block *block);

/* A pool in the range gets memory outside of it: caches do not reach there, so
 * from now on everything is done under the lock, which is held.  Nothing, if
 * it has no caches. */
void blocks_give_up_caches(struct memory_pool *mp);

/* With the lock: a chunk of the main heap's for a mark, where the backing has
 * no more blocks; NULL: the heap has none of at least so many bytes, or the
 * pool is in the range.  And back: false, where it is no such chunk. */
void *blocks_carve(struct memory_pool *mp, size_t bytes);
bool blocks_give_carved(struct memory_pool *mp, void *start);

/* Gets the caller's heap a block for a chunk of that length, 0 or an error
 * number; *chunk is set where the block is that one chunk.  The lock, held on
 * entry and on return, is left meanwhile.  handle: see mark_current(). */
int blocks_grow(struct memory_pool *mp, const struct mp_handle *handle,
                size_t granules, bool *taken, struct heap_chunk *chunk);

#endif /* MP_BLOCKS_H */

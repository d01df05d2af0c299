/* SPDX-License-Identifier: MIT
 *
 * blocks.c - the blocks of a pool: got, laid out, kept, given back.
 *
 * A block is laid out in one of two ways.  In the range its map stands in the
 * range's:
 *
 *     struct block | granules ...                        slot or spans
 *
 * Anywhere else it stands behind the granules, with one byte more at each end.
 * In front of them is what outside.c knows of them:
 *
 *     struct block | struct outside | granules ... | 0 | map | 0    backing
 *
 * Invariants:
 *
 *     stock_bytes == sum of bytes over the stock
 *     bytes       == stock_bytes + sum of bytes over the heaps' blocks
 *     every block of the stock has bytes > 0, and an empty map or is dirty
 *     dirty blocks are in the stock only as long as the lock is held
 *
 * What it cannot do: give back a block that holds a single live object, or
 * keep errno, which a backing may set while it serves.
 */
#include "store/blocks.h"

#include "base/probe.h"
#include "store/outside.h"
#include "store/range.h"

/* Bytes in front of a block's granules in the range: the granules begin on a
 * line of the cache. */
#define BLOCKS_RANGE_HEAD ((size_t)128)

/* Bytes that a granule takes outside of the range, with its map. */
#define BLOCKS_GRANULE (SIZES_GRANULE + 1)

/* Part of a chunk's length by which its block may be longer. */
#define BLOCKS_WASTE_PART 16

/* How many bytes of a map are read to check that a block is empty: the map of
 * a very long block may never have been touched. */
#define BLOCKS_LOOK 4096u

_Static_assert(sizeof(struct block) <= BLOCKS_RANGE_HEAD, "head too short");

/* At least 1: with a stock without a limit there is never an excess. */
static void blocks_watch(struct blocks *blocks)
{
    blocks->due_at = blocks->stock_limit < SIZE_MAX ? blocks->stock_limit + 1
                                                    : SIZE_MAX;
}

void blocks_note_damage(struct blocks *blocks)
{
    blocks->due_at = 0;
}

bool blocks_take_damage(struct blocks *blocks)
{
    bool damaged = blocks->due_at == 0;

    blocks_watch(blocks);
    return damaged;
}

/* The source is fixed for the life of the pool: a block must go back to where
 * it came from, and nothing but its address says where that was. */
void blocks_start(struct blocks *blocks, struct memory_pool *owner,
                  bool ranged, size_t stock_limit,
                  const mp_backing_t *backing)
{
    ASSERT(blocks != NULL && backing != NULL);
    ASSERT(backing->acquire != NULL && backing->release != NULL);
    blocks->stock = NULL;
    blocks->stock_bytes = 0;
    blocks->bytes = 0;
    blocks->taken = 0;
    blocks->stock_limit = stock_limit;
    blocks_watch(blocks);
    blocks->owner = owner;
    blocks->ranged = ranged;
    blocks->backing = *backing;
}

/* The memory may start anywhere, so SIZES_GRANULE - 1 bytes are for aligning
 * the granules.  In front of them stands what is noted of them.  The last 2 are
 * the bytes at the map's ends: by them the neighbours of a chunk are read
 * without a compare with the block's bounds. */
size_t blocks_layout(size_t head, size_t granules)
{
    ASSERT(granules <= SIZES_GRANULES_MOST);
    ASSERT(head < SIZE_MAX / 4); /* the sum does not wrap around */
    return head + sizeof(struct outside) + SIZES_GRANULE - 1 +
           granules * BLOCKS_GRANULE + 2;
}

/* The result is rounded down, so that what fits can be laid out in those bytes
 * wherever the memory starts. */
size_t blocks_fit(size_t head, size_t bytes)
{
    size_t fixed = blocks_layout(head, 0);

    return bytes < fixed ? 0 : (bytes - fixed) / BLOCKS_GRANULE;
}

/* What is noted of a block outside of the range. */
static struct outside *blocks_plot(const struct block *block)
{
    ASSERT(!range_has_block(block));
    return (struct outside *)(void *)block->base - 1;
}

/* What is the same in both layouts. */
static void blocks_lay_head(struct block *block, unsigned char *memory,
                            size_t shift)
{
    ASSERT(memory != NULL && shift < SIZES_GRANULE);
    ASSERT((uintptr_t)(memory + shift) % SIZES_GRANULE == 0);
    block->base = memory + shift;
    block->bytes = 0;
    block->longs = false;
    block->lent = false;
    block->apart = false;
    block->dirty = false;
    block->fresh = false;
    block->row = false;
    block->heap = NULL;
    block->next = NULL;
    block->own = block->shared = (struct treap_node){NULL, NULL};
}

/* Bytes to the next granule. */
static size_t blocks_shift(const unsigned char *memory)
{
    return (size_t)(-(uintptr_t)memory % SIZES_GRANULE);
}

void blocks_lay(struct block *block, unsigned char *memory, size_t granules)
{
    ASSERT(granules > 0 && granules <= SIZES_GRANULES_MOST);
    memory += sizeof(struct outside);
    blocks_lay_head(block, memory, blocks_shift(memory));
    blocks_plot(block)->bytes = 0;
    block->map = block->base + granules * SIZES_GRANULE + 1;
    block->granules = (uint32_t)granules;
    memset(block->map - 1, 0, granules + 2);
}

/* The range's map is clear where nothing lives, so nothing is written here:
 * the map's pages are touched only as objects come. */
void blocks_lay_range(struct block *block, unsigned char *memory,
                      unsigned char *end)
{
    size_t shift = blocks_shift(memory);

    ASSERT(range_has(memory) && range_reaches(end - 1));
    ASSERT((size_t)(end - memory) >= shift + SIZES_GRANULE);
    blocks_lay_head(block, memory, shift);
    block->map = extent_map(block->base);
    block->granules = (uint32_t)((size_t)(end - block->base) / SIZES_GRANULE);
    ASSERT(block->map[0] == BLOCK_NONE);
    ASSERT(block->granules > 0);
}

/* The slot gets its owner's name here and not from the caller, so that no
 * address in it is ever handed out under the name of the pool that was there
 * before. */
void *blocks_get(struct blocks *blocks, size_t bytes, bool *ranged)
{
    ASSERT(lock_none_is_held());
    ASSERT(bytes > 0 && ranged != NULL);
    void *slot = blocks->ranged ? range_take_slot() : NULL;

    /* Structures are short, so a slot serves whatever the backing would be
     * asked for. */
    *ranged = slot != NULL;
    if (slot != NULL) {
        ASSERT(blocks->owner != NULL);
        range_own(slot, RANGE_SLOT, blocks->owner);
        probe_block_in(blocks->owner, slot, RANGE_SLOT);
        return slot;
    }
    void *memory = blocks->backing.acquire(blocks->backing.context, bytes,
                                           SIZES_GRANULE);
    if (memory != NULL) {
        probe_block_in(blocks->owner, memory, bytes);
    }
    return memory;
}

/* The address says where memory of a pool that lives in the range came from:
 * once the range is full, such a pool gets memory from its backing, too.  A
 * program's backing may give memory of another pool, which has an owner, and is
 * no slot of this one's. */
void blocks_put(struct blocks *blocks, void *memory, size_t bytes)
{
    /* A copy, since the memory may be that of the pool with these blocks. */
    mp_backing_t backing = blocks->backing;

    ASSERT(lock_none_is_held());
    ASSERT(memory != NULL && bytes > 0);
    probe_block_out(blocks->owner, memory, bytes);
    if (blocks->ranged && range_has(memory)) {
        range_give_slot(memory);
    } else {
        backing.release(backing.context, memory, bytes);
    }
}

/* For assertions: no chunk starts in the part of the map that is read, unless
 * the block is dirty. */
static inline bool blocks_is_empty(const struct block *block)
{
    size_t look = block->granules;
    ASSERT(look > 0);

    if (block->dirty) {
        return true;
    }
    if (look > BLOCKS_LOOK) {
        look = BLOCKS_LOOK;
    }
    for (size_t i = 0; i < look; i++) {
        if (sync_get(&block->map[i]) != BLOCK_NONE) {
            return false;
        }
    }
    return sync_get(&block->map[block->granules - 1]) == BLOCK_NONE;
}

/* In the range the map says nothing of the end, and outside of it the map
 * begins where the granules end. */
size_t blocks_room(const struct block *block)
{
    const unsigned char *end = range_has_block(block)
                                   ? (const unsigned char *)block + block->bytes
                                   : block->map - 1;

    ASSERT(block->bytes > 0 && !block->lent);
    ASSERT((size_t)(end - block->base) / SIZES_GRANULE >= block->granules);
    return (size_t)(end - block->base) / SIZES_GRANULE;
}

/* Bytes of the range for a block of that many granules, where that takes whole
 * spans. */
static size_t blocks_span_bytes(size_t granules)
{
    size_t need = BLOCKS_RANGE_HEAD + granules * SIZES_GRANULE;

    return (need + RANGE_SPAN - 1) / RANGE_SPAN * RANGE_SPAN;
}

/* Other memory than the range's grows only by a move, which is the backing's
 * to make. */
bool blocks_extend(struct blocks *blocks, struct block *block,
                   size_t granules)
{
    ASSERT(granules <= SIZES_GRANULES_MOST);
    if (granules <= blocks_room(block)) {
        return true;
    }
    size_t bytes = blocks_span_bytes(granules);
    if (!range_has_block(block) || block->bytes % RANGE_SPAN != 0 ||
        !range_extend(block, block->bytes / RANGE_SPAN,
                      (bytes - block->bytes) / RANGE_SPAN)) {
        return false;
    }
    probe_block_in(blocks->owner, (unsigned char *)block + block->bytes,
                   bytes - block->bytes);
    blocks->bytes += bytes - block->bytes;
    block->bytes = bytes;
    ASSERT(granules <= blocks_room(block));
    return true;
}

bool blocks_can_shrink(const struct block *block)
{
    return range_has_block(block) && block->bytes % RANGE_SPAN == 0;
}

void blocks_shrink(struct blocks *blocks, struct block *block)
{
    size_t bytes = blocks_span_bytes(block->granules);

    ASSERT(blocks_can_shrink(block) && bytes <= block->bytes);
    if (bytes < block->bytes) {
        probe_block_out(blocks->owner, (unsigned char *)block + bytes,
                        block->bytes - bytes);
        range_narrow(block, block->bytes / RANGE_SPAN,
                     (block->bytes - bytes) / RANGE_SPAN);
        blocks->bytes -= block->bytes - bytes;
        block->bytes = bytes;
    }
}

/* A lent block lies in one of the same pool, which has been noted. */
void blocks_note(const struct blocks *blocks, struct block *block)
{
    if (!block->lent && !range_has_block(block)) {
        outside_add(blocks_plot(block), block->base,
                    block->granules * SIZES_GRANULE, blocks->owner);
    }
}

void blocks_note_length(struct block *block)
{
    if (!range_has_block(block)) {
        outside_resize(blocks_plot(block), block->granules * SIZES_GRANULE);
    }
}

void blocks_forget(struct block *block)
{
    if (!block->lent && !range_has_block(block)) {
        outside_remove(blocks_plot(block));
    }
}

bool blocks_is_noted(const struct blocks *blocks, const struct block *block)
{
    const struct outside *plot =
        range_has_block(block) ? NULL : blocks_plot(block);

    return plot == NULL || block->lent ||
           (plot->bytes == block->granules * SIZES_GRANULE &&
            outside_start(plot) == (uintptr_t)block->base &&
            plot->owner == blocks->owner);
}

void blocks_spread(struct block *block)
{
    if (block->row) {
        block->row = false;
        if (block->bytes > RANGE_SLOT) {
            range_spread(block, block->bytes);
        }
    }
}

/* Bytes beyond the limit stay in the stock until the caller takes the excess
 * off.  This runs in the middle of a free, with the lock held, where nothing
 * may go back. */
void blocks_push(struct blocks *blocks, struct block *block)
{
    ASSERT(block->bytes > 0 && !block->lent);
    ASSERT(blocks_is_empty(block));
    ASSERT(block != blocks->stock); /* it was not pushed twice */
    /* A dirty one goes, and its granules say how much of it was used. */
    if (!block->dirty) {
        block->granules = (uint32_t)blocks_room(block);
    }
    block->next = blocks->stock;
    blocks->stock = block;
    blocks->stock_bytes += block->bytes;
    ASSERT(blocks->stock_bytes >= block->bytes);
}

/* Takes the block off that a link of the stock leads to. */
static struct block *blocks_unlink(struct blocks *blocks, struct block **link)
{
    struct block *block = *link;

    ASSERT(block->bytes <= blocks->stock_bytes);
    ASSERT(blocks_is_empty(block));
    *link = block->next;
    block->next = NULL;
    blocks->stock_bytes -= block->bytes;
    return block;
}

bool blocks_have(const struct blocks *blocks, size_t granules)
{
    ASSERT(granules > 0);
    for (const struct block *block = blocks->stock; block != NULL;
         block = block->next) {
        if (!block->dirty && block->granules >= granules) {
            return true;
        }
    }
    return false;
}

struct block *blocks_take(struct blocks *blocks, size_t granules)
{
    ASSERT(granules > 0);
    ASSERT((blocks->stock == NULL) == (blocks->stock_bytes == 0));
    /* First fit, the newest first: a processor has most of it at hand. */
    for (struct block **link = &blocks->stock; *link != NULL;
         link = &(*link)->next) {
        if (!(*link)->dirty && (*link)->granules >= granules) {
            return blocks_unlink(blocks, link);
        }
    }
    return NULL;
}

/* The shortest that is long enough.  What it has more nobody can use while the
 * chunk lives. */
struct block *blocks_take_whole(struct blocks *blocks, size_t granules)
{
    struct block **best = NULL;

    for (struct block **link = &blocks->stock; *link != NULL;
         link = &(*link)->next) {
        size_t length = (*link)->granules;
        if (!(*link)->dirty && length >= granules &&
            length - granules <= granules / BLOCKS_WASTE_PART &&
            (best == NULL || length < (*best)->granules)) {
            best = link;
        }
    }
    return best == NULL ? NULL : blocks_unlink(blocks, best);
}

struct block *blocks_take_ranged(struct blocks *blocks, size_t granules)
{
    struct block **best = NULL;

    for (struct block **link = &blocks->stock; *link != NULL;
         link = &(*link)->next) {
        if (!(*link)->dirty && range_has_block(*link) &&
            (best == NULL || (*link)->granules > (*best)->granules)) {
            best = link;
            if ((*link)->granules >= granules) {
                break;
            }
        }
    }
    return best == NULL ? NULL : blocks_unlink(blocks, best);
}

/* Each block stays that still fits, so that one long block does not drive all
 * the short ones out: those are what the next objects want. */
struct block *blocks_excess(struct blocks *blocks, size_t keep)
{
    struct block *excess = NULL;
    struct block **link = &blocks->stock;
    size_t kept = 0;

    while (*link != NULL) {
        struct block *block = *link;
        ASSERT(block->bytes <= blocks->bytes);
        if (!block->dirty && block->bytes <= keep - kept) {
            kept += block->bytes;
            link = &block->next;
            continue;
        }
        *link = block->next;
        blocks->bytes -= block->bytes;
        block->next = excess;
        excess = block;
    }
    blocks->stock_bytes = kept;
    ASSERT(kept <= keep && kept <= blocks->bytes);
    return excess;
}

void blocks_count(struct blocks *blocks, const struct block *block)
{
    ASSERT(block == NULL || !block->lent);
    blocks->bytes += block == NULL ? 0 : block->bytes;
}

/* A pool doubles with each block, which keeps the blocks of a large pool few,
 * so that its index stays short.  What it asks for follows from what it has:
 * so it comes down as blocks go, and a refusal changes nothing.  BLOCKS_MOST
 * bounds what the last block may have for nothing. */
size_t blocks_plan(const struct blocks *blocks, bool whole)
{
    size_t bytes = blocks->bytes;
    size_t least = BLOCKS_LEAST;

    /* A long object says nothing about what the short ones need next. */
    if (whole) {
        return 0;
    }
    if (blocks->ranged) {
        /* After a slot whole spans, since what lies between is neither. */
        least = bytes == 0 ? RANGE_SLOT : RANGE_SPAN;
        bytes = bytes / RANGE_SPAN * RANGE_SPAN;
    }
    bytes = bytes > least ? bytes : least;
    return bytes < BLOCKS_MOST ? bytes : BLOCKS_MOST;
}

/* A block in the range of at least that many granules: a slot where that
 * does, so that a small pool never takes a whole span; NULL: no room. */
static struct block *blocks_acquire_range(const struct blocks *blocks,
                                          size_t granules, size_t bytes)
{
    size_t need = BLOCKS_RANGE_HEAD + granules * SIZES_GRANULE;
    bool slot = need <= RANGE_SLOT && bytes <= RANGE_SLOT;
    size_t spans =
        ((need > bytes ? need : bytes) + RANGE_SPAN - 1) / RANGE_SPAN;
    size_t size = slot ? RANGE_SLOT : spans * RANGE_SPAN;
    bool whole = granules > BLOCKS_WHOLE;
    bool zero = false;
    unsigned char *memory =
        slot ? range_take_slot() : range_take(spans, &zero);
    ASSERT(blocks->ranged);

    if (memory == NULL) {
        return NULL;
    }
    struct block *block = (struct block *)(void *)memory;
    /* Before any address in it is handed out; see range_owner(). */
    if (whole) {
        range_own_row(memory, size, blocks->owner);
    } else {
        range_own(memory, size, blocks->owner);
    }
    blocks_lay_range(block, memory + BLOCKS_RANGE_HEAD, memory + size);
    block->bytes = size;
    block->fresh = zero;
    block->row = whole;
    ASSERT(block->granules >= granules);
    return block;
}

/* The same from the pool's backing. */
static struct block *blocks_acquire_backing(const struct blocks *blocks,
                                            size_t granules, size_t bytes)
{
    size_t fit = blocks_fit(sizeof(struct block), bytes);

    /* The block has no fewer bytes than planned: else a pool whose objects are
     * short would get a block for each of them. */
    granules = granules > fit ? granules : fit;
    bytes = blocks_layout(sizeof(struct block), granules);
    ASSERT(granules > 0 && granules <= SIZES_GRANULES_MOST);
    struct block *block = blocks->backing.acquire(blocks->backing.context,
                                                  bytes, SIZES_GRANULE);
    if (block != NULL) {
        blocks_lay(block, (unsigned char *)(block + 1), granules);
        block->bytes = bytes;
    }
    return block;
}

/* A source that refuses may still have less, and a pool at the limit of its
 * memory should get all of it.  So it is asked for half as much, down to what
 * the granules need. */
static struct block *blocks_acquire_some(const struct blocks *blocks,
                                         size_t granules, size_t bytes,
                                         bool ranged)
{
    size_t need = blocks_layout(sizeof(struct block), granules);
    struct block *block = NULL;

    for (;;) {
        block = ranged ? blocks_acquire_range(blocks, granules, bytes)
                       : blocks_acquire_backing(blocks, granules, bytes);
        if (block != NULL || bytes <= need) {
            return block;
        }
        bytes = bytes / 2 > need ? bytes / 2 : need;
    }
}

struct block *blocks_acquire(const struct blocks *blocks, size_t granules,
                             size_t bytes)
{
    ASSERT(lock_none_is_held());
    ASSERT(granules > 0 && granules <= SIZES_GRANULES_MOST);
    ASSERT(bytes <= BLOCKS_MOST && blocks->owner != NULL);
    struct block *block = NULL;

    if (blocks->ranged) {
        block = blocks_acquire_some(blocks, granules, bytes, true);
    }
    /* The pool then has memory that caches do not reach; its caller retires
     * them. */
    if (block == NULL) {
        block = blocks_acquire_some(blocks, granules, bytes, false);
    }
    if (block != NULL) {
        probe_block_in(blocks->owner, block, block->bytes);
    }
    return block;
}

/* A block's bytes say which size of the range it has.  A slot never goes back
 * as a part of a span, since the span stays cut for good. */
void blocks_release(const struct blocks *blocks, struct block *block)
{
    ASSERT(block == NULL || lock_none_is_held());
    while (block != NULL) {
        struct block *next = block->next; /* it goes with the block */
        ASSERT(block->bytes > 0 && !block->lent);
        probe_block_out(blocks->owner, block, block->bytes);
        if (block->dirty && range_has_block(block)) {
            block_clear(block, block->granules);
        }
        if (!range_has_block(block)) {
            blocks->backing.release(blocks->backing.context, block,
                                    block->bytes);
        } else if (block->bytes == RANGE_SLOT) {
            range_give_slot(block);
        } else {
            ASSERT(block->bytes % RANGE_SPAN == 0);
            range_give(block, block->bytes / RANGE_SPAN);
        }
        block = next;
    }
}

/* Of each map only the first byte is read.  A whole map may be long and
 * untouched, and a check would make the system give memory for it. */
bool blocks_is_sound(const struct blocks *blocks)
{
    size_t bytes = 0;

    for (const struct block *block = blocks->stock; block != NULL;
         block = block->next) {
        /* The second compare also ends a walk of a circle. */
        if (block->bytes == 0 || block->bytes > blocks->stock_bytes - bytes ||
            block->granules == 0 || block->lent ||
            sync_get(&block->map[0]) != BLOCK_NONE) {
            return false;
        }
        bytes += block->bytes;
    }
    return bytes == blocks->stock_bytes;
}

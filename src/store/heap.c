/* SPDX-License-Identifier: MIT
 *
 * heap.c - blocks of one pool and the free chunks in them.
 *
 * heap.h says how it works.  Two choices need their reasons:
 *
 * Free chunks are used before the top moves, the shortest that fits first.
 * That keeps the live objects close together.  In the case that must be fast,
 * frees in reverse order, every bin is empty and one compare says so.
 *
 * Blocks other than the current one have no top: what was left of them when
 * the next block came is an ordinary free chunk.  So there is one way to
 * join chunks, and an empty first block is a free chunk as long as the block.
 *
 * Invariants, in granules:
 *
 *     size  == sum of granules over first and index[0 .. blocks - 1]
 *     size  == taken + bumped + free + (granules - top)
 *     map[top] == 0, and so is the map behind it
 *     bits >> b & 1  <=>  bins[b] leads to a free chunk of b + 1 granules
 *
 * bumped is the balance of heap_bump() and heap_unbump(), which count
 * nothing.  A chunk that heap_bump() cut may go by heap_give(), so taken wraps
 * around in pools that use both; only pools that use neither read it.
 *
 *     free_longs == granules of the chunks in trees[true]
 *
 * What it cannot do: move live chunks, so short ones that fill the holes of
 * long ones stay there.  From a certain size on it has blocks for either.
 */
#include "store/heap.h"

#include "store/heap_links.h"
#include "store/heap_parts.h"
#include "store/heap_tree.h"
#include "store/range.h"

/* Makes a block the current one, which is cut up to its top.  The caller has
 * seen to what the one before has behind its own. */
static void heap_open(struct heap *heap, struct block *block, size_t top)
{
    ASSERT(top <= block->granules && block->granules > 0);
    ASSERT(sync_get(&block->map[top]) == BLOCK_NONE);
    ASSERT(!block->lent || block->lender != heap);
    block->heap = heap;
    heap->current = block;
    /* The heap has copies, so that heap_bump() finds all that it needs in the
     * heap itself and follows no pointer. */
    heap->base = block->base;
    heap->map = block->map;
    heap->granules = block->granules;
    heap->top = top;
    heap->unbump_from = heap_unbump_from(heap, block);
}

/* No bin is set.  To start a heap is a part of making each pool and of opening
 * each mark, and 62 writes would be a large part of its cost. */
void heap_start(struct heap *heap, struct block *first, struct blocks *stock,
                bool zero)
{
    ASSERT(stock != NULL);
    ASSERT(first->granules > 0 && !first->lent);
    heap->zero = zero;
    heap->stock = stock;
    heap->lent = 0;
    heap->size = first->granules;
    heap->taken = 0;
    heap->held = 0;
    heap->mixed = false;
    heap->held_back = false;
    heap->key = heap_seal_key();
    heap_unlink_all(heap);
    first->longs = false;
    heap->first = first;
    heap_cover_first(heap);
    heap->index = NULL;
    heap->shared = NULL;
    heap->blocks = 0;
    heap_open(heap, first, 0);
    ASSERT(heap_is_sound(heap));
}

/* What a tree has, with the length that the map says: a program may have
 * written over the one in the node.  False: it did so, or over a link. */
static bool heap_best_node(const struct heap *heap, bool longs,
                           uint32_t granules, struct heap_chunk *chunk,
                           uint32_t *length)
{
    struct heap_node *node;
    bool whole =
        heap_tree_find(heap, heap->trees[longs], granules, &node);

    chunk->block = NULL;
    if (whole && node != NULL) {
        *chunk = heap_find(heap, node);
        whole = chunk->block != NULL &&
                block_starts_long_free(chunk->block, chunk->granule);
        *length = whole ? block_length(chunk->block, chunk->granule) : 0;
        whole = whole && *length == node->length;
    }
    return whole;
}

static struct heap_chunk heap_best_long(struct heap *heap, bool longs,
                                        uint32_t granules, uint32_t *length)
{
    struct heap_chunk chunk;

    if (MP_UNLIKELY(
            !heap_best_node(heap, longs, granules, &chunk, length))) {
        heap_mend(heap);
        if (!heap_best_node(heap, longs, granules, &chunk, length)) {
            chunk.block = NULL; /* it is written to at this moment */
        }
    }
    return chunk;
}

struct heap_chunk heap_best(struct heap *heap, bool longs, uint32_t granules,
                            uint32_t *length)
{
    ASSERT(granules > 0);
    if (longs || granules > SIZES_SHORT ||
        heap->bits >> (granules - 1) == 0) {
        return heap_best_long(heap, longs, granules, length);
    }
    unsigned bin =
        granules - 1 +
        (unsigned)__builtin_ctzll(heap->bits >> (granules - 1));
    *length = bin + 1;
    return heap_find(heap, heap->bins[bin]);
}

/* What stays free is linked anew: each part may belong in another bin than the
 * whole chunk did. */
void heap_cut(struct heap *heap, struct heap_chunk chunk, uint32_t length,
              uint32_t skipped, uint32_t granules)
{
    struct block *block = chunk.block;
    uint32_t end = chunk.granule + skipped + granules;

    ASSERT(granules > 0 && skipped + granules <= length);
    ASSERT(block_length(block, chunk.granule) == length);
    ASSERT(block->heap == heap && chunk.granule < block->granules);
    heap_count(heap, granules);
    heap_unlink(heap, block, chunk.granule, length);
    if (skipped > 0) {
        heap_link(heap, block, chunk.granule, skipped);
    }
    if (chunk.granule + length > end) {
        heap_link(heap, block, end, chunk.granule + length - end);
    }
}

/* A live chunk at the top. */
static struct heap_chunk heap_take_top(struct heap *heap, uint32_t granules)
{
    struct heap_chunk chunk = {heap->current, (uint32_t)heap->top};

    ASSERT(granules <= heap->granules - heap->top);
    heap->top += granules;
    heap_count(heap, granules);
    block_mark_live(chunk.block, chunk.granule, granules);
    return chunk;
}

/* A live chunk of a free one of a bin that is not empty, and no shorter. */
static struct heap_chunk heap_take_bin(struct heap *heap, uint32_t granules,
                                       unsigned bin)
{
    struct heap_chunk chunk = heap_find(heap, heap->bins[bin]);
    struct block *block = chunk.block;

    ASSERT(block != NULL && granules <= bin + 1);
    heap_count(heap, granules);
    heap_unlink(heap, block, chunk.granule, bin + 1);
    if (bin + 1 > granules) {
        heap_link(heap, block, chunk.granule + granules, bin + 1 - granules);
    }
    sync_put_release(&block->map[chunk.granule],
                     (unsigned char)(BLOCK_LIVE | (granules - 1)));
    return chunk;
}

/* The free chunk of the kind that is asked for comes first, then the top, then
 * a free chunk of the other kind.  Only then does the caller need a block,
 * which may cost a system call. */
struct heap_chunk heap_take(struct heap *heap, uint32_t granules)
{
    ASSERT(granules > 0 && granules <= SIZES_GRANULES_MOST);
    ASSERT(heap_is_sound(heap));
    uint64_t bits =
        granules <= SIZES_SHORT ? heap->bits >> (granules - 1) : 0;
    if (bits != 0) {
        return heap_take_bin(heap, granules,
                             granules - 1 + (unsigned)__builtin_ctzll(bits));
    }
    bool longs = granules > HEAP_LONG && heap_is_parted(heap);
    uint32_t length;
    struct heap_chunk chunk = heap_best(heap, longs, granules, &length);

    if (chunk.block == NULL && granules <= heap->granules - heap->top &&
        heap_serves(heap, longs)) {
        return heap_take_top(heap, granules);
    }
    if (chunk.block == NULL && (longs || heap_shares(heap))) {
        chunk = heap_best(heap, !longs, granules, &length);
    }
    if (chunk.block != NULL) {
        heap_cut(heap, chunk, length, 0, granules);
        block_mark_live(chunk.block, chunk.granule, granules);
        ASSERT(block_length(chunk.block, chunk.granule) == granules);
    }
    return chunk;
}

/* They are as they were in the heap, so nobody joins them before they are given
 * back. */
void *heap_take_batch(struct heap *heap, uint32_t granules, unsigned most)
{
    void *chain = NULL;

    ASSERT(granules > 0 && granules <= SIZES_SHORT);
    for (; most > 0 && (heap->bits >> (granules - 1) & 1) != 0; most--) {
        struct heap_chunk chunk = heap_find(heap, heap->bins[granules - 1]);
        ASSERT(chunk.block != NULL);
        heap_unlink(heap, chunk.block, chunk.granule, granules);
        heap_count(heap, granules);
        chain = heap_chain(chunk, granules, chain);
    }
    return chain;
}

void heap_add(struct heap *heap, struct block *block, size_t granules)
{
    ASSERT(heap_is_sound(heap));
    ASSERT(block != heap->current && block != heap->first);
    heap_index_add(heap, block);
    blocks_note(heap->stock, block);
    heap->mixed = false; /* there is other room again */
    block->longs = granules > HEAP_LONG && heap_is_parted(heap);
    struct block *before = heap->current;
    uint32_t top = (uint32_t)heap->top;
    heap_open(heap, block, 0);
    /* What is left of the block before becomes a chunk like any other.  An
     * empty block would stay for good, since only what is given back makes a
     * block leave. */
    if (top == 0 && before != heap->first) {
        heap_remove(heap, before);
    } else if (top < before->granules) {
        heap_link(heap, before, top, before->granules - top);
    }
    ASSERT(heap_is_sound(heap));
}

void heap_add_whole(struct heap *heap, struct block *block, size_t granules,
                    struct heap_chunk *chunk)
{
    ASSERT(granules > SIZES_SHORT && granules <= block->granules);
    ASSERT(heap_is_sound(heap));
    ASSERT(block != heap->current && !block->lent);
    ASSERT(sync_get(&block->map[0]) == BLOCK_NONE);
    block->granules = (uint32_t)granules; /* the rest is room to grow */
    heap_index_add(heap, block);
    blocks_note(heap->stock, block);
    /* The current block stays: it may have room for many short objects. */
    block->heap = heap;
    block->longs = true;
    block_mark_live(block, 0, block->granules);
    heap_count(heap, block->granules);
    chunk->block = block;
    chunk->granule = 0;
}

/* A block that is empty, and not in the index any more, goes where it came
 * from. */
static void heap_drop(struct heap *heap, struct block *block)
{
    ASSERT(block != heap->first && block != heap->current);
    ASSERT(block->heap == heap);
    blocks_forget(block);
    if (block->lent) {
        ASSERT(block->lender != heap);
        heap_take_back(block->lender, block);
    } else {
        blocks_push(heap->stock, block);
    }
}

void heap_remove(struct heap *heap, struct block *block)
{
    heap_index_remove(heap, block);
    heap_drop(heap, block);
}

/* The current block is empty.  If the first block is empty too, it becomes
 * the current one and the other goes.  Else the current one stays though it
 * is empty: a heap needs one, and the next object will want it. */
static void heap_fall_back(struct heap *heap)
{
    struct block *current = heap->current;
    struct block *first = heap->first;

    ASSERT(heap->top == 0);
    ASSERT(sync_get(&current->map[0]) == BLOCK_NONE);
    if (current == first || !block_is_free(sync_get(&first->map[0])) ||
        block_length(first, 0) != first->granules) {
        return;
    }
    heap_unlink(heap, first, 0, first->granules);
    heap_open(heap, first, 0);
    heap_remove(heap, current);
    ASSERT(heap_is_sound(heap));
}

bool heap_mix(struct heap *heap)
{
    bool parted = heap_is_parted(heap);

    heap->mixed = true;
    return parted;
}

/* The first block takes the empty one's place, since it stays in any case.  A
 * free chunk at its end becomes what is behind the top. */
void heap_drop_empty(struct heap *heap)
{
    struct block *current = heap->current;
    struct block *first = heap->first;

    ASSERT(heap_is_sound(heap));
    if (current == first || heap->top > 0) {
        return;
    }
    uint32_t length = block_free_before(first, first->granules);
    if (length > 0) {
        heap_unlink(heap, first, first->granules - length, length);
    }
    heap_open(heap, first, first->granules - length);
    heap_remove(heap, current);
    ASSERT(heap_is_sound(heap));
}

/* The mark goes first.  What is then given back looks as a cache's run does,
 * so one function joins both. */
void heap_give(struct heap *heap, struct heap_chunk chunk)
{
    heap_give_known(heap, chunk, block_length(chunk.block, chunk.granule));
}

void heap_give_known(struct heap *heap, struct heap_chunk chunk,
                     uint32_t length)
{
    ASSERT(chunk.block->heap == heap);
    ASSERT(block_starts_live(sync_get(&chunk.block->map[chunk.granule])) ||
           block_is_cached(sync_get(&chunk.block->map[chunk.granule])));
    ASSERT(length == block_length(chunk.block, chunk.granule));
    ASSERT(length <= chunk.block->granules - chunk.granule);

    block_clear_live(chunk.block, chunk.granule, length);
    heap_give_run(heap, chunk, length);
}

/* Takes the free neighbours of what starts at *granule and ends before *end
 * out of their bins, and moves the two over them. */
static void heap_join(struct heap *heap, struct block *block,
                      uint32_t *granule, uint32_t *end)
{
    uint32_t before = block_free_before(block, *granule);
    ASSERT(before <= *granule);

    if (before != 0) {
        *granule -= before;
        heap_unlink(heap, block, *granule, before);
    }
    /* Behind the last granule, and behind the top, the map has 0. */
    if (block_is_free(sync_get(&block->map[*end]))) {
        uint32_t behind = block_length(block, *end);
        ASSERT(behind <= block->granules - *end);
        heap_unlink(heap, block, *end, behind);
        *end += behind;
    }
}

/* A block that becomes empty leaves the heap at once, so that any heap of the
 * pool can have it next.  Only the first and the current block stay. */
void heap_give_run(struct heap *heap, struct heap_chunk start,
                   uint32_t granules)
{
    struct block *block = start.block;
    uint32_t i = start.granule;
    uint32_t end = i + granules;

    ASSERT(block->heap == heap && granules > 0);
    ASSERT(end > i); /* the sum did not wrap around */
    ASSERT(end <= heap_used(heap, block));
    ASSERT(sync_get(&block->map[i]) == BLOCK_NONE);
    heap_count(heap, 0 - (size_t)granules);
    heap_join(heap, block, &i, &end);
    ASSERT(i < end && end <= heap_used(heap, block));
    if (block == heap->current) {
        /* At the top nothing is linked: the top comes down over it. */
        if (end == heap->top) {
            heap->top = i;
            if (i == 0) {
                heap_fall_back(heap);
            }
            return;
        }
    } else if (i == 0 && end == block->granules) {
        if (block != heap->first) {
            heap_remove(heap, block);
            return;
        }
        /* The first block is a part of its pool, and cannot go. */
        heap_link(heap, block, 0, end);
        if (heap->top == 0) {
            heap_fall_back(heap);
        }
        return;
    }
    heap_link(heap, block, i, end - i);
}

static void heap_clear(const struct heap *heap, struct block *block)
{
    size_t used = heap_used(heap, block);
    ASSERT(block->heap == heap && used <= block->granules);

    block_clear(block, used);
    /* All that was cut is zeroed, free chunks too: to tell them from objects
     * would take a walk over the map. */
    if (heap->zero) {
        memset(block->base, 0, used * SIZES_GRANULE);
    }
}

/* The lowest blocks stay, since the stock hands them out first.  The current
 * block's map tells by its top alone how much was used. */
void heap_defer(struct heap *heap, size_t *keep)
{
    ASSERT(heap_is_sound(heap));
    if (heap->zero) {
        return;
    }
    for (struct block *block = heap_block_lowest(heap); block != NULL;
         block = heap_block_above(heap, block)) {
        if (block->lent || block == heap->current) {
            continue;
        }
        if (block->bytes <= *keep) {
            *keep -= block->bytes;
            continue;
        }
        block->dirty = true;
        if (range_has_block(block)) {
            range_rename(block, block->row ? RANGE_SLOT : block->bytes,
                         heap->stock->owner, true);
        }
    }
}

/* A reset costs the maps' bytes and not a step for each object: that is what
 * makes a reset cheaper than frees. */
void heap_reset(struct heap *heap)
{
    struct block *block;

    ASSERT(heap->lent == 0); /* else marks would lie in what is free */
    ASSERT(heap_is_sound(heap));
    /* All maps first, while the top still says how much of the current block
     * was used. */
    for (block = heap_block_lowest(heap); block != NULL;
         block = heap_block_above(heap, block)) {
        if (!block->dirty) {
            heap_clear(heap, block);
        }
    }
    heap_clear(heap, heap->first);
    heap->mixed = false;
    heap_unlink_all(heap);
    heap_cover_first(heap);
    heap->size = heap->first->granules;
    heap_count(heap, 0 - heap->taken);
    heap->held = 0;
    heap_open(heap, heap->first, 0);
    /* The lowest block comes last, so that the stock hands it out first. */
    while ((block = heap_index_take_last(heap)) != NULL) {
        heap_drop(heap, block);
    }
    ASSERT(heap_is_sound(heap) && heap->top == 0);
}

/* A reset of this heap would drop the chunk as it drops objects, so a borrower
 * has to give it back before. */
void *heap_lend(struct heap *heap, size_t bytes)
{
    ASSERT(bytes > 0);
    /* What lies in the range has the range's map, and can have no other. */
    if (heap->stock->ranged ||
        bytes > SIZES_GRANULES_MOST * SIZES_GRANULE) {
        return NULL;
    }
    uint32_t granules = (uint32_t)sizes_granules(bytes);
    (void)heap_mix(heap); /* it is lent for want of any other memory */
    /* Only long chunks can be told from objects. */
    granules = granules > SIZES_SHORT ? granules : SIZES_SHORT + 1;
    struct heap_chunk chunk = heap_take(heap, granules);
    if (chunk.block == NULL) {
        return NULL;
    }
    /* No address of it is taken for an object from now on. */
    sync_put(&chunk.block->map[chunk.granule], BLOCK_LONG_LENT);
    ASSERT(block_length(chunk.block, chunk.granule) == granules);
    heap->lent++;
    return block_address(chunk.block, chunk.granule);
}

void heap_take_back(struct heap *heap, void *start)
{
    struct heap_chunk chunk = heap_find(heap, start);

    ASSERT(heap->lent > 0 && chunk.block != NULL);
    ASSERT(sync_get(&chunk.block->map[chunk.granule]) == BLOCK_LONG_LENT);
    ASSERT(chunk.block->heap == heap);
    uint32_t length = block_length(chunk.block, chunk.granule);
    ASSERT(length > SIZES_SHORT);
    heap->lent--;
    block_clear_live(chunk.block, chunk.granule, length);
    heap_give_run(heap, chunk, length);
}


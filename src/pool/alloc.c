/* SPDX-License-Identifier: MIT
 *
 * alloc.c - the slow path of allocating and freeing in the heap.
 *
 * Capacity is a promise about the bytes that callers ask for.  So a mode that
 * counts keeps an object's size to the byte: its chunk's length in granules
 * stands in the block's map, and beside that its slack, the bytes that were not
 * asked for.  What alignment and fragmentation cost is paid with further
 * blocks, not with capacity.  Caches in such a mode charge beforehand, see
 * pool/recall.h.
 *
 * The order is the same everywhere: charge, take, gather, grow.  What the last
 * two bring is not handed to the caller but put where taking finds it, and then
 * all starts again from the charge.  So nothing that was true before the lock
 * was left has to be true after it.  A block for one long object is the only
 * thing that is kept in hand over a charge.
 *
 *     charge -> take from the heap -----------------------> chunk
 *       ^            | none
 *       |            v
 *       +-- gather once what depot and cache hold
 *       +-- get a block from the stock, the source or the pool's own heap
 *
 * Invariants, with the lock held and no charge of the caller's under way:
 *
 *     quota_held(quota) == sum of the sizes of live objects, in a mode that
 *                          counts, else 0
 *     heap->held        == the same sum over the heap of one mark
 *
 * What it cannot do: tell an object that was freed and handed out again from
 * its first life; the address is the same.
 */
#include "pool/alloc.h"

#include "base/probe.h"
#include "base/tool.h"
#include "cache/pause.h"
#include "pool/mark.h"
#include "pool/recall.h"
#include "pool/sweep.h"

/* Granules of a heap, 64 KiB, below which it grows before it takes back what
 * caches hold, and the part of it that they have to hold.  A look stops all
 * threads that run, so after one in vain the heap's size has to change by so
 * much before the next, and after each further one by twice as much: up to an
 * eighth.  Where several threads have caches it has to bring 64 KiB, too: to
 * touch so much that is new takes about as long. */
#define ALLOC_GATHER_LEAST ((size_t)4096)
#define ALLOC_GATHER_PART 64
#define ALLOC_GATHER_DOUBLED 3

/* The same of a heap, 1 MiB, that has room: by which part more of it is taken
 * before what caches hold is looked for, and the part of that which they have
 * to hold.  Twice as often saves no more memory; a shorter heap saves little. */
#define ALLOC_LOOK_LEAST ((size_t)65536)
#define ALLOC_LOOK_STEP 4
#define ALLOC_LOOK_PART 8
#define ALLOC_LOOK_UNIT 256u /* granules, by which the pool counts that */

/* The part of all its blocks that a pool keeps empty while it has to grow. */
#define ALLOC_STOCK_PART 16

/* The heap that the user allocates from as of now.  It is not kept over a
 * leaving of the lock: a reset drops marks of other threads, too. */
static struct heap *alloc_heap(struct memory_pool *mp, const struct user *user)
{
    struct mark *mark = mark_newest(mp, user);

    return mark == NULL ? &mp->heap : &mark->heap;
}

/* A mark's heap has chunks in its owner's cache alone, and those are not many.
 * So they go back one by one, each of which was freed once. */
static bool alloc_gather_mark(struct memory_pool *mp, const struct mark *mark)
{
    return mark->cache != NULL && !sync_get(&mp->caches.retired) &&
           cache_gather_mark(mark->cache, &mp->caches);
}

/* What steps and parts of a look are of: not too little, or else it would be
 * looked for over and over while most objects are those of marks. */
static size_t alloc_look_base(const struct memory_pool *mp)
{
    size_t taken = mp->heap.taken;

    return taken < ALLOC_LOOK_LEAST ? ALLOC_LOOK_LEAST : taken;
}

/* Puts what caches and depot hold back into the heap, if that is so many
 * granules; false: it is less.  The lock may be left meanwhile. */
static bool alloc_sweep(struct memory_pool *mp, size_t least, bool *taken)
{
    struct cache_set *set = &mp->caches;

    ASSERT(pool_is_entered(mp) && !set->sweeping);
    /* Before the sweep: the lists of a program that goes on as it did will soon
     * hold as much again, and the next look is for when there is more. */
    mp->look_taken =
        (unsigned)((mp->heap.taken + alloc_look_base(mp) / ALLOC_LOOK_STEP) /
                   ALLOC_LOOK_UNIT);
    pause_begin(set);
    bool worth = cache_holds(set, least);
    if (worth) {
        mp->gather_vain = 0;
        cache_sweep_begin(set);
        sweep_go_on(mp, taken);
    } else {
        pause_end(set);
    }
    return worth;
}

/* Granules that caches have to hold, or else the heap grows. */
static size_t alloc_gather_least(const struct memory_pool *mp)
{
    size_t part = mp->heap.size / ALLOC_GATHER_PART;
    const struct cache *first = mp->caches.caches;
    bool several = first != NULL && first->next != NULL;

    return several && part < ALLOC_GATHER_LEAST ? ALLOC_GATHER_LEAST : part;
}

/* Beside a sweep of another thread the pool rather grows: to wait for all of
 * the sweep would take longer. */
bool alloc_gather(struct memory_pool *mp, const struct user *user,
                  bool *taken)
{
    ASSERT(pool_is_entered(mp));
    ASSERT(mp->mode->caches);
    const struct mark *mark = mark_newest(mp, user);
    if (mark != NULL) {
        return alloc_gather_mark(mp, mark);
    }
    if (sweep_adopt(mp, taken)) {
        return true;
    }
    struct cache_set *set = &mp->caches;
    struct heap *heap = &mp->heap;
    size_t least = alloc_gather_least(mp);
    size_t changed = heap->size > mp->gather_size
                         ? heap->size - mp->gather_size
                         : mp->gather_size - heap->size;

    /* A first block or two are cheaper than a search. */
    if (set->scarce || set->sweeping || heap->size < ALLOC_GATHER_LEAST ||
        changed < least << mp->gather_vain || !cache_set_has_freed(set)) {
        return false;
    }
    if (alloc_sweep(mp, least, taken)) {
        /* Where the source refused a block meanwhile, the member is another. */
        if (!set->scarce) {
            mp->gather_size = 0;
        }
        return true;
    }
    mp->gather_size = heap->size;
    if (mp->gather_vain < ALLOC_GATHER_DOUBLED) {
        mp->gather_vain++;
    }
    return false;
}

/* In a pool outside of the range what is taken of the heap is not counted, see
 * heap.c. */
bool alloc_gather_early(struct memory_pool *mp, bool *taken)
{
    ASSERT(pool_is_entered(mp));
    ASSERT(mp->mode->caches);
    struct cache_set *set = &mp->caches;
    struct heap *heap = &mp->heap;

    if (heap->taken / ALLOC_LOOK_UNIT < mp->look_taken ||
        heap->size < ALLOC_LOOK_LEAST ||
        !mp->blocks.ranged || set->scarce || set->sweeping ||
        !cache_set_has_freed(set)) {
        return false;
    }
    return alloc_sweep(mp, alloc_look_base(mp) / ALLOC_LOOK_PART, taken);
}

void alloc_note_peak(struct memory_pool *mp)
{
    ASSERT(pool_is_entered(mp));
    ASSERT(!mp->mode->counts);
    /* Runs count in full: what a cache has cut of its run, only that cache
     * knows.  So the peak is never too low. */
    if (mp->blocks.taken > mp->counters.peak) {
        mp->counters.peak = mp->blocks.taken;
    }
}

/* A new block from the source; NULL: it has none.  Leaves the lock meanwhile,
 * since a backing may be the program's own function. */
static struct block *alloc_acquire(struct memory_pool *mp, size_t granules,
                                   bool whole, bool *taken)
{
    ASSERT(pool_is_entered(mp));
    size_t bytes = blocks_plan(&mp->blocks, whole);
    /* Empty blocks that do not serve now are of less use than the new one. */
    struct block *excess =
        pool_take_excess(mp, mp->blocks.bytes / ALLOC_STOCK_PART);

    lock_leave(&mp->lock, *taken);
    blocks_release(&mp->blocks, excess);
    struct block *block = blocks_acquire(&mp->blocks, granules, bytes);
    *taken = pool_enter(mp);
    ASSERT(block == NULL || block->granules >= granules);
    blocks_count(&mp->blocks, block);
    return block;
}

/* A block for a mark's heap, cut out of the pool's own heap, where the source
 * has no more, as a buffer has not; NULL: no chunk there is long enough. */
static struct block *alloc_lend(struct memory_pool *mp, size_t granules)
{
    ASSERT(pool_is_entered(mp));
    ASSERT(mp->marks.open.first != NULL);
    ASSERT(granules > 0);
    size_t fit = blocks_fit(sizeof(struct block), BLOCKS_LEAST);
    size_t need = granules;
    struct block *block = NULL;

    /* The block has a map of its own, as all blocks outside of the range. */
    granules = granules > fit ? granules : fit;
    while ((block = heap_lend(&mp->heap, blocks_layout(sizeof *block,
                                                       granules))) == NULL &&
           granules > need) {
        granules = granules / 2 > need ? granules / 2 : need;
    }
    if (block != NULL) {
        blocks_lay(block, (unsigned char *)(block + 1), granules);
        block->lent = true;
        block->lender = &mp->heap;
    }
    return block;
}

/* Says whether caches may take what is freed in the block.  They do not where
 * it is a mark's, since they would hand it out again beyond the rewind.  whole:
 * the block will be one chunk, so one name is enough. */
static void alloc_name(struct memory_pool *mp, struct block *block,
                       const struct heap *heap, bool whole)
{
    ASSERT(pool_is_entered(mp));
    block->apart = heap != &mp->heap;
    /* It may come from the stock, and have been another heap's before. */
    ASSERT(block->next == NULL);
    pause_close(&mp->caches, block, heap);
    if (!range_has_block(block)) {
        return;
    }
    ASSERT(!block->lent && block->bytes > 0);
    if (!block->row && range_is_named(block, mp, block->apart)) {
        return; /* as a new block is */
    }
    range_rename(block, RANGE_SLOT, mp, block->apart);
    block->row = true;
    if (!whole) {
        blocks_spread(block);
    }
}

/* Puts an empty block into a heap. */
static void alloc_add(struct memory_pool *mp, struct heap *heap,
                      struct block *block, size_t granules)
{
    ASSERT(pool_is_entered(mp));
    ASSERT(sync_get(&block->map[0]) == BLOCK_NONE);
    if (mp->blocks.ranged && !range_has_block(block)) {
        /* A cache would cut its run from it, and reads maps in the range. */
        attach_retire(&mp->caches);
    }
    alloc_name(mp, block, heap, false);
    heap_add(heap, block, granules);
}

void alloc_begin(struct memory_pool *mp, size_t granules)
{
    ASSERT(pool_is_entered(mp) && mp->heap.blocks == 0);
    struct block *block = blocks_take_ranged(&mp->blocks, granules);

    if (block != NULL) {
        alloc_add(mp, &mp->heap, block, 1);
    }
}

/* Puts a block that the source gave, or one lent if that is NULL, into the
 * user's heap as of now: marks may have come and gone since it was wanted. */
static enum result alloc_add_got(struct memory_pool *mp,
                                 const struct user *user, size_t granules,
                                 struct block *block, bool *taken)
{
    if (block == NULL && recall_memory(mp, granules, taken)) {
        return RESULT_OK;
    }
    struct heap *heap = alloc_heap(mp, user);
    if (block == NULL && heap != &mp->heap) {
        block = alloc_lend(mp, granules);
    }
    if (block == NULL) {
        /* What the heap has free elsewhere may still serve. */
        return heap_mix(heap) ? RESULT_OK : RESULT_NO_MEMORY;
    }
    alloc_add(mp, heap, block, granules);
    return RESULT_OK;
}

enum result alloc_grow(struct memory_pool *mp, const struct user *user,
                       size_t granules, bool *taken)
{
    ASSERT(pool_is_entered(mp));
    ASSERT(granules <= BLOCKS_WHOLE);
    struct block *block = blocks_take(&mp->blocks, granules);

    if (block == NULL) {
        block = alloc_acquire(mp, granules, false, taken);
    }
    return alloc_add_got(mp, user, granules, block, taken);
}

bool alloc_charge(struct memory_pool *mp, size_t bytes, bool *taken)
{
    ASSERT(pool_is_entered(mp));
    while (!quota_charge(&mp->quota, bytes)) {
        if (!recall_for(mp, bytes, taken)) {
            return false;
        }
    }
    return true;
}

/* Gets a block that is one long chunk, and charges for it.  The block came
 * while the lock was left, so the charge may be refused now: then the block
 * goes to the stock, where the next request finds it.  chunk->block NULL and
 * RESULT_OK: the user's heap got a block that was lent, and nothing is
 * charged. */
static enum result alloc_grow_whole(struct memory_pool *mp,
                                    const struct user *user, size_t charge,
                                    size_t granules, bool *taken,
                                    struct heap_chunk *chunk)
{
    ASSERT(granules > BLOCKS_WHOLE && chunk->block == NULL);
    ASSERT(pool_is_entered(mp));
    struct block *block = blocks_take_whole(&mp->blocks, granules);

    if (block == NULL) {
        block = alloc_acquire(mp, granules, true, taken);
    } else {
        block->fresh = false;
    }
    if (block == NULL) {
        return alloc_add_got(mp, user, granules, NULL, taken);
    }
    if (!alloc_charge(mp, charge, taken)) {
        blocks_push(&mp->blocks, block);
        return quota_refusal(&mp->quota);
    }
    struct heap *heap = alloc_heap(mp, user);
    /* Outside of the range, too, caches go on: no run is cut from a block
     * that has nothing free.  object.c retires them before it frees a part. */
    alloc_name(mp, block, heap, true);
    heap_add_whole(heap, block, granules, chunk);
    return RESULT_OK;
}

/* Charges, and takes a chunk of the user's heap.  chunk->block NULL and
 * RESULT_OK: the heap has none, and nothing is charged. */
static enum result alloc_take(struct memory_pool *mp, const struct user *user,
                              size_t charge, size_t granules, bool *taken,
                              struct heap_chunk *chunk)
{
    ASSERT(pool_is_entered(mp) && chunk->block == NULL);
    if (!alloc_charge(mp, charge, taken)) {
        return quota_refusal(&mp->quota);
    }
    /* After the charge: what no capacity could hold is refused as "full". */
    if (granules > SIZES_GRANULES_MOST) {
        quota_undo(&mp->quota, charge);
        return RESULT_NO_MEMORY;
    }
    *chunk = heap_take(alloc_heap(mp, user), (uint32_t)granules);
    if (chunk->block == NULL) {
        quota_undo(&mp->quota, charge);
    } else {
        chunk->block->fresh = false; /* others may have used it before */
    }
    return RESULT_OK;
}

/* The loop ends: a turn that takes nothing gathers once, adds a block in which
 * the chunk fits, or fails.  It comes round again only where other threads
 * used up such a block first, and then they got on. */
enum result alloc_chunk(struct memory_pool *mp, const struct user *user,
                        size_t charge, size_t granules, bool *taken,
                        struct heap_chunk *chunk)
{
    ASSERT(pool_is_entered(mp));
    ASSERT(granules > 0);
    ASSERT(mp->mode->counts || charge == 0);
    bool gathered = !mp->mode->caches || granules > BLOCKS_WHOLE;
    enum result result = RESULT_OK;

    chunk->block = NULL;
    while (result == RESULT_OK) {
        result = alloc_take(mp, user, charge, granules, taken, chunk);
        if (result != RESULT_OK || chunk->block != NULL) {
            break;
        }
        /* A block that the pool keeps empty costs less than the search, and no
         * memory. */
        if (!gathered && !blocks_have(&mp->blocks, granules)) {
            gathered = true;
            /* A long chunk may be whole now. */
            (void)alloc_gather(mp, user, taken);
        } else if (granules <= BLOCKS_WHOLE) {
            result = alloc_grow(mp, user, granules, taken);
        } else {
            result = alloc_grow_whole(mp, user, charge, granules, taken,
                                      chunk);
            if (chunk->block != NULL) {
                break;
            }
        }
    }
    ASSERT((result == RESULT_OK) == (chunk->block != NULL));
    if (result == RESULT_OK && !mp->mode->counts) {
        alloc_note_peak(mp);
    }
    return result;
}

/* held matters in a mark's heap alone, but is kept in each: to ask whose heap
 * it is costs more than to add. */
void alloc_note_size(struct heap_chunk chunk, size_t was, size_t size)
{
    ASSERT(chunk.block != NULL);
    size_t bytes = block_length(chunk.block, chunk.granule) * SIZES_GRANULE;
    ASSERT(bytes >= size);
    block_put_slack(chunk.block, chunk.granule, bytes - size);
    chunk.block->heap->held += size - was; /* as unsigned numbers */
}

/* length: that of the chunk. */
static void alloc_end(struct memory_pool *mp, struct heap_chunk chunk,
                      uint32_t length, size_t size)
{
    ASSERT(pool_is_entered(mp));
    ASSERT(chunk.block != NULL && pool_size_of(chunk) == size);
    if (mp->mode->counts) {
        struct heap *heap = chunk.block->heap;
        /* What the pool's own heap has there means nothing, since the short
         * way does not count it.  In a mark's it may fall below 0, while its
         * owner's cache has not told what it handed out. */
        heap->held -= size;
    }
    if ((mp->settings.flags & MP_ZERO_ON_FREE) != 0) {
        /* First, since the heap keeps its links in free chunks. */
        memset(block_address(chunk.block, chunk.granule), 0, size);
    }
    mp->counters.freed++;
    heap_give_known(chunk.block->heap, chunk, length);
}

void alloc_drop_moved(struct memory_pool *mp, struct heap_chunk chunk,
                      size_t size)
{
    alloc_end(mp, chunk, block_length(chunk.block, chunk.granule), size);
}

/* Gives a live chunk back.  The charge goes after it.  In the other order a
 * request of another pool of the tree could pass its quota while these bytes
 * are still in use. */
static void alloc_drop(struct memory_pool *mp, struct heap_chunk chunk)
{
    uint32_t length = block_length(chunk.block, chunk.granule);
    size_t size = pool_size_within(chunk, length);

    alloc_end(mp, chunk, length, size);
    if (mp->mode->counts) {
        quota_uncharge(&mp->quota, size);
    }
}

/* The limits are those of pool_climb(). */
void *alloc_take_short(struct memory_pool *mp, size_t size)
{
    ASSERT(pool_is_entered(mp) && !mp->mode->caches);
    struct heap *heap = &mp->heap;
    size_t more = (size - 1) / SIZES_GRANULE;

    if (more >= mp->bump_most || heap->bits >> more == 0 ||
        !quota_can_climb(&mp->quota, size)) {
        return NULL;
    }
    struct heap_chunk chunk = heap_take(heap, (uint32_t)more + 1);
    ASSERT(chunk.block != NULL);
    quota_climb(&mp->quota, size);
    heap->held += size;
    block_put_slack_at(chunk.block->map + chunk.granule, more + 1,
                       -size % SIZES_GRANULE);
    return block_address(chunk.block, chunk.granule);
}

bool alloc_give(struct memory_pool *mp, const void *ptr)
{
    ASSERT(pool_is_entered(mp) && !mp->mode->caches);
    if (mp->bump_most == 0) {
        return false;
    }
    struct heap_chunk chunk = pool_find_live(mp, ptr);
    if (chunk.block == NULL) {
        return false;
    }
    uint32_t length = block_length(chunk.block, chunk.granule);
    size_t size = pool_size_within(chunk, length);
    alloc_end(mp, chunk, length, size);
    quota_unbump(&mp->quota, size);
    return true;
}

enum result alloc_from_heap(struct memory_pool *mp, const struct user *user,
                            size_t size, bool taken, void **object)
{
    ASSERT(pool_is_entered(mp));
    bool counts = mp->mode->counts;
    size_t granules = sizes_granules(size);
    struct heap_chunk chunk;

    size_t need = granules;
    /* What caches take is cut so that it serves the next request of its size,
     * too.  A buffer is too short for that. */
    if (mp->mode->caches && !pool_is_in_buffer(mp)) {
        granules = sizes_middle_round(granules);
    }
    enum result result =
        alloc_chunk(mp, user, counts ? size : 0, granules, &taken, &chunk);
    if (result == RESULT_NO_MEMORY && granules > need) {
        granules = need;
        result =
            alloc_chunk(mp, user, counts ? size : 0, need, &taken, &chunk);
    }

    if (result == RESULT_OK) {
        if (counts) {
            block_put_slack_at(chunk.block->map + chunk.granule, granules,
                               granules * SIZES_GRANULE - size);
            chunk.block->heap->held += size;
        }
        /* Before the lock is left: then a reset may take the block away. */
        *object = block_address(chunk.block, chunk.granule);
    }
    pool_leave(mp, taken);
    return result;
}

enum result alloc_into_heap(struct memory_pool *mp, const void *ptr,
                            bool taken)
{
    struct heap_chunk chunk = pool_find_live(mp, ptr);
    bool live = chunk.block != NULL;

    if (live) {
        /* In the hold in which it was found: two threads that free the same
         * object cannot both find it live. */
        alloc_drop(mp, chunk);
    }
    pool_leave(mp, taken);
    return live ? RESULT_OK : RESULT_NOT_LIVE;
}

/* Limits on sizes are the same in each mode.  Here they are checked before a
 * charge or a lock, so that a refusal changes nothing. */
enum result alloc_object(struct memory_pool *mp, const struct user *user,
                         size_t size, void **object)
{
    MP_FRAME();
    ASSERT(mp != NULL && user != NULL);
    ASSERT(lock_none_is_held());
    probe_slow(mp, size);
    if (!pool_is_whole(mp)) {
        return RESULT_DAMAGED;
    }
    /* As unsigned numbers: a size of 0, too. */
    if (size - 1 >= sync_get(&mp->settings.max_object)) {
        return RESULT_SIZE;
    }
    if (size > SIZE_MAX - SIZES_GRANULE) {
        return quota_refusal(&mp->quota);
    }
    return mp->mode->allocate(mp, user, size, object);
}

/* Each way of handing out a chunk of such a length sets the member, under the
 * lock.  While the chunk lives its block is set by no other, since one that is
 * fresh has no other chunk. */
bool alloc_zero(struct memory_pool *mp, void *object, size_t bytes)
{
    ASSERT(mp != NULL && lock_none_is_held());
    /* A checker takes what was not written for garbage. */
    if (!range_has(object) || tool_checks()) {
        return false;
    }
    bool taken = pool_enter(mp);
    struct heap_chunk chunk = pool_find_live(mp, object);
    bool live = chunk.block != NULL;
    bool fresh = live && chunk.block->fresh && chunk.granule == 0;
    pool_leave(mp, taken);
    return fresh || (live && range_zero(object, bytes));
}

enum result alloc_free(struct memory_pool *mp, const struct user *user,
                       const void *ptr)
{
    MP_FRAME();
    ASSERT(mp != NULL && user != NULL);
    ASSERT(lock_none_is_held());
    return pool_is_whole(mp) ? mp->mode->free(mp, user, ptr)
                             : RESULT_DAMAGED;
}

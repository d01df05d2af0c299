/* SPDX-License-Identifier: MIT
 *
 * cache.c - a user's own chunks of a pool: filled, flushed, exchanged.
 *
 * Chunks travel in batches.  A list that has taken a few batches of frees
 * leaves all but one in the depot, and a cache that has run out of a length
 * takes a whole batch from there.  So what one thread frees for another comes
 * back for one lock a batch, not a chunk.  Only where neither depot nor heap
 * has any do chunks go back to the heap one by one, to be joined with their
 * neighbours before the pool grows.
 *
 * The member room of a list says how many more frees the list accepts; each
 * free counts it down.  At 0 the next free takes the slow path, which grants
 * more.  So the fast path counts frees at no further cost, and taking a chunk
 * counts nothing.
 *
 *     cut               end
 *      |                 |
 *      v                 v
 *     [  run: map all 0  ]        lists[i] -> chunk -> chunk -> NULL
 *      a new object is cut                    an object is taken here first,
 *      here, at its start                     and a freed one put here
 *
 * What it cannot do: say how many chunks a list has without following it.
 *
 * Invariants, for each cache, while its user is not inside:
 *
 *     frees done == frees_granted - sum of room
 *     lists[i].chunks == NULL and lists[i].room == 0
 *                            where bit i of lists_used is 0
 *     lists[i].room == 0     everywhere, while the user has a mark open
 *     the run [cut, end) and all chunks are taken from heap; the map of the run
 *                            is 0
 *     heap == set->heap, or it is the heap of the user's newest mark
 *     windows != NULL        where lists take anything, while the user has a
 *                            mark open
 */
#include "cache/cache.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/tool.h"
#include "cache/pause.h"

/* Granules of a cache's first run, doubled with each: 2 KiB to 64 KiB.  A
 * thread that uses a pool little then takes little from others. */
#define CACHE_RUN_FIRST 128
#define CACHE_RUN_LAST 4096

/* What is taken of a heap, 512 KiB in granules, from which on short chunks are
 * cut up for a cache, and the part of a batch that it gets so.  In a shorter heap
 * the pieces that wait in lists of many lengths are too much of it; more of them
 * save no time. */
#define CACHE_PIECES_LEAST ((size_t)32768)
#define CACHE_PIECES_PART 4

/* The part of a pool outside of the range that a run is at most, where several
 * users have caches. */
#define CACHE_RUN_PART 16

/* Batches of frees that a list is granted at first, and later where it stays
 * short, as one does that is taken from as often. */
#define CACHE_BATCHES_FIRST 2
#define CACHE_BATCHES_BALANCED 8

/* Granules of a mark that are freed before somebody looks how many of them the
 * lists still have: 256 KiB. */
#define CACHE_MARK_ROOM ((size_t)16384)

/* A loop over the lists that were ever freed into. */
#define CACHE_EACH_LIST(bits, cache) \
    (uint64_t bits = (cache)->lists_used; bits != 0; bits &= bits - 1)

/* The place of the lowest bit, of which there is one at least. */
static inline size_t cache_lowest(uint64_t bits)
{
    return (size_t)__builtin_ctzll(bits);
}

/* Frees for the list at i before its first chunks go to the depot.  With fewer
 * than two batches, a thread that allocates and frees about a batch at a time
 * would exchange chunks with the depot in each round. */
static size_t cache_first_frees(size_t i)
{
    return CACHE_BATCHES_FIRST * (size_t)sizes_batch(i + 1);
}

/* What the functions below ask for first. */
static inline bool cache_is_ready(const struct cache *cache,
                                  const struct cache_set *set)
{
    return lock_is_held(set->lock) && cache_is_sound(cache, set);
}

void *cache_allocate(size_t bytes)
{
    /* aligned_alloc() wants a multiple of the alignment. */
    size_t lines = (bytes + SIZES_LINE - 1) / SIZES_LINE * SIZES_LINE;
    void *memory = aligned_alloc(SIZES_LINE, lines);

    ASSERT(bytes > 0);
    if (memory != NULL) {
        (void)tool_allow_races(memory, lines);
        memset(memory, 0, lines);
    }
    return memory;
}

/* The lists are of another heap than before: windows show nothing yet, and in
 * the range there are none but for a mark.  What is of a mark is known by them
 * alone. */
static void cache_look_anew(struct cache *cache, const struct cache_set *set)
{
    bool mark = cache_has_mark(cache, set);

    if (cache->windows != NULL) {
        window_close_all(cache->windows);
    }
    cache->windows =
        mark || cache_set_is_outside(set) ? cache->kept_windows : NULL;
    cache->mark_room = mark && cache->windows != NULL ? CACHE_MARK_ROOM : 0;
}

/* Here and not for each free one: most caches for pools in the range need
 * none. */
bool cache_open_windows(struct cache *cache, struct cache_set *set)
{
    ASSERT(lock_none_is_held());
    volatile int error = errno; /* as in depot_get_lists() */
    struct windows *windows = cache->kept_windows;

    if (windows == NULL) {
        windows = cache_allocate(sizeof *windows);
    }
    bool taken = lock_enter(set->lock);
    cache->kept_windows = windows;
    cache_look_anew(cache, set);
    lock_leave(set->lock, taken);
    errno = error;
    return windows != NULL;
}

/* The lock, since other threads look at all caches of the set by it. */
bool cache_open_middle(struct cache *cache, struct cache_set *set)
{
    ASSERT(lock_none_is_held());
    if (cache->middle == NULL) {
        volatile int error = errno; /* as in depot_get_lists() */
        struct middle *middle = cache_allocate(sizeof *middle);
        bool taken = lock_enter(set->lock);
        cache->middle = middle;
        lock_leave(set->lock, taken);
        errno = error;
    }
    return cache->middle != NULL;
}

void cache_free(struct cache *cache)
{
    free(cache->middle);
    free(cache->kept_windows);
    free(cache->memory);
}

/* Sets how many frees a list may yet take, other than by a free: what is done
 * so far stays counted. */
static void cache_grant(struct cache *cache, size_t i, size_t frees)
{
    ASSERT(i < SIZES_SHORT);
    cache->lists_used |= (uint64_t)1 << i;
    cache->frees_granted += frees - cache->fast.lists[i].room;
    cache->fast.lists[i].room = frees;
}

/* Inline in what a quiet pool does each time that it is reset or destroyed.
 * With a mark no list has room: compiled-in code, which looks at that, does not
 * know whether an object is the mark's or the pool's. */
static inline MP_INLINED void cache_clear_lists(struct cache *cache, bool mark)
{
    for CACHE_EACH_LIST(bits, cache) {
        size_t i = cache_lowest(bits);
        cache->fast.lists[i].chunks = NULL;
        cache_grant(cache, i, mark ? 0 : cache_first_frees(i));
    }
}

void cache_forget_lists(struct cache *cache, bool mark)
{
    if (cache->middle != NULL) {
        middle_forget(cache->middle);
    }
    cache_clear_lists(cache, mark);
}

size_t cache_frees(const struct cache *cache)
{
    size_t left = 0;

    /* A list that was never freed into has no frees left either. */
    for CACHE_EACH_LIST(bits, cache) {
        left += cache->fast.lists[cache_lowest(bits)].room;
    }
    ASSERT(left <= cache->frees_granted);
    return cache->frees_granted - left +
           (cache->middle == NULL ? 0 : cache->middle->frees);
}

void cache_empty(struct cache *cache)
{
    /* Collected before, or the pool is gone that lent it. */
    cache->fast.credit = cache->fast.least = cache->granted = cache->raised = 0;
    cache->fast.cut = cache->fast.end = NULL;
    cache->heap = cache->set->heap;
    cache_look_anew(cache, cache->set);
    cache_forget_lists(cache, false);
}

void cache_renew(struct cache *cache)
{
    ASSERT(cache->set != NULL);
    cache_empty(cache);
    if (cache->middle != NULL) {
        middle_renew(cache->middle);
    }
    /* What is left is what was granted: so nothing is done yet. */
    cache->frees_granted -= cache_frees(cache);
}

void cache_learn(struct cache *cache, const struct cache_set *set)
{
    ASSERT(!cache_is_enabled(cache) && set->longest <= CACHE_LONGEST);
    cache->fast.zero = set->zero;
    cache->longest = set->longest;
    cache->fast.longest = cache_set_is_outside(set) ? 0 : set->longest;
}

void cache_start(struct cache *cache, struct cache_set *set,
                 struct mp_inline_thread *state)
{
    ASSERT(cache->set == NULL && state != NULL);
    cache->set = set;
    cache->state = state;
    cache->run = CACHE_RUN_FIRST;
    cache->fast.pool = cache->fast.fenced = MP_INLINE_NO_POOL;
    cache->fast.exact = cache->fast.exact_fenced = MP_INLINE_NO_POOL;
    cache_learn(cache, set);
    /* A spare one still has the lists of the pool that it served.  They lead
     * into memory that is that pool's no more, and are only forgotten. */
    cache_renew(cache);
    /* Else another thread may be making the range at this moment. */
    if (!cache_set_is_outside(set)) {
        state->bias = extent.bias;
        state->base = (uintptr_t)extent.base;
        state->owners = extent.owners;
        cache_reach(cache);
    }
    ASSERT(cache_is_sound(cache, set));
}

/* The fast path takes nothing from beyond the extent that it knows.  So its
 * copy may be old, and only makes a call go the slow way, where it is made
 * new. */
void cache_reach(struct cache *cache)
{
    cache->state->granules = extent_bytes() / SIZES_GRANULE;
}

void cache_see(struct cache *cache, const struct cache_set *set,
               const void *ptr)
{
    ASSERT(cache_is_ready(cache, set));
    if (cache->windows == NULL) {
        return;
    }
    struct heap_chunk chunk = heap_find(cache->heap, ptr);
    if (chunk.block != NULL) {
        window_open(cache->windows, chunk.block);
    }
}

void cache_collect(struct cache *cache, struct cache_set *set)
{
    ASSERT(lock_is_held(set->lock) || set->caches == cache);
    ASSERT(cache->set == set && cache->fast.least <= cache->fast.credit);
    if (cache_has_mark(cache, set)) {
        cache->heap->held += cache->granted - cache->fast.credit;
    }
    set->owed += cache->fast.credit;
    set->unused +=
        cache->fast.least < cache->raised ? cache->fast.least : cache->raised;
    cache->fast.credit = cache->fast.least = cache->granted = cache->raised = 0;
}

/* All lists give what they have to the heap that it belongs to. */
static void cache_flush_lists(struct cache *cache)
{
    for CACHE_EACH_LIST(bits, cache) {
        struct mp_inline_list *list = &cache->fast.lists[cache_lowest(bits)];
        void *chain = list->chunks;
        /* First, so that no chunk is in list and heap at once. */
        list->chunks = NULL;
        depot_give_chain(cache->heap, chain);
    }
    if (cache->middle != NULL) {
        middle_flush(cache->middle, cache->heap, 0);
    }
}

void cache_flush(struct cache *cache, struct cache_set *set)
{
    ASSERT(cache_is_ready(cache, set));
    cache_collect(cache, set);
    cache_flush_lists(cache);
    cache_return_run(cache);
    cache_clear_lists(cache, cache_has_mark(cache, set));
}

void cache_return_run(struct cache *cache)
{
    size_t granules =
        (size_t)(cache->fast.end - cache->fast.cut) / SIZES_GRANULE;

    ASSERT(cache_is_ready(cache, cache->set));
    /* A run that is used up is nowhere, and its end may be another block. */
    if (granules > 0) {
        struct heap_chunk start = heap_find(cache->heap, cache->fast.cut);
        ASSERT(start.block != NULL);
        heap_give_run(cache->heap, start, (uint32_t)granules);
    }
    cache->fast.cut = cache->fast.end = NULL;
}

/* Chunks that a list keeps at least when it gives away what it has too much. */
static unsigned cache_half(size_t granules)
{
    return (sizes_batch(granules) + 1) / 2;
}

/* Moves all of a list but its first chunks, which were freed last and are
 * warm, to the depot, or to the heap while the depot has no lists, or where
 * they are a mark's.  Returns the number of those that stay. */
static unsigned cache_keep_first(struct cache *cache, struct cache_set *set,
                                 size_t i, unsigned most)
{
    void **link = &cache->fast.lists[i].chunks;
    unsigned kept = 0;

    /* The list is followed no further than that: the rest of a long one may
     * be in no processor's cache any more. */
    while (*link != NULL && kept < most &&
           heap_code(cache->heap, *link) == (BLOCK_CACHED | i)) {
        link = *link;
        kept++;
    }
    void *rest = *link;
    *link = NULL;
    if (!cache_has_mark(cache, set) && depot_is_open(&set->depot)) {
        depot_push(&set->depot, i + 1, rest);
    } else {
        depot_give_chain(cache->heap, rest);
    }
    return kept;
}

void cache_flush_excess(struct cache *cache, struct cache_set *set,
                        size_t granules)
{
    size_t i = granules - 1;

    ASSERT(cache_is_ready(cache, set));
    ASSERT(i < SIZES_SHORT && cache->fast.lists[i].room == 0);
    ASSERT(!cache_has_mark(cache, set) && !set->sweeping);
    /* Lists start without frees, so that counts need no loop over all. */
    if ((cache->lists_used >> i & 1) == 0) {
        cache_grant(cache, i, cache_first_frees(i));
        return;
    }
    unsigned batch = sizes_batch(granules);
    unsigned half = cache_half(granules);
    unsigned kept = cache_keep_first(cache, set, i, half);
    /* A list that stays short is taken from as often as it is freed into:
     * there is no need to come back here soon. */
    cache_grant(cache, i,
                kept < half ? CACHE_BATCHES_BALANCED * batch : batch);
}

/* With a mark and no windows what is freed may be the pool's or the mark's, so
 * no list takes it. */
bool cache_make_room(struct cache *cache, struct cache_set *set,
                     size_t granules)
{
    ASSERT(cache_is_ready(cache, set));
    return cache->middle != NULL && middle_fits(granules) &&
           (cache->windows != NULL || !cache_has_mark(cache, set)) &&
           middle_make_room(cache->middle, cache->heap, granules);
}

void cache_make_mark_room(struct cache *cache, struct cache_set *set,
                          size_t granules)
{
    ASSERT(cache_is_ready(cache, set));
    ASSERT(cache_has_mark(cache, set) && granules <= SIZES_SHORT);
    if (cache->windows == NULL || cache->mark_room >= granules) {
        return;
    }
    for CACHE_EACH_LIST(bits, cache) {
        size_t i = cache_lowest(bits);
        (void)cache_keep_first(cache, set, i, cache_half(i + 1));
    }
    cache->mark_room = CACHE_MARK_ROOM;
}

bool cache_gather_mark(struct cache *cache, struct cache_set *set)
{
    size_t taken = cache->heap->taken;

    ASSERT(cache_is_ready(cache, set));
    if (cache_has_mark(cache, set)) {
        cache_flush_lists(cache);
    }
    return cache->heap->taken != taken;
}

void cache_open_mark(struct cache *cache, struct cache_set *set,
                     struct heap *heap)
{
    ASSERT(cache_is_ready(cache, set));
    ASSERT(!sync_get(&set->retired) && heap != set->heap);
    /* What was handed out so far is not the mark's. */
    cache_collect(cache, set);
    cache_return_run(cache);
    if (cache->middle != NULL) {
        middle_flush(cache->middle, cache->heap, 0);
        cache->middle->limit = 0;
    }
    /* Chunks of the pool any user may have while this one has its mark open: so
     * they go to the depot.  Those of an outer mark go to its heap. */
    for CACHE_EACH_LIST(bits, cache) {
        size_t i = cache_lowest(bits);
        if (cache->fast.lists[i].chunks != NULL) {
            cache_keep_first(cache, set, i, 0);
        }
        /* No frees left for compiled-in code, which does not know whether an
         * object is the mark's or the pool's. */
        cache_grant(cache, i, 0);
    }
    cache->heap = heap;
    /* The mark's blocks may lie in chunks of what windows show. */
    cache_look_anew(cache, set);
}

void cache_close_mark(struct cache *cache, struct cache_set *set,
                      struct heap *heap)
{
    ASSERT(cache_is_ready(cache, set));
    ASSERT(!sync_get(&set->retired) && cache_has_mark(cache, set));
    ASSERT(cache->fast.credit == 0); /* the mark is gone that would count it */
    cache->fast.cut = cache->fast.end = NULL;
    cache->heap = heap;
    cache_look_anew(cache, set);
    cache_forget_lists(cache, cache_has_mark(cache, set));
}

/* A batch out of the depot; false: it has none of that length. */
static bool cache_fill_list(struct cache *cache, struct cache_set *set,
                            size_t granules)
{
    struct mp_inline_list *list = &cache->fast.lists[granules - 1];
    void *batch = depot_pop(&set->depot, granules);

    if (set->depot.damaged) {
        set->depot.damaged = false;
        set->damaged = true;
    }
    if (batch == NULL) {
        return false;
    }
    ASSERT(list->chunks == NULL);
    list->chunks = batch;
    /* With a batch in the list already, it may get some more. */
    cache_grant(cache, granules - 1, cache_half(granules));
    cache_see(cache, set, batch);
    return true;
}

/* Granules of the next run at most.  A mark's blocks are its user's alone, who
 * may have all of them at once.  A pool outside of the range may have no other
 * memory than it has now: there nobody takes much of what others need, too. */
static size_t cache_run_most(const struct cache *cache,
                             const struct cache_set *set, size_t granules)
{
    size_t most = cache->run;

    if (cache_has_mark(cache, set)) {
        return SIZES_GRANULES_MOST;
    }
    if (cache_set_is_outside(set) && set->caches->next != NULL &&
        most > set->heap->size / CACHE_RUN_PART) {
        most = set->heap->size / CACHE_RUN_PART;
    }
    return most > granules ? most : granules;
}

/* The next run is to have lines of its own.  The pool's own blocks are shared,
 * as soon as there is another cache; what lies between lines is much of a small
 * pool. */
static bool cache_run_is_apart(const struct cache *cache,
                               const struct cache_set *set)
{
    return !cache_has_mark(cache, set) && set->caches->next != NULL &&
           (!cache_set_is_outside(set) || set->heap->size >= CACHE_RUN_LAST);
}

/* Chunks of that length, linked; NULL: the heap should give a run. */
static void *cache_take_batch(struct cache *cache, struct cache_set *set,
                              size_t granules)
{
    unsigned batch = sizes_batch(granules);

    if (cache->heap->bits == 0) {
        return NULL;
    }
    void *chain = heap_take_batch(cache->heap, (uint32_t)granules, batch);
    /* Before the first free a list that has chunks would look as if there had
     * been one, and what caches hold were worth a look. */
    if (chain == NULL && cache->heap->taken >= CACHE_PIECES_LEAST &&
        !cache_run_is_apart(cache, set) && cache_has_freed(cache, set)) {
        chain = heap_take_pieces(cache->heap, (uint32_t)granules,
                                 batch / CACHE_PIECES_PART);
    }
    return chain;
}

bool cache_fill(struct cache *cache, struct cache_set *set, size_t granules)
{
    bool mark = cache_has_mark(cache, set);
    size_t got;

    ASSERT(cache_is_ready(cache, set) && !sync_get(&set->retired));
    ASSERT(granules > 0 && granules <= SIZES_SHORT && !set->sweeping);
    if (!mark && cache_fill_list(cache, set, granules)) {
        return true;
    }
    cache_reach(cache);
    void *batch = cache_take_batch(cache, set, granules);
    if (batch != NULL) {
        cache->fast.lists[granules - 1].chunks = batch;
        cache_grant(cache, granules - 1, mark ? 0 : sizes_batch(granules));
        cache_see(cache, set, batch);
        return true;
    }
    /* What is left of the run is too short for this length, and may be long
     * enough for others: the heap joins it with its neighbours. */
    cache_return_run(cache);
    unsigned char *run = heap_take_run(
        cache->heap, granules, cache_run_most(cache, set, granules),
        cache_run_is_apart(cache, set), &got);
    if (run == NULL) {
        return false;
    }
    ASSERT(got >= granules);
    cache->fast.cut = run;
    cache->fast.end = run + got * SIZES_GRANULE;
    cache_see(cache, set, run);
    /* A user that needs run after run will need another. */
    if (!mark && cache->run < CACHE_RUN_LAST) {
        cache->run *= 2;
    }
    return true;
}

/* Not a fill: a fill would take no more than the next run, and leave the rest
 * for other users, of which there are none yet. */
void cache_take_first(struct cache *cache, struct cache_set *set)
{
    struct heap *heap = set->heap;
    size_t got;

    ASSERT(cache_is_ready(cache, set));
    ASSERT(cache->fast.cut == NULL && !cache_has_mark(cache, set));
    ASSERT(heap->taken == 0 && !set->sweeping);
    cache->fast.cut = heap_first_run(
        heap, heap->blocks == 0 ? heap->granules : cache->run, &got);
    cache->fast.end = cache->fast.cut + got * SIZES_GRANULE;
}

/* The credit is again what was granted: what is live was taken off it, and what
 * was freed was put there. */
void cache_begin_again(struct cache *cache, struct cache_set *set,
                       unsigned char *run)
{
    size_t bytes = (size_t)(cache->fast.cut - run);

    ASSERT(cache_is_own(cache) && set->caches == cache && cache->next == NULL);
    ASSERT(run <= cache->fast.cut && !cache_has_mark(cache, set));
    ASSERT(cache->middle == NULL || cache->middle->granules == 0);
    memset(middle_map(cache->state, run), BLOCK_NONE, bytes / SIZES_GRANULE);
    if (set->zero) {
        memset(run, 0, bytes);
    }
    cache->fast.cut = run;
    cache_clear_lists(cache, false);
    cache->fast.credit = cache->granted;
}

void cache_begin_new(struct cache *cache, struct cache_set *set,
                     unsigned char *run)
{
    cache_begin_again(cache, set, run);
    cache->fast.credit = cache->fast.least = cache->granted = cache->raised = 0;
    /* Without lists nothing was granted. */
    if (cache->lists_used != 0) {
        cache->frees_granted -= cache_frees(cache);
    }
    ASSERT(cache_frees(cache) == 0);
}

bool cache_is_damaged(struct cache *cache, const struct cache_set *set,
                      size_t granules)
{
    const void *chunk = cache->fast.lists[granules - 1].chunks;

    ASSERT(cache_is_ready(cache, set));
    /* The user's copy of the extent may have been too small. */
    cache_reach(cache);
    if (chunk != NULL) {
        cache_see(cache, set, chunk);
    }
    return chunk != NULL &&
           heap_code(cache->heap, chunk) != (BLOCK_CACHED | (granules - 1));
}

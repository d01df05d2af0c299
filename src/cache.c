/* SPDX-License-Identifier: MIT
 *
 * cache.c - a thread's own chunks of a pool: exchange, rest and end.
 *
 * Chunks travel in chains.  A cache whose lists are full leaves each list as
 * one chain in the pool's depot, and a cache that has run out of a length
 * takes a whole chain: so what one thread frees for another comes back for
 * one lock per list, not per object.  Only when neither depot nor heap has
 * room do chains go back to the heap, chunk by chunk, to be joined with their
 * neighbours before the pool grows.
 *
 * A cache is on its pool's list and on its thread's.  The lock of the
 * attachments owns both ties: whichever ends first, thread or pool, cuts
 * them under it, and the other then finds no tie.  The structures of attached
 * caches belong to their threads and are used again for other pools, so a
 * thread may look into one whose pool is long gone and finds it is not for
 * the pool that it asks for.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "handle.h"
#include "scope.h"
#include "supply.h"

/* Granules of a cache's first run, doubled with each: 2 KiB to 64 KiB. */
#define CACHE_RUN_FIRST 128
#define CACHE_RUN_LAST 4096

/* Loads that a list may get before it is looked at, where it was short. */
#define CACHE_LOADS_BALANCED 8

/* So many bytes, filled up to whole lines. */
#define CACHE_LINES(bytes) \
    (((bytes) + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE)

/* Looks at a note before the waiting thread lets others run, and how often
 * it does that before it sleeps. */
#define CACHE_LOOKS 1000
#define CACHE_YIELDS 100

_Static_assert(CACHE_LOADS_BALANCED * CACHE_LOAD_MOST < 1024,
               "counts too large to be added four at once");

/* Two loads of each length, worked out beforehand since pools are made
 * often. */
static const uint16_t cache_rooms[BLOCK_SHORT] = {
#define CACHE_TWO(granules)                                              \
    (uint16_t)(512 / (granules) > CACHE_LOAD_MOST                   \
                        ? 2 * CACHE_LOAD_MOST                            \
                        : 2 * (512 / (granules)))
#define CACHE_TWO_8(g)                                                   \
    CACHE_TWO(g), CACHE_TWO((g) + 1), CACHE_TWO((g) + 2),                \
        CACHE_TWO((g) + 3), CACHE_TWO((g) + 4), CACHE_TWO((g) + 5),      \
        CACHE_TWO((g) + 6), CACHE_TWO((g) + 7)
    CACHE_TWO_8(1),  CACHE_TWO_8(9),  CACHE_TWO_8(17), CACHE_TWO_8(25),
    CACHE_TWO_8(33), CACHE_TWO_8(41), CACHE_TWO_8(49), CACHE_TWO_8(57),
};

/* The sum of all counts, four at once: none is above 1023, so that sixteen of
 * them fit a quarter of a word. */
static size_t cache_sum(const uint16_t *rooms)
{
    uint64_t sums = 0;

    for (unsigned i = 0; i < BLOCK_SHORT; i += 4) {
        uint64_t four;
        memcpy(&four, rooms + i, sizeof four);
        sums += four;
    }
    return (size_t)((sums & 0xffff) + (sums >> 16 & 0xffff) +
                    (sums >> 32 & 0xffff) + (sums >> 48));
}

/* Nothing was freed into it yet, nor taken from the depot: a count that comes
 * back to where it began does so with spent changed. */
static bool cache_is_new(const struct cache *cache)
{
    return cache->spent == 0 &&
           memcmp(cache->rooms, cache_rooms, sizeof cache->rooms) == 0;
}

/* Changes a count other than by a free. */
static void cache_grant(struct cache *cache, size_t i, unsigned room)
{
    cache->spent += room - (size_t)cache->rooms[i];
    cache->rooms[i] = (uint16_t)room;
}

void cache_open(struct cache *cache)
{
    if (memcmp(cache->rooms, cache_rooms, sizeof cache->rooms) != 0) {
        cache->spent = cache_frees(cache);
        memcpy(cache->rooms, cache_rooms, sizeof cache->rooms);
    }
}

size_t cache_frees(const struct cache *cache)
{
    return cache->spent + cache_sum(cache_rooms) - cache_sum(cache->rooms);
}

void cache_start(struct cache *cache, struct memory_pool *mp,
                 struct thread_mark *mark)
{
    size_t bytes = sizeof *cache;

    /* Not in line: compilers make it a string instruction, which takes
     * longer to start than the function takes in all. */
    __asm__("" : "+r"(bytes));
    memset(cache, 0, bytes);
    memcpy(cache->rooms, cache_rooms, sizeof cache->rooms);
    cache->run = CACHE_RUN_FIRST;
    cache->mark = mark;
    cache->owner = mp;
}

void cache_join(struct cache *cache, struct memory_pool *mp)
{
    cache->next = mp->caches;
    mp->caches = cache;
    if (!mp->uncached) {
        /* Release: its thread finds what is written before. */
        sync_put_release(&cache->pool, mp);
    }
}

/* The cache that the calling thread's list has for the pool, or one of a
 * pool that is gone; the attachments are locked. */
static struct cache *cache_search(const struct thread *self,
                                  const struct memory_pool *mp)
{
    struct cache *free_one = NULL;

    for (struct cache *c = self->attached; c != NULL; c = c->attached) {
        if (c->owner == mp) {
            return c;
        }
        if (c->owner == NULL) {
            free_one = c;
        }
    }
    return free_one;
}

struct cache *cache_own(struct memory_pool *mp)
{
    struct thread *self = thread_self();

    if (self == NULL) {
        return NULL;
    }
    if (sync_get(&mp->home) == self) {
        return &mp->cache;
    }
    bool taken = lock_enter(&thread_attachments);
    struct cache *cache = cache_search(self, mp);
    if (cache == NULL) {
        /* Lines of its own: its neighbour may be another thread's. */
        cache = aligned_alloc(CACHE_LINE, CACHE_LINES(sizeof *cache));
        if (cache == NULL) {
            lock_leave(&thread_attachments, taken);
            return NULL;
        }
        cache->owner = NULL;
        cache->attached = self->attached;
        self->attached = cache;
    }
    if (cache->owner == NULL) {
        struct cache *attached = cache->attached;
        cache_start(cache, mp, &thread_mark);
        cache->attached = attached;
        bool pool_taken = lock_enter(&mp->lock);
        cache_join(cache, mp);
        lock_leave(&mp->lock, pool_taken);
    }
    lock_leave(&thread_attachments, taken);
    self->found[pool_hash(mp)] = cache;
    return cache;
}

/* Where the cache's runs come from. */
static struct heap *cache_heap(const struct cache *cache,
                               struct memory_pool *mp)
{
    return cache->scope == NULL ? &mp->heap : &cache->scope->heap;
}

void cache_flush(struct cache *cache, struct memory_pool *mp)
{
    bool empty = cache->scope != NULL || cache_is_new(cache);

    for (unsigned i = 0; !empty && i < BLOCK_SHORT; i++) {
        void *object = cache->lists[i];
        cache->lists[i] = NULL;
        while (object != NULL) {
            void *next = *(void **)object;
            supply_keep(mp, heap_give(&mp->heap, heap_find(&mp->heap, object)));
            object = next;
        }
    }
    cache_return_run(cache, mp);
    if (cache->scope == NULL) {
        cache_open(cache);
    }
}

void cache_return_run(struct cache *cache, struct memory_pool *mp)
{
    size_t granules = (size_t)(cache->end - cache->cut) / BLOCK_GRANULE;

    if (granules > 0) {
        struct heap *heap = cache_heap(cache, mp);
        struct heap_chunk start = heap_find(heap, cache->cut);
        supply_keep(mp, heap_give_run(heap, start, (uint32_t)granules));
    }
    cache->cut = cache->end = NULL;
}

/* Moves all of a list but the first chunks, which were freed last and are
 * warm, to the depot in chains of a load; there is a depot.  Returns the
 * number of those that stay. */
static unsigned cache_stow(struct cache *cache, struct memory_pool *mp,
                           size_t i, unsigned stay)
{
    unsigned load = cache_load(i + 1);
    void **link = &cache->lists[i];
    unsigned stayed = 0;

    while (*link != NULL && stayed < stay) {
        link = *link;
        stayed++;
    }
    void **chain = *link;
    *link = NULL;
    while (chain != NULL) {
        void **last = chain;
        for (unsigned n = 1; n < load && *last != NULL; n++) {
            last = *last;
        }
        void **rest = *last;
        *last = NULL;
        /* Of two words, the second of the first chunk links chains. */
        chain[1] = mp->depot[i];
        mp->depot[i] = chain;
        chain = rest;
    }
    return stayed;
}

static bool cache_has_depot(struct memory_pool *mp)
{
    if (mp->depot == NULL) {
        mp->depot = calloc(BLOCK_SHORT, sizeof *mp->depot);
    }
    return mp->depot != NULL;
}

void cache_unload(struct cache *cache, struct memory_pool *mp,
                  size_t granules)
{
    if (!cache_has_depot(mp)) {
        cache_flush(cache, mp);
        return;
    }
    unsigned load = cache_load(granules);
    unsigned stayed = cache_stow(cache, mp, granules - 1, load);
    /* A list that stays short is one that is taken from as often as it gets
     * any: no need to look soon again. */
    cache_grant(cache, granules - 1,
                stayed < load ? CACHE_LOADS_BALANCED * load : load);
}

void cache_close(struct cache *cache, struct memory_pool *mp)
{
    cache_return_run(cache, mp);
    if (!cache_is_new(cache)) {
        if (!cache_has_depot(mp)) {
            cache_flush(cache, mp);
        }
        for (unsigned i = 0; i < BLOCK_SHORT; i++) {
            if (cache->lists[i] != NULL) {
                cache_stow(cache, mp, i, 0);
            }
        }
    }
    for (unsigned i = 0; i < BLOCK_SHORT; i++) {
        cache_grant(cache, i, 0);
    }
}

void cache_drain(struct memory_pool *mp)
{
    for (unsigned i = 0; mp->depot != NULL && i < BLOCK_SHORT; i++) {
        void **chain = mp->depot[i];
        mp->depot[i] = NULL;
        while (chain != NULL) {
            void **next_chain = chain[1];
            void *object = chain;
            while (object != NULL) {
                void *next = *(void **)object;
                supply_keep(mp, heap_give(&mp->heap,
                                        heap_find(&mp->heap, object)));
                object = next;
            }
            chain = next_chain;
        }
    }
}

bool cache_fill(struct cache *cache, struct memory_pool *mp, size_t granules)
{
    size_t got;

    if (cache->scope == NULL && mp->depot != NULL &&
        mp->depot[granules - 1] != NULL) {
        void **chain = mp->depot[granules - 1];
        mp->depot[granules - 1] = chain[1];
        cache->lists[granules - 1] = chain;
        cache_grant(cache, granules - 1, cache_load(granules));
        return true;
    }
    cache_return_run(cache, mp);
    /* A mark's blocks are nobody else's. */
    unsigned char *run = heap_take_run(
        cache_heap(cache, mp), granules,
        cache->scope == NULL ? cache->run : SUPPLY_GRANULES_MOST, &got);
    if (run == NULL) {
        return false;
    }
    cache->cut = run;
    cache->end = run + got * BLOCK_GRANULE;
    if (cache->scope == NULL && cache->run < CACHE_RUN_LAST) {
        cache->run *= 2;
    }
    return true;
}

/* Lets others run: whoever is ready, and after some times anybody, since the
 * thread that is waited for may be of a lower priority. */
static void cache_rest(int times)
{
    const struct timespec moment = {0, 50000};
    int error = errno;
    int cancel;

    if (times < CACHE_YIELDS) {
        sched_yield();
    } else {
        /* Sleeping is a cancellation point, and this is no place to vanish. */
        pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
        nanosleep(&moment, NULL);
        pthread_setcancelstate(cancel, NULL);
    }
    errno = error;
}

/* Waits until a thread's, or a handle's, note is not about the pool. */
static void cache_await(const struct thread_mark *mark,
                        const struct memory_pool *mp)
{
    int looks = 0;

    /* Acquire pairs with the release in cache_leave(). */
    while (mark != NULL && sync_get_acquire(&mark->inside) == mp) {
        if (++looks % CACHE_LOOKS == 0) {
            cache_rest(looks / CACHE_LOOKS);
        }
    }
}

/* Withdraws the offers; true: another thread may be inside. */
bool cache_withdraw(struct memory_pool *mp)
{
    bool others = false;

    mp->paused = sync_get(&mp->maker);
    if (mp->paused != NULL && mp->paused != &thread_mark) {
        sync_put(&mp->maker, (struct thread_mark *)NULL);
        others = true;
    }
    for (struct cache *c = mp->caches; c != NULL; c = c->next) {
        if (c->mark != &thread_mark) {
            sync_put(&c->pool, (struct memory_pool *)NULL);
            others = true;
        }
    }
    return others;
}

void cache_await_all(struct memory_pool *mp)
{
    if (mp->paused != &thread_mark) {
        cache_await(mp->paused, mp);
    }
    for (struct cache *c = mp->caches; c != NULL; c = c->next) {
        if (c->mark != &thread_mark) {
            cache_await(c->mark, c->handle ? HANDLE_INSIDE : mp);
        }
    }
}

void cache_pause(struct memory_pool *mp)
{
    if (cache_withdraw(mp)) {
        sync_barrier();
        cache_await_all(mp);
    }
}

void cache_resume(struct memory_pool *mp)
{
    if (mp->uncached) {
        return;
    }
    /* Release: who takes the offer sees what was done meanwhile. */
    for (struct cache *c = mp->caches; c != NULL; c = c->next) {
        sync_put_release(&c->pool, mp);
    }
    sync_put_release(&mp->maker, mp->paused);
}

static void cache_empty(struct cache *cache)
{
    memset(cache->lists, 0, sizeof cache->lists);
    cache->cut = cache->end = NULL;
    cache->scope = NULL;
    cache_open(cache);
}

void cache_take_first(struct memory_pool *mp)
{
    size_t got;

    mp->cache.cut =
        heap_take_run(&mp->heap, 1, mp->first.granules, &got);
    mp->cache.end = mp->cache.cut + got * BLOCK_GRANULE;
}

void cache_forget(struct memory_pool *mp)
{
    cache_empty(&mp->cache);
    for (struct cache *c = mp->caches; c != NULL; c = c->next) {
        cache_empty(c);
    }
    if (mp->depot != NULL) {
        memset(mp->depot, 0, BLOCK_SHORT * sizeof *mp->depot);
    }
    if (mp->paused != NULL) { /* else the maker's cache is nobody's */
        cache_take_first(mp);
    }
}

void cache_detach_all(struct memory_pool *mp)
{
    bool taken = lock_enter(&thread_attachments);
    /* The lock waits for a thread that is detaching its own just now. */
    bool pool_taken = lock_enter(&mp->lock);
    struct cache *cache = mp->caches;

    while (cache != NULL) {
        struct cache *next = cache->next;
        sync_put(&cache->pool, (struct memory_pool *)NULL);
        cache->owner = NULL;
        if (cache->handle) {
            handle_free(cache);
        }
        cache = next;
    }
    mp->caches = NULL;
    lock_leave(&mp->lock, pool_taken);
    lock_leave(&thread_attachments, taken);
}

void cache_detach(struct cache *cache, struct memory_pool *mp)
{
    struct cache **link = &mp->caches;

    while (*link != cache) {
        link = &(*link)->next;
    }
    *link = cache->next;
    cache_flush(cache, mp);
    mp->freed += cache_frees(cache);
}

void cache_thread_ends(struct thread *thread, bool held)
{
    bool taken = !held && lock_enter(&thread_attachments);

    for (struct cache *c = thread->attached; c != NULL; c = c->attached) {
        struct memory_pool *mp = c->owner;
        if (mp != NULL) {
            bool pool_taken = !held && lock_enter(&mp->lock);
            cache_detach(c, mp);
            c->owner = NULL;
            lock_leave(&mp->lock, pool_taken);
        }
    }
    /* After fork() another thread's lock may still lie on malloc's state, if
     * that is not the system's; then the structures wait for the next thread
     * that is registered in this one's place. */
    while (!held && thread->attached != NULL) {
        struct cache *cache = thread->attached;
        thread->attached = cache->attached;
        free(cache);
    }
    lock_leave(&thread_attachments, taken);
}

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
 * them under it, and the other then finds no tie.  The structure of a cache
 * that lost its pool is the thread's to use again for another one, so a thread
 * may look into one whose pool is long gone and finds that it is not offered
 * for the pool that it asks for.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cache/handle.h"
#include "pool/mark.h"
#include "store/blocks.h"

/* Granules of a cache's first run, doubled with each: 2 KiB to 64 KiB. */
#define CACHE_RUN_FIRST 128
#define CACHE_RUN_LAST 4096

/* Loads that a list may get before it is looked at, where it was short. */
#define CACHE_LOADS_BALANCED 8

/* So many bytes, filled up to whole lines. */
#define CACHE_LINES(bytes) \
    (((bytes) + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE)

/* Spare structures that a thread keeps, and frees when it gets or loses one. */
#define CACHE_SPARE_MOST 32

const struct mp_inline_cache cache_none = {.pool = MP_INLINE_NO_POOL};

/* Looks at a note before the waiting thread lets others run, and how often
 * it does that before it sleeps. */
#define CACHE_LOOKS 1000
#define CACHE_YIELDS 100

/* What a list may get before it is looked at first. */
static size_t cache_first_room(size_t i)
{
    return 2 * (size_t)cache_load(i + 1);
}

/* Changes a count other than by a free. */
static void cache_grant(struct cache *cache, size_t i, size_t room)
{
    cache->granted |= (uint64_t)1 << i;
    cache->spent += room - cache->fast.lists[i].room;
    cache->fast.lists[i].room = room;
}

void cache_open(struct cache *cache)
{
    for (uint64_t bits = cache->granted; bits != 0; bits &= bits - 1) {
        size_t i = (size_t)__builtin_ctzll(bits);
        cache_grant(cache, i, cache_first_room(i));
    }
}

size_t cache_frees(const struct cache *cache)
{
    size_t rooms = 0;

    for (uint64_t bits = cache->granted; bits != 0; bits &= bits - 1) {
        rooms += cache->fast.lists[__builtin_ctzll(bits)].room;
    }
    return cache->spent - rooms;
}

/* Forgets what it had, but not how much was freed into it. */
static void cache_empty(struct cache *cache)
{
    for (uint64_t bits = cache->granted; bits != 0; bits &= bits - 1) {
        cache->fast.lists[__builtin_ctzll(bits)].chunks = NULL;
    }
    cache->fast.cut = cache->fast.end = NULL;
    cache->mark = NULL;
    cache_open(cache);
}

void cache_renew(struct cache *cache)
{
    cache_empty(cache);
    cache->spent -= cache_frees(cache);
}

void cache_start(struct cache *cache, struct memory_pool *mp,
                 struct mp_inline_thread *state)
{
    cache_renew(cache);
    cache->fast.pool = MP_INLINE_NO_POOL;
    cache->run = CACHE_RUN_FIRST;
    cache->state = state;
    cache->owner = mp;
    /* Else another thread may be reserving the range just now. */
    if (range_has(mp)) {
        state->bias = range_bias;
        state->base = (uintptr_t)range_base;
        state->granules = RANGE_GRANULES;
        state->owners = range_owners(range_base);
    }
}

void cache_join(struct cache *cache, struct memory_pool *mp)
{
    cache->next = mp->caches;
    mp->caches = cache;
    if (mp->resident == NULL && cache->thread != NULL) {
        mp->resident_cache = cache;
        sync_put(&mp->resident, cache->state);
    }
    if (!mp->uncached) {
        /* Release: its thread finds what is written before. */
        sync_put_release(&cache->fast.pool, mp);
    }
}

struct cache *cache_find(struct memory_pool *mp)
{
    const struct thread *self = thread_state.own;
    struct cache *cache = cache_resident(mp);

    if (cache == NULL && self != NULL) {
        cache = self->found[pool_hash(mp)];
    }
    if (cache == NULL || sync_get_acquire(&cache->fast.pool) != mp) {
        return NULL;
    }
    cache_use(cache);
    return cache;
}

/* A structure that the thread's pool may have, of lines of its own, since its
 * neighbour may be another thread's; the attachments are locked. */
static struct cache *cache_allocate(struct thread *self)
{
    struct cache *cache = self->spare;

    if (cache != NULL) {
        self->spare = cache->older;
        self->spares--;
        return cache;
    }
    cache = aligned_alloc(CACHE_LINE, CACHE_LINES(sizeof *cache));
    if (cache != NULL) {
        memset(cache, 0, sizeof *cache);
        cache->thread = self;
    }
    return cache;
}

/* Gives a cache that has a pool a place on its thread's list, or takes it
 * off; the attachments are locked. */
static void cache_tie(struct cache *cache)
{
    struct thread *thread = cache->thread;

    cache->newer = NULL;
    cache->older = thread->attached;
    if (cache->older != NULL) {
        cache->older->newer = cache;
    }
    thread->attached = cache;
}

static void cache_untie(struct cache *cache)
{
    struct thread *thread = cache->thread;

    if (cache->older != NULL) {
        cache->older->newer = cache->newer;
    }
    if (cache->newer != NULL) {
        cache->newer->older = cache->older;
    } else {
        thread->attached = cache->older;
    }
    cache->owner = NULL;
    cache->older = thread->spare;
    thread->spare = cache;
    thread->spares++;
}

/* Frees spare structures until so many are left; the calling thread's own,
 * which forgets where it found caches.  The attachments are locked. */
static void cache_free_spares(struct thread *self, unsigned left)
{
    if (self->spares > left) {
        cache_use(NULL);
        memset(self->found, 0, sizeof self->found);
    }
    while (self->spares > left) {
        struct cache *cache = self->spare;
        self->spare = cache->older;
        self->spares--;
        free(cache);
    }
}

static struct cache *cache_attach(struct thread *self, struct memory_pool *mp)
{
    int error = errno;
    bool taken = lock_enter(&thread_attachments);
    struct cache *cache = cache_allocate(self);

    if (cache != NULL) {
        cache_start(cache, mp, &thread_state);
        cache_tie(cache);
        cache_free_spares(self, CACHE_SPARE_MOST);
        bool pool_taken = lock_enter(&mp->lock);
        cache_join(cache, mp);
        lock_leave(&mp->lock, pool_taken);
    }
    lock_leave(&thread_attachments, taken);
    errno = error; /* without a cache the call goes on all the same */
    return cache;
}

struct cache *cache_own(struct memory_pool *mp)
{
    struct thread *self = thread_self();

    if (self == NULL) {
        return NULL;
    }
    struct cache *cache = cache_find(mp);
    if (cache != NULL) {
        return cache;
    }
    bool taken = lock_enter(&mp->lock);
    cache = mp->caches;
    while (cache != NULL && cache->thread != self) {
        cache = cache->next;
    }
    lock_leave(&mp->lock, taken);
    if (cache == NULL) {
        cache = cache_attach(self, mp);
    }
    if (cache != NULL) {
        self->found[pool_hash(mp)] = cache;
        cache_use(cache);
    }
    return cache;
}

/* Where the cache's runs come from. */
static struct heap *cache_heap(const struct cache *cache,
                               struct memory_pool *mp)
{
    return cache->mark == NULL ? &mp->heap : &cache->mark->heap;
}

void cache_flush(struct cache *cache, struct memory_pool *mp)
{
    uint64_t bits = cache->mark != NULL ? 0 : cache->granted;

    for (; bits != 0; bits &= bits - 1) {
        size_t i = (size_t)__builtin_ctzll(bits);
        void *object = cache->fast.lists[i].chunks;
        cache->fast.lists[i].chunks = NULL;
        while (object != NULL) {
            void *next = *(void **)object;
            blocks_keep(mp, heap_give(&mp->heap, heap_find(&mp->heap, object)));
            object = next;
        }
    }
    cache_return_run(cache, mp);
    if (cache->mark == NULL) {
        cache_open(cache);
    }
}

void cache_return_run(struct cache *cache, struct memory_pool *mp)
{
    size_t granules =
        (size_t)(cache->fast.end - cache->fast.cut) / BLOCK_GRANULE;

    if (granules > 0) {
        struct heap *heap = cache_heap(cache, mp);
        struct heap_chunk start = heap_find(heap, cache->fast.cut);
        blocks_keep(mp, heap_give_run(heap, start, (uint32_t)granules));
    }
    cache->fast.cut = cache->fast.end = NULL;
}

/* Moves all of a list but the first chunks, which were freed last and are
 * warm, to the depot in chains of a load; there is a depot.  Returns the
 * number of those that stay. */
static unsigned cache_stow(struct cache *cache, struct memory_pool *mp,
                           size_t i, unsigned stay)
{
    unsigned load = cache_load(i + 1);
    void **link = &cache->fast.lists[i].chunks;
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
        /* Volatile: clang believes that calloc() leaves errno alone, and would
         * drop what puts it back. */
        volatile int error = errno;
        mp->depot = calloc(BLOCK_SHORT, sizeof *mp->depot);
        errno = error; /* without it chunks go to the heap at once */
    }
    return mp->depot != NULL;
}

void cache_unload(struct cache *cache, struct memory_pool *mp,
                  size_t granules)
{
    if ((cache->granted >> (granules - 1) & 1) == 0) {
        cache_grant(cache, granules - 1, cache_first_room(granules - 1));
        return;
    }
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
    if (cache->granted != 0 && !cache_has_depot(mp)) {
        cache_flush(cache, mp);
    }
    for (uint64_t bits = cache->granted; bits != 0; bits &= bits - 1) {
        size_t i = (size_t)__builtin_ctzll(bits);
        if (cache->fast.lists[i].chunks != NULL) {
            cache_stow(cache, mp, i, 0);
        }
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
                blocks_keep(mp, heap_give(&mp->heap,
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

    if (cache->mark == NULL && mp->depot != NULL &&
        mp->depot[granules - 1] != NULL) {
        void **chain = mp->depot[granules - 1];
        mp->depot[granules - 1] = chain[1];
        cache->fast.lists[granules - 1].chunks = chain;
        cache_grant(cache, granules - 1, cache_load(granules));
        return true;
    }
    cache_return_run(cache, mp);
    /* A mark's blocks are nobody else's. */
    unsigned char *run = heap_take_run(
        cache_heap(cache, mp), granules,
        cache->mark == NULL ? cache->run : BLOCKS_GRANULES_MOST,
        cache->mark == NULL && mp->caches->next != NULL, &got);
    if (run == NULL) {
        return false;
    }
    cache->fast.cut = run;
    cache->fast.end = run + got * BLOCK_GRANULE;
    if (cache->mark == NULL && cache->run < CACHE_RUN_LAST) {
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
static void cache_await(const struct mp_inline_thread *state,
                        const struct memory_pool *mp)
{
    int looks = 0;

    /* Acquire pairs with the release in mp_inline_leave(). */
    while (state != NULL && sync_get_acquire(&state->inside) == mp) {
        if (++looks % CACHE_LOOKS == 0) {
            cache_rest(looks / CACHE_LOOKS);
        }
    }
}

/* Withdraws the offers; true: another thread may be inside. */
bool cache_withdraw(struct memory_pool *mp)
{
    bool others = false;

    for (struct cache *c = mp->caches; c != NULL; c = c->next) {
        if (c->state != &thread_state) {
            sync_put(&c->fast.pool, MP_INLINE_NO_POOL);
            others = true;
        }
    }
    return others;
}

void cache_await_all(struct memory_pool *mp)
{
    for (struct cache *c = mp->caches; c != NULL; c = c->next) {
        if (c->state != &thread_state) {
            cache_await(c->state, c->thread == NULL ? MP_INLINE_NO_POOL : mp);
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
        sync_put_release(&c->fast.pool, mp);
    }
}

void cache_forked(struct memory_pool *mp)
{
    for (struct cache *c = mp->caches; c != NULL; c = c->next) {
        if (c->thread == NULL) {
            sync_put(&c->state->inside, (struct memory_pool *)NULL);
        }
    }
}

void cache_take_first(struct cache *cache, struct memory_pool *mp)
{
    size_t got;

    cache->fast.cut =
        heap_take_run(&mp->heap, 1, mp->first.granules, false, &got);
    cache->fast.end = cache->fast.cut + got * BLOCK_GRANULE;
}

void cache_forget(struct memory_pool *mp)
{
    for (struct cache *c = mp->caches; c != NULL; c = c->next) {
        cache_empty(c);
    }
    if (mp->depot != NULL) {
        memset(mp->depot, 0, BLOCK_SHORT * sizeof *mp->depot);
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
        sync_put(&cache->fast.pool, MP_INLINE_NO_POOL);
        if (cache->thread == NULL) {
            handle_free(cache);
        } else {
            cache_untie(cache);
        }
        cache = next;
    }
    mp->caches = NULL;
    lock_leave(&mp->lock, pool_taken);
    if (thread_state.own != NULL) {
        cache_free_spares(thread_state.own, CACHE_SPARE_MOST);
    }
    lock_leave(&thread_attachments, taken);
}

void cache_detach(struct cache *cache, struct memory_pool *mp)
{
    struct cache **link = &mp->caches;

    while (*link != cache) {
        link = &(*link)->next;
    }
    *link = cache->next;
    if (mp->resident_cache == cache) {
        mp->resident_cache = NULL;
        sync_put(&mp->resident, (struct mp_inline_thread *)NULL);
    }
    sync_put(&cache->fast.pool, MP_INLINE_NO_POOL);
    cache_flush(cache, mp);
    mp->freed += cache_frees(cache);
}

void cache_thread_ends(struct thread *thread, bool held)
{
    bool taken = !held && lock_enter(&thread_attachments);

    while (thread->attached != NULL) {
        struct cache *cache = thread->attached;
        struct memory_pool *mp = cache->owner;
        bool pool_taken = !held && lock_enter(&mp->lock);
        cache_detach(cache, mp);
        lock_leave(&mp->lock, pool_taken);
        cache_untie(cache);
    }
    /* After fork() another thread's lock may still lie on malloc's state, if
     * that is not the system's; then the structures wait for the next thread
     * that is registered in this one's place. */
    if (!held) {
        cache_free_spares(thread, 0);
    }
    lock_leave(&thread_attachments, taken);
}

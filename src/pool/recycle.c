/* SPDX-License-Identifier: MIT
 *
 * recycle.c - destroyed pools, kept to be made again.
 *
 * What is kept is a pool in the range that is nothing special any more: it has
 * no name, no marks or memory for them, no tree, no other thread's cache, no
 * handle, and no more blocks than RECYCLE_BYTES besides its slot.  All of its
 * numbers are set back as it is pushed, so that popping one is short:
 *
 *     push = empty heap, blocks in the stock, numbers of a new pool
 *     pop  = settings
 *
 * A kept pool stays on the list of its maker's pools, so that fork() finds it
 * there, and its place says that it is kept.
 *
 * What it cannot do: serve another thread than the one that made the pool, or
 * give memory back while the thread runs.  Slot, blocks and cache of
 * RECYCLE_MOST pools, some 70 KiB each, are what a thread keeps at most.
 */
#include "pool/recycle.h"

#include "base/tool.h"
#include "pool/alloc.h"
#include "pool/mode.h"
#include "pool/recall.h"
#include "store/range.h"

/* Pools that a thread keeps, and bytes of empty blocks in each. */
#define RECYCLE_MOST 16u
#define RECYCLE_BYTES (RANGE_SLOT + RANGE_SPAN)

/* Says whether the pool's memory holds pointers to what is in use.  A kept
 * pool's memory does not, whatever the program has left in it. */
static void recycle_show(const struct memory_pool *mp, bool shown)
{
    ASSERT(mp->mode->caches && mp->settings.bytes == RANGE_SLOT);
    void (*say)(const void *start, size_t bytes) =
        shown ? tool_show : tool_hide;

    say(mp, mp->settings.bytes);
    for (const struct block *b = mp->blocks.stock; b != NULL; b = b->next) {
        say(b, b->bytes);
    }
}

/* Takes the pool that was pushed last off the thread's list. */
static struct memory_pool *recycle_take(struct thread *self)
{
    struct memory_pool *mp = self->kept;
    ASSERT(mp != NULL && self->kept_count > 0);
    ASSERT(sync_get(&mp->place.kept) && mp->tree == NULL);

    self->kept = mp->kept_next;
    self->kept_count--;
    sync_put(&mp->place.builder, &thread_state);
    /* Relaxed: only this thread writes it, and a thread that asks for the owner
     * of an address meanwhile may get either answer. */
    sync_put(&mp->place.kept, false);
    recycle_show(mp, true);
    return mp;
}

/* A pool with a name is made anew: the name's place is behind the structure,
 * where the first block of a kept pool begins. */
struct memory_pool *recycle_pop(struct thread *self,
                                const mp_options_t *options)
{
    ASSERT(self == thread_known());
    ASSERT(lock_none_is_held());

    if (self->kept == NULL || options->threads != MP_THREADS_CACHED ||
        options->name != NULL) {
        return NULL;
    }
    struct memory_pool *mp = recycle_take(self);
    ASSERT(sync_get(&mp->place.maker) == self);
    ASSERT(mp->settings.name == NULL && mp->marks.open.first == NULL);
    pool_set_most(mp, options);
    mp->settings.flags = options->flags;
    mp->settings.report = options->report;
    mp->settings.report_context = options->report_context;
    return mp;
}

/* Nothing is in the pool that would have to be given back elsewhere. */
static bool recycle_fits(const struct memory_pool *mp)
{
    ASSERT(pool_is_entered(mp));
    return mp->mode->caches && !sync_get(&mp->caches.retired) &&
           mp->settings.name == NULL && mp->tree == NULL &&
           mp->marks.open.first == NULL && mp->marks.spare == NULL &&
           mp->caches.depot.lists == NULL &&
           attach_is_own(&mp->caches) &&
           (mp->heap.size - mp->first.granules) * SIZES_GRANULE +
                   mp->blocks.stock_bytes <= RECYCLE_BYTES;
}

/* Gives back what the pool's objects and its only user's cache were charged.
 */
static void recycle_uncount(struct memory_pool *mp)
{
    ASSERT(pool_is_entered(mp) && attach_is_own(&mp->caches));
    recall_collect(mp);
    quota_end(&mp->quota, NULL);
    ASSERT(quota_held(&mp->quota) == 0);
}

/* An empty pool counts no more, so that all kept ones are alike. */
static void recycle_make_plain(struct memory_pool *mp)
{
    ASSERT(pool_is_entered(mp) && mp->heap.taken == 0);
    sync_put(&mp->mode, mode_of(MODE_CACHED));
    heap_set_zero(&mp->heap, false);
    quota_restart(&mp->quota, QUOTA_NONE, NULL);
    cache_set_count(&mp->caches, false, false);
}

/* Makes all of the pool as it was when it was new, but for its settings. */
static void recycle_renew(struct memory_pool *mp)
{
    ASSERT(pool_is_entered(mp) && recycle_fits(mp));
    if (mp->mode->counts) {
        recycle_uncount(mp);
    }
    /* Its blocks go to the stock, where they are less than its limit. */
    heap_reset(&mp->heap);
    if (mp->mode->counts) {
        recycle_make_plain(mp);
    }
    ASSERT(mp->heap.blocks == 0 && blocks_is_sound(&mp->blocks));
    memset(&mp->counters, 0, sizeof mp->counters);
    mp->failure = (struct pool_failure){NULL, NULL};
    mp->reporter = (struct pool_reporter){NULL, NULL};
    mp->near = (struct pool_near){NULL, NULL};
    /* Its end had pinned it, and a move may have found it so. */
    mp->pins = (struct pool_pins){0, false, NULL};
    cache_set_renew(&mp->caches);
    ASSERT(!mp->caches.suspended);
    /* The next one to use it is the same thread. */
    struct cache *cache = attach_first(&mp->caches);
    if (cache != NULL) {
        cache_take_first(cache, &mp->caches);
        alloc_note_peak(mp); /* what is cut from the run is seen by no one */
    }
}

bool recycle_push(struct memory_pool *mp)
{
    ASSERT(lock_none_is_held());
    struct thread *self = thread_known();

    /* No lock for the maker: where it is the caller, no other thread changes
     * it. */
    if (self == NULL || sync_get(&mp->place.maker) != self ||
        self->kept_count == RECYCLE_MOST) {
        return false;
    }
    /* The lock waits for a thread that is taking its own cache off it. */
    bool taken = pool_enter(mp);
    bool fits = recycle_fits(mp);
    if (fits) {
        recycle_renew(mp);
        recycle_show(mp, false);
        sync_put(&mp->place.kept, true);
        mp->kept_next = self->kept;
        self->kept = mp;
        self->kept_count++;
    }
    lock_leave(&mp->lock, taken);
    ASSERT(self->kept_count <= RECYCLE_MOST);
    return fits;
}

/* A pool that the thread was just taking off is not kept any more, or is so
 * again. */
void recycle_forked(struct thread *thread)
{
    ASSERT(lock_is_held(&thread->lock) && thread != thread_known());
    thread->kept = NULL;
    thread->kept_count = 0;
    for (struct list_link *link = thread->made.first; link != NULL;
         link = link->next) {
        struct memory_pool *mp =
            pool_at(LIST_ENTRY(link, struct thread_place, link));
        if (sync_get(&mp->place.kept)) {
            mp->kept_next = thread->kept;
            thread->kept = mp;
            thread->kept_count++;
        }
    }
}

/* From the first call on the count is at its limit, and recycle_push() keeps
 * nothing: a pool that is kept later would never be taken. */
struct memory_pool *recycle_take_last(struct thread *self)
{
    ASSERT(lock_none_is_held());
    if (self->kept == NULL) {
        /* The structure may serve another thread next. */
        self->kept_count = 0;
        return NULL;
    }
    struct memory_pool *mp = recycle_take(self);
    self->kept_count = RECYCLE_MOST; /* none is pushed any more */
    return mp;
}

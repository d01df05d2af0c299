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

#include "base/probe.h"
#include "base/tool.h"
#include "cache/credit.h"
#include "cache/pause.h"
#include "pool/alloc.h"
#include "pool/each.h"
#include "pool/mode.h"
#include "pool/quiet.h"
#include "pool/recall.h"
#include "pool/rejoin.h"
#include "store/range.h"

/* Pools that a thread keeps, and bytes of empty blocks in each. */
#define RECYCLE_MOST 16u
#define RECYCLE_BYTES (RANGE_SLOT + RANGE_SPAN)

/* Says whether the pool's memory holds pointers to what is in use.  A kept
 * pool's memory does not, whatever the program has left in it, except for the
 * one to its spare tree. */
static MP_SLOW void recycle_say(const struct memory_pool *mp, bool shown)
{
    ASSERT(mp->blocks.ranged && mp->settings.bytes == RANGE_SLOT);
    void (*say)(const void *start, size_t bytes) =
        shown ? tool_show : tool_hide;
    void (*say_of_tree)(const void *start, size_t bytes) =
        shown ? tool_hide : tool_show;

    say_of_tree(&mp->spare_tree, sizeof mp->spare_tree);
    say(mp, mp->settings.bytes);
    for (const struct block *b = mp->blocks.stock; b != NULL; b = b->next) {
        say(b, b->bytes);
    }
    for (const struct block *b = heap_block_lowest(&mp->heap); b != NULL;
         b = heap_block_above(&mp->heap, b)) {
        say(b, b->bytes);
    }
}

static inline void recycle_show(const struct memory_pool *mp, bool shown)
{
    ASSERT(mp->mode->caches && mp->settings.bytes == RANGE_SLOT);
    if (MP_UNLIKELY(tool_follows())) {
        recycle_say(mp, shown);
    }
}

/* A list of the thread's: pools that count have one of their own. */
static struct memory_pool **recycle_list(struct thread *self,
                                         const struct memory_pool *mp)
{
    return &self->kept[mp->mode->counts];
}

/* Keeps a pool, of which all is as it was when it was new. */
static void recycle_keep(struct thread *self, struct memory_pool *mp)
{
    struct memory_pool **list = recycle_list(self, mp);

    ASSERT(self->kept_count < RECYCLE_MOST);
    recycle_show(mp, false);
    sync_put(&mp->place.kept, true);
    mp->kept_next = *list;
    *list = mp;
    self->kept_count++;
}

/* Takes the pool that was kept last off one of the thread's lists. */
static struct memory_pool *recycle_take(struct thread *self,
                                        struct memory_pool **list)
{
    struct memory_pool *mp = *list;
    ASSERT(mp != NULL && self->kept_count > 0);
    ASSERT(sync_get(&mp->place.kept) && mp->tree == NULL);

    *list = mp->kept_next;
    self->kept_count--;
    recycle_show(mp, true);
    return mp;
}

/* Which of the thread's lists has a pool. */
static struct memory_pool **recycle_any(struct thread *self)
{
    return &self->kept[self->kept[false] == NULL];
}

/* The pool counts no more. */
static void recycle_make_plain(struct memory_pool *mp)
{
    ASSERT(pool_is_entered(mp));
    sync_put(&mp->mode, mode_of(MODE_CACHED));
    heap_set_zero(&mp->heap, false);
    quota_restart(&mp->quota, QUOTA_NONE, NULL);
    cache_set_count(&mp->caches, false, false, SIZE_MAX);
    mp->quiet_run = NULL; /* the numbers are others in such a pool */
    alloc_note_peak(mp);
}

/* A pool with a name is made anew: the name's place is behind the structure,
 * where the first block of a kept pool begins. */
struct memory_pool *recycle_pop(struct thread *self,
                                const mp_options_t *options)
{
    ASSERT(self == thread_known());
    ASSERT(lock_none_is_held());

    ASSERT(options->backing == NULL);
    if (self->kept_count == 0 || options->name != NULL ||
        *recycle_any(self) == NULL) {
        return NULL;
    }
    struct memory_pool *mp = recycle_take(self, recycle_any(self));
    ASSERT(sync_get(&mp->place.maker) == self);
    ASSERT(mp->settings.name == NULL && mp->marks.open.first == NULL);
    sync_put(&mp->place.builder, &thread_state);
    if (mp->mode->counts) {
        bool taken = pool_enter(mp);
        recycle_make_plain(mp);
        lock_leave(&mp->lock, taken);
    }
    pool_set_most(mp, options);
    mp->settings.flags = options->flags;
    mp->settings.report = options->report;
    mp->settings.report_context = options->report_context;
    /* Others meet the pool from now on, and find its settings, and a quota that
     * limits nothing yet.  Release pairs with the acquire of those that ask. */
    sync_put_release(&mp->place.kept, false);
    return mp;
}

/* As in recycle_pop(). */
struct memory_pool *recycle_make(const mp_options_t *options)
{
    struct memory_pool *parent = options->parent;
    bool limited = parent != NULL && quota_is_limited(&parent->quota);
    bool counts = options->capacity != 0 || limited;
    struct thread *self = thread_known();
    struct memory_pool *mp = self == NULL ? NULL : self->kept[counts];

    ASSERT(options->threads == MP_THREADS_CACHED && options->name == NULL);
    ASSERT(options->flags == 0 && options->max_object == 0);
    ASSERT(options->backing == NULL);
    struct rejoin rejoin = {.parent = NULL};

    if (mp == NULL || quiet_cache_of_new(mp) == NULL ||
        (parent != NULL && !rejoin_begin(&rejoin, mp, parent, limited))) {
        return NULL;
    }
    (void)recycle_take(self, &self->kept[counts]);
    ASSERT(mp->mode->counts == counts && mp->tree == NULL);
    pool_set_most(mp, options);
    mp->settings.flags = 0;
    mp->settings.report = options->report;
    mp->settings.report_context = options->report_context;
    sync_put(&mp->settings.why, options->capacity != 0 ? KIND_CAPACITY
                                : limited              ? KIND_ABOVE
                                                       : KIND_DEFAULT);
    if (counts) {
        rejoin_limit(&rejoin, mp, options->capacity);
    }
    sync_put_release(&mp->place.kept, false);
    if (parent != NULL) {
        rejoin_come(&rejoin, mp);
    }
    each_open(mp);
    probe_create(mp, NULL, parent);
    return mp;
}

/* Nothing is in the pool that would have to be given back elsewhere. */
static bool recycle_fits(const struct memory_pool *mp)
{
    ASSERT(pool_is_entered(mp));
    return mp->blocks.ranged && !sync_get(&mp->caches.retired) &&
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

/* Numbers and functions of a new pool. */
static void recycle_clear(struct memory_pool *mp)
{
    memset(&mp->counters, 0, sizeof mp->counters);
    mp->failure = (struct pool_failure){NULL, NULL};
    mp->reporter = (struct pool_reporter){NULL, NULL};
    mp->near = (struct pool_near){NULL, NULL};
    /* Its end had pinned it, and a move may have found it so. */
    mp->pins = (struct pool_pins){0, false, NULL};
}

/* A pool that counts goes on to do so, with caches that are enabled; but not
 * with caches that are of use to few pools. */
static void recycle_renew_quota(struct memory_pool *mp)
{
    ASSERT(pool_is_entered(mp));
    if (mp->caches.zero || mp->caches.longest < CACHE_LONGEST) {
        recycle_make_plain(mp);
        return;
    }
    quota_restart(&mp->quota, QUOTA_NONE, NULL);
    if (mp->caches.suspended) {
        pause_resume(&mp->caches);
    }
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
    mp->look_taken = 0;
    if (mp->mode->counts) {
        recycle_renew_quota(mp);
    }
    ASSERT(mp->heap.blocks == 0 && blocks_is_sound(&mp->blocks));
    recycle_clear(mp);
    cache_set_renew(&mp->caches);
    ASSERT(!mp->caches.suspended);
    /* The next one to use it is the same thread.  What is cut from the run is
     * seen by no one. */
    quiet_begin(mp, false);
    quiet_note_new(mp);
}

/* The pool is the caller's, and its thread may keep it. */
static struct thread *recycle_keeper(const struct memory_pool *mp)
{
    struct thread *self = thread_known();

    /* No lock for the maker: where it is the caller, no other thread changes
     * it. */
    return self != NULL && sync_get(&mp->place.maker) == self &&
                   self->kept_count < RECYCLE_MOST
               ? self
               : NULL;
}

/* The thread's lock keeps all out that look at a pool which is listed and not
 * open: those who ask for the owner of an address, who print what is left, and
 * fork().  Where they were first, the lock of the pool was entered. */
bool recycle_drop(struct memory_pool *mp)
{
    ASSERT(lock_none_is_held());
    struct thread *self = recycle_keeper(mp);

    if (self == NULL || quiet_cache_of_new(mp) == NULL || mp->caches.zero ||
        (mp->settings.flags & MP_LEAK_CHECK) != 0) {
        return false;
    }
    each_close(mp);
    if (mp->tree != NULL && !rejoin_leave(mp)) {
        return false;
    }
    bool taken = lock_enter(&self->lock);
    struct cache *cache = quiet_cache_of_new(mp);
    if (cache != NULL) {
        probe_end(mp);
        cache_begin_new(cache, &mp->caches, mp->quiet_run);
        /* The next life begins with the same run, and takes no less. */
        size_t peak = mp->counters.peak;
        memset(&mp->counters, 0, sizeof mp->counters);
        mp->counters.peak = peak;
        recycle_keep(self, mp);
    }
    lock_leave(&self->lock, taken);
    return cache != NULL;
}

bool recycle_push(struct memory_pool *mp)
{
    ASSERT(lock_none_is_held());
    struct thread *self = recycle_keeper(mp);

    if (self == NULL) {
        return false;
    }
    /* The lock waits for a thread that is taking its own cache off it. */
    bool taken = pool_enter(mp);
    bool fits = recycle_fits(mp);
    if (fits) {
        recycle_renew(mp);
        recycle_keep(self, mp);
    }
    lock_leave(&mp->lock, taken);
    ASSERT(self->kept_count <= RECYCLE_MOST);
    return fits;
}

/* A pool that the thread was just taking off is not kept any more, or is so
 * again.  The thread's cache left it, and may have given back what it was lent
 * for the next life. */
void recycle_forked(struct thread *thread)
{
    ASSERT(lock_is_held(&thread->lock) && thread != thread_known());
    thread->kept[false] = thread->kept[true] = NULL;
    thread->kept_count = 0;
    for (struct list_link *link = thread->made.first; link != NULL;
         link = link->next) {
        struct memory_pool *mp =
            pool_at(LIST_ENTRY(link, struct thread_place, link));
        if (sync_get(&mp->place.kept)) {
            struct memory_pool **list = recycle_list(thread, mp);
            mp->kept_next = *list;
            *list = mp;
            thread->kept_count++;
            mp->quiet_run = NULL;
            mp->caches.owed = mp->caches.unused = 0;
            quota_restart(&mp->quota, QUOTA_NONE, NULL);
        }
    }
}

/* From the first call on the count is at its limit, and recycle_push() keeps
 * nothing: a pool that is kept later would never be taken. */
struct memory_pool *recycle_take_last(struct thread *self)
{
    ASSERT(lock_none_is_held());
    struct memory_pool **list = recycle_any(self);

    if (*list == NULL) {
        /* The structure may serve another thread next. */
        self->kept_count = 0;
        return NULL;
    }
    struct memory_pool *mp = recycle_take(self, list);
    sync_put(&mp->place.builder, &thread_state);
    sync_put(&mp->place.kept, false);
    self->kept_count = RECYCLE_MOST; /* none is pushed any more */
    return mp;
}

/* SPDX-License-Identifier: MIT
 *
 * life.c - a pool is made, reset and destroyed; a thread ends.
 *
 * A pool is one piece of memory: struct memory_pool, its name, its first
 * block.  Where it may have caches it is a slot of the range, else its
 * backing's:
 *
 *     | struct memory_pool | name | granules of the first block | map |
 *
 * In the range the map stands elsewhere.
 *
 * A pool is made in an order in which nobody ever meets half of one: first all
 * memory that may be missing, then the members, then the list of its maker's
 * pools, where fork() and mp_owner() find it, then its parent's list; and from
 * then on it is open, so that mp_each_pool() visits it.  It is destroyed in the
 * opposite order.  As long as it is listed, each change is made under a lock
 * that fork() takes, and life_destroy() may be called anew after any of them:
 * that is how a child ends what a thread left that it does not have.
 *
 * What it cannot do: end the pools below, or run cleanups.  end.c does.
 */
#include "pool/life.h"

#include "base/probe.h"
#include "base/tool.h"
#include "cache/pause.h"
#include "pool/alloc.h"
#include "pool/each.h"
#include "pool/mode.h"
#include "pool/fork.h"
#include "pool/mark.h"
#include "pool/quiet.h"
#include "pool/recall.h"
#include "pool/recycle.h"
#include "pool/setting.h"
#include "pool/totals.h"
#include "pool/track.h"
#include "pool/tree.h"
#include "store/backing.h"
#include "store/range.h"

/* Granules of the first block of a pool whose capacity asks for no other. */
#define LIFE_FIRST 64u

/* The hook for a thread that ends: what it kept, and what its caches hold. */
static void life_thread_ends(struct thread *thread)
{
    ASSERT(lock_none_is_held());
    struct memory_pool *mp;

    each_thread_ends(thread);
    while ((mp = recycle_take_last(thread)) != NULL) {
        life_destroy(mp, NULL);
    }
    attach_thread_ends(thread, false);
}

/* Another library's constructor may run before ours, and make a pool. */
static void life_set_hook(void)
{
    static bool set; /* atomic; relaxed: two threads may both do it */

    if (!sync_get(&set)) {
        thread_set_end(life_thread_ends);
        sync_put(&set, true);
    }
}

__attribute__((__constructor__)) static void life_load(void)
{
    life_set_hook();
    fork_start();
}

/* Why a pool with caches counts; KIND_DEFAULT: it does not.  Compiled-in code
 * counts no bytes, zeroes nothing, and knows no smaller largest object than its
 * own. */
static enum kind_why life_counts(const mp_options_t *options)
{
    if (options->capacity != 0) {
        return KIND_CAPACITY;
    }
    if ((options->flags & MP_ZERO_ON_FREE) != 0) {
        return KIND_ZERO;
    }
    if (options->parent != NULL &&
        quota_is_limited(&options->parent->quota)) {
        return KIND_ABOVE;
    }
    return options->max_object != 0 &&
                   options->max_object < SIZES_SHORT * SIZES_GRANULE
               ? KIND_SHORT
               : KIND_DEFAULT;
}

/* Bytes of the longest object, but for the capacity. */
static size_t life_longest(const mp_options_t *options)
{
    return options->max_object == 0 ? SIZE_MAX : options->max_object;
}

static enum mode_kind life_mode(const mp_options_t *options)
{
    if (options->threads != MP_THREADS_CACHED) {
        return MODE_LOCKED;
    }
    if (options->backing != NULL) {
        return MODE_OUTSIDE;
    }
    return life_counts(options) != KIND_DEFAULT ? MODE_COUNTED : MODE_CACHED;
}

/* A longer name is cut off and not refused: it serves reports alone, and the
 * head has to fit into a slot. */
static size_t life_name_bytes(const char *name)
{
    size_t length = name == NULL ? 0 : strlen(name) + 1;

    return length > POOL_NAME ? POOL_NAME : length;
}

/* Granules of the first block of a pool outside of the range; 0: the backing
 * has no room for a pool. */
static size_t life_first(const mp_options_t *options, size_t head)
{
    ASSERT(options->backing != NULL && head >= sizeof(struct memory_pool));
    size_t room = backing_buffer_room(options->backing);

    if (room > 0) {
        /* A buffer is given once, all of it. */
        size_t granules = blocks_fit(head, room);
        return granules < SIZES_GRANULES_MOST ? granules : SIZES_GRANULES_MOST;
    }
    if (options->capacity != 0 && options->capacity <= MAX_BLOCK_SIZE) {
        return sizes_granules(options->capacity);
    }
    return LIFE_FIRST;
}

/* A slot of the range, with the first block laid out behind the head; NULL:
 * the range is full. */
static struct memory_pool *life_place_ranged(size_t head)
{
    ASSERT(head >= sizeof(struct memory_pool) && head < RANGE_SLOT);
    struct memory_pool *mp = range_take_slot();

    if (mp == NULL) {
        return NULL;
    }
    unsigned char *slot = (unsigned char *)mp;
    ASSERT(range_reaches(slot) && (uintptr_t)slot % RANGE_SLOT == 0);
    /* What was there before may look like a pool's place.  locate_owner() must
     * not take it for one, so this comes before the owner's name. */
    sync_put(&mp->place.maker, (struct thread *)NULL);
    range_own(slot, RANGE_SLOT, mp);
    blocks_lay_range(&mp->first, slot + head, slot + RANGE_SLOT);
    mp->settings.bytes = RANGE_SLOT;
    return mp;
}

/* The same from the backing. */
static struct memory_pool *life_place(const mp_options_t *options,
                                      const struct pool_mode *mode,
                                      size_t head)
{
    const mp_backing_t *backing = options->backing;
    size_t granules = life_first(options, head);
    ASSERT(backing != NULL && mode->counts);

    if (granules == 0) {
        return NULL;
    }
    size_t bytes = blocks_layout(head, granules);
    struct memory_pool *mp =
        backing->acquire(backing->context, bytes, SIZES_GRANULE);
    if (mp != NULL) {
        blocks_lay(&mp->first, (unsigned char *)mp + head, granules);
        mp->settings.bytes = bytes;
    }
    return mp;
}

/* Copies the name behind the structure, where there is room for it. */
static const char *life_copy_name(struct memory_pool *mp, const char *name)
{
    size_t bytes = life_name_bytes(name);
    ASSERT((unsigned char *)(mp + 1) + bytes <= mp->first.base);

    if (bytes == 0) {
        return NULL;
    }
    char *copy = (char *)(mp + 1);
    memcpy(copy, name, bytes - 1);
    copy[bytes - 1] = '\0';
    tool_define(copy, bytes);
    return copy;
}

/* The members of a pool that was placed, but for its quota. */
static void life_start(struct memory_pool *mp, const mp_options_t *options,
                       const struct pool_mode *mode, bool ranged)
{
    bool zero = (options->flags & MP_ZERO_ON_FREE) != 0;
    ASSERT(mode->caches || !ranged);
    ASSERT(mp->settings.bytes > 0 && mp->first.granules > 0);

    /* Member by member and not by memset(): the place may be read by another
     * thread at any moment, and most of the heap's bins need no value. */
    (void)heap_seal_key();
    mp->seal = pool_seal_of(mp);
    mp->bumps = ranged ? 0 : POOL_BUMPS;
    mp->mode = mode;
    mp->bump_most = 0;
    mp->tree = NULL;
    mp->track = NULL;
    mp->kept_next = NULL;
    mp->quiet_run = NULL;
    mp->quiet_new = false;
    mp->spare_tree = NULL;
    lock_start(&mp->lock, LOCK_POOL);
    quota_start(&mp->quota, QUOTA_NONE, NULL);
    blocks_start(&mp->blocks, mp, ranged, mode->stock_limit,
                 ranged ? &backing_malloc : options->backing);
    heap_start(&mp->heap, &mp->first, &mp->blocks, zero);
    cache_set_start(&mp->caches, mp, &mp->lock, &mp->heap, !mode->caches);
    cache_set_count(&mp->caches, mode->caches && mode->counts, zero,
                    life_longest(options));
    memset(&mp->counters, 0, sizeof mp->counters);
    memset(&mp->marks, 0, sizeof mp->marks);
    mp->failure = (struct pool_failure){NULL, NULL};
    mp->reporter = (struct pool_reporter){NULL, NULL};
    mp->near = (struct pool_near){NULL, NULL};
    mp->gather_size = mp->look_taken = mp->gather_vain = 0;
    mp->sweepers = mp->recalls = 0;
    mp->pins = (struct pool_pins){0, false, NULL};
    mp->place.link = (struct list_link){NULL, NULL};
    sync_put(&mp->place.maker, (struct thread *)NULL);
    sync_put(&mp->place.kept, false);
    sync_put(&mp->place.open, false);
    sync_put(&mp->place.listed, 0u);
    sync_put(&mp->place.builder, &thread_state);
    pool_set_most(mp, options);
    mp->settings.flags = options->flags;
    mp->settings.report = options->report;
    mp->settings.report_context = options->report_context;
    mp->settings.name = life_copy_name(mp, options->name);
    probe_block_in(mp, mp, mp->settings.bytes);
}

/* The quota of a new pool, and what follows from it.  The parent's quota was
 * told before, by tree_start().  Nobody uses the pool, but a fork may find a
 * kept one, which is listed. */
static void life_start_quota(struct memory_pool *mp,
                             const mp_options_t *options)
{
    struct memory_pool *parent = options->parent;
    ASSERT(parent == NULL || mp->tree->parent == parent);
    bool taken = pool_enter(mp);

    ASSERT(QUOTA_NONE == 0); /* as the option has it */
    quota_restart(&mp->quota, options->capacity,
                  parent == NULL ? NULL : &parent->quota);
    pool_set_bump(mp);
    ASSERT(quota_held(&mp->quota) == 0);
    lock_leave(&mp->lock, taken);
    /* What a quota limits has to be counted to the byte. */
    ASSERT(mp->mode->counts || !quota_is_limited(&mp->quota));
}

/* Makes a pool count that does not, though it has to by now: a kept one counts
 * nothing, and the parent of a new one may have been moved below a capacity
 * since the new one's mode was chosen.  No lock: nobody else knows it. */
static void life_start_counting(struct memory_pool *mp,
                                const mp_options_t *options)
{
    bool zero = (options->flags & MP_ZERO_ON_FREE) != 0;

    if (mp->mode->counts || life_counts(options) == KIND_DEFAULT) {
        return;
    }
    bool taken = pool_enter(mp);
    sync_put(&mp->mode, mode_of(MODE_COUNTED));
    heap_set_zero(&mp->heap, zero);
    cache_set_count(&mp->caches, true, zero, life_longest(options));
    lock_leave(&mp->lock, taken);
}

/* Bytes of the pool's structure and its name. */
static size_t life_head(const struct memory_pool *mp)
{
    return (size_t)(mp->first.base - (const unsigned char *)mp);
}

/* Gives the pool's own memory back. */
static void life_release(struct memory_pool *mp)
{
    ASSERT(lock_none_is_held());
    ASSERT(mp->tree == NULL);
    if (mp->track != NULL) {
        track_free(mp->track);
        tool_forbid_races(mp, life_head(mp)); /* a buffer stays */
    }
    tree_free_spare(mp);
    blocks_put(&mp->blocks, mp, mp->settings.bytes);
}

/* Makes a pool that was started a tracked one; false: no memory.  buffer: its
 * backing is one. */
static bool life_track(struct memory_pool *mp, const mp_options_t *options,
                       bool buffer)
{
    struct track *track = track_make(options);

    if (track == NULL) {
        return false;
    }
    /* A buffer holds what it holds without tracking, too. */
    if (buffer) {
        track_limit(track, mp->first.granules * SIZES_GRANULE);
    }
    mp->track = track;
    mp->seal = ~mp->seal;
    /* These checkers take far longer to follow a lock than an allocation.  A
     * look is what ThreadSanitizer sees the library do. */
    if (tool_allow_races(mp, life_head(mp)) ||
        (tool_orders() && !track_looks(track))) {
        lock_start_untold(&mp->lock);
        quota_start_untold(&mp->quota);
    }
    return true;
}

/* Ends what threads were making or ending that this process, as the child of a
 * fork, does not have. */
static void life_end_left(void)
{
    struct memory_pool *mp = fork_take_left();

    while (mp != NULL) {
        struct memory_pool *next = mp->kept_next;
        life_destroy(mp, NULL);
        mp = next;
    }
}

/* A new pool, ready but for its quota, and on no list; NULL: there is no
 * memory. */
static struct memory_pool *life_make(const mp_options_t *options)
{
    size_t head = sizeof(struct memory_pool) + life_name_bytes(options->name);
    mp_options_t elsewhere = *options;
    bool tracked = (options->flags & SETTING_TRACKED) != 0;
    const struct pool_mode *mode =
        tracked ? &track_mode : mode_of(life_mode(options));
    bool ranged = options->backing == NULL;
    bool buffer = backing_buffer_room(options->backing) > 0;
    life_end_left();
    struct memory_pool *mp = ranged ? life_place_ranged(head) : NULL;

    ASSERT(!ranged || mode->caches);
    if (ranged && mp == NULL) {
        ranged = false;
        mode = mode_of(MODE_OUTSIDE);
        elsewhere.backing = &backing_malloc;
    }
    if (!ranged) {
        mp = life_place(&elsewhere, mode, head);
    }
    if (mp == NULL) {
        return NULL;
    }
    life_start(mp, &elsewhere, mode, ranged);
    if (tracked && !life_track(mp, options, buffer)) {
        life_release(mp);
        return NULL;
    }
    return mp;
}

/* The reason that options_complete() found, or else one that the pool counts
 * for, or lies outside of the range for. */
static enum kind_why life_why(const struct memory_pool *mp,
                              const mp_options_t *options, enum kind_why why)
{
    if (why == KIND_DEFAULT) {
        why = mp->blocks.ranged ? life_counts(options) : KIND_NO_SLOT;
    }
    if (why == KIND_DEFAULT && mp->mode->counts) {
        why = KIND_WAS_ABOVE; /* the parent was moved meanwhile */
    }
    ASSERT(mp->mode->counts == (kind_of(why) != MP_KIND_CACHED));
    return why;
}

/* The pool is complete, but for its place below its parent.  From here on
 * fork() and mp_owner() find it. */
static void life_list(struct thread *self, struct memory_pool *mp)
{
    thread_enlist(self, &mp->place);
    if (!mp->blocks.ranged) {
        bool taken = pool_enter(mp);
        blocks_note(&mp->blocks, &mp->first);
        lock_leave(&mp->lock, taken);
    }
}

/* The pool is complete and listed.  From here on others meet it. */
static void life_join(struct memory_pool *mp)
{
    ASSERT(sync_get(&mp->place.maker) != NULL);
    if (mp->mode->counts) {
        recall_enlist(mp);
    }
    if (mp->tree != NULL) {
        tree_join(mp);
    }
    each_open(mp);
    probe_create(mp, mp->settings.name, tree_parent(mp));
}

/* A kept pool has its place on the maker's list already, and a quota without a
 * capacity.  Only its settings and its parent are new, and what counting
 * needs. */
struct memory_pool *life_create(const mp_options_t *options,
                                enum kind_why why)
{
    ASSERT(lock_none_is_held());
    ASSERT(options->threads == MP_THREADS_CACHED || options->backing != NULL);
    struct thread *self = NULL;
    struct memory_pool *kept = NULL;

    life_set_hook();
    /* Only pools in the range are on their maker's list, and may be kept.
     * Others are the orphans' from the start, so that a program that uses
     * nothing else needs no thread key. */
    if (options->backing == NULL) {
        self = thread_self();
        kept = self == NULL ? NULL : recycle_pop(self, options);
    }
    struct memory_pool *mp = kept != NULL ? kept : life_make(options);
    if (mp != NULL && options->parent != NULL &&
        tree_start(mp, options->parent) != RESULT_OK) {
        /* A kept pool is on its maker's list, a new one is on none. */
        if (kept != NULL) {
            life_destroy(kept, NULL);
        } else {
            life_release(mp);
        }
        return NULL;
    }
    if (mp != NULL) {
        life_start_counting(mp, options);
        if (kept == NULL || mp->mode->counts) {
            life_start_quota(mp, options);
        }
        sync_put(&mp->settings.why, life_why(mp, options, why));
        if (kept == NULL) {
            life_list(self, mp);
        }
        life_join(mp);
    }
    return mp;
}

/* What leads to the pool goes before what is in it, so that no call of another
 * thread meets a pool that is half gone. */
void life_destroy(struct memory_pool *mp, struct memory_pool *heir)
{
    MP_FRAME();
    ASSERT(lock_none_is_held());
    each_close(mp);
    if (mp->tree != NULL) {
        totals_hand_over(mp);
        /* To its end: it is not moved any more with those above. */
        bool pinned = pool_enter(mp);
        pool_pin(mp, &pinned);
        lock_leave(&mp->lock, pinned);
    }
    /* Before all else, so that no other pool looks for credit here, nor meets
     * it among its parent's children. */
    recall_delist(mp, heir);
    if (mp->tree != NULL) {
        tree_leave(mp);
    }
    if (recycle_push(mp)) {
        return;
    }
    attach_end_all(&mp->caches);
    ASSERT(mp->caches.caches == NULL);
    while (pool_is_tracked(mp) && track_end_some(mp)) {
        continue; /* of a pool that a fork left half ended */
    }
    /* Nobody uses the pool any more.  The lock is for fork(), and for
     * mp_owner(). */
    bool taken = pool_enter(mp);
    struct mark *spare;
    size_t keep = 0;
    /* Marks first: their blocks may lie in chunks that the heap lent. */
    mark_drop_all(mp);
    heap_reset(&mp->heap);
    blocks_forget(&mp->first);
    /* For the quotas above, which are others' pools'. */
    quota_end(&mp->quota, NULL);
    ASSERT(quota_held(&mp->quota) == 0);
    (void)mark_take_spare(mp, &keep, &spare);
    struct block *blocks = blocks_excess(&mp->blocks, 0);
    lock_leave(&mp->lock, taken);
    mark_release(mp, spare);
    blocks_release(&mp->blocks, blocks);
    /* Last, so that the pool is listed as long as any thread takes its lock. */
    thread_delist(&mp->place);
    life_release(mp);
}

/* One moment at which objects are counted anyway; the lock is held. */
static void life_note_dropped(struct memory_pool *mp, size_t dropped,
                              size_t live)
{
    ASSERT(pool_is_entered(mp));
    mp->counters.freed += dropped;
    if (live > mp->counters.peak_objects) {
        mp->counters.peak_objects = live;
    }
}

/* Drops all objects of a pool that is paused, and returns how many there were
 * but for those in dirty blocks. */
static size_t life_drop_objects(struct memory_pool *mp)
{
    ASSERT(pool_is_entered(mp) && cache_set_is_paused(&mp->caches));
    struct blocks *blocks = &mp->blocks;
    size_t keep = blocks->stock_bytes < blocks->stock_limit
                      ? blocks->stock_limit - blocks->stock_bytes : 0;
    const struct mark *mark = NULL;
    struct heap *heap = NULL;

    while ((heap = mark_next_heap(mp, heap, &mark)) != NULL) {
        heap_defer(heap, &keep);
    }
    size_t live = totals_count_live(mp);
    life_note_dropped(mp, live, live);
    mark_drop_all(mp);
    heap_reset(&mp->heap);
    quota_uncharge(&mp->quota, quota_held(&mp->quota));
    ASSERT(quota_held(&mp->quota) == 0 && mp->marks.open.first == NULL);
    mp->caches.scarce = false;
    mp->look_taken = 0;
    cache_forget(&mp->caches);
    return live;
}

/* What a reset of a large pool left to be done without the lock: nobody waits
 * for it.  live is what the reset has counted. */
static void life_release_dirty(struct memory_pool *mp, struct block *blocks,
                               size_t live)
{
    ASSERT(lock_none_is_held());
    size_t dropped = 0;

    for (const struct block *b = blocks; b != NULL; b = b->next) {
        dropped += b->dirty ? block_count_live(b, b->granules) : 0;
    }
    blocks_release(&mp->blocks, blocks);
    if (dropped > 0) {
        bool taken = pool_enter(mp);
        life_note_dropped(mp, dropped, live + dropped);
        lock_leave(&mp->lock, taken);
    }
}

void life_reset(struct memory_pool *mp)
{
    MP_FRAME();
    ASSERT(lock_none_is_held());
    probe_reset(mp);
    struct track_gone gone = {NULL, NULL};
    if (quiet_reset(mp)) {
        return;
    }
    bool taken = pool_enter(mp);

    /* All of it at one moment: a call beside it comes before or after. */
    pause_begin(&mp->caches);
    recall_collect(mp);
    size_t live = life_drop_objects(mp);
    if (pool_is_tracked(mp)) {
        gone = track_drop_all(mp);
    }
    mp->counters.resets++;
    pause_end(&mp->caches);
    struct block *excess = pool_take_excess(mp, mp->blocks.stock_limit);
    bool damaged = blocks_take_damage(&mp->blocks);
    /* The thread that resets a pool is likely to use it next. */
    quiet_begin(mp, true);
    lock_leave(&mp->lock, taken);
    life_release_dirty(mp, excess, live);
    if (pool_is_tracked(mp)) {
        track_finish(mp, gone);
    }
    pool_report_damage(mp, damaged);
}

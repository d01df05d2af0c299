/* SPDX-License-Identifier: MIT
 *
 * mark.c - marks: what a user allocates since one goes at once.
 *
 * All marks of a pool are on one list, the newest first, so an owner's own
 * are in their order, too.  Owners are told apart by numbers that are never
 * used again.  So a thread that ends need not look for the marks that it
 * leaves open: nobody has its number, and their objects stay until they are
 * freed or the pool is reset.
 *
 *     marks.open -> mark 9 of B -> mark 7 of A -> mark 4 of B -> NULL
 *
 * A few structures are kept for the next marks, so that a mark in a loop costs
 * no memory to be got and given back.  One that is lent goes back to its
 * lender at once: the heap that lent it may need the chunk.
 *
 * Invariants, with the lock held:
 *
 *     number(mark) > number(mark->next) for each open mark
 *     marks.spares == length of marks.spare
 *     lender == NULL for each spare mark
 *
 * What it cannot do: find a mark by its number without a search.
 */
#include "pool/mark.h"

#include "cache/credit.h"
#include "pool/recall.h"
#include "pool/track.h"

/* Granules of a mark's first block where that is not in the range. */
#define MARK_FIRST 64u

/* Structures kept for use. */
#define MARK_SPARE 4u

_Static_assert(sizeof(struct mark) <= RANGE_SLOT * 7 / 8,
               "no room for objects in a mark's slot");

/* Atomic; marks made so far, in all pools.  A long, since not every processor
 * adds to 64 bits that threads share. */
static unsigned long mark_numbers;

struct mark *mark_search(const struct memory_pool *mp, uint64_t owner)
{
    ASSERT(pool_is_entered(mp));
    struct mark *mark = mp->marks.open;

    /* Short where marks are used as intended: few users have one open in the
     * same pool at a time. */
    while (mark != NULL && mark->owner != owner) {
        mark = mark->next;
    }
    ASSERT(mark == NULL || owner != 0); /* nobody's number owns no mark */
    return mark;
}

/* Bytes of a mark outside of the range: its structure, and the first block
 * with its map and slack. */
static size_t mark_layout(void)
{
    return blocks_layout(sizeof(struct mark), MARK_FIRST);
}

/* Lays out the first block in the memory behind a mark's structure, outside of
 * the range.  lender: see struct mark. */
static void mark_lay(struct memory_pool *mp, struct mark *mark,
                     struct heap *lender)
{
    ASSERT(!range_has(mark));
    ASSERT(lender == NULL || lender == &mp->heap);
    mark->bytes = mark_layout();
    mark->lender = lender;
    blocks_lay(&mark->first, (unsigned char *)(mark + 1), MARK_FIRST,
               mp->blocks.counted);
}

/* Memory for a mark from the pool's source, laid out; NULL: it has none.  No
 * lock held. */
static struct mark *mark_acquire(struct memory_pool *mp)
{
    ASSERT(lock_none_is_held());
    bool ranged;
    void *memory = blocks_get(&mp->blocks, mark_layout(), &ranged);
    struct mark *mark = memory;

    if (mark == NULL) {
        return NULL;
    }
    if (!ranged) {
        mark_lay(mp, mark, NULL);
        return mark;
    }
    unsigned char *slot = memory;
    ASSERT((uintptr_t)slot % RANGE_SLOT == 0);
    /* Apart: no cache takes what is freed there. */
    range_rename(slot, RANGE_SLOT, mp, true);
    blocks_lay_range(&mark->first, slot + sizeof *mark, slot + RANGE_SLOT);
    mark->bytes = RANGE_SLOT;
    mark->lender = NULL;
    return mark;
}

/* The same out of the pool's own heap, where its source has no more, as a
 * buffer has not. */
static struct mark *mark_lend(struct memory_pool *mp)
{
    ASSERT(pool_is_entered(mp));
    struct mark *mark = heap_lend(&mp->heap, mark_layout());

    if (mark != NULL) {
        mark_lay(mp, mark, &mp->heap);
    }
    return mark;
}

/* A structure that is not in use, from the spare ones or new; NULL: there is
 * no memory.  The lock, held on entry and on return, may be left meanwhile. */
static struct mark *mark_take(struct memory_pool *mp, bool *taken)
{
    ASSERT(pool_is_entered(mp));
    struct mark *mark = mp->marks.spare;

    if (mark != NULL) {
        ASSERT(mp->marks.spares > 0 && mark->lender == NULL);
        mp->marks.spare = mark->next;
        mp->marks.spares--;
        ASSERT((mp->marks.spares == 0) == (mp->marks.spare == NULL));
        return mark;
    }
    /* Getting memory may call the program, which may use the pool. */
    lock_leave(&mp->lock, *taken);
    mark = mark_acquire(mp);
    *taken = pool_enter(mp);
    return mark != NULL ? mark : mark_lend(mp);
}

/* Puts a structure that was taken on the list of open marks, with an empty
 * heap.  cache: its owner's; NULL: the owner has none. */
static void mark_push(struct memory_pool *mp, struct mark *mark,
                      uint64_t owner, struct cache *cache)
{
    ASSERT(pool_is_entered(mp));
    ASSERT(owner != 0);
    ASSERT(mark != mp->marks.open);
    if (!range_has(mark)) {
        attach_retire(&mp->caches); /* caches do not reach its first block */
    }
    mark->owner = owner;
    mark->number = sync_add(&mark_numbers, 1) + 1;
    mark->cache = mp->caches.retired ? NULL : cache;
    heap_start(&mark->heap, &mark->first, &mp->blocks,
               (mp->settings.flags & MP_ZERO_ON_FREE) != 0);
    if (mark->cache != NULL) {
        /* Nobody else touches the cache: its user is here. */
        cache_open_mark(mark->cache, &mp->caches, &mark->heap);
    }
    mark->next = mp->marks.open;
    mp->marks.open = mark;
    /* The short way would cut from the pool's own heap. */
    pool_set_bump(mp);
}

/* The cache that has to know of a mark of that user's; NULL: there is none to
 * tell.  RESULT_NO_MEMORY: one made later would not know of the mark.  No lock
 * held. */
static enum result mark_find_cache(struct memory_pool *mp,
                                   const struct user *user,
                                   struct cache **cache)
{
    ASSERT(lock_none_is_held());
    *cache = NULL;
    if (!mp->mode->caches || sync_get(&mp->caches.retired)) {
        return RESULT_OK;
    }
    *cache = attach_cache(&mp->caches, user);
    if (*cache != NULL) {
        cache_open_depot(&mp->caches);
    }
    return *cache != NULL || sync_get(&mp->caches.retired) ? RESULT_OK
                                                           : RESULT_NO_MEMORY;
}

/* The cache comes before the pool's lock: making one takes locks of lower
 * ranks, and one made later would not know of the mark. */
enum result mark_open(struct memory_pool *mp, const struct user *user,
                      uint64_t *number)
{
    ASSERT(lock_none_is_held());
    struct cache *cache;

    if (user->number == 0) {
        /* A thread gets its number as it is registered.  One that has ended
         * for the library gets none. */
        const struct thread *self = thread_self();
        if (self == NULL) {
            return RESULT_NO_MEMORY;
        }
        user = &self->user;
    }
    ASSERT(user->number != 0);
    if (pool_is_tracked(mp)) {
        *number = sync_add(&mark_numbers, 1) + 1;
        return track_open_mark(mp, user->number, *number);
    }
    enum result result = mark_find_cache(mp, user, &cache);
    if (result != RESULT_OK) {
        return result;
    }
    bool taken = pool_enter(mp);
    struct mark *mark = mark_take(mp, &taken);
    if (mark != NULL) {
        mark_push(mp, mark, user->number, cache);
        *number = mark->number;
        ASSERT(mark_newest(mp, user) == mark);
        ASSERT(mark_is_sound(mp));
    }
    pool_leave(mp, taken);
    return mark != NULL ? RESULT_OK : RESULT_NO_MEMORY;
}

bool mark_is_open(struct memory_pool *mp, const struct user *user,
                  uint64_t number)
{
    ASSERT(lock_none_is_held());
    if (pool_is_tracked(mp)) {
        return track_has_mark(mp, user->number, number);
    }
    bool taken = pool_enter(mp);
    const struct mark *mark = mark_newest(mp, user);

    while (mark != NULL &&
           (mark->owner != user->number || mark->number != number)) {
        mark = mark->next;
    }
    lock_leave(&mp->lock, taken);
    return mark != NULL;
}

/* Drops what is in a mark that is off the list, which is spare then. */
static void mark_drop(struct memory_pool *mp, struct mark *mark)
{
    ASSERT(pool_is_entered(mp));
    ASSERT(mark->heap.lent == 0); /* only the pool's own heap lends */
    ASSERT(mark != mp->marks.open); /* it was taken off the list */
    /* Blocks go to the stock, or to the heap that lent them; the mark's first
     * one stays with the structure, its map clear. */
    heap_reset(&mark->heap);
    if (mark->lender != NULL) {
        heap_take_back(mark->lender, mark);
        return;
    }
    mark->next = mp->marks.spare;
    mp->marks.spare = mark;
    mp->marks.spares++;
}

/* Takes structures beyond those that are kept off the spare ones.  The caller
 * gives them back once the lock is left. */
static struct mark *mark_excess(struct memory_pool *mp)
{
    ASSERT(pool_is_entered(mp));
    struct mark *excess = NULL;

    while (mp->marks.spares > MARK_SPARE) {
        struct mark *mark = mp->marks.spare;
        ASSERT(mark != NULL && mark->lender == NULL);
        mp->marks.spare = mark->next;
        mp->marks.spares--;
        mark->next = excess;
        excess = mark;
    }
    return excess;
}

size_t mark_spare_bytes(const struct memory_pool *mp)
{
    ASSERT(pool_is_entered(mp));
    size_t bytes = 0;

    /* There are MARK_SPARE at most. */
    for (const struct mark *m = mp->marks.spare; m != NULL; m = m->next) {
        bytes += m->bytes;
    }
    return bytes;
}

size_t mark_take_spare(struct memory_pool *mp, size_t *keep,
                       struct mark **taken)
{
    ASSERT(pool_is_entered(mp));
    struct mark **link = &mp->marks.spare;
    size_t bytes = 0;

    *taken = NULL;
    while (*link != NULL) {
        struct mark *mark = *link;
        if (mark->bytes <= *keep) {
            *keep -= mark->bytes;
            link = &mark->next;
            continue;
        }
        *link = mark->next;
        mp->marks.spares--;
        bytes += mark->bytes;
        mark->next = *taken;
        *taken = mark;
    }
    ASSERT(mark_is_sound(mp));
    return bytes;
}

/* The structures' blocks are empty, so nothing of them is lost. */
void mark_release(struct memory_pool *mp, struct mark *mark)
{
    ASSERT(mark == NULL || lock_none_is_held());
    while (mark != NULL) {
        struct mark *next = mark->next;
        ASSERT(mark->lender == NULL);
        blocks_put(&mp->blocks, mark, mark->bytes);
        mark = next;
    }
}

/* What spare marks have is the source's: what the pool's own heap had lent
 * went back to it as the mark was dropped. */
void mark_release_all(struct memory_pool *mp)
{
    ASSERT(mp->marks.open == NULL); /* dropped, before the heap that lends */
    struct mark *spare = mp->marks.spare;
    ASSERT((spare == NULL) == (mp->marks.spares == 0));

    mp->marks.spare = NULL;
    mp->marks.spares = 0;
    mark_release(mp, spare);
}

/* Drops one owner's marks from its newest to the last, which is one of them.
 * Returns the bytes that their objects were charged. */
static size_t mark_drop_until(struct memory_pool *mp, const struct mark *last)
{
    ASSERT(pool_is_entered(mp));
    uint64_t owner = last->owner;
    struct mark **link = &mp->marks.open;
    size_t held = 0;
    bool done = false;

    while (!done) {
        struct mark *mark = *link;
        ASSERT(mark != NULL); /* last is still to come */
        if (mark->owner != owner) {
            link = &mark->next;
            continue;
        }
        done = mark == last;
        *link = mark->next;
        /* No cache holds chunks of it but those of its owner's run, which are
         * not live. */
        mp->counters.freed += heap_count_live(&mark->heap);
        held += mark->heap.held;
        mark_drop(mp, mark);
    }
    return held;
}

/* The owner's newer marks go with this one, since they lie within it.  Those
 * of other users, between them on the list, stay. */
enum result mark_rewind(struct memory_pool *mp, const struct user *user,
                        uint64_t number)
{
    MP_FRAME();
    ASSERT(lock_none_is_held());
    if (pool_is_tracked(mp)) {
        return track_rewind(mp, user->number, number);
    }
    bool taken = pool_enter(mp);
    const struct mark *mark = mark_newest(mp, user);
    struct cache *cache = mark == NULL ? NULL : mark->cache;

    while (mark != NULL &&
           (mark->owner != user->number || mark->number != number)) {
        mark = mark->next;
    }
    if (mark == NULL) {
        lock_leave(&mp->lock, taken);
        return RESULT_NO_MARK;
    }
    if (cache != NULL && mp->mode->counts) {
        /* So that the marks know what the cache handed out. */
        cache_collect(cache, &mp->caches);
    }
    size_t held = mark_drop_until(mp, mark);
    if (mp->mode->counts) {
        /* One sum for all marks: a tree's lock is taken once. */
        quota_uncharge(&mp->quota, held);
        recall_settle(mp);
    }
    if (cache != NULL && !mp->caches.retired) {
        /* A cache with no mark left gets frees for its lists again. */
        struct mark *newest = mark_newest(mp, user);
        cache_close_mark(cache, &mp->caches,
                         newest == NULL ? &mp->heap : &newest->heap);
    }
    pool_set_bump(mp);
    ASSERT(mark_is_sound(mp));
    struct mark *excess = mark_excess(mp);
    pool_leave(mp, taken);
    mark_release(mp, excess);
    return RESULT_OK;
}

/* It counts no objects: before a reset the caller has done so, and at the end
 * nobody asks any more. */
void mark_drop_all(struct memory_pool *mp)
{
    ASSERT(pool_is_entered(mp));
    while (mp->marks.open != NULL) {
        struct mark *mark = mp->marks.open;
        mp->marks.open = mark->next;
        mark_drop(mp, mark);
    }
    pool_set_bump(mp);
    ASSERT(mp->heap.lent == 0); /* each lent chunk was a mark's */
}

/* The heap that was returned last is all there is to remember, so a walk may
 * be given up anywhere. */
struct heap *mark_next_heap(struct memory_pool *mp, const struct heap *heap,
                            const struct mark **mark)
{
    ASSERT(pool_is_entered(mp));
    ASSERT(heap == NULL || heap->first->heap == heap);
    struct mark *next = mp->marks.open;

    /* The pool's own heap is first, then those on the list. */
    *mark = NULL;
    if (heap == NULL) {
        return &mp->heap;
    }
    if (heap != &mp->heap) {
        next = mark_of(mp, heap)->next;
    }
    *mark = next;
    return next == NULL ? NULL : &next->heap;
}

bool mark_is_sound(const struct memory_pool *mp)
{
    ASSERT(pool_is_entered(mp));
    const struct pool_marks *marks = &mp->marks;
    unsigned spares = 0;

    /* Numbers that fall from one to the next leave no circle, too. */
    for (const struct mark *m = marks->open; m != NULL; m = m->next) {
        if (m->owner == 0 || m->heap.first != &m->first ||
            (m->next != NULL && m->next->number >= m->number)) {
            return false;
        }
    }
    for (const struct mark *m = marks->spare; m != NULL; m = m->next) {
        if (m->lender != NULL || m->heap.lent != 0 ||
            spares == marks->spares) {
            return false;
        }
        spares++;
    }
    return spares == marks->spares &&
           (marks->open == NULL || mp->bump_most == 0);
}

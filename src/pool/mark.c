/* SPDX-License-Identifier: MIT
 *
 * mark.c - marks: what a user allocates since one goes at once.
 *
 * All marks of a pool are on one list, the newest first.  They are also in a
 * tree, in the order of owners and then of numbers, so that the newest mark of
 * an owner, and one with a given number, are found however many are open.  A
 * second tree has the blocks of all of them, by address, so that an object is
 * found likewise.  Owners are told apart by numbers that are never
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
 * What it cannot do: give the memory of a mark back that a thread has left open
 * at its end, before the pool is reset.
 */
#include "pool/mark.h"

#include "cache/credit.h"
#include "pool/recall.h"
#include "pool/track.h"

/* Granules of a mark's first block where that is not in the range. */
#define MARK_FIRST 64u

/* Structures kept for use. */
#define MARK_SPARE 4u

/* Searches for memory in the caches before a mark is refused. */
#define MARK_RECALLS 2u

_Static_assert(sizeof(struct mark) <= RANGE_SLOT * 7 / 8,
               "no room for objects in a mark's slot");

static uint64_t mark_numbers; /* atomic; marks made so far, in all pools */

static bool mark_before(const struct treap_node *one,
                        const struct treap_node *other)
{
    const struct mark *a = LIST_ENTRY(one, const struct mark, user);
    const struct mark *b = LIST_ENTRY(other, const struct mark, user);

    return a->owner != b->owner ? a->owner < b->owner
                                : a->number < b->number;
}

struct mark *mark_up_to(const struct memory_pool *mp, uint64_t owner,
                        uint64_t most)
{
    ASSERT(pool_is_entered(mp));
    struct treap_node *node = mp->marks.users;
    struct mark *found = NULL;

    while (node != NULL) {
        struct mark *mark = LIST_ENTRY(node, struct mark, user);
        if (mark->owner < owner ||
            (mark->owner == owner && mark->number <= most)) {
            found = mark;
            node = node->right;
        } else {
            node = node->left;
        }
    }
    return found;
}

struct mark *mark_search(const struct memory_pool *mp, uint64_t owner,
                         uint64_t most)
{
    struct mark *found = mark_up_to(mp, owner, most);

    /* Nobody's number owns no mark. */
    return found != NULL && found->owner == owner ? found : NULL;
}

/* That very mark; NULL: the user has no such mark open. */
static struct mark *mark_get(const struct memory_pool *mp,
                             const struct user *user, uint64_t number)
{
    struct mark *mark = mark_search(mp, user->number, number);

    return mark != NULL && mark->number == number ? mark : NULL;
}

/* Bytes of a mark outside of the range: its structure, and the first block
 * with its map. */
static size_t mark_layout(void)
{
    return blocks_layout(sizeof(struct mark), MARK_FIRST);
}

/* Lays out the first block in the memory behind a mark's structure, outside of
 * the range.  lender: see struct mark. */
static void mark_lay(struct memory_pool *mp, struct mark *mark,
                     struct heap *lender)
{
    ASSERT(!mp->blocks.ranged || !range_has(mark));
    ASSERT(lender == NULL || lender == &mp->heap);
    mark->bytes = mark_layout();
    mark->lender = lender;
    blocks_lay(&mark->first, (unsigned char *)(mark + 1), MARK_FIRST);
    mark->first.apart = true;
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
    mark->first.apart = true;
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
    if (mark == NULL) {
        mark = mark_lend(mp);
    }
    /* The first may be the rest of a sweep that began before.  What a second
     * one does not bring, others took, who got on. */
    for (unsigned times = 0; times < MARK_RECALLS && mark == NULL &&
                             recall_memory(mp, SIZES_GRANULES_MOST, taken);
         times++) {
        mark = mark_lend(mp);
    }
    return mark;
}

/* Puts a structure that was taken on the list of open marks, with an empty
 * heap.  cache: its owner's; NULL: the owner has none. */
static void mark_push(struct memory_pool *mp, struct mark *mark,
                      uint64_t owner, struct cache *cache)
{
    ASSERT(pool_is_entered(mp));
    ASSERT(owner != 0);
    ASSERT(&mark->link != mp->marks.open.first);
    if (mp->blocks.ranged && !range_has(mark)) {
        attach_retire(&mp->caches); /* caches do not reach its first block */
    }
    mark->owner = owner;
    mark->number = lock_next_number(&mark_numbers);
    mark->cache = mp->caches.retired ? NULL : cache;
    heap_start(&mark->heap, &mark->first, &mp->blocks,
               (mp->settings.flags & MP_ZERO_ON_FREE) != 0);
    if (mark->cache != NULL) {
        /* Nobody else touches the cache: its user is here. */
        cache_open_mark(mark->cache, &mp->caches, &mark->heap);
    }
    heap_share(&mark->heap, &mp->marks.blocks);
    if (mark->lender == NULL) {
        blocks_note(&mp->blocks, &mark->first);
    }
    mark->link = (struct list_link){NULL, NULL};
    list_push(&mp->marks.open, &mark->link);
    treap_add(&mp->marks.users, &mark->user, mark_before);
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
    } else if (!mp->blocks.ranged) {
        /* Such a pool may be all the memory that the program has. */
        bool taken = pool_enter(mp);
        attach_retire(&mp->caches);
        lock_leave(&mp->lock, taken);
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
        *number = lock_next_number(&mark_numbers);
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
    const struct mark *mark = mark_get(mp, user, number);

    lock_leave(&mp->lock, taken);
    return mark != NULL;
}

/* A mark that is closed, and the first block of which is empty, is spare
 * then. */
static void mark_keep(struct memory_pool *mp, struct mark *mark)
{
    ASSERT(pool_is_entered(mp) && mark->heap.shared == NULL);
    if (mark->lender != NULL) {
        heap_take_back(mark->lender, mark);
        return;
    }
    mark->next = mp->marks.spare;
    mp->marks.spare = mark;
    mp->marks.spares++;
}

/* Takes a mark off those that are open. */
static void mark_close(struct memory_pool *mp, struct mark *mark)
{
    list_remove(&mark->link);
    treap_remove(&mp->marks.users, &mark->user, mark_before);
}

/* Drops a mark with what is in it, which is spare then. */
static void mark_drop(struct memory_pool *mp, struct mark *mark)
{
    ASSERT(pool_is_entered(mp));
    ASSERT(mark->heap.lent == 0); /* only the pool's own heap lends */
    mark_close(mp, mark);
    /* Blocks go to the stock, or to the heap that lent them; the mark's first
     * one stays with the structure, its map clear. */
    heap_reset(&mark->heap);
    heap_unshare(&mark->heap);
    blocks_forget(&mark->first);
    mark_keep(mp, mark);
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

/* Drops one owner's marks from its newest to the last, which is one of them.
 * Returns the bytes that their objects were charged. */
static size_t mark_drop_until(struct memory_pool *mp, const struct mark *last)
{
    ASSERT(pool_is_entered(mp));
    uint64_t owner = last->owner;
    size_t held = 0;
    struct mark *mark = NULL;

    while (mark != last) {
        mark = mark_search(mp, owner, UINT64_MAX);
        if (mark == NULL) {
            ASSERT(false); /* last is still to come */
            break;
        }
        /* No cache holds chunks of it but those of its owner's run, which are
         * not live. */
        mp->counters.freed += heap_count_live(&mark->heap);
        held += mark->heap.held;
        mark_drop(mp, mark);
    }
    return held;
}

/* A closed mark's heap goes into another one.  Where its first block has
 * chunks, the memory of the mark becomes a block.  In the range the blocks stay
 * apart: a cache would keep what is freed there, and with it a block, though
 * while one mark follows another nobody takes it again. */
static void mark_merge(struct memory_pool *mp, struct mark *mark,
                       struct heap *into)
{
    ASSERT(pool_is_entered(mp) && !list_has(&mark->link));
    uint32_t used = heap_merge(into, &mark->heap);
    heap_unshare(&mark->heap);

    if (used == 0) {
        blocks_forget(&mark->first);
        mark_keep(mp, mark);
        return;
    }
    struct block head = mark->first;
    head.lent = mark->lender != NULL;
    if (head.lent) {
        head.lender = mark->lender;
    } else {
        head.bytes = mark->bytes;
        blocks_count(&mp->blocks, &head);
    }
    /* Over the mark, which nobody leads to any more. */
    struct block *block = (struct block *)(void *)mark;
    *block = head;
    heap_merge_block(into, block, used);
}

/* The newest mark of an owner ends, and what it has goes to the next older one,
 * which is returned.  The smaller heap goes into the larger one, so a block
 * changes its heap only if that becomes twice as large, however deep marks are
 * nested.  Then the newer structure takes the number and the place of the older
 * one, which is all that a mark is known by. */
static struct mark *mark_join(struct memory_pool *mp, struct mark *mark,
                              struct mark *below)
{
    ASSERT(pool_is_entered(mp));
    ASSERT(mark->owner == below->owner && mark->number > below->number);
    mark_close(mp, mark);
    if (mark->heap.size <= below->heap.size) {
        mark_merge(mp, mark, &below->heap);
        return below;
    }
    treap_remove(&mp->marks.users, &below->user, mark_before);
    list_replace(&below->link, &mark->link);
    mark->number = below->number;
    mark->cache = below->cache;
    treap_add(&mp->marks.users, &mark->user, mark_before);
    mark_merge(mp, below, &mark->heap);
    return mark;
}

/* The owner's newer marks are within this one, and end with it.  Cleanups keep
 * their numbers: these are greater than that of the next older mark, whose
 * rewind so calls them, and less than that of any later one. */
enum result mark_commit(struct memory_pool *mp, const struct user *user,
                        uint64_t number)
{
    MP_FRAME();
    ASSERT(lock_none_is_held());
    if (pool_is_tracked(mp)) {
        return track_commit(mp, user->number, number);
    }
    bool taken = pool_enter(mp);
    const struct mark *last = mark_get(mp, user, number);

    if (last == NULL) {
        lock_leave(&mp->lock, taken);
        return RESULT_NO_MARK;
    }
    struct cache *cache = last->cache;
    struct mark *below = mark_search(mp, user->number, number - 1);
    if (cache != NULL && mp->mode->counts) {
        cache_collect(cache, &mp->caches);
        recall_settle(mp);
    }
    bool caches = cache != NULL && !mp->caches.retired;
    if (caches) {
        /* What it has is the newest mark's, which is a part of another heap
         * after this. */
        cache_flush(cache, &mp->caches);
    }
    struct mark *mark;
    while ((mark = mark_newest(mp, user)) != NULL && mark != below) {
        if (below != NULL) {
            below = mark_join(mp, mark, below);
        } else {
            mark_close(mp, mark);
            mark_merge(mp, mark, &mp->heap);
        }
    }
    if (caches) {
        cache_close_mark(cache, &mp->caches,
                         below == NULL ? &mp->heap : &below->heap);
    }
    pool_set_bump(mp);
    ASSERT(mark_is_sound(mp));
    struct mark *excess = mark_excess(mp);
    pool_leave(mp, taken);
    mark_release(mp, excess);
    return RESULT_OK;
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
    const struct mark *mark = mark_get(mp, user, number);

    if (mark == NULL) {
        lock_leave(&mp->lock, taken);
        return RESULT_NO_MARK;
    }
    struct cache *cache = mark->cache;
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
    while (mp->marks.open.first != NULL) {
        mark_drop(mp, LIST_ENTRY(mp->marks.open.first, struct mark, link));
    }
    ASSERT(mp->marks.users == NULL && mp->marks.blocks == NULL);
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
    struct list_link *link = mp->marks.open.first;

    /* The pool's own heap is first, then those on the list. */
    *mark = NULL;
    if (heap == NULL) {
        return &mp->heap;
    }
    if (heap != &mp->heap) {
        link = mark_of(mp, heap)->link.next;
    }
    struct mark *next =
        link == NULL ? NULL : LIST_ENTRY(link, struct mark, link);
    *mark = next;
    return next == NULL ? NULL : &next->heap;
}

bool mark_is_sound(const struct memory_pool *mp)
{
    ASSERT(pool_is_entered(mp));
    const struct pool_marks *marks = &mp->marks;
    unsigned spares = 0;

    /* Numbers that fall from one to the next leave no circle, too. */
    uint64_t last = UINT64_MAX;
    for (struct list_link *link = marks->open.first; link != NULL;
         link = link->next) {
        const struct mark *m = LIST_ENTRY(link, struct mark, link);
        if (m->owner == 0 || m->heap.first != &m->first || m->number >= last ||
            m->heap.shared != &marks->blocks ||
            mark_search(mp, m->owner, m->number) != m ||
            heap_find_shared(marks->blocks, m->first.base).block !=
                &m->first) {
            return false;
        }
        last = m->number;
    }
    for (const struct mark *m = marks->spare; m != NULL; m = m->next) {
        if (m->lender != NULL || m->heap.lent != 0 ||
            spares == marks->spares) {
            return false;
        }
        spares++;
    }
    return spares == marks->spares &&
           (marks->open.first == NULL || mp->bump_most == 0);
}

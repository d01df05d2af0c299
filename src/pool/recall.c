/* SPDX-License-Identifier: MIT
 *
 * recall.c - credit that a pool's quota lends to caches, and takes back.
 *
 * The pools that a quota limits may be many, and a pool's lock is never held
 * together with another's.  So the topmost quota lists the borrowers, and a
 * lock of a rank below theirs owns that list: it is held while each of them is
 * locked and emptied in turn.  A pool takes itself off the list, under that
 * lock, before it goes.
 *
 *     roomy -- refused --> tightening: nothing is lent any more
 *       ^                       |  each borrower below: pause, collect, suspend
 *       |                       v
 *       +-- 1/8 is free --- tight: a refusal is final
 *
 * The lock makes a second thread wait until the first has recalled the credit
 * of all of them.  So if a thread finds the quota tight, a refusal is final.
 * What the caches had is swept after that, with the locks left in between.
 *
 * What it cannot do: lend much near the limit.  A cache gets a part of what is
 * free, so that others get some, too.
 */
#include "pool/recall.h"

#include "cache/credit.h"
#include "cache/pause.h"
#include "pool/sweep.h"

/* Bytes that are lent at most at once, and the part of what is free: where one
 * cache alone borrows, and where several do. */
#define RECALL_LEND_MOST ((size_t)16 << 10)
#define RECALL_PART_ALONE 2
#define RECALL_PART 16

/* The part of a pool's memory that has to come free before its caches are used
 * again, and bytes of a pool below which several users do not get them back. */
#define RECALL_SCARCE_PART 8
#define RECALL_SHARED_LEAST ((size_t)64 << 10)

void recall_enlist(struct memory_pool *mp)
{
    struct quota *top = quota_top(&mp->quota);

    ASSERT(lock_none_is_held());
    if (top == NULL || !mp->mode->caches) {
        return;
    }
    bool taken = lock_enter(&top->recall);
    ASSERT(!list_has(&mp->quota.borrower));
    list_push(&top->borrowers, &mp->quota.borrower);
    lock_leave(&top->recall, taken);
}

/* Shared and enlisted in one hold of the recall lock.  In between, a refusal
 * would look for credit in the whole tree and find none of this pool's. */
void recall_share(struct memory_pool *mp)
{
    struct quota *top = quota_top_shared(&mp->quota);

    ASSERT(quota_is_limited(&mp->quota));
    bool top_taken = lock_enter(&top->recall);
    bool taken = pool_enter(mp);
    /* From now on the tree's lock owns the pool's numbers, so that its short
     * way, which takes no such lock, has to end. */
    if (quota_share(&mp->quota)) {
        pool_set_bump(mp);
    }
    ASSERT(quota_top(&mp->quota) == top);
    lock_leave(&mp->lock, taken);
    if (mp->mode->caches && !list_has(&mp->quota.borrower)) {
        list_push(&top->borrowers, &mp->quota.borrower);
    }
    lock_leave(&top->recall, top_taken);
}

void recall_settle(struct memory_pool *mp)
{
    struct cache_set *set = &mp->caches;

    ASSERT(pool_is_entered(mp));
    if (set->owed > 0) {
        quota_settle(&mp->quota, set->owed, set->unused);
        set->owed = set->unused = 0;
    }
}

/* Moves the credit of all caches to the quota.  Each is paused, or its user
 * does not use the pool any more. */
static void recall_collect_all(struct memory_pool *mp)
{
    struct cache_set *set = &mp->caches;

    ASSERT(pool_is_entered(mp));
    for (struct cache *c = set->caches; c != NULL; c = c->next) {
        cache_collect(c, set);
    }
}

static void recall_take(struct memory_pool *mp)
{
    recall_collect_all(mp);
    recall_settle(mp);
}

/* Nothing is owed any more, though the quota did not get it. */
static void recall_drop(struct memory_pool *mp)
{
    recall_collect_all(mp);
    mp->caches.owed = mp->caches.unused = 0;
}

/* Off the list the pool's credit could not be recalled, and other pools would
 * be refused for it until the pool is gone.  So it goes back first.  With an
 * heir it is a part of what that goes on to be charged for. */
void recall_delist(struct memory_pool *mp, struct memory_pool *heir)
{
    struct quota *top = quota_top(&mp->quota);

    ASSERT(lock_none_is_held());
    if (top == NULL) {
        return;
    }
    bool top_taken = lock_enter(&top->recall);
    if (list_has(&mp->quota.borrower)) {
        list_remove(&mp->quota.borrower);
    }
    bool taken = pool_enter(mp);
    if (heir == NULL) {
        recall_take(mp);
    } else {
        recall_drop(mp);
    }
    quota_end(&mp->quota, heir == NULL ? NULL : &heir->quota);
    lock_leave(&mp->lock, taken);
    lock_leave(&top->recall, top_taken);
}

size_t recall_end(struct memory_pool *mp, struct cache *cache)
{
    struct cache_set *set = &mp->caches;

    ASSERT(set->owed == 0 && set->caches == cache && cache->next == NULL);
    cache_collect(cache, set);
    size_t peak = quota_end_quiet(&mp->quota, set->unused);
    set->owed = set->unused = 0;
    if (list_has(&mp->quota.borrower)) {
        list_remove(&mp->quota.borrower);
    }
    return peak;
}

/* Whoever was at it, the numbers are whole: the locks that own them are held,
 * or were. */
void recall_forked(struct memory_pool *mp)
{
    if (list_has(&mp->quota.borrower)) {
        list_remove(&mp->quota.borrower);
    }
    if (mp->mode->caches) {
        recall_drop(mp);
    }
    if (mp->quota.above != NULL) {
        quota_end(&mp->quota, NULL);
    }
    quota_restart(&mp->quota, QUOTA_NONE, NULL);
}

void recall_collect(struct memory_pool *mp)
{
    ASSERT(pool_is_entered(mp) && cache_set_is_paused(&mp->caches));
    recall_take(mp);
}

struct cache *recall_find_own(struct memory_pool *mp,
                              const struct user *user)
{
    ASSERT(lock_none_is_held());
    if (!mp->mode->caches || !mp->mode->counts) {
        return NULL;
    }
    return user->cache != NULL ? user->cache : attach_find(&mp->caches);
}

void recall_own(struct memory_pool *mp, struct cache *cache)
{
    ASSERT(pool_is_entered(mp));
    if (cache != NULL && mp->mode->counts) {
        cache_collect(cache, &mp->caches);
        recall_settle(mp);
    }
}

/* The part of what is free that a cache is lent at most. */
static size_t recall_part(const struct memory_pool *mp,
                          const struct cache *cache)
{
    return mp->caches.caches == cache && cache->next == NULL &&
                   quota_is_own(&mp->quota)
               ? RECALL_PART_ALONE
               : RECALL_PART;
}

/* Hands a loan to the cache; false: the caches were retired meanwhile. */
static bool recall_grant(struct memory_pool *mp, struct cache *cache,
                         size_t bytes)
{
    struct cache_set *set = &mp->caches;

    if (set->suspended) {
        pause_resume(set);
    }
    if (sync_get(&set->retired)) {
        /* The system refuses heavy fences by now, see pause_end().  Credit of
         * retired caches would never be recalled. */
        quota_settle(&mp->quota, bytes, mp->quota.lent_raised);
        return false;
    }
    credit_grant(cache, bytes, mp->quota.lent_raised);
    return true;
}

bool recall_lend(struct memory_pool *mp, struct cache *cache, size_t size)
{
    ASSERT(pool_is_entered(mp) && mp->caches.counts);
    ASSERT(!sync_get(&mp->caches.retired));
    cache_collect(cache, &mp->caches);
    recall_settle(mp);
    size_t bytes = quota_lend(&mp->quota, size, RECALL_LEND_MOST,
                              recall_part(mp, cache));
    return bytes > 0 && recall_grant(mp, cache, bytes);
}

bool recall_lend_first(struct memory_pool *mp, struct cache *cache)
{
    ASSERT(mp->caches.counts && mp->caches.owed == 0 && cache->fast.credit == 0);
    ASSERT(!sync_get(&mp->caches.retired));
    size_t bytes = quota_lend_first(&mp->quota, RECALL_LEND_MOST,
                                    recall_part(mp, cache));
    return bytes > 0 && recall_grant(mp, cache, bytes);
}

void recall_suspend(struct memory_pool *mp)
{
    struct cache_set *set = &mp->caches;

    ASSERT(pool_is_entered(mp));
    if (!sync_get(&set->retired) && !set->suspended) {
        pause_begin(set);
        pause_suspend(set);
    }
    recall_settle(mp);
}

static inline struct memory_pool *recall_borrower(struct list_link *link)
{
    return LIST_ENTRY(LIST_ENTRY(link, struct quota, borrower),
                      struct memory_pool, quota);
}

/* Takes back what every borrower below a quota has.  The recall lock is
 * held. */
static void recall_suspend_all(struct quota *top, struct quota *refuser)
{
    ASSERT(lock_is_held(&top->recall));
    quota_set_state(refuser, QUOTA_TIGHTENING);
    for (struct list_link *link = top->borrowers.first; link != NULL;
         link = link->next) {
        struct memory_pool *mp = recall_borrower(link);
        if (quota_is_below(&mp->quota, refuser)) {
            bool taken = pool_enter(mp);
            recall_suspend(mp);
            /* Blocks that got empty stay in the stock until the pool is used
             * next: a source is not called under a lock. */
            lock_leave(&mp->lock, taken);
        }
    }
    quota_set_state(refuser, QUOTA_TIGHT);
}

/* A portion of the sweep of a pool, if one is under way there that no thread
 * goes on with; false: none is. */
static bool recall_sweep_borrower(struct memory_pool *mp)
{
    bool taken = pool_enter(mp);
    bool more = mp->caches.sweeping && mp->sweepers == 0;

    if (more) {
        (void)sweep_portion(mp);
        lock_leave_turn(&mp->lock, taken);
    } else {
        lock_leave(&mp->lock, taken);
    }
    return more;
}

/* The same for a borrower below a quota; false: in none.  Pools come and go
 * meanwhile.  What this misses, since it was moved, its next user adopts. */
static bool recall_sweep_next(struct quota *top, const struct quota *refuser)
{
    ASSERT(lock_none_is_held());
    bool taken = lock_enter(&top->recall);
    struct list_link *link = top->borrowers.first;

    while (link != NULL &&
           !(quota_is_below(&recall_borrower(link)->quota, refuser) &&
             recall_sweep_borrower(recall_borrower(link)))) {
        link = link->next;
    }
    if (link != NULL) {
        /* To the front, where it is found at once the next time. */
        list_remove(link);
        list_push(&top->borrowers, link);
    } else {
        struct memory_pool *at = LIST_ENTRY(top, struct memory_pool, quota);
        sync_put(&at->recalls, sync_get(&at->recalls) - 1);
    }
    lock_leave_turn(&top->recall, taken);
    return link != NULL;
}

/* Takes the credit back, in one hold of the recall lock; true: sweeps are to
 * follow, of which nobody waits for the end. */
static bool recall_begin(struct quota *top, struct quota *refuser)
{
    ASSERT(lock_none_is_held());
    struct memory_pool *at = LIST_ENTRY(top, struct memory_pool, quota);
    bool taken = lock_enter(&top->recall);
    bool roomy = quota_state(refuser) != QUOTA_TIGHT;

    if (roomy) {
        sync_put(&at->recalls, sync_get(&at->recalls) + 1);
        recall_suspend_all(top, refuser);
    }
    lock_leave(&top->recall, taken);
    return roomy;
}

static void recall_finish(struct quota *top, const struct quota *refuser,
                          bool sweeps)
{
    while (sweeps) {
        sweeps = recall_sweep_next(top, refuser);
    }
}

/* Who wants it tries again before the sweeps: in these, others could borrow so
 * much that it would be recalled over and over.  So they are left to those who
 * allocate next. */
void recall_pinned(struct memory_pool *mp, struct quota *refuser)
{
    ASSERT(lock_none_is_held() && mp->pins.count > 0);
    struct quota *top = quota_top(&mp->quota);
    bool taken = lock_enter(&top->recall);

    if (quota_state(refuser) != QUOTA_TIGHT) {
        recall_suspend_all(top, refuser);
    }
    lock_leave(&top->recall, taken);
}

/* Nothing is lent below who refuses such a charge, so it is refused for
 * good. */
static bool recall_was_vain(struct memory_pool *mp, void *bytes)
{
    enum quota_state state;

    ASSERT(pool_is_entered(mp));
    recall_settle(mp);
    return quota_refuser(&mp->quota, *(size_t *)bytes, &state) != NULL &&
           state == QUOTA_TIGHT;
}

/* Decides what the recall is for, with nothing lent; false: credit is in the
 * way again.  The lock is held. */
typedef bool recall_decide(struct memory_pool *mp, void *arg);

/* Takes back what is lent below the quota of this pool or of one above; false:
 * it is decided.  That comes before the sweeps, in which others may free so
 * much that credit is lent again.  The lock, held on entry and on return, may
 * be left meanwhile. */
static bool recall_below(struct memory_pool *mp, struct quota *refuser,
                         recall_decide *decide, void *arg, bool *taken)
{
    struct quota *top = quota_top(&mp->quota);

    ASSERT(pool_is_entered(mp));
    if (top == NULL) {
        /* Nobody else charges this quota, so its pool's lock is enough. */
        recall_suspend(mp);
        quota_set_state(refuser, QUOTA_TIGHT);
        bool decided = decide(mp, arg);
        sweep_go_on(mp, taken);
        return !decided;
    }
    if (mp->pins.moving) {
        /* The refuser is another one afterwards, or there is none. */
        pool_await_move(mp, taken);
        return true;
    }
    pool_pin(mp, taken);
    lock_leave(&mp->lock, *taken);
    bool sweeps = recall_begin(top, refuser);
    *taken = pool_enter(mp);
    bool decided = decide(mp, arg);
    lock_leave(&mp->lock, *taken);
    recall_finish(top, refuser, sweeps);
    *taken = pool_enter(mp);
    pool_unpin(mp);
    return !decided;
}

bool recall_for(struct memory_pool *mp, size_t bytes, bool *taken)
{
    ASSERT(pool_is_entered(mp));
    enum quota_state state;
    struct quota *refuser = quota_refuser(&mp->quota, bytes, &state);

    if (refuser == NULL) {
        return true;
    }
    if (state == QUOTA_TIGHT) {
        /* Nothing is lent below it but what went to the set's debt since. */
        bool owes = mp->caches.owed > 0;
        recall_settle(mp);
        return owes;
    }
    return recall_below(mp, refuser, recall_was_vain, &bytes, taken);
}

/* What a long chunk needs others may have free all the time: so then the caches
 * go on. */
static bool recall_sweep(struct memory_pool *mp, bool *taken)
{
    struct cache_set *set = &mp->caches;
    size_t before = mp->blocks.taken;
    uint64_t resets = mp->counters.resets;

    pause_begin(set);
    recall_take(mp);
    /* Marks first: a block that was lent to one may go back. */
    cache_flush_marks(set);
    bool freed = mp->blocks.taken != before;
    cache_sweep_begin(set);
    unsigned number = set->sweeps;
    sweep_go_on(mp, taken);
    /* A reset beside it ended it, or what it freed is not known any more. */
    return freed || set->sweep.freed > 0 || set->sweeps != number ||
           mp->counters.resets != resets;
}

bool recall_memory(struct memory_pool *mp, size_t granules, bool *taken)
{
    struct cache_set *set = &mp->caches;

    ASSERT(pool_is_entered(mp) && granules > 0);
    if (set->sweeping) {
        sweep_go_on(mp, taken); /* the rest of it may be enough */
        return true;
    }
    if (!mp->mode->caches || mp->blocks.ranged || sync_get(&set->retired) ||
        set->caches == NULL) {
        return false;
    }
    if (granules > SIZES_SHORT) {
        return recall_sweep(mp, taken);
    }
    if (mp->caches.scarce) {
        return false; /* no cache has anything */
    }
    recall_suspend(mp);
    mp->caches.scarce = true;
    mp->scarce_held = quota_held(&mp->quota);
    sweep_go_on(mp, taken);
    return true;
}

/* An eighth of the memory has to come free, and a small pool that several users
 * share is better off with its lock. */
void recall_relieve(struct memory_pool *mp)
{
    ASSERT(pool_is_entered(mp));
    if (!mp->caches.scarce) {
        return;
    }
    size_t held = quota_held(&mp->quota);
    size_t bytes = mp->heap.size * SIZES_GRANULE;
    bool shared = mp->caches.caches != NULL && mp->caches.caches->next != NULL;

    if (held > 0 && ((shared && bytes < RECALL_SHARED_LEAST) ||
                     mp->scarce_held < bytes / RECALL_SCARCE_PART ||
                     held > mp->scarce_held - bytes / RECALL_SCARCE_PART)) {
        return;
    }
    mp->caches.scarce = false;
    mp->gather_size = 0;
}

void recall_relist(struct memory_pool *mp)
{
    struct quota *top = quota_top(&mp->quota);

    ASSERT(pool_is_entered(mp));
    if (list_has(&mp->quota.borrower)) {
        list_remove(&mp->quota.borrower);
    }
    if (top != NULL && mp->mode->caches) {
        list_push(&top->borrowers, &mp->quota.borrower);
    }
}

struct recall_capacity {
    size_t capacity;
    enum quota_change change;
};

/* max_object follows in the hold of the lock in which the capacity changed, so
 * that two calls at once leave them equal. */
static bool recall_change(struct memory_pool *mp, void *arg)
{
    struct recall_capacity *to = arg;

    recall_settle(mp);
    to->change = quota_set_capacity(&mp->quota, to->capacity);
    if (to->change == QUOTA_CHANGED && mp->settings.max_is_capacity) {
        sync_put(&mp->settings.max_object, to->capacity);
        pool_set_bump(mp);
    }
    return to->change != QUOTA_LESS_PEAK;
}

enum result recall_set_capacity(struct memory_pool *mp, size_t capacity)
{
    ASSERT(lock_none_is_held() && mp->quota.limits);
    struct recall_capacity to = {
        .capacity = capacity == 0 ? QUOTA_UNLIMITED : capacity};
    bool taken = pool_enter(mp);

    if (!recall_change(mp, &to)) {
        while (recall_below(mp, &mp->quota, recall_change, &to, &taken)) {
            continue;
        }
    }
    pool_leave(mp, taken);
    return to.change == QUOTA_CHANGED ? RESULT_OK : RESULT_FULL;
}

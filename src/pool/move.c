/* SPDX-License-Identifier: MIT
 *
 * move.c - a pool gets another parent.
 *
 * Threads go from a pool to those above it with no lock held: to take credit
 * back from a whole tree, or as a pool below is made or ended.  Such a thread
 * pins the pool that it starts from.  So a move goes through these steps, while
 * it holds the lock of moves, which keeps other moves and forks out:
 *
 *     freeze:  no pool that is moved gets another pin, and none is pinned:
 *              the list of them is complete and stays so
 *     locks:   the recall locks of both trees of quotas, then the locks of the
 *              pools and of both parents
 *     charge:  caches give their credit back; what the pools hold is charged
 *              to the new quotas above and uncharged from the old ones, or
 *              nothing is done
 *     link:    the parent, and for each pool the quota above, the tree's lock,
 *              the list of borrowers, and what follows from them
 *
 * A thread that wants to pin a frozen pool waits.  A thread that has pinned one
 * waits for no other pool's move: so the freezing ends.  A pool that is being
 * destroyed is pinned until its parent does not list it any more.
 *
 * Where the quotas above stay the same, as between parents without a limit,
 * only the link is changed.
 *
 * If a new quota above has no room, credit that its caches were lent may be
 * why.  Then all is let go, the credit is recalled, and the move begins anew.
 *
 * What it cannot do: move a pool that does not count its objects below a
 * capacity.  Nobody knows for how many bytes its objects were asked.  Nor be
 * quick in a large tree: it visits each pool that is moved.
 */
#include "pool/move.h"

#include "cache/pause.h"
#include "pool/recall.h"
#include "pool/tree.h"

/* What one try works with. */
struct move {
    struct memory_pool *mp;
    struct memory_pool *parent; /* NULL: none */
    struct memory_pool *old;    /* the parent so far; NULL: none */
    struct quota *from;         /* the quotas above; NULL: none */
    struct quota *to;
    struct quota *refuser;      /* NULL: none, or its refusal is final */
    uintptr_t frame;
    bool needed;                /* the process has several threads */
};

/* Freezes a pool; true: nobody has it pinned. */
static bool move_freeze_one(struct memory_pool *mp)
{
    ASSERT(lock_is_held(&pool_moves));
    bool taken = pool_enter(mp);
    bool free = mp->pins.count == 0;

    mp->pins.moving = true;
    lock_leave(&mp->lock, taken);
    return free;
}

/* Freezes the child behind another one, NULL: the first, and those between that
 * are pinned; NULL: there is no further one that is not.  The parent is frozen,
 * so that its children may go and do not come. */
static struct memory_pool *move_freeze_child(struct memory_pool *parent,
                                             struct memory_pool *behind,
                                             bool *pinned)
{
    bool taken = pool_enter(parent);
    struct memory_pool *child =
        behind == NULL ? tree_first(parent) : tree_next(behind);

    while (child != NULL && !move_freeze_one(child)) {
        *pinned = true;
        child = tree_next(child);
    }
    lock_leave(&parent->lock, taken);
    return child;
}

/* Freezes all pools that are moved, and links them, each behind its parent;
 * false: some are pinned, and what is below those is not frozen. */
static bool move_try_freeze(struct memory_pool *mp)
{
    struct memory_pool *at = mp;
    struct memory_pool *last = mp;
    bool pinned = false;

    if (!move_freeze_one(mp)) {
        return false;
    }
    while (at != NULL) {
        last->pins.next = NULL;
        struct memory_pool *next = move_freeze_child(at, NULL, &pinned);
        struct memory_pool *up;
        while (next == NULL && at != mp && (up = tree_parent(at)) != NULL) {
            next = move_freeze_child(up, at, &pinned);
            at = up;
        }
        if (next != NULL) {
            last->pins.next = next;
            last = next;
        }
        at = next;
    }
    return !pinned;
}

/* Each try freezes more, and what is frozen gets no new pin. */
static void move_freeze(struct move *move)
{
    ASSERT(!pool_move_waits);
    unsigned times = 0;

    while (!move_try_freeze(move->mp)) {
        pool_move_waits = true;
        lock_leave(&pool_moves, move->needed);
        pause_yield(&times);
        move->needed = lock_enter(&pool_moves);
        pool_move_waits = false;
    }
}

/* Waits while another thread moves a pool. */
static void move_begin(struct move *move)
{
    move->needed = lock_enter(&pool_moves);
    unsigned times = 0;

    while (pool_move_waits) {
        lock_leave(&pool_moves, move->needed);
        pause_yield(&times);
        move->needed = lock_enter(&pool_moves);
    }
}

/* A pool may go as soon as it is let go, and so does not lead to the next. */
static void move_thaw(struct memory_pool *mp)
{
    ASSERT(lock_is_held(&pool_moves));
    while (mp != NULL) {
        struct memory_pool *next = mp->pins.next;
        bool taken = pool_enter(mp);
        mp->pins.moving = false;
        lock_leave(&mp->lock, taken);
        mp = next;
    }
}

/* The pool is the other one, or one above that.  Only moves change that. */
static bool move_is_above(const struct memory_pool *mp,
                          const struct memory_pool *at)
{
    ASSERT(lock_is_held(&pool_moves));
    while (at != NULL && at != mp) {
        at = tree_parent(at);
    }
    return at != NULL;
}

static bool move_is_counted(const struct memory_pool *mp)
{
    while (mp != NULL && mp->mode->counts) {
        mp = mp->pins.next;
    }
    return mp == NULL;
}

/* The topmost quota of the tree before and after, which is no moved pool's;
 * NULL: none, or the second is the first. */
static struct quota *move_top_before(const struct move *move)
{
    return move->from == NULL ? NULL : quota_top(move->from);
}

static struct quota *move_top_after(const struct move *move)
{
    struct quota *top = move->to == NULL ? NULL : quota_top(move->to);

    return top == move_top_before(move) ? NULL : top;
}

/* The pools whose locks are needed, from the first on. */
static struct memory_pool *move_next(const struct move *move,
                                     const struct memory_pool *at)
{
    return move->from == move->to ? NULL : at->pins.next;
}

static void move_enter_recall(const struct move *move, struct quota *quota)
{
    if (quota != NULL) {
        (void)lock_enter_if(&quota->recall, move->needed);
    }
}

static void move_leave_recall(const struct move *move, struct quota *quota)
{
    if (quota != NULL) {
        lock_leave(&quota->recall, move->needed);
    }
}

static void move_enter_pool(const struct move *move, struct memory_pool *mp)
{
    if (mp != NULL) {
        (void)lock_enter_if(&mp->lock, move->needed);
    }
}

static void move_leave_pool(const struct move *move, struct memory_pool *mp)
{
    if (mp != NULL) {
        lock_leave(&mp->lock, move->needed);
    }
}

/* Any of the moved pools may be the topmost of a tree, before or after. */
static void move_enter(const struct move *move)
{
    struct memory_pool *at;

    if (move->from != move->to) {
        move_enter_recall(move, move_top_before(move));
        move_enter_recall(move, move_top_after(move));
        for (at = move->mp; at != NULL; at = move_next(move, at)) {
            move_enter_recall(move, &at->quota);
        }
    }
    move_enter_pool(move, move->old);
    move_enter_pool(move, move->parent);
    at = move->mp; /* there is one, but gcc would not see it in a for loop */
    do {
        (void)lock_enter_if(&at->lock, move->needed);
    } while ((at = move_next(move, at)) != NULL);
}

static void move_leave(const struct move *move)
{
    struct memory_pool *at;

    at = move->mp;
    do {
        lock_leave(&at->lock, move->needed);
    } while ((at = move_next(move, at)) != NULL);
    move_leave_pool(move, move->parent);
    move_leave_pool(move, move->old);
    if (move->from != move->to) {
        for (at = move->mp; at != NULL; at = move_next(move, at)) {
            move_leave_recall(move, &at->quota);
        }
        move_leave_recall(move, move_top_after(move));
        move_leave_recall(move, move_top_before(move));
    }
}

/* Charges what the pools hold above, to the byte: their caches have no credit,
 * and get none before the locks are left. */
static enum move_result move_charge(struct move *move)
{
    enum quota_state state;
    bool due;
    size_t bytes = 0;

    /* First, since a cache's credit is charged to the quotas above, too. */
    for (struct memory_pool *at = move->mp; at != NULL; at = at->pins.next) {
        recall_suspend(at);
    }
    for (struct memory_pool *at = move->mp; at != NULL; at = at->pins.next) {
        size_t more = quota_moved(&at->quota, move->from);
        bytes = more > SIZE_MAX - bytes ? SIZE_MAX : bytes + more;
    }
    struct quota *refuser =
        quota_transfer(move->from, move->to, bytes, &state, &due);
    if (refuser != NULL) {
        move->refuser = state == QUOTA_TIGHT ? NULL : refuser;
        return MOVE_FULL;
    }
    if (due) {
        sync_put(&move->mp->quota.due, true);
    }
    return MOVE_DONE;
}

/* A pool comes behind its parent here, so the quota above is linked before. */
static void move_link_quotas(const struct move *move)
{
    for (struct memory_pool *at = move->mp; at != NULL; at = at->pins.next) {
        quota_relink(&at->quota, move->from, move->to, tree_first(at) != NULL);
        recall_relist(at);
        pool_set_bump(at);
        kind_renew(at);
    }
}

static enum move_result move_entered(struct move *move)
{
    enum move_result result = MOVE_DONE;

    /* A run may have come to it in the moment before. */
    if (!tree_is_open(move->mp)) {
        return MOVE_ENDING;
    }
    if (move->from != move->to) {
        result = move_charge(move);
        if (result == MOVE_DONE) {
            move_link_quotas(move);
        }
    }
    if (result == MOVE_DONE) {
        tree_move(move->mp, move->parent);
    }
    return result;
}

static enum move_result move_frozen(struct move *move)
{
    struct memory_pool *parent = move->parent;

    ASSERT(lock_is_held(&pool_moves));
    move->old = tree_parent(move->mp);
    move->from = move->mp->quota.above;
    move->to = NULL;
    if (parent != NULL && quota_is_limited(&parent->quota)) {
        recall_share(parent);
        move->to = quota_charged_by_below(&parent->quota);
        if (!move_is_counted(move->mp)) {
            return MOVE_UNCOUNTED;
        }
    }
    move_enter(move);
    enum move_result result = move_entered(move);
    move_leave(move);
    return result;
}

/* One try; with a refuser the parent is pinned afterwards. */
static enum move_result move_try(struct move *move)
{
    enum move_result result = MOVE_DONE;
    struct memory_pool *parent = move->parent;

    move_begin(move);
    move->refuser = NULL;
    if (move_is_above(move->mp, parent)) {
        result = MOVE_BELOW_ITSELF;
    } else if (tree_parent(move->mp) != parent) {
        if (tree_is_run(move->mp, move->frame) ||
            tree_is_ending(parent, move->frame)) {
            result = MOVE_ENDING;
        } else {
            move_freeze(move);
            result = move_frozen(move);
            move_thaw(move->mp);
        }
    }
    if (move->refuser != NULL) {
        bool taken = pool_enter(parent);
        pool_pin(parent, &taken);
        lock_leave(&parent->lock, taken);
    }
    lock_leave(&pool_moves, move->needed);
    return result;
}

enum move_result move_pool(struct memory_pool *mp, struct memory_pool *parent,
                           uintptr_t frame)
{
    ASSERT(lock_none_is_held());
    struct move move = {.mp = mp, .parent = parent, .frame = frame};
    enum move_result result;

    /* Nothing is to be noted.  Another move may follow at any moment. */
    if (tree_parent(mp) == parent) {
        return MOVE_DONE;
    }
    if (tree_prepare(mp, parent) != RESULT_OK) {
        return MOVE_NO_MEMORY;
    }
    while ((result = move_try(&move)) == MOVE_FULL && move.refuser != NULL) {
        recall_pinned(parent, move.refuser);
        bool taken = pool_enter(parent);
        pool_unpin(parent);
        lock_leave(&parent->lock, taken);
    }
    if (result == MOVE_DONE && parent != NULL) {
        tree_reopen(parent);
    }
    return result;
}

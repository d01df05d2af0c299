/* SPDX-License-Identifier: MIT
 *
 * tree.c - pools below pools, and the cleanups of a pool.
 *
 * A pool that has a parent, a child or a cleanup has a struct tree.  Most have
 * none of them, so it is memory of its own, and is there until the pool goes.
 *
 *     mp->tree->children[s] -> newest child's link -> next older -> ... -> NULL
 *     each child c of mp:      c->tree->parent == mp, c->tree->stage == s
 *
 * The lists of a tree are owned by the lock of the pool that they hang on.  So
 * the link of a child is owned by the parent's lock, and no call here takes
 * the locks of two pools: there is no order among them, and fork() or a move
 * may take all of them.
 *
 * A child of a pool with a capacity charges the quota of that pool.  The quota
 * has to know that before the child's own one is started: else the parent
 * could still move its numbers without the lock that the child takes.
 *
 * What it cannot do: end a pool.  end.c takes the lists apart.
 */
#include "pool/tree.h"

#include "base/tool.h"
#include "pool/recall.h"

#include <stdlib.h>

/* The newest child of a pool from now on; no more a child of its parent.  The
 * parent's lock is held. */
static void tree_add(struct tree *tree, struct tree *parent)
{
    ASSERT(pool_is_entered(parent->mp));
    list_push(&parent->children[TREE_OPEN], &tree->link);
    parent->count++;
}

static void tree_take(struct tree *tree)
{
    struct tree *parent = tree->parent->tree;

    ASSERT(pool_is_entered(parent->mp) && parent->count > 0);
    list_remove(&tree->link);
    parent->count--;
}

/* The pool's struct tree, made if it has none; NULL: no memory.  pin: and the
 * pool is pinned. */
static struct tree *tree_of(struct memory_pool *mp, bool pin)
{
    ASSERT(lock_none_is_held());
    bool taken = pool_enter(mp);
    struct tree *tree = mp->tree;

    if (tree == NULL && mp->spare_tree != NULL) {
        tree = mp->spare_tree;
        mp->spare_tree = NULL;
        /* Release as below. */
        sync_put_release(&mp->tree, tree);
    }
    if (tree != NULL && pin) {
        pool_pin(mp, &taken);
    }
    lock_leave(&mp->lock, taken);
    if (tree != NULL) {
        return tree;
    }
    /* No lock is held over malloc(), which may be the program's own.  All zero
     * is right: no parent, empty lists, no run. */
    struct tree *fresh = calloc(1, sizeof *fresh);
    if (fresh == NULL) {
        return NULL;
    }
    (void)tool_allow_races(fresh, sizeof *fresh);
    fresh->mp = mp;
    /* Another thread may have been here while the lock was left. */
    taken = pool_enter(mp);
    if (mp->tree == NULL) {
        /* Release pairs with the acquire of threads that read it without a
         * lock: they find the members written. */
        sync_put_release(&mp->tree, fresh);
        fresh = NULL;
    }
    tree = mp->tree;
    ASSERT(tree != NULL && tree->mp == mp);
    if (pin) {
        pool_pin(mp, &taken);
    }
    lock_leave(&mp->lock, taken);
    free(fresh);
    return tree;
}

/* All memory is got before the pools change, and no function of the program
 * runs while the parent is pinned. */
enum result tree_start(struct memory_pool *mp, struct memory_pool *parent)
{
    ASSERT(mp != parent && mp->tree == NULL);
    ASSERT(lock_none_is_held());
    struct tree *tree = tree_of(mp, false);

    if (tree == NULL) {
        return RESULT_NO_MEMORY;
    }
    if (tree_of(parent, true) == NULL) {
        sync_put(&mp->tree, (struct tree *)NULL);
        free(tree);
        return RESULT_NO_MEMORY;
    }
    /* No other thread knows the new pool, so nothing owns these yet. */
    ASSERT(tree->parent == NULL);
    ASSERT(tree->children[TREE_OPEN].first == NULL);
    sync_put(&tree->parent, parent);
    tree->late = tree_is_late(parent);
    if (quota_is_limited(&parent->quota)) {
        recall_share(parent);
    }
    return RESULT_OK;
}

/* This is the last step of making a pool: from here on the end of the parent
 * meets it, and must find it complete. */
void tree_join(struct memory_pool *mp)
{
    struct tree *tree = mp->tree;
    ASSERT(tree != NULL && tree->mp == mp && tree->parent != NULL);
    ASSERT(lock_none_is_held());
    struct memory_pool *parent = tree->parent;
    ASSERT(parent->tree != NULL && parent != mp);
    bool taken = pool_enter(parent);

    tree_add(tree, parent->tree);
    pool_unpin(parent);
    lock_leave(&parent->lock, taken);
    tree_reopen(parent);
}

void tree_come(struct memory_pool *mp, struct memory_pool *parent)
{
    struct tree *tree = mp->spare_tree;
    ASSERT(pool_is_entered(parent) && parent->tree != NULL);
    ASSERT(mp->tree == NULL && tree != NULL && tree->parent == NULL);

    mp->spare_tree = NULL;
    sync_put(&tree->parent, parent);
    tree->late = tree_is_late(parent);
    /* Release as in tree_of(). */
    sync_put_release(&mp->tree, tree);
    tree_add(tree, parent->tree);
}

/* Relaxed: a thread that ends the pool together with one above is the caller,
 * or the program ends the pool twice. */
bool tree_may_go(const struct memory_pool *mp)
{
    const struct tree *tree = mp->tree;

    return sync_get(&tree->runner) == NULL && sync_get(&tree->own.mp) == NULL;
}

void tree_go(struct memory_pool *mp)
{
    struct tree *tree = mp->tree;
    ASSERT(tree_may_go(mp) && pool_is_entered(tree->parent));
    ASSERT(tree->cleanups.all.first == NULL && tree->gone == NULL);
    ASSERT(tree->gone_unnamed.pools == 0 && tree->added == 0);

    tree_take(tree);
    sync_put(&tree->parent, (struct memory_pool *)NULL);
    sync_put(&tree->stage, TREE_OPEN);
    sync_put(&mp->tree, (struct tree *)NULL);
    mp->spare_tree = tree;
}

void tree_free_spare(struct memory_pool *mp)
{
    ASSERT(lock_none_is_held() && mp->tree == NULL);
    free(mp->spare_tree);
    mp->spare_tree = NULL;
}

/* Nobody uses the pool, but a fork may find it, and its child would free again
 * what is on the list yet. */
static void tree_free_cleanups(struct memory_pool *mp)
{
    struct tree *tree = mp->tree;
    struct list_link *link = tree->cleanups.all.first;

    if (link == NULL) {
        return;
    }
    bool taken = pool_enter(mp);
    tree->cleanups = (struct cleanups){.same = NULL};
    lock_leave(&mp->lock, taken);
    while (link != NULL) {
        struct cleanup *cleanup =
            LIST_ENTRY(link, struct cleanup, link);
        link = link->next;
        free(cleanup);
    }
}

enum result tree_prepare(struct memory_pool *mp, struct memory_pool *parent)
{
    return tree_of(mp, false) == NULL ||
                   (parent != NULL && tree_of(parent, false) == NULL)
               ? RESULT_NO_MEMORY
               : RESULT_OK;
}

/* It joins as a new pool does.  What comes by a cleanup was refused before, so
 * no run has to count it. */
void tree_move(struct memory_pool *mp, struct memory_pool *parent)
{
    struct tree *tree = mp->tree;
    ASSERT(lock_is_held(&pool_moves) && pool_is_entered(mp));
    ASSERT(mp != parent && (parent == NULL || pool_is_entered(parent)));
    ASSERT(tree_is_open(mp));

    if (tree->parent != NULL) {
        tree_take(tree);
    }
    if (parent != NULL) {
        tree_add(tree, parent->tree);
    }
    /* Relaxed: who goes up by it with no lock has pinned the pool, and a
     * program that asks for the parent knows when it may use that. */
    sync_put(&tree->parent, parent);
    tree->late = false;
}

void tree_leave(struct memory_pool *mp)
{
    struct tree *tree = mp->tree;
    ASSERT(tree != NULL && tree->mp == mp);
    ASSERT(lock_none_is_held());
    struct memory_pool *parent = tree->parent;
    for (int stage = 0; stage < TREE_STAGES; stage++) {
        ASSERT(tree->children[stage].first == NULL);
    }

    if (parent != NULL) {
        bool taken = pool_enter(parent);
        /* A pool that could not be made was never on it. */
        if (list_has(&tree->link)) {
            tree_take(tree);
        }
        lock_leave(&parent->lock, taken);
    }
    /* Nobody else knows the pool any more.  end.c has called all cleanups, but
     * for a pool that could not be made. */
    tree_free_cleanups(mp);
    while (tree->gone != NULL) {
        struct tree_gone *gone = tree->gone;
        tree->gone = gone->next;
        free(gone);
    }
    sync_put(&mp->tree, (struct tree *)NULL);
    /* What another thread's list leads to, since a cleanup was left without
     * returning, is that thread's to free.  Of the two the second to come here
     * frees it; see end_forget(). */
    if (sync_swap(&tree->own.mp, (struct memory_pool *)NULL) == NULL) {
        *tree = (struct tree){.mp = mp};
        mp->spare_tree = tree;
    }
}

/* The newest child of a stage or of a later one. */
static struct memory_pool *tree_first_from(const struct tree *tree, int stage)
{
    for (; stage < TREE_STAGES; stage++) {
        struct list_link *link = tree->children[stage].first;
        if (link != NULL) {
            ASSERT(link->from == &tree->children[stage].first);
            return LIST_ENTRY(link, struct tree, link)->mp;
        }
    }
    return NULL;
}

bool tree_holds_more(const struct memory_pool *mp)
{
    const struct tree *tree = sync_get_acquire(&mp->tree);

    return tree != NULL &&
           (tree->count > 0 || tree->cleanups.all.first != NULL);
}

bool tree_has_more(struct memory_pool *mp)
{
    ASSERT(lock_none_is_held());
    if (sync_get_acquire(&mp->tree) == NULL) {
        return false;
    }
    bool taken = pool_enter(mp);
    bool more = tree_holds_more(mp);
    lock_leave(&mp->lock, taken);
    return more;
}

size_t tree_count(const struct memory_pool *mp)
{
    ASSERT(pool_is_entered(mp));
    return mp->tree == NULL ? 0 : mp->tree->count;
}

struct memory_pool *tree_first(const struct memory_pool *mp)
{
    ASSERT(pool_is_entered(mp));
    return mp->tree == NULL ? NULL : tree_first_from(mp->tree, 0);
}

struct memory_pool *tree_next(const struct memory_pool *mp)
{
    const struct tree *tree = sync_get_acquire(&mp->tree);

    if (tree == NULL || tree->parent == NULL) {
        return NULL;
    }
    ASSERT(pool_is_entered(tree->parent));
    return tree->link.next == NULL
               ? tree_first_from(tree->parent->tree, (int)tree->stage + 1)
               : LIST_ENTRY(tree->link.next, struct tree, link)->mp;
}

/* A cleanup leaves the list before it is called, so that it is called once,
 * though it may not return. */
struct cleanup *tree_take_cleanup(struct memory_pool *mp)
{
    ASSERT(lock_none_is_held());
    bool taken = pool_enter(mp);
    ASSERT(mp->tree != NULL);
    struct cleanup *cleanup = cleanup_newest(&mp->tree->cleanups);

    if (cleanup != NULL) {
        cleanup_remove(&mp->tree->cleanups, cleanup);
        tool_follow(&mp->tree->cleanups);
    }
    lock_leave(&mp->lock, taken);
    return cleanup;
}

uint64_t tree_count_added(struct memory_pool *mp)
{
    ASSERT(lock_none_is_held());
    bool taken = pool_enter(mp);
    uint64_t added = mp->tree == NULL ? 0 : mp->tree->added;

    lock_leave(&mp->lock, taken);
    return added;
}

/* Later marks of the owner lie within the mark, and have higher numbers. */
struct cleanup *tree_take_marked(struct memory_pool *mp, uint64_t owner,
                                      uint64_t mark)
{
    ASSERT(lock_none_is_held() && owner != 0 && mark != 0);
    struct cleanup *cleanup = NULL;
    bool taken = pool_enter(mp);

    if (mp->tree != NULL) {
        cleanup = cleanup_find_marked(&mp->tree->cleanups, owner, mark);
        if (cleanup != NULL) {
            cleanup_remove(&mp->tree->cleanups, cleanup);
        }
    }
    lock_leave(&mp->lock, taken);
    return cleanup;
}

/* Memory is got before the lock: it may come from the program's own malloc(),
 * which must not run under the pool's lock. */
enum result tree_add_cleanup(struct memory_pool *mp, uint64_t owner,
                             uint64_t mark, void (*fn)(void *arg), void *arg)
{
    ASSERT(fn != NULL && (owner == 0) == (mark == 0));
    ASSERT(lock_none_is_held());
    struct tree *tree = tree_of(mp, false);
    struct cleanup *cleanup =
        tree == NULL ? NULL : malloc(sizeof *cleanup);

    if (cleanup == NULL) {
        return RESULT_NO_MEMORY;
    }
    if (mp->track != NULL) {
        (void)tool_allow_races(cleanup, sizeof *cleanup);
    }
    cleanup->fn = fn;
    cleanup->arg = arg;
    cleanup->owner = owner;
    cleanup->mark = mark;
    /* Added by a cleanup of a run: counted, so that they come to an end. */
    cleanup->late = tree_is_late(mp);
    tool_precede(&tree->cleanups);
    bool taken = pool_enter(mp);
    ASSERT(mp->tree == tree);
    cleanup->number = ++tree->added;
    cleanup_add(&tree->cleanups, cleanup);
    lock_leave(&mp->lock, taken);
    tree_reopen(mp);
    return RESULT_OK;
}

bool tree_remove_cleanup(struct memory_pool *mp, void (*fn)(void *arg),
                         void *arg)
{
    ASSERT(lock_none_is_held());
    struct cleanup *cleanup = NULL;
    bool taken = pool_enter(mp);

    if (mp->tree != NULL) {
        cleanup = cleanup_find_same(&mp->tree->cleanups, fn, arg);
        if (cleanup != NULL) {
            cleanup_remove(&mp->tree->cleanups, cleanup);
            tool_follow(&mp->tree->cleanups);
        }
    }
    lock_leave(&mp->lock, taken);
    free(cleanup);
    return cleanup != NULL;
}

void tree_strand(struct memory_pool *mp)
{
    struct tree *tree = mp->tree;

    if (tree == NULL || tree->parent == NULL) {
        return;
    }
    if (list_has(&tree->link)) {
        tree_take(tree);
    }
    sync_put(&tree->parent, (struct memory_pool *)NULL);
}

/* It compares what each link points back to, so that a list which leads into
 * itself is found before it is followed a second time.  *count grows by the
 * children in the list. */
static bool tree_has_sound(const struct tree *tree, enum tree_stage stage,
                           size_t *count)
{
    struct list_link *const *from = &tree->children[stage].first;

    /* What points to a link is compared before the link is followed. */
    while (*from != NULL) {
        const struct tree *child = LIST_ENTRY(*from, struct tree, link);
        if (child->link.from != from || child->parent != tree->mp ||
            child->stage != stage || child->mp->tree != child) {
            return false;
        }
        from = &child->link.next;
        *count += 1;
    }
    return true;
}

bool tree_is_sound(const struct memory_pool *mp)
{
    ASSERT(pool_is_entered(mp));
    const struct tree *tree = mp->tree;
    size_t count = 0;

    if (tree == NULL) {
        return true;
    }
    for (int stage = 0; stage < TREE_STAGES; stage++) {
        if (!tree_has_sound(tree, (enum tree_stage)stage, &count)) {
            return false;
        }
    }
    return tree->mp == mp && tree->parent != mp && tree->count == count &&
           cleanup_are_sound(&tree->cleanups);
}

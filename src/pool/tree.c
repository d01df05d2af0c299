/* SPDX-License-Identifier: MIT
 *
 * tree.c - pools below pools, and the cleanups of a pool.
 *
 * A pool that has a parent, a child or a cleanup has a struct tree.  Most have
 * none of them, so it is memory of its own, and is there until the pool goes.
 *
 *     mp->tree->children -> newest child's link -> next older -> ... -> NULL
 *     each child c of mp:   c->tree->parent == mp
 *
 * The lists of a tree are owned by the lock of the pool that they hang on.  So
 * the link of a child is owned by the parent's lock, and no call here holds
 * the locks of two pools: there is no order among them, and fork() may take
 * all of them.
 *
 * A child of a pool with a capacity charges the quota of that pool.  The quota
 * has to know that before the child's own one is started: else the parent
 * could still move its numbers without the lock that the child takes.
 *
 * What it cannot do: end a pool.  end.c takes the lists apart.
 */
#include "pool/tree.h"

#include "pool/recall.h"

#include <stdlib.h>

bool tree_is_run(const struct memory_pool *mp)
{
    const struct tree *tree = sync_get_acquire(&mp->tree);

    /* Relaxed: the thread asks for nothing but what it wrote itself. */
    return tree != NULL && sync_get(&tree->runner) == &thread_state;
}

/* The pool's struct tree, made if it has none; NULL: no memory. */
static struct tree *tree_of(struct memory_pool *mp)
{
    ASSERT(lock_none_is_held());
    bool taken = pool_enter(mp);
    struct tree *tree = mp->tree;

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
    lock_leave(&mp->lock, taken);
    free(fresh);
    return tree;
}

/* All memory is got before the pools change.  A failure leaves at most a
 * struct tree with the parent, which it keeps for the next child. */
enum result tree_start(struct memory_pool *mp, struct memory_pool *parent)
{
    ASSERT(mp != parent && mp->tree == NULL);
    ASSERT(lock_none_is_held());
    struct tree *above = tree_of(parent);
    struct tree *tree = above == NULL ? NULL : tree_of(mp);

    if (tree == NULL) {
        return RESULT_NO_MEMORY;
    }
    /* No other thread knows the new pool, so nothing owns these yet. */
    ASSERT(tree->parent == NULL && tree->children.first == NULL);
    tree->parent = parent;
    tree->late = tree_is_run(parent);
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

    list_push(&parent->tree->children, &tree->link);
    lock_leave(&parent->lock, taken);
}

/* Says of a run, as its pool goes, that the pool is gone.  True: there was one,
 * which some other thread's list still leads to: a cleanup in it was left
 * without returning. */
static bool tree_abandon(struct tree_run *run)
{
    if (sync_get(&run->mp) == NULL) {
        return false;
    }
    /* Release pairs with the acquire in end.c: that thread looks at nothing
     * else of a run without a pool. */
    sync_put_release(&run->mp, (struct memory_pool *)NULL);
    return true;
}

void tree_leave(struct memory_pool *mp)
{
    struct tree *tree = mp->tree;
    ASSERT(tree != NULL && tree->mp == mp);
    ASSERT(tree->children.first == NULL);
    ASSERT(lock_none_is_held());
    struct memory_pool *parent = tree->parent;

    if (parent != NULL) {
        bool taken = pool_enter(parent);
        /* A pool that goes with its parent was taken off the list before. */
        if (list_has(&tree->link)) {
            list_remove(&tree->link);
        }
        lock_leave(&parent->lock, taken);
    }
    /* Nobody else knows the pool any more.  end.c has called all cleanups, but
     * for a pool that could not be made. */
    while (tree->cleanups != NULL) {
        struct tree_cleanup *cleanup = tree->cleanups;
        tree->cleanups = cleanup->older;
        free(cleanup);
    }
    while (tree->gone != NULL) {
        struct tree_gone *gone = tree->gone;
        tree->gone = gone->next;
        free(gone);
    }
    sync_put(&mp->tree, (struct tree *)NULL);
    bool abandoned = tree_abandon(&tree->run);
    abandoned = tree_abandon(&tree->own) || abandoned;
    /* What another thread's list leads to stays, for good: that is the price
     * of a cleanup that does not return, and less than a wild pointer. */
    if (!abandoned) {
        free(tree);
    }
}

struct memory_pool *tree_first(const struct memory_pool *mp)
{
    ASSERT(pool_is_entered(mp));
    const struct tree *tree = mp->tree;

    if (tree == NULL || tree->children.first == NULL) {
        return NULL;
    }
    ASSERT(tree->children.first->from == &tree->children.first);
    return LIST_ENTRY(tree->children.first, struct tree, link)->mp;
}

struct memory_pool *tree_next(const struct memory_pool *mp)
{
    const struct tree *tree = sync_get_acquire(&mp->tree);

    if (tree == NULL) {
        return NULL;
    }
    ASSERT(tree->parent == NULL || pool_is_entered(tree->parent));
    return tree->link.next == NULL
               ? NULL
               : LIST_ENTRY(tree->link.next, struct tree, link)->mp;
}

/* No lock: a parent is fixed, and outlives its children. */
struct memory_pool *tree_parent(const struct memory_pool *mp)
{
    const struct tree *tree = sync_get_acquire(&mp->tree);

    return tree == NULL ? NULL : tree->parent;
}

/* The child leaves the list before it is ended: else another thread that ends
 * the parent would end it a second time. */
struct memory_pool *tree_take_child(struct memory_pool *mp)
{
    ASSERT(lock_none_is_held());
    bool taken = pool_enter(mp);
    struct memory_pool *child = tree_first(mp);

    if (child != NULL) {
        ASSERT(child->tree->parent == mp);
        list_remove(&child->tree->link);
    }
    lock_leave(&mp->lock, taken);
    return child;
}

/* Takes the cleanup that a link leads to off the list; its pool's lock. */
static void tree_unlink(struct tree *tree, struct tree_cleanup **link)
{
    struct tree_cleanup *cleanup = *link;
    ASSERT(pool_is_entered(tree->mp) && cleanup != NULL);

    *link = cleanup->older;
    ASSERT(cleanup->mark == 0 || tree->marked > 0);
    tree->marked -= cleanup->mark != 0;
}

/* A cleanup leaves the list before it is called, so that it is called once,
 * though it may not return. */
struct tree_cleanup *tree_take_cleanup(struct memory_pool *mp)
{
    ASSERT(lock_none_is_held());
    bool taken = pool_enter(mp);
    ASSERT(mp->tree != NULL);
    struct tree_cleanup *cleanup = mp->tree->cleanups;

    if (cleanup != NULL) {
        tree_unlink(mp->tree, &mp->tree->cleanups);
    }
    lock_leave(&mp->lock, taken);
    return cleanup;
}

/* Later marks of the owner lie within the mark, and have higher numbers. */
struct tree_cleanup *tree_take_marked(struct memory_pool *mp, uint64_t owner,
                                      uint64_t mark)
{
    ASSERT(lock_none_is_held() && owner != 0 && mark != 0);
    struct tree_cleanup *cleanup = NULL;
    bool taken = pool_enter(mp);

    /* Most pools have none, and pay no search. */
    if (mp->tree != NULL && mp->tree->marked > 0) {
        struct tree_cleanup **link = &mp->tree->cleanups;
        while (*link != NULL &&
               ((*link)->owner != owner || (*link)->mark < mark)) {
            link = &(*link)->older;
        }
        cleanup = *link;
        if (cleanup != NULL) {
            tree_unlink(mp->tree, link);
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
    struct tree *tree = tree_of(mp);
    struct tree_cleanup *cleanup =
        tree == NULL ? NULL : malloc(sizeof *cleanup);

    if (cleanup == NULL) {
        return RESULT_NO_MEMORY;
    }
    cleanup->fn = fn;
    cleanup->arg = arg;
    cleanup->owner = owner;
    cleanup->mark = mark;
    /* Added by a cleanup of a run: counted, so that they come to an end. */
    cleanup->late = tree_is_run(mp);
    bool taken = pool_enter(mp);
    ASSERT(mp->tree == tree);
    cleanup->older = tree->cleanups;
    tree->cleanups = cleanup;
    tree->marked += mark != 0;
    lock_leave(&mp->lock, taken);
    return RESULT_OK;
}

bool tree_remove_cleanup(struct memory_pool *mp, void (*fn)(void *arg),
                         void *arg)
{
    ASSERT(lock_none_is_held());
    struct tree_cleanup *cleanup = NULL;
    bool taken = pool_enter(mp);

    if (mp->tree != NULL) {
        struct tree_cleanup **link = &mp->tree->cleanups;
        /* From the newest on, so that of two equal ones the last added goes. */
        while (*link != NULL && ((*link)->fn != fn || (*link)->arg != arg)) {
            link = &(*link)->older;
        }
        cleanup = *link;
        if (cleanup != NULL) {
            tree_unlink(mp->tree, link);
        }
    }
    lock_leave(&mp->lock, taken);
    free(cleanup);
    return cleanup != NULL;
}

/* It compares what each link points back to, so that a list which leads into
 * itself is found before it is followed a second time. */
bool tree_is_sound(const struct memory_pool *mp)
{
    ASSERT(pool_is_entered(mp));
    const struct tree *tree = mp->tree;

    if (tree == NULL) {
        return true;
    }
    /* What points to a link is compared before the link is followed. */
    struct list_link *const *from = &tree->children.first;
    while (*from != NULL) {
        const struct tree *child = LIST_ENTRY(*from, struct tree, link);
        if (child->link.from != from || child->parent != mp ||
            child->mp->tree != child) {
            return false;
        }
        from = &child->link.next;
    }
    size_t marked = 0;
    for (const struct tree_cleanup *c = tree->cleanups; c != NULL;
         c = c->older) {
        if (c->fn == NULL || (c->owner == 0) != (c->mark == 0)) {
            return false;
        }
        marked += c->mark != 0;
    }
    return tree->mp == mp && tree->parent != mp && marked == tree->marked;
}

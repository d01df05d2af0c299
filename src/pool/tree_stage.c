/* SPDX-License-Identifier: MIT
 *
 * tree_stage.c - how far a reset or destroy has come with the pools below.
 *
 * A child is open for all of its life, but while a pool above is reset or
 * destroyed.  That first closes all pools below, by calling their cleanups, and
 * then frees them:
 *
 *     open -- taken --> closing -- no cleanup is left --> closed -> freed
 *       ^                                                   |
 *       +---- a cleanup elsewhere adds a cleanup or a child -+
 *
 * What it cannot do: call a cleanup.  end.c does.
 */
#include "pool/tree_stage.h"

bool tree_is_run(const struct memory_pool *mp, uintptr_t frame)
{
    const struct tree *tree = sync_get_acquire(&mp->tree);

    /* Relaxed: the thread asks for nothing but what it wrote itself.  A frame
     * that the call is not within was left without returning. */
    return tree != NULL && thread_is_own(sync_get(&tree->runner)) &&
           tree_is_within(frame, sync_get(&tree->frame));
}

void tree_set_runner(struct tree *tree, uintptr_t frame)
{
    sync_put(&tree->frame, frame);
    sync_put(&tree->runner, frame == 0 ? NULL : &thread_state);
}

bool tree_is_late(const struct memory_pool *mp)
{
    const struct tree *tree = sync_get_acquire(&mp->tree);
    uintptr_t frame = (uintptr_t)__builtin_frame_address(0);

    return tree_is_run(mp, frame) ||
           (tree != NULL && sync_get(&tree->stage) == TREE_CLOSED);
}

/* The lock of the pool's parent, if it has one. */
static void tree_set_stage(struct tree *tree, enum tree_stage stage)
{
    ASSERT(tree->parent != NULL && pool_is_entered(tree->parent));
    list_remove(&tree->link);
    list_push(&tree->parent->tree->children[stage], &tree->link);
    sync_put(&tree->stage, stage);
}

/* From a pool that was closed up, and open again; it is pinned. */
static void tree_reopen_up(struct memory_pool *mp)
{
    struct memory_pool *parent;
    bool closed = true;

    while (closed && (parent = tree_parent(mp)) != NULL &&
           sync_get(&mp->tree->stage) == TREE_CLOSED) {
        bool taken = pool_enter(parent);
        closed = sync_get(&mp->tree->stage) == TREE_CLOSED;
        if (closed) {
            tree_set_stage(mp->tree, TREE_OPEN);
        }
        lock_leave(&parent->lock, taken);
        mp = parent;
    }
}

/* A pool that got a cleanup or a child, though it was closed, has to be closed
 * again; and so have those above, since that is how a run comes to it. */
void tree_reopen(struct memory_pool *mp)
{
    ASSERT(lock_none_is_held());
    if (sync_get(&mp->tree->stage) != TREE_CLOSED) {
        return;
    }
    bool taken = pool_enter(mp);
    pool_pin(mp, &taken);
    lock_leave(&mp->lock, taken);
    tree_reopen_up(mp);
    taken = pool_enter(mp);
    pool_unpin(mp);
    lock_leave(&mp->lock, taken);
}

bool tree_is_ending(const struct memory_pool *mp, uintptr_t frame)
{
    ASSERT(lock_is_held(&pool_moves));
    bool ending = false;

    for (; mp != NULL && !ending; mp = tree_parent(mp)) {
        const struct tree *tree = sync_get_acquire(&mp->tree);
        ending = tree_is_run(mp, frame) ||
                 (tree != NULL && sync_get(&tree->stage) != TREE_OPEN);
    }
    return ending;
}

bool tree_is_open(const struct memory_pool *mp)
{
    ASSERT(mp->tree->parent == NULL || pool_is_entered(mp->tree->parent));
    return sync_get(&mp->tree->stage) == TREE_OPEN;
}

/* The child leaves the list in the hold in which it was found: else another
 * thread that resets the parent would take it a second time. */
struct memory_pool *tree_take_child(struct memory_pool *mp,
                                    enum tree_stage stage, uintptr_t frame)
{
    ASSERT(lock_none_is_held() && mp->tree != NULL && frame != 0);
    bool taken = pool_enter(mp);
    pool_await_move(mp, &taken);
    struct list_link *link = mp->tree->children[stage].first;
    struct memory_pool *child = NULL;

    if (link != NULL) {
        struct tree *tree = LIST_ENTRY(link, struct tree, link);
        ASSERT(tree->parent == mp);
        tree_set_stage(tree, TREE_CLOSING);
        tree_set_runner(tree, frame);
        child = tree->mp;
    }
    lock_leave(&mp->lock, taken);
    return child;
}

void tree_put_child(struct memory_pool *child, enum tree_stage stage)
{
    ASSERT(lock_none_is_held() && child->tree->parent != NULL);
    struct memory_pool *parent = child->tree->parent;
    bool taken = pool_enter(parent);

    pool_await_move(parent, &taken);
    ASSERT(sync_get(&child->tree->stage) == TREE_CLOSING);
    tree_set_stage(child->tree, stage);
    tree_set_runner(child->tree, 0);
    lock_leave(&parent->lock, taken);
}

/* Where a whole pool goes, no other thread is at work in it.  In a reset
 * another one may be, so only what is the caller's own is known to be left. */
void tree_open_again(struct memory_pool *mp, bool all)
{
    ASSERT(lock_none_is_held() && mp->tree != NULL);
    bool taken = pool_enter(mp);
    pool_await_move(mp, &taken);
    struct list_link *link = mp->tree->children[TREE_CLOSING].first;

    while (link != NULL) {
        struct tree *tree = LIST_ENTRY(link, struct tree, link);
        link = link->next;
        if (all || thread_is_own(sync_get(&tree->runner))) {
            tree_set_stage(tree, TREE_OPEN);
            tree_set_runner(tree, 0);
        }
    }
    lock_leave(&mp->lock, taken);
}

/* True: a run of the calling thread has brought the pool to its stage. */
static bool tree_is_own_stage(const struct tree *tree)
{
    const struct tree *by =
        sync_get(&tree->stage) == TREE_CLOSED ? tree->parent->tree : tree;

    return thread_is_own(sync_get(&by->runner));
}

void tree_forked(struct memory_pool *mp)
{
    struct tree *tree = mp->tree;

    if (tree == NULL) {
        return;
    }
    if (!thread_is_own(sync_get(&tree->runner))) {
        tree_set_runner(tree, 0);
    }
    if (sync_get(&tree->own.mp) != NULL && !thread_is_own(tree->own.thread)) {
        /* Its list was the other thread's, and is gone with it. */
        tree->own.link = (struct list_link){NULL, NULL};
        sync_put(&tree->own.mp, (struct memory_pool *)NULL);
    }
    if (tree->parent != NULL && list_has(&tree->link) &&
        sync_get(&tree->stage) != TREE_OPEN && !tree_is_own_stage(tree)) {
        tree_set_stage(tree, TREE_OPEN);
    }
}

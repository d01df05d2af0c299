/* SPDX-License-Identifier: MIT
 *
 * outside.c - whose memory outside of the range is, by address.
 *
 * A pool over a buffer may lie in an object of another pool, so plots lie
 * within plots.  An address belongs to the innermost.  All plots are in one
 * treap, in the order of their starts.  The last that starts at or before an
 * address is the innermost one that has it, unless it ends before.  Then one
 * around it may have the address, and so on outwards:
 *
 *     | outer ......................................... |
 *          | inner 1 .... |   | inner 2 .... |    ^ address
 *
 * Invariant, for each plot that is noted:
 *
 *     around is noted, and start(around) <= start < start(around) + its bytes
 *
 * This holds for plots that overlap in any way.  A plot stands in its memory,
 * so a program that writes over a buffer before it destroys the pool there
 * breaks the tree for all pools.  If it only makes a pool there once more, the
 * plot is found to be noted already.
 *
 * A pool's plots change under its lock alone, which fork() takes, too.  The
 * lock here is taken after it, and nothing else is done under it.
 *
 * What it cannot do: find an address in fewer steps than pools lie one within
 * the other.
 */
#include "store/outside.h"

#include "base/list.h"
#include "base/lock.h"
#include "base/tool.h"

static struct lock outside_lock = LOCK_INIT(LOCK_OUTSIDE); /* owns the tree */
static struct treap_node *outside_root;
static size_t outside_count; /* atomic; plots; written with the lock */

void outside_tell_lock(void)
{
    lock_tell(&outside_lock);
    (void)tool_allow_races(&outside_count, sizeof outside_count);
}

static struct outside *outside_plot(struct treap_node *node)
{
    return node == NULL ? NULL : LIST_ENTRY(node, struct outside, node);
}

/* A start, and of plots with the same start any order that stays. */
static bool outside_is_before(uintptr_t start, const struct outside *plot,
                              const struct outside *other)
{
    return start != outside_start(other)
               ? start < outside_start(other)
               : (uintptr_t)plot < (uintptr_t)other;
}

static bool outside_before(const struct treap_node *one,
                           const struct treap_node *other)
{
    const struct outside *a = LIST_ENTRY(one, const struct outside, node);
    const struct outside *b = LIST_ENTRY(other, const struct outside, node);

    return outside_is_before(outside_start(a), a, b);
}

/* The last plot that starts at or before an address; NULL: none does. */
static struct outside *outside_up_to(uintptr_t address)
{
    struct treap_node *node = outside_root;
    struct treap_node *found = NULL;

    while (node != NULL) {
        if (outside_start(outside_plot(node)) <= address) {
            found = node;
            node = node->right;
        } else {
            node = node->left;
        }
    }
    return outside_plot(found);
}

/* The first plot behind one with that start; plot is NULL: behind none with
 * it.  NULL: there is none. */
static struct outside *outside_behind(uintptr_t start,
                                      const struct outside *plot)
{
    struct treap_node *node = outside_root;
    struct treap_node *found = NULL;

    while (node != NULL) {
        if (outside_is_before(start, plot, outside_plot(node))) {
            found = node;
            node = node->left;
        } else {
            node = node->right;
        }
    }
    return outside_plot(found);
}

/* The first plot, from this one outwards, that has an address; NULL: none
 * has. */
static struct outside *outside_having(struct outside *plot, uintptr_t address)
{
    while (plot != NULL && address - outside_start(plot) >= plot->bytes) {
        plot = plot->around;
    }
    return plot;
}

/* The plots that begin in this one, and in no other within it, lead to it from
 * now on, or, unless noted, to what is around it.  It is not in the tree.
 * There are none but where a program broke the rules: a pool's memory comes and
 * goes while no object is in it. */
static void outside_lead(struct outside *plot, bool noted)
{
    uintptr_t start = outside_start(plot);
    struct outside *within = outside_behind(start, NULL);

    while (within != NULL && outside_start(within) - start < plot->bytes) {
        if (noted && within->around == plot->around) {
            within->around = plot;
        } else if (!noted && within->around == plot) {
            within->around =
                outside_having(plot->around, outside_start(within));
        }
        within = outside_behind(outside_start(within), within);
    }
}

/* Both with the lock. */
static void outside_put(struct outside *plot)
{
    uintptr_t start = outside_start(plot);

    ASSERT(lock_is_held(&outside_lock) && plot->bytes > 0);
    struct outside *before = outside_up_to(start);
    if (before == plot) {
        return; /* a program uses a buffer again: it is there already */
    }
    plot->around = outside_having(before, start);
    outside_lead(plot, true);
    treap_add(&outside_root, &plot->node, outside_before);
    sync_put(&outside_count, outside_count + 1);
}

static void outside_take(struct outside *plot)
{
    ASSERT(lock_is_held(&outside_lock) && plot->bytes > 0);
    treap_remove(&outside_root, &plot->node, outside_before);
    sync_put(&outside_count, outside_count - 1);
    outside_lead(plot, false);
}

void outside_add(struct outside *plot, const void *start, size_t bytes,
                 struct memory_pool *owner)
{
    ASSERT(plot->bytes == 0 && bytes > 0 && owner != NULL);
    bool taken = lock_enter(&outside_lock);

    plot->hidden = ~(uintptr_t)start;
    plot->bytes = bytes;
    plot->owner = owner;
    outside_put(plot);
    lock_leave(&outside_lock, taken);
}

void outside_remove(struct outside *plot)
{
    if (plot->bytes != 0) {
        bool taken = lock_enter(&outside_lock);

        outside_take(plot);
        plot->bytes = 0;
        lock_leave(&outside_lock, taken);
    }
}

void outside_resize(struct outside *plot, size_t bytes)
{
    ASSERT(bytes > 0 && plot->bytes > 0);
    bool taken = lock_enter(&outside_lock);

    outside_take(plot);
    plot->bytes = bytes;
    outside_put(plot);
    lock_leave(&outside_lock, taken);
}

struct memory_pool *outside_owner(const void *ptr)
{
    uintptr_t address = (uintptr_t)ptr;

    /* Relaxed: a caller that asks about a pool's memory knows of the pool, and
     * so sees that there is a plot. */
    if (sync_get(&outside_count) == 0) {
        return NULL;
    }
    bool taken = lock_enter(&outside_lock);
    const struct outside *plot =
        outside_having(outside_up_to(address), address);
    struct memory_pool *owner = plot == NULL ? NULL : plot->owner;
    lock_leave(&outside_lock, taken);
    return owner;
}

void outside_fork_prepare(void)
{
    lock_take(&outside_lock);
}

void outside_fork_done(void)
{
    lock_drop(&outside_lock);
}

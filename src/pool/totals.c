/* SPDX-License-Identifier: MIT
 *
 * totals.c - what a pool did, as numbers that outlive it in its parent.
 *
 * A server that makes a pool for each request wants to know what all of them
 * did, and most of them are gone.  So a pool that ends adds its numbers to
 * those that its parent keeps for pools by the same name.  A pool that has had
 * children itself hands their numbers on, each under its own name.
 *
 * Invariant, for each name that is kept apart: the sum over a tree of what
 * pools by that name did, and of what is kept of such pools, only grows until
 * the top of the tree ends.
 *
 * What it cannot do: keep names apart without bound.  A program that numbers
 * its names has TREE_NAMES of them, and the rest together.
 */
#include "pool/totals.h"

#include <stdlib.h>
#include <string.h>

#include "base/tool.h"
#include "cache/pause.h"
#include "pool/mark.h"
#include "pool/recall.h"
#include "pool/track.h"

size_t totals_count_live(struct memory_pool *mp)
{
    const struct mark *mark = NULL;
    const struct heap *heap = NULL;
    size_t live = 0;

    ASSERT(pool_is_entered(mp) && cache_set_is_paused(&mp->caches));
    while ((heap = mark_next_heap(mp, heap, &mark)) != NULL) {
        live += heap_count_live(heap);
    }
    if (pool_is_tracked(mp)) {
        live += track_count(mp);
    }
    return live;
}

void totals_add(struct tree_totals *to, const struct tree_totals *add)
{
    to->pools += add->pools;
    to->allocations += add->allocations;
    for (int i = 0; i < POOL_REFUSALS; i++) {
        to->refused[i] += add->refused[i];
    }
    if (to->peak_bytes < add->peak_bytes) {
        to->peak_bytes = add->peak_bytes;
    }
}

struct tree_totals totals_of_gone(const struct memory_pool *mp)
{
    ASSERT(pool_is_entered(mp));
    const struct tree *tree = mp->tree;
    struct tree_totals sum = {.pools = 0};

    if (tree != NULL) {
        totals_add(&sum, &tree->gone_unnamed);
        totals_add(&sum, &tree->gone_other);
        for (const struct tree_gone *g = tree->gone; g != NULL; g = g->next) {
            totals_add(&sum, &g->totals);
        }
    }
    return sum;
}

/* The pool's own numbers. */
static struct tree_totals totals_of(struct memory_pool *mp)
{
    ASSERT(lock_none_is_held());
    struct tree_totals totals = {.pools = 1};
    bool taken = pool_enter(mp);

    pause_begin(&mp->caches);
    recall_collect(mp);
    totals.allocations = mp->counters.freed + cache_set_frees(&mp->caches) +
                         totals_count_live(mp);
    for (int i = 0; i < POOL_REFUSALS; i++) {
        totals.refused[i] = mp->counters.refused[i];
    }
    totals.peak_bytes = mp->mode->counts ? quota_peak(&mp->quota)
                                         : mp->counters.peak * SIZES_GRANULE;
    pause_end(&mp->caches);
    lock_leave(&mp->lock, taken);
    return totals;
}

/* The numbers of a name; NULL: none are kept for it yet.  The lock of the pool
 * that keeps them is held. */
static struct tree_totals *totals_find(struct tree *tree, const char *name)
{
    ASSERT(pool_is_entered(tree->mp));
    if (name == NULL) {
        return &tree->gone_unnamed;
    }
    tool_follow(&tree->gone); /* others wrote the names */
    for (struct tree_gone *gone = tree->gone; gone != NULL;
         gone = gone->next) {
        if (strcmp(gone->name, name) == 0) {
            return &gone->totals;
        }
    }
    return tree->gone_names == TREE_NAMES ? &tree->gone_other : NULL;
}

/* Adds to what a pool keeps of a name, or of further names where other is true.
 * Memory for one more name is got without the lock, since malloc() may be the
 * program's own.  Without memory the name is one of the others. */
static void totals_give(struct memory_pool *mp, const char *name, bool other,
                        const struct tree_totals *add)
{
    ASSERT(lock_none_is_held());
    struct tree *tree = mp->tree;
    struct tree_gone *fresh = NULL;
    bool taken = pool_enter(mp);
    struct tree_totals *totals =
        other ? &tree->gone_other : totals_find(tree, name);

    if (totals == NULL) {
        lock_leave(&mp->lock, taken);
        fresh = calloc(1, sizeof *fresh);
        if (fresh != NULL) {
            (void)tool_allow_races(fresh, sizeof *fresh);
        }
        taken = pool_enter(mp);
        /* Another thread may have been here while the lock was left. */
        totals = totals_find(tree, name);
    }
    if (totals == NULL && fresh != NULL) {
        strcpy(fresh->name, name);
        fresh->next = tree->gone;
        tree->gone = fresh;
        tree->gone_names++;
        tool_precede(&tree->gone);
        totals = &fresh->totals;
        fresh = NULL;
    }
    totals_add(totals != NULL ? totals : &tree->gone_other, add);
    lock_leave(&mp->lock, taken);
    free(fresh);
}

/* Adds a row, unless no pool is in it. */
static size_t totals_put(struct totals_row *row, const char *name, bool other,
                         const struct tree_totals *totals)
{
    if (totals->pools == 0) {
        return 0;
    }
    row->named = name != NULL;
    row->other = other;
    row->totals = *totals;
    if (name != NULL) {
        strcpy(row->name, name);
    }
    return 1;
}

size_t totals_list(struct memory_pool *mp, struct totals_row rows[TOTALS_ROWS])
{
    ASSERT(lock_none_is_held());
    size_t count = 0;
    bool taken = pool_enter(mp);
    const struct tree *tree = mp->tree;

    if (tree != NULL) {
        for (const struct tree_gone *g = tree->gone; g != NULL; g = g->next) {
            count += totals_put(&rows[count], g->name, false, &g->totals);
        }
        count += totals_put(&rows[count], NULL, false, &tree->gone_unnamed);
        count += totals_put(&rows[count], NULL, true, &tree->gone_other);
    }
    ASSERT(count <= TOTALS_ROWS);
    lock_leave(&mp->lock, taken);
    return count;
}

/* Hands on what the pool knows of others, each under its own name. */
static void totals_pass(struct memory_pool *mp, struct memory_pool *parent)
{
    struct totals_row rows[TOTALS_ROWS];
    size_t count = totals_list(mp, rows);

    for (size_t i = 0; i < count; i++) {
        totals_give(parent, rows[i].named ? rows[i].name : NULL,
                    rows[i].other, &rows[i].totals);
    }
}

/* No other thread uses the pool any more, so its tree is read without the
 * lock. */
void totals_hand_over(struct memory_pool *mp)
{
    ASSERT(lock_none_is_held());
    const struct tree *tree = mp->tree;
    struct memory_pool *parent = tree_parent(mp);

    if (parent == NULL) {
        return;
    }
    struct tree_totals own = totals_of(mp);
    totals_give(parent, mp->settings.name, false, &own);
    if (tree->gone != NULL || tree->gone_unnamed.pools != 0 ||
        tree->gone_other.pools != 0) {
        totals_pass(mp, parent);
    }
}

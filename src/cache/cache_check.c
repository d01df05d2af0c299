/* SPDX-License-Identifier: MIT
 *
 * cache_check.c - what caches have, for those who look without changing it.
 *
 * Assertions and mp_check() ask whether a cache agrees with itself.  Views ask
 * where its runs and chains are.
 *
 * What it cannot do: follow a chain.  The one who asks does, and knows how to
 * end where a program has written over a link.
 */
#include "cache/cache_check.h"

bool cache_is_sound(const struct cache *cache, const struct cache_set *set)
{
    const unsigned char *cut = cache->fast.cut;
    bool mark = cache_has_mark(cache, set);
    bool sees = cache->windows != NULL;
    size_t left = 0;

    for (size_t i = 0; i < SIZES_SHORT; i++) {
        const struct mp_inline_list *list = &cache->fast.lists[i];
        bool used = (cache->lists_used >> i & 1) != 0;
        left += list->room;
        if ((!used && (list->chunks != NULL || list->room != 0)) ||
            (mark && list->room != 0)) {
            return false;
        }
    }
    return left <= cache->frees_granted && cache->set == set &&
           cache->fast.zero == set->zero &&
           cache->longest == set->longest &&
           cache->fast.longest ==
               (cache_set_is_outside(set) ? 0 : set->longest) &&
           cache->state != NULL && cache->heap != NULL &&
           (mark || cache_set_is_outside(set) || !sees) &&
           ((mark && sees) || cache->mark_room == 0) &&
           (cache->middle == NULL || !mark || sees ||
            cache->middle->limit == 0) &&
           (cut == NULL) == (cache->fast.end == NULL) &&
           cut <= cache->fast.end &&
           (uintptr_t)cut % SIZES_GRANULE == 0 &&
           (size_t)(cache->fast.end - cut) % SIZES_GRANULE == 0;
}

static bool cache_run_before(const struct treap_node *one,
                             const struct treap_node *other)
{
    const struct cache *first = LIST_ENTRY(one, const struct cache, sorted);
    const struct cache *second = LIST_ENTRY(other, const struct cache, sorted);
    uintptr_t a = (uintptr_t)first->fast.cut;
    uintptr_t b = (uintptr_t)second->fast.cut;

    /* Two runs begin at one address only where a program wrote over one. */
    return a != b ? a < b : (uintptr_t)one < (uintptr_t)other;
}

/* A walk meets each run, so to look for its cache among all of them would make
 * a walk cost their square. */
unsigned cache_sort_runs(struct cache_set *set)
{
    unsigned number = 0;

    ASSERT(lock_is_held(set->lock) && cache_set_is_paused(set));
    set->runs = NULL;
    for (struct cache *c = set->caches; c != NULL; c = c->next) {
        c->number = ++number;
        /* An empty run may start where another cache's begins. */
        if (c->fast.end > c->fast.cut) {
            treap_add(&set->runs, &c->sorted, cache_run_before);
        }
    }
    return number;
}

uint32_t cache_run_at(const struct cache_set *set, const void *at,
                      unsigned *number)
{
    ASSERT(lock_is_held(set->lock) && cache_set_is_paused(set));
    struct treap_node *node = set->runs;

    *number = 0;
    while (node != NULL) {
        const struct cache *c = LIST_ENTRY(node, const struct cache, sorted);
        if (c->fast.cut == at) {
            *number = c->number;
            return (uint32_t)((size_t)(c->fast.end - c->fast.cut) /
                              SIZES_GRANULE);
        }
        node = (uintptr_t)at < (uintptr_t)c->fast.cut ? node->left
                                                      : node->right;
    }
    return 0;
}

/* Chains of one heap, and what is done with each. */
struct cache_visit {
    const struct heap *heap;
    cache_visit_fn *visit;
    void *arg;
};

static bool cache_visit_chain(const void *chain, void *arg)
{
    const struct cache_visit *chains = arg;

    return chains->visit(chains->heap, chain, chains->arg);
}

bool cache_each_chain(const struct cache_set *set, size_t granules,
                      cache_visit_fn *visit, void *arg)
{
    ASSERT(lock_is_held(set->lock) && cache_set_is_paused(set));
    ASSERT(granules > 0 && granules <= SIZES_SHORT);
    for (const struct cache *c = set->caches; c != NULL; c = c->next) {
        const void *chain = c->fast.lists[granules - 1].chunks;
        if (chain != NULL && !visit(c->heap, chain, arg)) {
            return false;
        }
    }
    struct cache_visit depot = {set->heap, visit, arg};
    return depot_each(&set->depot, granules, cache_visit_chain, &depot);
}

bool cache_each_middle(const struct cache_set *set, cache_visit_fn *visit,
                       void *arg)
{
    ASSERT(lock_is_held(set->lock) && cache_set_is_paused(set));
    for (const struct cache *c = set->caches; c != NULL; c = c->next) {
        struct cache_visit chains = {c->heap, visit, arg};
        if (c->middle != NULL &&
            !middle_each(c->middle, cache_visit_chain, &chains)) {
            return false;
        }
    }
    return true;
}

bool cache_set_is_sound(const struct cache_set *set)
{
    bool retired = sync_get(&set->retired);
    bool first = false;

    ASSERT(lock_is_held(set->lock) && cache_set_is_paused(set));
    for (const struct cache *c = set->caches; c != NULL; c = c->next) {
        /* Only the calling thread's own caches are enabled in a pause. */
        const struct memory_pool *enabled =
            sync_get(set->fenced ? &c->fast.fenced : &c->fast.pool);
        const struct memory_pool *never =
            sync_get(set->fenced ? &c->fast.pool : &c->fast.fenced);
        if (!cache_is_sound(c, set) || never != MP_INLINE_NO_POOL ||
            (enabled != MP_INLINE_NO_POOL &&
             (retired || enabled != set->pool)) ||
            (set->sweeping && cache_is_enabled(c))) {
            return false;
        }
        first = first || c == set->first_cache;
    }
    /* The first thread and its cache come and go together. */
    if (set->first_cache == NULL) {
        return sync_get(&set->first_thread) == CACHE_NO_THREAD;
    }
    return first && set->first_cache->thread == sync_get(&set->first_thread);
}

/* SPDX-License-Identifier: MIT
 *
 * pause_unit.c - the shipped pause, and the ways inside, as a model calls them.
 *
 * What it cannot do: fill or flush a cache.  In the model a cache is a variable
 * that its user or the pauser writes.
 */
#include <stdlib.h>

#include "cache/credit.h"
#include "cache/handle.h"
#include "cache/pause.c"
#include "cache/window.c"

#include "pause_unit.h"

static char unit_pool; /* its address is the pool's name */
static struct cache_set unit_set;
static struct cache unit_caches[UNIT_USERS];
static struct mp_handle unit_handle; /* of the first user, if it has one */
static struct mp_inline_thread unit_states[UNIT_USERS + 1];
static bool unit_handled;

/* Never called here. */
void cache_close_mark(struct cache *cache, struct cache_set *set,
                      struct heap *heap)
{
    (void)cache;
    (void)set;
    (void)heap;
    abort();
}

void cache_collect(struct cache *cache, struct cache_set *set)
{
    (void)cache;
    (void)set;
    abort();
}

void cache_flush_marks(struct cache_set *set)
{
    (void)set;
    abort();
}

void cache_sweep_begin(struct cache_set *set)
{
    cache_flush_marks(set);
}

bool cache_sweep(struct cache_set *set)
{
    cache_flush_marks(set);
    return false;
}

struct mp_inline_thread *thread_find_state(void)
{
    return &unit_states[model_thread()];
}

void sync_fence_heavy(void)
{
    model_fence();
}

bool sync_fence_works(void)
{
    return model_fence_works();
}

static void unit_join(unsigned user)
{
    bool handled = user == 0 && unit_handled;
    struct cache *cache = handled ? &unit_handle.cache : &unit_caches[user];

    cache->state = handled ? &unit_handle.state : &unit_states[user];
    cache->state->cache = &cache->fast;
    cache->thread = handled ? NULL : (struct thread *)(void *)&unit_pool;
    cache->fast.pool = cache->fast.fenced = MP_INLINE_NO_POOL;
    cache->fast.exact = cache->fast.exact_fenced = MP_INLINE_NO_POOL;
    cache->next = unit_set.caches;
    unit_set.caches = cache;
    model_name(&cache->fast.pool, sizeof cache->fast.pool);
    model_name(&cache->fast.fenced, sizeof cache->fast.fenced);
    model_name(&cache->fast.exact, sizeof cache->fast.exact);
    model_name(&cache->fast.exact_fenced, sizeof cache->fast.exact_fenced);
    model_name(&cache->state->inside, sizeof cache->state->inside);
    cache_enable(cache, &unit_set);
}

void unit_start(bool fenced, bool counts, bool handled)
{
    memset(&unit_set, 0, sizeof unit_set);
    memset(unit_caches, 0, sizeof unit_caches);
    memset(&unit_handle, 0, sizeof unit_handle);
    memset(unit_states, 0, sizeof unit_states);
    unit_set.pool = (struct memory_pool *)(void *)&unit_pool;
    unit_set.fenced = fenced;
    unit_set.counts = counts;
    unit_handled = handled;
    model_name(&unit_set.retired, sizeof unit_set.retired);
    for (unsigned user = 0; user < UNIT_USERS; user++) {
        unit_join(user);
    }
}

bool unit_enter(unsigned user)
{
    struct mp_inline_thread *state = &unit_states[user];

    if (user == 0 && unit_handled) {
        return mp_inline_enter_handle(handle_fast(&unit_handle)) != NULL;
    }
    return unit_set.counts ? credit_enter(state, unit_set.pool) != NULL
                           : mp_inline_enter(state, unit_set.pool) != NULL;
}

void unit_leave(unsigned user)
{
    mp_inline_leave(user == 0 && unit_handled ? &unit_handle.state
                                              : &unit_states[user]);
}

void unit_pause(enum unit_seed seed)
{
    switch (seed) {
    case UNIT_NO_WAIT:
        (void)pause_revoke(&unit_set);
        model_fence();
        break;
    case UNIT_FENCE_FIRST:
        model_fence();
        (void)pause_revoke(&unit_set);
        pause_await(&unit_set);
        break;
    case UNIT_NO_REVOKE:
        model_fence();
        pause_await(&unit_set);
        break;
    default:
        pause_begin(&unit_set);
        break;
    }
}

void unit_resume(void)
{
    pause_end(&unit_set);
}

/* SPDX-License-Identifier: MIT
 *
 * handle.c - a cache that belongs to no thread.
 *
 * malloc() gives the memory of a handle, since a handle is as large as a cache
 * and lives long.  At the pool's end attach_end_all() frees the handles that
 * are left.  It needs nothing of this file, since each cache knows what
 * malloc() returned for it.
 *
 * What it cannot do: be used by two threads at once.
 *
 * Invariant: memory == the handle, so that free() gets the whole of it.
 */
#include "cache/handle.h"

#include <stdlib.h>

_Static_assert(offsetof(struct mp_handle, cache.fast) ==
                   offsetof(struct mp_inline_handle, cache),
               "a handle begins otherwise than compiled-in code believes");

struct mp_handle *handle_attach(struct cache_set *set)
{
    ASSERT(lock_none_is_held());
    struct mp_handle *handle = cache_allocate(sizeof *handle);

    if (handle == NULL) {
        return NULL;
    }
    handle->pool = set->pool;
    handle->user.number = thread_new_number();
    handle->user.cache = &handle->cache;
    handle->cache.memory = handle;
    cache_start(&handle->cache, set, &handle->state);
    bool taken = lock_enter(set->lock);
    attach_join(&handle->cache, set);
    lock_leave(set->lock, taken);
    return handle;
}

void handle_detach(struct mp_handle *handle)
{
    struct cache_set *set = handle->cache.set;

    ASSERT(set != NULL && lock_is_held(set->lock));
    ASSERT(handle->user.cache == &handle->cache);
    attach_leave(&handle->cache, set);
    handle->cache.set = NULL;
}

void handle_free(struct mp_handle *handle)
{
    /* free() may be the program's own, and take locks of its own. */
    ASSERT(lock_none_is_held());
    ASSERT(handle->cache.set == NULL && handle->cache.memory == handle);
    cache_free(&handle->cache);
}

/* SPDX-License-Identifier: MIT
 *
 * handle.c - a cache that belongs to no thread.
 *
 * Handles come and go with malloc(), since each has as many bytes as a cache
 * and lives long.  The pool's end ends those that are left.
 */
#include "cache/handle.h"

#include <stdlib.h>

#include "store/blocks.h"

_Static_assert(offsetof(struct mp_handle, cache.fast) ==
                   offsetof(struct mp_inline_handle, cache),
               "a handle begins otherwise than compiled-in code believes");

struct mp_handle *handle_attach(struct memory_pool *mp)
{
    /* Lines of its own: its neighbour may be another thread's. */
    size_t bytes = (sizeof(struct mp_handle) + CACHE_LINE - 1) / CACHE_LINE *
                   CACHE_LINE;
    struct mp_handle *handle = aligned_alloc(CACHE_LINE, bytes);

    if (handle == NULL) {
        return NULL;
    }
    memset(handle, 0, sizeof *handle);
    cache_start(&handle->cache, mp, &handle->state);
    handle->mp = mp;
    handle->number = thread_new_number();
    bool taken = pool_enter_lock(mp);
    cache_join(&handle->cache, mp);
    lock_leave(&mp->lock, taken);
    return handle;
}

void handle_detach(struct mp_handle *handle)
{
    struct memory_pool *mp = handle->mp;
    bool taken = pool_enter_lock(mp);

    cache_detach(&handle->cache, mp);
    pool_leave(mp, taken);
    handle_free(&handle->cache);
}

void handle_free(struct cache *cache)
{
    free((unsigned char *)cache - offsetof(struct mp_handle, cache));
}

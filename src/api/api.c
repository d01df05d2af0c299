/* SPDX-License-Identifier: MIT
 *
 * api.c - the exported functions: arguments checked, misuse answered.
 *
 * No mechanism is here.  Each function either refuses its arguments or hands
 * them on, and turns the answer into a report and errno once every lock is
 * released.
 */
#include <errno.h>

#include "cache/handle.h"
#include "view/check.h"
#include "pool/object.h"
#include "api/options.h"
#include "pool/report.h"
#include "pool/mark.h"
#include "pool/tree.h"
#include "pool/walk.h"

#undef mp_create

#define API_TEXT_OF(number) #number
#define API_TEXT(number) API_TEXT_OF(number)

const char *mp_version(void)
{
    return API_TEXT(MP_VERSION_MAJOR) "." API_TEXT(MP_VERSION_MINOR) "."
           API_TEXT(MP_VERSION_PATCH);
}

/* caller is what a failing step is reported under. */
static memory_pool_t *api_create(const mp_options_t *given, size_t size,
                                 const char *caller)
{
    mp_options_t options;
    const char *member = options_complete(given, size, &options);

    if (member != NULL) {
        report_creation(&options, MP_EVENT_OPTION, member, EINVAL);
        return NULL;
    }
    memory_pool_t *mp = pool_create(&options);
    if (mp == NULL) {
        report_creation(&options, MP_EVENT_NO_MEMORY, caller, ENOMEM);
    }
    return mp;
}

memory_pool_t *init_memory_pool(void)
{
    const mp_options_t options = {
        .capacity = MAX_BLOCK_SIZE,
        .max_object = MAX_BLOCK_SIZE,
        .threads = MP_THREADS_LOCKED,
        .report = mp_report_stderr,
    };

    return api_create(&options, sizeof options, "init_memory_pool: malloc");
}

memory_pool_t *mp_create_sized(const mp_options_t *options,
                               size_t options_size)
{
    return api_create(options, options_size, "mp_create: acquire");
}

memory_pool_t *mp_create(const mp_options_t *options)
{
    return mp_create_sized(options, sizeof *options);
}

void destroy_memory_pool(memory_pool_t *mp)
{
    if (mp == NULL) {
        report_event(NULL, MP_EVENT_NO_POOL, NULL);
        return;
    }
    /* Acquire: whoever made the tree may be another thread. */
    if (sync_get_acquire(&mp->tree) != NULL && !tree_prepare(mp)) {
        return;
    }
    if ((mp->flags & MP_LEAK_CHECK) != 0) {
        walk_report_leaks(mp);
    }
    pool_destroy(mp);
}

/* Under the lock, since not every processor has an instruction to add to 64
 * bits that threads share. */
static void api_count_refusal(memory_pool_t *mp, unsigned reason)
{
    bool taken = pool_enter_lock(mp);

    mp->refused[reason]++;
    lock_leave(&mp->lock, taken);
}

/* Counts and reports why an allocation failed, as errno tells. */
static MP_SLOW void *api_refuse(memory_pool_t *mp, const char *step)
{
    switch (errno) {
    case ENOBUFS:
        api_count_refusal(mp, POOL_REFUSED_FULL);
        report_event(mp, MP_EVENT_FULL, NULL);
        break;
    case ENOMEM:
        api_count_refusal(mp, POOL_REFUSED_MEMORY);
        report_failure(mp, step, ENOMEM);
        break;
    default:
        api_count_refusal(mp, POOL_REFUSED_SIZE);
        report_event(mp, MP_EVENT_SIZE, NULL);
        break;
    }
    return NULL;
}

/* The longer ways round are functions of their own, and called last, so that
 * the shorter ones need no stack. */
static MP_SLOW void *api_allocate_at_last(memory_pool_t *mp, size_t size)
{
    if (mp == NULL) {
        report_no_pool_to_allocate();
        return NULL;
    }
    void *object = pool_allocate_at_last(mp, NULL, size);
    return object != NULL ? object : api_refuse(mp, "mp_allocate: malloc");
}

/* Another pool than the last, or one without caches and with a lock. */
static MP_SLOW void *api_allocate_elsewhere(memory_pool_t *mp, size_t size)
{
    struct mp_inline_thread *state = &thread_state;
    void *object = NULL;

    if (mp == NULL) {
        return api_allocate_at_last(mp, size);
    }
    if (mp->kind == POOL_CACHED) {
        if (cache_find(mp) != NULL) {
            struct mp_inline_cache *cache = mp_inline_enter(state, mp);
            if (cache != NULL) {
                object = mp_inline_take(state, cache, size);
                mp_inline_leave(state);
            }
        }
    } else {
        bool taken = pool_enter_lock(mp);
        object = pool_cut(mp, size);
        lock_leave(&mp->lock, taken);
    }
    return MP_LIKELY(object != NULL) ? object : api_allocate_at_last(mp, size);
}

/* The pool can be cut without a lock, just now: it has no caches, and the
 * process one thread.  Likely, for the code's order: pools with caches have a
 * way without a call. */
static inline bool api_cuts(const memory_pool_t *mp)
{
    return MP_LIKELY(mp != NULL && mp->kind != POOL_CACHED &&
                     lock_needless());
}

MP_FAST void *mp_allocate(memory_pool_t *mp, size_t m_size)
{
    struct mp_inline_thread *state = &thread_state;
    struct mp_inline_cache *cache;
    void *object;

    if (api_cuts(mp) && MP_LIKELY((object = pool_cut(mp, m_size)) != NULL)) {
        return object;
    }
    cache = mp_inline_enter(state, mp);
    if (cache == NULL) {
        return api_allocate_elsewhere(mp, m_size);
    }
    object = mp_inline_take(state, cache, m_size);
    mp_inline_leave(state);
    return MP_LIKELY(object != NULL) ? object
                                     : api_allocate_at_last(mp, m_size);
}

static MP_SLOW void api_free_at_last(memory_pool_t *mp, const void *ptr)
{
    if (mp == NULL) {
        report_event(NULL, MP_EVENT_NO_POOL, ptr);
    } else if (!pool_free_at_last(mp, NULL, ptr)) {
        report_event(mp,
                     ptr == NULL ? MP_EVENT_NO_POINTER : MP_EVENT_NOT_IN_POOL,
                     ptr);
    }
}

static MP_SLOW void api_free_elsewhere(memory_pool_t *mp, const void *ptr)
{
    struct mp_inline_thread *state = &thread_state;
    bool given = false;

    if (mp == NULL) {
        api_free_at_last(mp, ptr);
        return;
    }
    if (mp->kind == POOL_CACHED) {
        if (cache_find(mp) != NULL) {
            struct mp_inline_cache *cache = mp_inline_enter(state, mp);
            if (cache != NULL) {
                given = mp_inline_give(state, cache, mp, ptr);
                mp_inline_leave(state);
            }
        }
    } else {
        bool taken = pool_enter_lock(mp);
        given = pool_uncut(mp, ptr);
        lock_leave(&mp->lock, taken);
    }
    if (!MP_LIKELY(given)) {
        api_free_at_last(mp, ptr);
    }
}

MP_FAST void free_memory(memory_pool_t *mp, const void *ptr)
{
    struct mp_inline_thread *state = &thread_state;
    struct mp_inline_cache *cache;

    if (api_cuts(mp) && MP_LIKELY(pool_uncut(mp, ptr))) {
        return;
    }
    cache = mp_inline_enter(state, mp);
    if (cache == NULL) {
        api_free_elsewhere(mp, ptr);
        return;
    }
    bool given = mp_inline_give(state, cache, mp, ptr);
    mp_inline_leave(state);
    if (!MP_LIKELY(given)) {
        api_free_at_last(mp, ptr);
    }
}

void free_all_memory(memory_pool_t *mp)
{
    if (mp == NULL) {
        report_event(NULL, MP_EVENT_NO_POOL, NULL);
        return;
    }
    /* Acquire: whoever made the tree may be another thread. */
    if (sync_get_acquire(&mp->tree) != NULL && !tree_prepare(mp)) {
        return;
    }
    pool_reset(mp);
}

bool is_mp_ptr(memory_pool_t *mp, void *ptr)
{
    if (mp == NULL || ptr == NULL) {
        report_event(mp, mp == NULL ? MP_EVENT_NO_POOL : MP_EVENT_NO_POINTER,
                     ptr);
        return false;
    }
    return inspect_locate(mp, ptr) == MP_LIVE;
}

/* The functions below print nothing where there is no pool to say how. */
static bool api_has_pool(const memory_pool_t *mp)
{
    if (mp == NULL) {
        errno = EINVAL;
    }
    return mp != NULL;
}

void *mp_calloc(memory_pool_t *mp, size_t count, size_t size)
{
    size_t bytes;

    if (!api_has_pool(mp)) {
        return NULL;
    }
    if (__builtin_mul_overflow(count, size, &bytes)) {
        errno = EINVAL;
        return api_refuse(mp, NULL);
    }
    void *object = pool_allocate_at_last(mp, NULL, bytes);
    if (object == NULL) {
        return api_refuse(mp, "mp_calloc: malloc");
    }
    return memset(object, 0, bytes);
}

void *mp_realloc(memory_pool_t *mp, void *ptr, size_t size)
{
    if (!api_has_pool(mp)) {
        return NULL;
    }
    void *object = ptr == NULL ? pool_allocate_at_last(mp, NULL, size)
                               : object_resize(mp, ptr, size);
    if (object == NULL && errno == EFAULT) {
        report_event(mp, MP_EVENT_NOT_IN_POOL, ptr);
        return NULL;
    }
    return object != NULL ? object : api_refuse(mp, "mp_realloc: malloc");
}

void *mp_aligned_alloc(memory_pool_t *mp, size_t alignment, size_t size)
{
    if (!api_has_pool(mp)) {
        return NULL;
    }
    if (alignment == 0 || (alignment & (alignment - 1)) != 0 ||
        alignment > OBJECT_ALIGNMENT_MOST) {
        errno = EINVAL;
        return api_refuse(mp, NULL);
    }
    void *object = object_align(mp, alignment, size);
    return object != NULL ? object
                          : api_refuse(mp, "mp_aligned_alloc: malloc");
}

size_t mp_usable_size(memory_pool_t *mp, const void *ptr)
{
    if (!api_has_pool(mp)) {
        return 0;
    }
    size_t size = object_size(mp, ptr);
    if (size == 0) {
        errno = EINVAL;
    }
    return size;
}

mp_where_t mp_locate(memory_pool_t *mp, const void *ptr)
{
    return api_has_pool(mp) ? inspect_locate(mp, ptr) : MP_FOREIGN;
}

memory_pool_t *mp_owner(const void *ptr)
{
    return inspect_owner(ptr);
}

int mp_check(memory_pool_t *mp)
{
    if (!api_has_pool(mp)) {
        return -1;
    }
    if (!inspect_check(mp)) {
        errno = ENOTRECOVERABLE;
        return -1;
    }
    return 0;
}

size_t mp_trim(memory_pool_t *mp, size_t keep_bytes)
{
    return api_has_pool(mp) ? pool_trim(mp, keep_bytes) : 0;
}

/* Marks and handles. */

mp_mark_t mp_mark(memory_pool_t *mp)
{
    mp_mark_t mark = {api_has_pool(mp) ? mark_mark(mp, NULL) : 0};

    if (mark.number == 0 && mp != NULL) {
        report_failure(mp, "mp_mark: acquire", ENOMEM);
    }
    return mark;
}

int mp_rewind(memory_pool_t *mp, mp_mark_t mark)
{
    if (!api_has_pool(mp)) {
        return -1;
    }
    if (!mark_rewind(mp, NULL, mark.number)) {
        report_event(mp, MP_EVENT_MARK, NULL);
        return -1;
    }
    return 0;
}

mp_handle_t *mp_attach(memory_pool_t *mp)
{
    if (!api_has_pool(mp)) {
        return NULL;
    }
    mp_handle_t *handle = handle_attach(mp);
    if (handle == NULL) {
        report_failure(mp, "mp_attach: malloc", ENOMEM);
    }
    return handle;
}

/* False, and errno is set: there is no handle. */
static bool api_has_handle(const mp_handle_t *handle)
{
    if (handle == NULL) {
        errno = EINVAL;
    }
    return handle != NULL;
}

void mp_detach(mp_handle_t *handle)
{
    if (api_has_handle(handle)) {
        handle_detach(handle);
    }
}

static MP_SLOW void *api_handle_allocate_at_last(mp_handle_t *handle,
                                                 size_t size)
{
    if (!api_has_handle(handle)) {
        return NULL;
    }
    void *object = pool_allocate_at_last(handle->mp, handle, size);
    return object != NULL
               ? object
               : api_refuse(handle->mp, "mp_handle_allocate: malloc");
}

MP_FAST void *mp_handle_allocate(mp_handle_t *handle, size_t size)
{
    struct mp_inline_handle *own = handle_fast(handle);

    if (MP_LIKELY(own != NULL) && mp_inline_enter_handle(own) != NULL) {
        void *object = mp_inline_take(&own->thread, &own->cache, size);
        mp_inline_leave(&own->thread);
        if (MP_LIKELY(object != NULL)) {
            return object;
        }
    }
    return api_handle_allocate_at_last(handle, size);
}

static MP_SLOW void api_handle_free_at_last(mp_handle_t *handle,
                                            const void *ptr)
{
    if (api_has_handle(handle) &&
        !pool_free_at_last(handle->mp, handle, ptr)) {
        report_event(handle->mp,
                     ptr == NULL ? MP_EVENT_NO_POINTER : MP_EVENT_NOT_IN_POOL,
                     ptr);
    }
}

MP_FAST void mp_handle_free(mp_handle_t *handle, const void *ptr)
{
    struct mp_inline_handle *own = handle_fast(handle);
    struct memory_pool *mp;

    if (MP_LIKELY(own != NULL) && (mp = mp_inline_enter_handle(own)) != NULL) {
        bool given = mp_inline_give(&own->thread, &own->cache, mp, ptr);
        mp_inline_leave(&own->thread);
        if (MP_LIKELY(given)) {
            return;
        }
    }
    api_handle_free_at_last(handle, ptr);
}

mp_mark_t mp_handle_mark(mp_handle_t *handle)
{
    mp_mark_t mark = {api_has_handle(handle) ? mark_mark(handle->mp, handle)
                                             : 0};

    if (mark.number == 0 && handle != NULL) {
        report_failure(handle->mp, "mp_handle_mark: acquire", ENOMEM);
    }
    return mark;
}

int mp_handle_rewind(mp_handle_t *handle, mp_mark_t mark)
{
    if (!api_has_handle(handle)) {
        return -1;
    }
    if (!mark_rewind(handle->mp, handle, mark.number)) {
        report_event(handle->mp, MP_EVENT_MARK, NULL);
        return -1;
    }
    return 0;
}

/* Cleanups. */

int mp_add_cleanup(memory_pool_t *mp, void (*fn)(void *arg), void *arg)
{
    if (!api_has_pool(mp)) {
        return -1;
    }
    if (fn == NULL) {
        report_cleanup(mp, "the cleanup is NULL");
        return -1;
    }
    if (tree_add_cleanup(mp, fn, arg) != 0) {
        report_failure(mp, "mp_add_cleanup: malloc", ENOMEM);
        return -1;
    }
    return 0;
}

int mp_remove_cleanup(memory_pool_t *mp, void (*fn)(void *arg), void *arg)
{
    if (!api_has_pool(mp)) {
        return -1;
    }
    if (fn == NULL || !tree_remove_cleanup(mp, fn, arg)) {
        report_event(mp, MP_EVENT_CLEANUP, NULL);
        return -1;
    }
    return 0;
}

/* SPDX-License-Identifier: MIT
 *
 * api.c - making, ending, allocating and freeing, with the fast path.
 *
 * No mechanism is here or in the other files of this folder.  Each function
 * either refuses its arguments or hands them on, and turns the result into a
 * report and errno once every lock is released.
 *
 * A call that succeeds leaves errno as it was.  The fast path touches nothing
 * that could change it.  A slow path keeps it: it reads errno as it begins and
 * puts it back if all went well, so that nothing below has to think of it.
 *
 * What it cannot do: be called from a signal handler.
 */
#define MP_DECLARATIONS_ONLY /* mp_create() is defined here */
#include <errno.h>

#include "api/fast.h"
#include "api/misuse.h"
#include "api/options.h"
#include "api/slow.h"
#include "pool/alloc.h"
#include "pool/end.h"
#include "pool/life.h"
#include "pool/recycle.h"
#include "pool/report.h"
#include "pool/setting.h"
#include "view/final.h"
#include "view/locate.h"

/* True: the options ask for no more than recycle_make() can do.  What this
 * knows to be valid is not looked at again. */
static inline bool api_is_plain(const mp_options_t *given, size_t size)
{
    return size == sizeof *given && given->threads == MP_THREADS_CACHED &&
           given->flags == 0 && given->max_object == 0 &&
           given->backing == NULL && given->name == NULL &&
           given->debug == NULL &&
           (given->report != NULL || given->report_context == NULL);
}

/* A pool made again, where nothing but that is to be done; NULL: there is more
 * to do.  Keeps errno. */
static inline memory_pool_t *api_create_again(const mp_options_t *given,
                                              size_t size)
{
    static const mp_options_t none;

    if (!setting_is_none()) {
        return NULL;
    }
    if (given == NULL) {
        return recycle_make(&none);
    }
    return api_is_plain(given, size) ? recycle_make(given) : NULL;
}

/* flags: SETTING_* that no program can ask for.  caller is what a failing step
 * is reported under. */
static MP_SLOW memory_pool_t *api_create(const mp_options_t *given, size_t size,
                                         unsigned flags, const char *caller)
{
    ASSERT(lock_none_is_held() && caller != NULL);
    int error = errno;
    mp_options_t options;
    enum kind_why why;
    const char *member = options_complete(given, size, &options, &why);

    /* errno is set after the report, whose function may change it. */
    if (member != NULL) {
        report_option(&options, member);
        errno = EINVAL;
        return NULL;
    }
    options.flags |= flags;
    final_start(options.flags);
    memory_pool_t *mp = life_create(&options, why);
    ASSERT(lock_none_is_held());
    if (mp == NULL) {
        report_creation(&options, caller, ENOMEM);
        errno = ENOMEM;
        return NULL;
    }
    ASSERT(mp->mode != NULL && mp->settings.report == options.report);
    /* malloc() and mmap() may set errno and succeed. */
    errno = error;
    return mp;
}

/* The base pool is a pool with its options set, and nothing else. */
memory_pool_t *init_memory_pool(void)
{
    /* Each option states what the base functions always did: a fixed capacity,
     * one lock, and messages on standard error. */
    const mp_options_t options = {
        .capacity = MAX_BLOCK_SIZE,
        .max_object = MAX_BLOCK_SIZE,
        .threads = MP_THREADS_LOCKED,
        .report = mp_report_stderr,
    };

    return api_create(&options, sizeof options, SETTING_BASE,
                      "init_memory_pool: malloc");
}

memory_pool_t *mp_create_sized(const mp_options_t *options,
                               size_t options_size)
{
    memory_pool_t *mp = api_create_again(options, options_size);

    if (!MP_LIKELY(mp != NULL)) {
        mp = api_create(options, options_size, 0, "mp_create: acquire");
    }
    return mp;
}

/* For a call through a pointer, and for a language that has no headers.  Such
 * a caller tells no length, so it is taken to know the members of 0.9. */
memory_pool_t *mp_create(const mp_options_t *options)
{
    const size_t first_length =
        offsetof(mp_options_t, parent) + sizeof options->parent;

    return mp_create_sized(options, first_length);
}

/* Ends or resets a pool by the given function. */
static MP_SLOW void api_end(memory_pool_t *mp,
                            enum result (*end)(struct memory_pool *mp))
{
    MP_FRAME();
    /* A function and not a flag, so that the two callers cannot differ in how
     * they report. */
    ASSERT(end == end_destroy || end == end_reset);
    ASSERT(lock_none_is_held());
    int error = errno;

    if (mp == NULL) {
        misuse_argument(NULL, MP_EVENT_NO_POOL, NULL);
        return;
    }
    /* With no lock held: cleanups are the program's functions, and may call
     * the library for this pool or others. */
    enum result result = pool_is_whole(mp) ? end(mp) : RESULT_DAMAGED;
    ASSERT(lock_none_is_held());
    if (result != RESULT_OK) {
        /* Nothing was done: a cleanup asked for the end of its own pool, or the
         * pool is damaged. */
        ASSERT(result == RESULT_BUSY || result == RESULT_DAMAGED);
        misuse_answer(mp, result, NULL, NULL);
        return;
    }
    /* Whatever cleanups and backings did to it. */
    errno = error;
}

/* The end of a pool that is quickly made and dropped; false: there is more to
 * do.  Keeps errno. */
static inline bool api_drop(memory_pool_t *mp)
{
    return MP_LIKELY(mp != NULL) && pool_has_short_ways(mp) &&
           recycle_drop(mp);
}

/* All of these may call the program's cleanups, with no lock held. */
void destroy_memory_pool(memory_pool_t *mp)
{
    if (!MP_LIKELY(api_drop(mp))) {
        api_end(mp, end_destroy);
    }
}

void free_all_memory(memory_pool_t *mp)
{
    api_end(mp, end_reset);
}

/* Where there is no pool, functions with a prefix print nothing. */
void mp_destroy(memory_pool_t *mp)
{
    if (!MP_LIKELY(api_drop(mp)) && misuse_has_pool(mp)) {
        api_end(mp, end_destroy);
    }
}

void mp_reset(memory_pool_t *mp)
{
    if (misuse_has_pool(mp)) {
        api_end(mp, end_reset);
    }
}

/* The longer ways round are functions of their own, and called last, so that
 * the shorter ones need no stack. */
static MP_SLOW void *api_allocate_slow(memory_pool_t *mp, size_t size)
{
    MP_FRAME();
    ASSERT(sync_get(&thread_state.inside) == NULL);
    /* Asked here and not in the fast path, which a NULL fails anyway. */
    if (mp == NULL) {
        misuse_words(NULL, MP_EVENT_NO_POOL, "memory_pool is NULL", NULL);
        return NULL;
    }
    return slow_allocate(mp, thread_user(), size, "mp_allocate: malloc");
}

/* Another pool than the last, or one without a cache in a process with several
 * threads. */
static MP_SLOW void *api_allocate_elsewhere(memory_pool_t *mp, size_t size)
{
    ASSERT(lock_none_is_held());
    ASSERT(sync_get(&thread_state.inside) == NULL);
    void *object = NULL;

    /* The slow path reports what is wrong. */
    if (mp == NULL || !pool_has_short_ways(mp)) {
        return api_allocate_slow(mp, size);
    }
    if (fast_bumps(mp)) {
        object = pool_climb(mp, size);
    }
    if (object == NULL && mp->mode->caches) {
        /* A cache found is the one used last from now on.  It may be revoked
         * before it is entered: then the slow path waits for the lock. */
        if (attach_find(&mp->caches) != NULL) {
            object = mp->caches.counts ? fast_take_counted(mp, size)
                                       : fast_take(mp, size);
        }
    } else if (object == NULL) {
        /* With the lock held, the short way serves several threads, too. */
        bool taken = pool_enter(mp);
        object = pool_climb(mp, size);
        if (object == NULL) {
            object = alloc_take_short(mp, size);
        }
        pool_leave(mp, taken);
    }
    ASSERT((uintptr_t)object % SIZES_GRANULE == 0);
    return MP_LIKELY(object != NULL) ? object : api_allocate_slow(mp, size);
}

/* Noted as inside: the user of the pool's cache may be one that pays for the
 * order. */
static MP_SLOW MP_FAST void *api_allocate_fenced(memory_pool_t *mp,
                                                 size_t size)
{
    struct mp_inline_thread *state = &thread_state;
    struct cache *cache = credit_inside_fenced(state, mp);
    void *object = NULL;

    if (cache != NULL) {
        object = credit_take_short(state, NULL, cache, size);
    } else if (MP_INLINE_LIGHT &&
               mp_inline_begin_fenced(state, state->cache, mp)) {
        object = mp_inline_take(state, state->cache, size);
    }
    mp_inline_leave(state);
    return MP_LIKELY(object != NULL) ? object
                                     : api_allocate_elsewhere(mp, size);
}

/* The pool that the thread is inside.  A function that asks this at its end
 * needs no register to keep its argument, and so saves none. */
static inline memory_pool_t *api_left(struct mp_inline_thread *state)
{
    memory_pool_t *mp = sync_get(&state->inside);

    mp_inline_leave(state);
    return mp;
}

/* Inside the pool's cache, which counts and has no short object where the
 * caller looked: maybe in a window that has to be sought, or a middle one. */
static MP_SLOW void *api_allocate_refused(size_t size)
{
    struct mp_inline_thread *state = &thread_state;
    struct cache *cache = (struct cache *)(void *)state->cache;
    memory_pool_t *mp = sync_get(&state->inside);
    void *object = size <= sync_get(&mp->settings.max_object)
                       ? credit_take(state, cache, size)
                       : NULL;

    mp_inline_leave(state);
    return MP_LIKELY(object != NULL) ? object
                                     : api_allocate_elsewhere(mp, size);
}

/* The pool lies outside of the range, and does not bump.  Its cache serves by
 * windows; where there is none, or the user pays for the order, the longer way
 * does. */
static MP_SLOW MP_FAST void *api_allocate_outside(memory_pool_t *mp,
                                                  size_t size)
{
    struct mp_inline_thread *state = &thread_state;

    (void)mp_inline_begin(state, mp);
    struct cache *cache = credit_inside_light(state, mp);
    struct windows *windows = cache == NULL ? NULL : cache->windows;
    if (MP_UNLIKELY(windows == NULL)) {
        return api_allocate_elsewhere(api_left(state), size);
    }
    void *object = credit_take_shown(windows, cache, size, false);
    if (MP_UNLIKELY(object == NULL)) {
        return api_allocate_refused(size);
    }
    mp_inline_leave(state);
    return object;
}

/* Inside the pool's cache, which has no short chunk for the object. */
static MP_SLOW void *api_allocate_inside(memory_pool_t *mp, size_t size)
{
    void *object = fast_take_middle(mp, size);

    return MP_LIKELY(object != NULL) ? object : api_allocate_slow(mp, size);
}

MP_FAST void *mp_allocate(memory_pool_t *mp, size_t m_size)
{
    struct mp_inline_thread *state = &thread_state;
    struct mp_inline_cache *cache;
    void *object;

    /* A NULL pool fails both tests, and the longer way reports it. */
    if (fast_is_outside(mp)) {
        object = lock_needless() ? pool_bump(mp, m_size) : NULL;
        return MP_LIKELY(object != NULL) ? object
                                         : api_allocate_outside(mp, m_size);
    }
    cache = mp_inline_begin(state, mp);
    if (MP_LIKELY(mp_inline_offered(cache, mp))) {
        object = mp_inline_take(state, cache, m_size);
        if (MP_UNLIKELY(object == NULL)) {
            return api_allocate_inside(mp, m_size);
        }
        mp_inline_leave(state);
        return object;
    }
    /* Acquire as in mp_inline_offered(). */
    if (MP_UNLIKELY(sync_get_acquire(&cache->exact) != mp)) {
        return api_allocate_fenced(mp, m_size);
    }
    object = mp_inline_take_counted(state, cache, m_size);
    if (MP_UNLIKELY(object == NULL)) {
        return api_allocate_refused(m_size);
    }
    mp_inline_leave(state);
    return object;
}

static MP_SLOW void api_free_slow(memory_pool_t *mp, const void *ptr)
{
    MP_FRAME();
    ASSERT(sync_get(&thread_state.inside) == NULL);
    if (mp == NULL) {
        misuse_argument(NULL, MP_EVENT_NO_POOL, ptr);
        return;
    }
    slow_free(mp, thread_user(), ptr);
}

static MP_SLOW void api_free_elsewhere(memory_pool_t *mp, const void *ptr)
{
    ASSERT(lock_none_is_held());
    ASSERT(sync_get(&thread_state.inside) == NULL);
    bool given = false;

    if (mp == NULL || !pool_has_short_ways(mp)) {
        api_free_slow(mp, ptr);
        return;
    }
    if (mp->mode->caches) {
        if (attach_find(&mp->caches) != NULL) {
            given = mp->caches.counts ? fast_give_counted(mp, ptr)
                                      : fast_give(mp, ptr);
        }
    } else {
        bool taken = pool_enter(mp);
        given = pool_unbump(mp, ptr) || alloc_give(mp, ptr);
        pool_leave(mp, taken);
    }
    /* The short ways change nothing when they refuse, so the slow path may
     * begin anew. */
    if (!MP_LIKELY(given)) {
        api_free_slow(mp, ptr);
    }
}

/* Inside the pool's cache, which counts, where no list with room took the
 * object. */
static MP_SLOW void api_free_refused(const void *ptr)
{
    struct mp_inline_thread *state = &thread_state;
    memory_pool_t *mp = sync_get(&state->inside);
    bool given = credit_give_refused(
        state, (struct cache *)(void *)state->cache, mp, ptr);

    mp_inline_leave(state);
    if (!MP_LIKELY(given)) {
        api_free_slow(mp, ptr);
    }
}

/* Inside the pool's cache, which counts.  The pool zeroes what is freed: a loop
 * takes registers, which the others need not save so. */
static MP_SLOW MP_FAST void api_free_zeroed(memory_pool_t *mp,
                                            const void *ptr)
{
    struct mp_inline_thread *state = &thread_state;
    unsigned char *at = mp_inline_reach(state, mp, ptr);

    if (MP_UNLIKELY(at == NULL) ||
        MP_UNLIKELY(!mp_inline_put_counted(state->cache, at, ptr, true))) {
        api_free_refused(ptr);
        return;
    }
    mp_inline_leave(state);
}

/* Noted as inside: the user of the pool's cache may be one that pays for the
 * order. */
static MP_SLOW MP_FAST void api_free_fenced(memory_pool_t *mp,
                                            const void *ptr)
{
    struct mp_inline_thread *state = &thread_state;
    struct cache *cache = credit_inside(state, mp);
    bool given = false;

    if (cache != NULL) {
        given = credit_give_short(state, NULL, cache, mp, ptr);
        if (!MP_LIKELY(given)) {
            api_free_refused(ptr);
            return;
        }
    } else if (MP_INLINE_LIGHT &&
               mp_inline_begin_fenced(state, state->cache, mp)) {
        given = mp_inline_give(state, state->cache, mp, ptr);
    }
    mp_inline_leave(state);
    if (!MP_LIKELY(given)) {
        api_free_elsewhere(mp, ptr);
    }
}

/* Inside the pool's cache, which has windows.  Their table led nowhere, or no
 * list took the object. */
static MP_SLOW void api_free_sought(const void *ptr)
{
    struct mp_inline_thread *state = &thread_state;
    memory_pool_t *mp = sync_get(&state->inside);
    bool given =
        credit_give(state, (struct cache *)(void *)state->cache, mp, ptr);

    mp_inline_leave(state);
    if (!MP_LIKELY(given)) {
        api_free_slow(mp, ptr);
    }
}

static MP_SLOW MP_FAST void api_free_outside(memory_pool_t *mp,
                                             const void *ptr)
{
    struct mp_inline_thread *state = &thread_state;

    (void)mp_inline_begin(state, mp);
    struct cache *cache = credit_inside_light(state, mp);
    struct windows *windows = cache == NULL ? NULL : cache->windows;
    if (MP_UNLIKELY(windows == NULL)) {
        api_free_elsewhere(api_left(state), ptr);
        return;
    }
    if (MP_UNLIKELY(cache->fast.zero)) {
        api_free_sought(ptr);
        return;
    }
    unsigned char *at = window_reach_by(state, windows, mp, ptr, false);
    if (MP_UNLIKELY(at == NULL) ||
        MP_UNLIKELY(!mp_inline_put_counted(&cache->fast, at, ptr, false))) {
        api_free_sought(ptr);
        return;
    }
    mp_inline_leave(state);
}

/* Inside the pool's cache, where mp_inline_give() refused the object, and so
 * did the newest mark where the table of windows leads. */
static MP_SLOW void api_free_longer(memory_pool_t *mp, const void *ptr)
{
    if (!MP_LIKELY(fast_give_refused(mp, ptr))) {
        api_free_slow(mp, ptr);
    }
}

/* Inside the pool's cache, where mp_inline_give() refused the object. */
static MP_SLOW MP_FAST void api_free_inside(memory_pool_t *mp,
                                            const void *ptr)
{
    struct mp_inline_thread *state = &thread_state;
    struct cache *cache = (struct cache *)(void *)state->cache;

    if (MP_UNLIKELY(!cache_give_marked(cache, ptr, false))) {
        api_free_longer(mp, ptr);
        return;
    }
    mp_inline_leave(state);
}

static inline MP_INLINED void api_free(memory_pool_t *mp, const void *ptr)
{
    struct mp_inline_thread *state = &thread_state;
    struct mp_inline_cache *cache;

    /* The order is that of mp_allocate(): what one served, the other takes. */
    if (fast_is_outside(mp)) {
        if (!lock_needless() || !MP_LIKELY(pool_unbump(mp, ptr))) {
            api_free_outside(mp, ptr);
        }
        return;
    }
    cache = mp_inline_begin(state, mp);
    if (MP_LIKELY(mp_inline_offered(cache, mp))) {
        if (MP_UNLIKELY(!mp_inline_give(state, cache, mp, ptr))) {
            api_free_inside(mp, ptr);
            return;
        }
        mp_inline_leave(state);
        return;
    }
    /* Acquire as in mp_inline_offered(). */
    if (MP_UNLIKELY(sync_get_acquire(&cache->exact) != mp)) {
        api_free_fenced(mp, ptr);
        return;
    }
    if (MP_UNLIKELY(cache->zero)) {
        api_free_zeroed(mp, ptr);
        return;
    }
    unsigned char *at = mp_inline_reach(state, mp, ptr);
    if (MP_UNLIKELY(at == NULL) ||
        MP_UNLIKELY(!mp_inline_put_counted(cache, at, ptr, false))) {
        api_free_refused(ptr);
        return;
    }
    mp_inline_leave(state);
}

MP_FAST void free_memory(memory_pool_t *mp, const void *ptr)
{
    api_free(mp, ptr);
}

/* As free(3), it does nothing for NULL. */
MP_FAST void mp_free(memory_pool_t *mp, const void *ptr)
{
    if (MP_LIKELY(ptr != NULL) && misuse_has_pool(mp)) {
        api_free(mp, ptr);
    }
}

/* Only a start counts.  An address inside of an object cannot be freed, and
 * the answer is whether free_memory() would take it. */
static bool api_is_live(memory_pool_t *mp, const void *ptr)
{
    ASSERT(lock_none_is_held() && mp != NULL);
    int error = errno;
    bool live = locate_address(mp, ptr) == MP_LIVE;

    ASSERT(lock_none_is_held());
    errno = error;
    return live;
}

bool is_mp_ptr(memory_pool_t *mp, void *ptr)
{
    /* Here NULL is misuse and not just no object: the answer is printed. */
    if (mp == NULL || ptr == NULL) {
        misuse_argument(mp,
                        mp == NULL ? MP_EVENT_NO_POOL : MP_EVENT_NO_POINTER,
                        ptr);
        return false;
    }
    return misuse_is_whole(mp) && api_is_live(mp, ptr);
}

bool mp_owns(memory_pool_t *mp, const void *ptr)
{
    return misuse_may_use(mp) && api_is_live(mp, ptr);
}

/* SPDX-License-Identifier: MIT
 *
 * memory_pool_inline.h - objects allocated and freed without a call.
 *
 * Include this in place of <memory_pool.h>, and the short way of mp_allocate(),
 * free_memory(), mp_handle_allocate() and mp_handle_free() is compiled into the
 * program: what the calling thread's, or the handle's, own cache can do.  All
 * else is still done by the library's functions, and every check is made as
 * there.  A call into a shared library costs about as much as all the work on
 * the short way, so this takes some 60 % of the time.  memory_pool_inline(7)
 * says more.
 *
 * Nothing here is an interface: use the functions by their own names.  The
 * layout below is the library's, and may change.  Programs keep working then:
 * the variable's name ends in the number of the layout, and a library that
 * has another one keeps that variable, with a cache in it that is offered for
 * no pool, and begins each handle with such a cache.  The short way is then
 * never taken.
 *
 * What it cannot do: serve where there is no ELF, no 64-bit address or no
 * compiler with GNU extensions, and under ThreadSanitizer, which must see both
 * sides of what is shared.  There it is <memory_pool.h> and no more.
 */
#ifndef MEMORY_POOL_INLINE_H
#define MEMORY_POOL_INLINE_H

#include <memory_pool.h>

#if defined(MP_INLINE_LIBRARY) || \
    ((defined(__GNUC__) || defined(__clang__)) && defined(__ELF__) && \
     defined(__LP64__))
#define MP_INLINE_ABLE 1
#else
#define MP_INLINE_ABLE 0
#endif

#if MP_INLINE_ABLE
#ifdef __cplusplus
extern "C" {
#endif

#define MP_INLINE_GRANULE 16u
#define MP_INLINE_LENGTHS 64u /* of objects in lists, in granules */
#define MP_INLINE_OWNED 128u  /* granules that have one owner */

/* Bytes of the map; each plus the length in granules, less one. */
#define MP_INLINE_CACHED 0x80u
#define MP_INLINE_LIVE 0xc0u

/* What a cache is offered for while it is withdrawn or has no pool: nothing
 * that a caller could have in hand, NULL neither. */
#define MP_INLINE_NO_POOL ((memory_pool_t *)(uintptr_t)1)

/* Free chunks of one length. */
struct mp_inline_list {
    void *chunks; /* linked by their first word */
    size_t room;  /* frees until the list is looked at; a count for each list,
                   * since one for all would make every call wait for the one
                   * before; 0 while a mark is open */
};

/* A thread's own chunks of a pool; the library's cache.h says how it works. */
struct mp_inline_cache {
    struct mp_inline_list lists[MP_INLINE_LENGTHS]; /* by granules less one */
    memory_pool_t *pool; /* atomic; it is offered for this one only, or for
                          * MP_INLINE_NO_POOL */
    unsigned char *cut;  /* next new object */
    unsigned char *end;  /* of what is to be cut */
};

/* What a thread has; only it touches this, but for inside.  The places are
 * the same in all threads, but nearer here. */
struct mp_inline_thread {
    struct mp_inline_cache *cache; /* that it used last; never NULL */
    memory_pool_t *inside; /* atomic; the pool whose cache the thread may be
                            * changing just now; NULL: none */
    uintptr_t bias;        /* the map byte of an address is at this plus a
                            * sixteenth of the address */
    uintptr_t base;        /* of all addresses that have a map byte */
    uintptr_t granules;    /* of those */
    memory_pool_t *const *owners; /* atomic; by MP_INLINE_OWNED granules */
    void *own;             /* the library's */
};

/* initial-exec: found with one instruction where the general model calls a
 * function; glibc keeps room for such small needs of late libraries.  musl
 * keeps none, and would refuse to load the library by dlopen(). */
#ifdef __GLIBC__
#define MP_INLINE_TLS __attribute__((__tls_model__("initial-exec")))
#else
#define MP_INLINE_TLS
#endif

extern MP_API __thread struct mp_inline_thread mp_inline_thread_1
    MP_INLINE_TLS;

/* The pool's cache, to be left with mp_inline_leave(); NULL, and not inside:
 * it is not the pool's, or not offered. */
static inline struct mp_inline_cache *
mp_inline_enter(struct mp_inline_thread *thread, const memory_pool_t *mp)
{
    __atomic_store_n(&thread->inside, (memory_pool_t *)(uintptr_t)mp,
                     __ATOMIC_RELAXED);
    /* For the compiler: who withdraws the offer sees to the processor. */
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    struct mp_inline_cache *cache = thread->cache;
    /* Acquire: what was done to the cache before the offer is seen. */
    if (__builtin_expect(
            __atomic_load_n(&cache->pool, __ATOMIC_ACQUIRE) == mp, 1)) {
        if (cache == NULL) {
            __builtin_unreachable();
        }
        return cache;
    }
    __atomic_store_n(&thread->inside, (memory_pool_t *)0, __ATOMIC_RELAXED);
    return (struct mp_inline_cache *)0;
}

static inline void mp_inline_leave(struct mp_inline_thread *thread)
{
    /* Release: who waits for this sees all that was done. */
    __atomic_store_n(&thread->inside, (memory_pool_t *)0, __ATOMIC_RELEASE);
}

/* Inside: an object, or NULL where neither list nor run has one, or the size
 * is none of 1 to MP_INLINE_LENGTHS granules. */
static inline void *mp_inline_take(const struct mp_inline_thread *thread,
                                   struct mp_inline_cache *cache, size_t size)
{
    size_t i = (size - 1) / MP_INLINE_GRANULE;

    if (__builtin_expect(i >= MP_INLINE_LENGTHS, 0)) {
        return (void *)0;
    }
    void **object = (void **)cache->lists[i].chunks;
    if (object != (void *)0) {
        cache->lists[i].chunks = *object;
    } else {
        /* As numbers: there may be no run. */
        uintptr_t cut = (uintptr_t)cache->cut + (i + 1) * MP_INLINE_GRANULE;
        object = (void **)(void *)cache->cut;
        if (__builtin_expect(cut > (uintptr_t)cache->end, 0)) {
            return (void *)0;
        }
        cache->cut = (unsigned char *)cut;
    }
    /* Release, for a thread that frees the object by a pointer from before a
     * reset: what was read from the chunk was read before it may be written. */
    __atomic_store_n((unsigned char *)(thread->bias + (uintptr_t)object /
                                                      MP_INLINE_GRANULE),
                     (unsigned char)(MP_INLINE_LIVE + i), __ATOMIC_RELEASE);
    return object;
}

/* Inside: takes a short live object of the pool; false where ptr is none, a
 * mark's, or the list is to be looked at. */
static inline bool mp_inline_give(const struct mp_inline_thread *thread,
                                  struct mp_inline_cache *cache,
                                  const memory_pool_t *mp, const void *ptr)
{
    uintptr_t offset = (uintptr_t)ptr - thread->base;
    /* Turned, so that what is between granules is far out of range: foreign,
     * interior and NULL in one compare. */
    uintptr_t i = offset >> 4 | offset << (sizeof offset * 8 - 4);

    if (__builtin_expect(i >= thread->granules, 0) ||
        __builtin_expect(__atomic_load_n(&thread->owners[i / MP_INLINE_OWNED],
                                         __ATOMIC_RELAXED) != mp, 0)) {
        return false;
    }
    unsigned char *at = (unsigned char *)(thread->bias +
                                         (uintptr_t)ptr / MP_INLINE_GRANULE);
    /* Acquire pairs with the release above. */
    size_t code = __atomic_load_n(at, __ATOMIC_ACQUIRE);
    if (__builtin_expect(code < MP_INLINE_LIVE, 0)) {
        return false;
    }
    struct mp_inline_list *list = &cache->lists[code - MP_INLINE_LIVE];
    size_t room = list->room;
    if (__builtin_expect(room == 0, 0)) {
        return false;
    }
    list->room = room - 1;
    void **link = (void **)(uintptr_t)ptr;
    /* Else compilers warn of NULL where a program gives just that. */
    __asm__("" : "+r"(link));
    *link = list->chunks;
    list->chunks = link;
    __atomic_store_n(at,
                     (unsigned char)(code - MP_INLINE_LIVE + MP_INLINE_CACHED),
                     __ATOMIC_RELAXED);
    return true;
}

/* What a handle begins with: the same, but that its user is nobody's thread. */
struct mp_inline_handle {
    struct mp_inline_thread thread; /* inside: MP_INLINE_NO_POOL; no cache */
    struct mp_inline_cache cache;
};

/* Inside, when not NULL: the handle's pool, which is offered; to be left with
 * mp_inline_leave(). */
static inline memory_pool_t *
mp_inline_enter_handle(struct mp_inline_handle *handle)
{
    __atomic_store_n(&handle->thread.inside, MP_INLINE_NO_POOL,
                     __ATOMIC_RELAXED);
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    memory_pool_t *mp = __atomic_load_n(&handle->cache.pool, __ATOMIC_ACQUIRE);
    if (__builtin_expect(mp != MP_INLINE_NO_POOL, 1)) {
        if (mp == (memory_pool_t *)0) {
            __builtin_unreachable();
        }
        return mp;
    }
    __atomic_store_n(&handle->thread.inside, (memory_pool_t *)0,
                     __ATOMIC_RELAXED);
    return (memory_pool_t *)0;
}

#ifdef __cplusplus
}
#endif
#endif /* MP_INLINE_ABLE */

/* The library itself stops here. */
#ifndef MP_INLINE_LIBRARY

#if defined(__SANITIZE_THREAD__)
#define MP_INLINE 0
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define MP_INLINE 0
#endif
#endif
#ifndef MP_INLINE
#define MP_INLINE MP_INLINE_ABLE
#endif

#if MP_INLINE
#ifdef __cplusplus
extern "C" {
#endif

MP_ATTRIBUTE_MALLOC MP_ATTRIBUTE_SIZE(2) MP_ATTRIBUTE_USE_RESULT
static inline void *mp_inline_allocate(memory_pool_t *mp, size_t m_size)
{
    struct mp_inline_cache *cache = mp_inline_enter(&mp_inline_thread_1, mp);

    if (__builtin_expect(cache != (struct mp_inline_cache *)0, 1)) {
        void *object = mp_inline_take(&mp_inline_thread_1, cache, m_size);
        mp_inline_leave(&mp_inline_thread_1);
        if (__builtin_expect(object != (void *)0, 1)) {
            return object;
        }
    }
    return mp_allocate(mp, m_size);
}

static inline void mp_inline_free(memory_pool_t *mp, const void *ptr)
{
    struct mp_inline_cache *cache = mp_inline_enter(&mp_inline_thread_1, mp);

    if (__builtin_expect(cache != (struct mp_inline_cache *)0, 1)) {
        bool given = mp_inline_give(&mp_inline_thread_1, cache, mp, ptr);
        mp_inline_leave(&mp_inline_thread_1);
        if (__builtin_expect(given, 1)) {
            return;
        }
    }
    free_memory(mp, ptr);
}

MP_ATTRIBUTE_MALLOC MP_ATTRIBUTE_SIZE(2) MP_ATTRIBUTE_USE_RESULT
static inline void *mp_inline_allocate_handle(mp_handle_t *handle,
                                              size_t size)
{
    struct mp_inline_handle *own = (struct mp_inline_handle *)(void *)handle;

    if (__builtin_expect(own != (struct mp_inline_handle *)0, 1) &&
        mp_inline_enter_handle(own) != (memory_pool_t *)0) {
        void *object = mp_inline_take(&own->thread, &own->cache, size);
        mp_inline_leave(&own->thread);
        if (__builtin_expect(object != (void *)0, 1)) {
            return object;
        }
    }
    return mp_handle_allocate(handle, size);
}

static inline void mp_inline_free_handle(mp_handle_t *handle, const void *ptr)
{
    struct mp_inline_handle *own = (struct mp_inline_handle *)(void *)handle;
    memory_pool_t *mp;

    if (__builtin_expect(own != (struct mp_inline_handle *)0, 1) &&
        (mp = mp_inline_enter_handle(own)) != (memory_pool_t *)0) {
        bool given = mp_inline_give(&own->thread, &own->cache, mp, ptr);
        mp_inline_leave(&own->thread);
        if (__builtin_expect(given, 1)) {
            return;
        }
    }
    mp_handle_free(handle, ptr);
}

#define mp_allocate(mp, m_size) mp_inline_allocate((mp), (m_size))
#define free_memory(mp, ptr) mp_inline_free((mp), (ptr))
#define mp_handle_allocate(handle, size) \
    mp_inline_allocate_handle((handle), (size))
#define mp_handle_free(handle, ptr) mp_inline_free_handle((handle), (ptr))

#ifdef __cplusplus
}
#endif
#endif /* MP_INLINE */
#endif /* MP_INLINE_LIBRARY */

#endif /* MEMORY_POOL_INLINE_H */

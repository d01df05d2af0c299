/* SPDX-License-Identifier: MIT
 *
 * memory_pool_inline.h - objects allocated and freed without a call.
 *
 * Include this in place of <memory_pool.h>, and the short way of mp_allocate(),
 * free_memory(), mp_free(), mp_handle_allocate(), mp_handle_free() and
 * mp_append_bytes() is compiled into the program: what the calling thread's, or
 * the handle's, own cache can do, or a string's own room.  All else is still
 * done by the library's functions, and every check is made as there.  A call into a shared library costs about as much as all the work on
 * the short way, so this takes some 60 % of the time.  memory_pool_inline(7)
 * says more.
 *
 * No macro has the name of a function.  Each of these is defined once more
 * here, to be compiled in where it is called; its address, and what a linker's
 * --wrap stands for, is still the library's.  So members of classes and names
 * in namespaces are the program's own, and arguments may have any commas.
 *
 * Nothing here is an interface: use the functions by their own names.  The
 * layout below is the library's, and may change.  Programs keep working then:
 * the variable's name ends in the number of the layout, and a library that
 * has another one keeps that variable, with a cache in it that is offered for
 * no pool, and begins each handle with such a cache.  The short way is then
 * never taken.
 *
 * It is C89 with GNU extensions, and as C++ has no cast of C's, since programs
 * compile it with the warnings of their own standard.
 *
 * What it cannot do: serve where there is no ELF, no 64-bit address or no
 * compiler with GNU extensions, and under ThreadSanitizer, which must see both
 * sides of what is shared.  There it is <memory_pool.h> and no more.
 */
#ifndef MEMORY_POOL_INLINE_H
#define MEMORY_POOL_INLINE_H

#include <memory_pool.h>

#if defined(MP_INLINE_LIBRARY) || \
    (MP_COMPILED_IN_BESIDE && defined(__ELF__) && defined(__LP64__))
#define MP_INLINE_ABLE 1
#else
#define MP_INLINE_ABLE 0
#endif

#if MP_INLINE_ABLE
#ifdef __cplusplus
extern "C" {
#endif

/* In programs the inner functions are compiled in as the public ones are: a
 * static one may not be called from an inline function of C99 that is not
 * static, which a program's may be. */
#ifdef MP_INLINE_LIBRARY
#define MP_INLINE_INNER static inline
#else
#define MP_INLINE_INNER MP_COMPILED_IN
#endif

#ifdef __cplusplus
#define MP_INLINE_POINTER(type, value) reinterpret_cast<type>(value)
#define MP_INLINE_NUMBER(value) reinterpret_cast<uintptr_t>(value)
#define MP_INLINE_NARROW(type, value) static_cast<type>(value)
#else
#define MP_INLINE_POINTER(type, value) ((type)(value))
#define MP_INLINE_NUMBER(value) ((uintptr_t)(value))
#define MP_INLINE_NARROW(type, value) ((type)(value))
#endif
#if defined(__cplusplus) && __cplusplus >= 201103L
#define MP_INLINE_NULL nullptr
#else
#define MP_INLINE_NULL NULL
#endif

/* A relaxed atomic store.  In a program it is a volatile one, which is the same
 * to the processor: gcc takes each __atomic function for as long as four
 * instructions, and does not compile in what it takes for too long.  The
 * library has the former, which alone ThreadSanitizer knows. */
#ifdef MP_INLINE_LIBRARY
#define MP_INLINE_STORE(type, place, value) \
    __atomic_store_n((place), (value), __ATOMIC_RELAXED)
#else
#define MP_INLINE_STORE(type, place, value) \
    do {                                    \
        type volatile *at_once = (place);   \
        *at_once = (value);                 \
    } while (0)
#endif

/* The systems that may have membarrier(2).  There who withdraws a cache pays for
 * the order of its user's two accesses, to inside and to the offer.  Elsewhere,
 * and where the system refuses that call, the user pays: the cache is offered
 * in another member, fenced, and all four accesses, those of both sides, are
 * sequentially consistent. */
#ifndef MP_INLINE_LIGHT
#if defined(__linux__) || defined(__FreeBSD__)
#define MP_INLINE_LIGHT 1
#else
#define MP_INLINE_LIGHT 0
#endif
#endif

#define MP_INLINE_GRANULE 16u
#define MP_INLINE_LENGTHS 64u /* of objects in lists, in granules */
#define MP_INLINE_OWNED 128u  /* granules that have one owner */

/* Bytes of the map; each plus the length in granules, less one. */
#define MP_INLINE_CACHED 0x80u
#define MP_INLINE_LIVE 0xc0u

/* What a cache is offered for while it is withdrawn or has no pool: nothing
 * that a caller could have in hand, NULL neither. */
#define MP_INLINE_NO_POOL \
    MP_INLINE_POINTER(memory_pool_t *, MP_INLINE_NARROW(uintptr_t, 1))

/* The first word of a free chunk.  It was an object of another type before,
 * and will be: the compiler may not sort the accesses by type. */
typedef void *__attribute__((__may_alias__)) mp_inline_link;

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
    memory_pool_t *fenced; /* as pool, for who pays for the order; one of the
                            * two at most names a pool.  The library of 0.9
                            * has no such member */
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

/* The note of who pays.  An exchange is a store in the one order of what is
 * sequentially consistent, and takes less time than a fence. */
MP_INLINE_INNER void mp_inline_note(struct mp_inline_thread *thread,
                                    const memory_pool_t *mp)
{
    (void)__atomic_exchange_n(
        &thread->inside,
        MP_INLINE_POINTER(memory_pool_t *, MP_INLINE_NUMBER(mp)),
        __ATOMIC_SEQ_CST);
}

/* Says that the thread may be inside the pool's cache, until
 * mp_inline_leave(), and returns the cache that it used last, which may be the
 * one. */
MP_INLINE_INNER struct mp_inline_cache *
mp_inline_begin(struct mp_inline_thread *thread, const memory_pool_t *mp)
{
#if MP_INLINE_LIGHT
    MP_INLINE_STORE(memory_pool_t *, &thread->inside,
                    MP_INLINE_POINTER(memory_pool_t *, MP_INLINE_NUMBER(mp)));
    /* For the compiler: who withdraws the offer sees to the processor. */
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
#else
    mp_inline_note(thread, mp);
#endif
    return thread->cache;
}

/* Between the two: the cache is offered for this pool, which then is one. */
MP_INLINE_INNER int mp_inline_offered(const struct mp_inline_cache *cache,
                                      const memory_pool_t *mp)
{
#if MP_INLINE_LIGHT
    /* Acquire: what was done to the cache before the offer is seen. */
    return __atomic_load_n(&cache->pool, __ATOMIC_ACQUIRE) == mp;
#else
    return __atomic_load_n(&cache->fenced, __ATOMIC_SEQ_CST) == mp;
#endif
}

MP_INLINE_INNER void mp_inline_leave(struct mp_inline_thread *thread)
{
    memory_pool_t *const none = MP_INLINE_NULL;

    /* Release: who waits for this sees all that was done. */
    __atomic_store_n(&thread->inside, none, __ATOMIC_RELEASE);
}

/* The same by the other member, where the first is not for the pool.  Only the
 * library looks there on a system that may have membarrier(2): in a program the
 * two ways would be too long to be compiled in.  The first look keeps who has
 * another pool from paying. */
MP_INLINE_INNER int mp_inline_begin_fenced(struct mp_inline_thread *thread,
                                           struct mp_inline_cache *cache,
                                           const memory_pool_t *mp)
{
    if (__builtin_expect(
            __atomic_load_n(&cache->fenced, __ATOMIC_RELAXED) != mp, 1)) {
        return 0;
    }
    mp_inline_note(thread, mp);
    return __atomic_load_n(&cache->fenced, __ATOMIC_SEQ_CST) == mp;
}

/* Both in one, for the library: the pool's cache, to be left with
 * mp_inline_leave(); NULL, and not inside: it is not the pool's, or not
 * offered. */
MP_INLINE_INNER struct mp_inline_cache *
mp_inline_enter(struct mp_inline_thread *thread, const memory_pool_t *mp)
{
    struct mp_inline_cache *cache = mp_inline_begin(thread, mp);

    if (__builtin_expect(mp_inline_offered(cache, mp), 1) ||
        (MP_INLINE_LIGHT && mp_inline_begin_fenced(thread, cache, mp))) {
        if (cache == MP_INLINE_NULL) {
            __builtin_unreachable();
        }
        return cache;
    }
    mp_inline_leave(thread);
    return MP_INLINE_NULL;
}

/* Where the map has the byte of an address. */
MP_INLINE_INNER unsigned char *
mp_inline_map_byte(const struct mp_inline_thread *thread, uintptr_t address)
{
    return MP_INLINE_POINTER(unsigned char *,
                             thread->bias + address / MP_INLINE_GRANULE);
}

/* Inside: an object, or NULL where neither list nor run has one, or the size
 * is none of 1 to MP_INLINE_LENGTHS granules.  A program may have written over
 * the link that led to the list's first chunk: so that is looked up in the map
 * before it is read, as what is freed is. */
MP_INLINE_INNER void *mp_inline_take(const struct mp_inline_thread *thread,
                                     struct mp_inline_cache *cache,
                                     size_t size)
{
    size_t i = (size - 1) / MP_INLINE_GRANULE;
    mp_inline_link *object;

    if (__builtin_expect(i >= MP_INLINE_LENGTHS, 0)) {
        return MP_INLINE_NULL;
    }
    object = MP_INLINE_POINTER(mp_inline_link *, cache->lists[i].chunks);
    if (object != MP_INLINE_NULL) {
        uintptr_t offset = MP_INLINE_NUMBER(object) - thread->base;
        uintptr_t granule = offset >> 4 | offset << (sizeof offset * 8 - 4);
        if (__builtin_expect(granule >= thread->granules, 0) ||
            __builtin_expect(*mp_inline_map_byte(thread,
                                                 MP_INLINE_NUMBER(object)) !=
                                 MP_INLINE_CACHED + i,
                             0)) {
            return MP_INLINE_NULL;
        }
        cache->lists[i].chunks = *object;
    } else {
        /* As numbers: there may be no run. */
        uintptr_t start = MP_INLINE_NUMBER(cache->cut);
        uintptr_t cut = start + (i + 1) * MP_INLINE_GRANULE;
        object = MP_INLINE_POINTER(mp_inline_link *, start);
        if (__builtin_expect(cut > MP_INLINE_NUMBER(cache->end), 0)) {
            return MP_INLINE_NULL;
        }
        cache->cut = MP_INLINE_POINTER(unsigned char *, cut);
    }
    /* Release, for a thread that frees the object by a pointer from before a
     * reset: what was read from the chunk was read before it may be written. */
    __atomic_store_n(mp_inline_map_byte(thread, MP_INLINE_NUMBER(object)),
                     MP_INLINE_NARROW(unsigned char, MP_INLINE_LIVE + i),
                     __ATOMIC_RELEASE);
    return object;
}

/* Inside: takes a short live object of the pool, and returns 1; 0 where ptr is
 * none, a mark's, or the list is to be looked at. */
MP_INLINE_INNER int mp_inline_give(const struct mp_inline_thread *thread,
                                   struct mp_inline_cache *cache,
                                   const memory_pool_t *mp, const void *ptr)
{
    uintptr_t offset = MP_INLINE_NUMBER(ptr) - thread->base;
    /* Turned, so that what is between granules is far out of range: foreign,
     * interior and NULL in one compare. */
    uintptr_t i = offset >> 4 | offset << (sizeof offset * 8 - 4);
    unsigned char *at;
    size_t code;
    struct mp_inline_list *list;
    size_t room;
    mp_inline_link *link;

    if (__builtin_expect(i >= thread->granules, 0) ||
        __builtin_expect(__atomic_load_n(&thread->owners[i / MP_INLINE_OWNED],
                                         __ATOMIC_RELAXED) != mp, 0)) {
        return 0;
    }
    at = mp_inline_map_byte(thread, MP_INLINE_NUMBER(ptr));
    /* Acquire pairs with the release above. */
    code = __atomic_load_n(at, __ATOMIC_ACQUIRE);
    if (__builtin_expect(code < MP_INLINE_LIVE, 0)) {
        return 0;
    }
    list = &cache->lists[code - MP_INLINE_LIVE];
    room = list->room;
    if (__builtin_expect(room == 0, 0)) {
        return 0;
    }
    list->room = room - 1;
    link = MP_INLINE_POINTER(mp_inline_link *, MP_INLINE_NUMBER(ptr));
    /* Else compilers warn of NULL where a program gives just that. */
    __asm__("" : "+r"(link));
    *link = list->chunks;
    list->chunks = link;
    MP_INLINE_STORE(unsigned char, at,
                    MP_INLINE_NARROW(unsigned char, code - MP_INLINE_LIVE +
                                                        MP_INLINE_CACHED));
    return 1;
}

/* What a handle begins with: the same, but that its user is nobody's thread. */
struct mp_inline_handle {
    struct mp_inline_thread thread; /* inside: MP_INLINE_NO_POOL; no cache */
    struct mp_inline_cache cache;
};

/* As mp_inline_begin(), for the handle's pool, which is returned;
 * MP_INLINE_NO_POOL where its cache is not offered. */
MP_INLINE_INNER memory_pool_t *
mp_inline_begin_handle(struct mp_inline_handle *handle)
{
#if MP_INLINE_LIGHT
    MP_INLINE_STORE(memory_pool_t *, &handle->thread.inside,
                    MP_INLINE_NO_POOL);
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    return __atomic_load_n(&handle->cache.pool, __ATOMIC_ACQUIRE);
#else
    mp_inline_note(&handle->thread, MP_INLINE_NO_POOL);
    return __atomic_load_n(&handle->cache.fenced, __ATOMIC_SEQ_CST);
#endif
}

/* Inside, when not NULL: the handle's pool, which is offered; to be left with
 * mp_inline_leave(). */
MP_INLINE_INNER memory_pool_t *
mp_inline_enter_handle(struct mp_inline_handle *handle)
{
    memory_pool_t *mp = mp_inline_begin_handle(handle);

    if (__builtin_expect(mp != MP_INLINE_NO_POOL, 1)) {
        if (mp == MP_INLINE_NULL) {
            __builtin_unreachable();
        }
        return mp;
    }
    /* Else gcc prepares for what follows on the common way. */
    __asm__("" : "+r"(handle));
    if (MP_INLINE_LIGHT &&
        __atomic_load_n(&handle->cache.fenced, __ATOMIC_RELAXED) !=
            MP_INLINE_NO_POOL) {
        /* It is the pool or none, and the second look decides. */
        mp_inline_note(&handle->thread, MP_INLINE_NO_POOL);
        mp = __atomic_load_n(&handle->cache.fenced, __ATOMIC_SEQ_CST);
        if (mp != MP_INLINE_NO_POOL) {
            return mp;
        }
    }
    mp_inline_leave(&handle->thread);
    return MP_INLINE_NULL;
}

#ifdef __cplusplus
}
#endif
#endif /* MP_INLINE_ABLE */

/* The library itself stops here. */
#ifndef MP_INLINE_LIBRARY

#if defined(__SANITIZE_THREAD__) || defined(MP_DECLARATIONS_ONLY)
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

/* The library's functions, called by an address of which the compiler knows
 * nothing.  A call by name would look to it like a call of the definition
 * below by itself.  Another name with an asm label would do for gcc; clang sees
 * through the label, and then compiles nothing in. */
MP_COMPILED_IN void *mp_inline_call_allocate(memory_pool_t *mp, size_t m_size)
{
    void *(*function)(memory_pool_t *, size_t) = mp_allocate;

    __asm__("" : "+r"(function));
    return function(mp, m_size);
}

#ifndef MP_PREFIXED_ONLY
MP_COMPILED_IN void mp_inline_call_free(memory_pool_t *mp, const void *ptr)
{
    void (*function)(memory_pool_t *, const void *) = free_memory;

    __asm__("" : "+r"(function));
    function(mp, ptr);
}
#endif

MP_COMPILED_IN void mp_inline_call_free_some(memory_pool_t *mp,
                                             const void *ptr)
{
    void (*function)(memory_pool_t *, const void *) = mp_free;

    __asm__("" : "+r"(function));
    function(mp, ptr);
}

MP_COMPILED_IN int mp_inline_call_append(memory_pool_t *mp,
                                         mp_string_t *string,
                                         const void *bytes, size_t n)
{
    int (*function)(memory_pool_t *, mp_string_t *, const void *, size_t) =
        mp_append_bytes;

    __asm__("" : "+r"(function));
    return function(mp, string, bytes, n);
}

MP_COMPILED_IN void *mp_inline_call_handle_allocate(mp_handle_t *handle,
                                                    size_t size)
{
    void *(*function)(mp_handle_t *, size_t) = mp_handle_allocate;

    __asm__("" : "+r"(function));
    return function(handle, size);
}

MP_COMPILED_IN void mp_inline_call_handle_free(mp_handle_t *handle,
                                               const void *ptr)
{
    void (*function)(mp_handle_t *, const void *) = mp_handle_free;

    __asm__("" : "+r"(function));
    function(handle, ptr);
}

/* The functions.  Those for objects have one way out for all that the cache cannot do,
 * since they count as part of a program's own inline function that calls them:
 * gcc at -O2 takes that for too long to be compiled in from some 70 of its
 * instructions on, of which free_memory() leaves about ten. */
MP_COMPILED_IN void *mp_allocate(memory_pool_t *mp, size_t m_size)
{
    struct mp_inline_cache *cache = mp_inline_begin(&mp_inline_thread_1, mp);

    if (__builtin_expect(mp_inline_offered(cache, mp), 1)) {
        void *object = mp_inline_take(&mp_inline_thread_1, cache, m_size);
        mp_inline_leave(&mp_inline_thread_1);
        if (__builtin_expect(object != MP_INLINE_NULL, 1)) {
            return object;
        }
    } else {
        mp_inline_leave(&mp_inline_thread_1);
    }
    return mp_inline_call_allocate(mp, m_size);
}

MP_COMPILED_IN int mp_inline_free(memory_pool_t *mp, const void *ptr)
{
    struct mp_inline_cache *cache = mp_inline_begin(&mp_inline_thread_1, mp);
    int given = __builtin_expect(mp_inline_offered(cache, mp), 1) &&
                mp_inline_give(&mp_inline_thread_1, cache, mp, ptr);

    mp_inline_leave(&mp_inline_thread_1);
    return given;
}

#ifndef MP_PREFIXED_ONLY
MP_COMPILED_IN void free_memory(memory_pool_t *mp, const void *ptr)
{
    if (__builtin_expect(!mp_inline_free(mp, ptr), 0)) {
        mp_inline_call_free(mp, ptr);
    }
}
#endif

MP_COMPILED_IN void mp_free(memory_pool_t *mp, const void *ptr)
{
    if (__builtin_expect(!mp_inline_free(mp, ptr), 0)) {
        mp_inline_call_free_some(mp, ptr);
    }
}

/* Where there is room, and nothing that the library would refuse. */
MP_COMPILED_IN int mp_append_bytes(memory_pool_t *mp, mp_string_t *string,
                                   const void *bytes, size_t n)
{
    if (__builtin_expect(mp != MP_INLINE_NULL && string != MP_INLINE_NULL &&
                             bytes != MP_INLINE_NULL &&
                             string->length < string->room &&
                             n < string->room - string->length, 1)) {
        char *end = string->bytes + string->length;
        __builtin_memmove(end, bytes, n);
        end[n] = 0;
        string->length += n;
        return 0;
    }
    return mp_inline_call_append(mp, string, bytes, n);
}

MP_COMPILED_IN void *mp_handle_allocate(mp_handle_t *handle, size_t size)
{
    struct mp_inline_handle *own =
        MP_INLINE_POINTER(struct mp_inline_handle *, handle);

    if (__builtin_expect(own != MP_INLINE_NULL, 1)) {
        if (__builtin_expect(mp_inline_begin_handle(own) != MP_INLINE_NO_POOL,
                             1)) {
            void *object = mp_inline_take(&own->thread, &own->cache, size);
            if (__builtin_expect(object != MP_INLINE_NULL, 1)) {
                mp_inline_leave(&own->thread);
                return object;
            }
        }
        mp_inline_leave(&own->thread);
    }
    return mp_inline_call_handle_allocate(handle, size);
}

MP_COMPILED_IN void mp_handle_free(mp_handle_t *handle, const void *ptr)
{
    struct mp_inline_handle *own =
        MP_INLINE_POINTER(struct mp_inline_handle *, handle);

    if (__builtin_expect(own != MP_INLINE_NULL, 1)) {
        memory_pool_t *mp = mp_inline_begin_handle(own);
        int given = __builtin_expect(mp != MP_INLINE_NO_POOL, 1) &&
                    mp_inline_give(&own->thread, &own->cache, mp, ptr);
        mp_inline_leave(&own->thread);
        if (__builtin_expect(given, 1)) {
            return;
        }
    }
    mp_inline_call_handle_free(handle, ptr);
}

#ifdef __cplusplus
}
#endif
#endif /* MP_INLINE */
#endif /* MP_INLINE_LIBRARY */

#endif /* MEMORY_POOL_INLINE_H */

/* SPDX-License-Identifier: MIT
 *
 * memory_pool_inline.h - objects allocated and freed without a call.
 *
 * A program includes this in place of <memory_pool.h>.  Then the short way of
 * mp_allocate(), free_memory(), mp_free(), mp_handle_allocate(),
 * mp_handle_free() and mp_append_bytes() is compiled into the program.  The
 * short way is what the cache of the calling thread or of the handle can do.
 * For a string it is what fits into the object that the string has.  The
 * library's functions do all else.  The short way makes the same checks as they
 * do.  It saves the call
 * into a shared library, which costs about as much as all the work on the short
 * way.  memory_pool_inline(7) says more.
 *
 * No macro has the name of a function.  This file defines each of these
 * functions once more, as code that is compiled in at each call.  The address
 * of a function is still that of the library's, and a linker's --wrap still
 * replaces the library's.  A program may give members of its classes the same
 * names, and arguments may have any commas.
 *
 * A source file may define MP_INLINE_COUNTED as 1 before it includes this.  Then
 * the short way of pools that count to the byte is compiled in, too, for
 * mp_allocate(), free_memory() and mp_free().  It is not there unasked: each
 * call is twice as long then, and gcc no longer compiles in the file's own short
 * functions that call these.
 *
 * Nothing else here is an interface: use the functions by their own names.  The
 * layout below is the library's, and may change.  Programs that were compiled
 * before such a change keep working.  The variable's name ends in the number
 * of the layout.  A library that has another layout keeps the old variable.
 * The cache in it is enabled for no pool, and so is that at the beginning of
 * each handle.  So those programs never take the short way.
 *
 * This file is C89 with GNU extensions.  In C++ it uses no cast of C.  A
 * program compiles it with the warnings of its own standard.
 *
 * What it cannot do: serve where there is no ELF, no 64-bit address or no
 * compiler with GNU extensions.  It does not serve under ThreadSanitizer
 * either, which must see both sides of what is shared.  In all these cases it
 * is <memory_pool.h> and no more.
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

#ifndef MP_INLINE_COUNTED
#define MP_INLINE_COUNTED 0
#endif

/* In programs the inner functions are compiled in as the public ones are.  They
 * are not static: a program may have an inline function that is not static, and
 * in C99 that may not call a static one. */
#ifdef MP_INLINE_LIBRARY
#define MP_INLINE_INNER static inline __attribute__((__always_inline__))
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

/* A relaxed atomic store.  In a program it is a volatile store, which is the
 * same to the processor.  The reason is gcc: it counts each __atomic function
 * as four instructions, and it does not compile in a function that it counts
 * as too long.  The library uses the atomic store, since ThreadSanitizer knows
 * only that. */
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

/* The systems that may have membarrier(2).  A user of a cache first writes
 * inside, and then reads for which pool the cache is enabled.  On these systems
 * the thread that revokes the cache pays for the order of the two accesses.  On
 * other systems, and where the system refuses membarrier(2), the user pays.
 * Then the cache is enabled in another member, fenced, and all four accesses,
 * two by each side, are sequentially consistent. */
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

/* Codes in the map.  A byte of the map is a code plus the length in granules,
 * less one. */
#define MP_INLINE_CACHED 0x80u
#define MP_INLINE_LIVE 0xc0u

/* In a pool that counts: slack is how many bytes of an object's last granule
 * were not asked for.  It stands behind the first byte of the map, with the
 * first of these codes.  An object of one granule has one byte, which is the
 * second code with the slack, if there is slack. */
#define MP_INLINE_NIBBLE 0x10u
#define MP_INLINE_ONE 0x20u

/* Stands for the pool while a cache is revoked or has no pool.  No caller can
 * have this value as a pool; it is not NULL, which a caller may pass. */
#define MP_INLINE_NO_POOL \
    MP_INLINE_POINTER(memory_pool_t *, MP_INLINE_NARROW(uintptr_t, 1))

/* The first word of a free chunk.  The chunk was an object of another type
 * before, and will be one again.  So the compiler must not assume that accesses
 * of different types concern different memory. */
typedef void *__attribute__((__may_alias__)) mp_inline_link;

/* Memory of any type, which is zeroed: one store where the processor has it. */
typedef uintptr_t __attribute__((__may_alias__, __vector_size__(16)))
    mp_inline_granule;

/* Free chunks of one length. */
struct mp_inline_list {
    void *chunks; /* linked by their first word */
    size_t room;  /* how many more chunks may be freed into the list before a
                   * free calls the library; 0 while a mark is open.  Each list
                   * has its own count, since with one count for all lists
                   * every call would wait for the store of the one before */
};

/* A thread's own chunks of a pool; the library's cache.h says how it works. */
struct mp_inline_cache {
    struct mp_inline_list lists[MP_INLINE_LENGTHS]; /* by granules less one */
    memory_pool_t *pool; /* atomic; the only pool that the cache is enabled
                          * for, or MP_INLINE_NO_POOL */
    unsigned char *cut;  /* start of the run: the next new object */
    unsigned char *end;  /* end of the run */
    memory_pool_t *fenced; /* as pool, if the user pays for the order; at most
                            * one of the two names a pool.  The library of 0.9
                            * has no such member, nor those below */
    memory_pool_t *exact; /* atomic; as pool, for a pool that counts to the
                           * byte; at most one of the four names a pool */
    memory_pool_t *exact_fenced; /* atomic; as fenced, for such */
    size_t credit;  /* bytes that may be handed out of such a pool */
    size_t least;   /* the least that credit was since it was collected */
    size_t longest; /* bytes of the longest object that this file takes from
                     * the lists or the run of such a pool: MP_INLINE_LENGTHS
                     * granules at most; 0: the thread's words say nothing of
                     * its addresses */
    unsigned char zero; /* not 0: such a pool zeroes what is freed */
};

/* The state of a thread.  Only that thread uses it, except for inside, which
 * other threads read.  The members from bias to owners are copies of the
 * library's own: they are read faster from here. */
struct mp_inline_thread {
    struct mp_inline_cache *cache; /* the one used last; never NULL */
    memory_pool_t *inside; /* atomic; the pool that the thread is inside: it
                            * may change its cache there now; NULL: none */
    uintptr_t bias;        /* the map byte of an address is at this plus a
                            * sixteenth of the address */
    uintptr_t base;        /* the first address that has a map byte */
    uintptr_t granules;    /* how many granules from there have a map byte */
    memory_pool_t *const *owners; /* each entry is atomic; one for each
                                   * MP_INLINE_OWNED granules */
    void *own;             /* only the library uses it */
};

/* The initial-exec model finds a variable with one instruction, where the
 * general model calls a function.  glibc reserves some memory for such
 * variables of libraries that are loaded late.  musl reserves none, and would
 * refuse to load the library by dlopen(). */
#ifdef __GLIBC__
#define MP_INLINE_TLS __attribute__((__tls_model__("initial-exec")))
#else
#define MP_INLINE_TLS
#endif

/* Two names of one variable.  The second says that the caches are those of a
 * library that has all members of theirs above, as 0.9 has not. */
extern MP_API __thread struct mp_inline_thread mp_inline_thread_1
    MP_INLINE_TLS;
extern MP_API __thread struct mp_inline_thread mp_inline_thread_2
    MP_INLINE_TLS;
#if MP_INLINE_COUNTED
#define MP_INLINE_THREAD mp_inline_thread_2
#else
#define MP_INLINE_THREAD mp_inline_thread_1
#endif

/* Writes inside, for a user that pays for the order.  An exchange is a
 * sequentially consistent store, and takes less time than a store with a
 * fence. */
MP_INLINE_INNER void mp_inline_note(struct mp_inline_thread *thread,
                                    const memory_pool_t *mp)
{
    /* The linker may make another instruction of the one that adds up the
     * address of a thread's variable.  It leaves the flags alone, by which
     * gcc's sanitizer of null pointers then tests that address.  So the
     * compiler has to have it in a register first. */
    __asm__("" : "+r"(thread));
    (void)__atomic_exchange_n(
        &thread->inside,
        MP_INLINE_POINTER(memory_pool_t *, MP_INLINE_NUMBER(mp)),
        __ATOMIC_SEQ_CST);
}

/* The thread is inside the pool from now on, until mp_inline_leave().  Returns
 * the cache that the thread used last, which may be that of another pool. */
MP_INLINE_INNER struct mp_inline_cache *
mp_inline_begin(struct mp_inline_thread *thread, const memory_pool_t *mp)
{
#if MP_INLINE_LIGHT
    MP_INLINE_STORE(memory_pool_t *, &thread->inside,
                    MP_INLINE_POINTER(memory_pool_t *, MP_INLINE_NUMBER(mp)));
    /* For the compiler only.  For the processor, the thread that revokes the
     * cache calls membarrier(2). */
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
#else
    mp_inline_note(thread, mp);
#endif
    return thread->cache;
}

/* To be called between the functions above and below.  True if the cache is
 * enabled for this pool; then mp is the address of a pool. */
MP_INLINE_INNER int mp_inline_offered(const struct mp_inline_cache *cache,
                                      const memory_pool_t *mp)
{
#if MP_INLINE_LIGHT
    /* Acquire: this thread sees what was done to the cache before it was
     * enabled. */
    return __atomic_load_n(&cache->pool, __ATOMIC_ACQUIRE) == mp;
#else
    return __atomic_load_n(&cache->fenced, __ATOMIC_SEQ_CST) == mp;
#endif
}

/* The same for a pool that counts to the byte. */
MP_INLINE_INNER int
mp_inline_offered_counted(const struct mp_inline_cache *cache,
                          const memory_pool_t *mp)
{
#if MP_INLINE_LIGHT
    return __atomic_load_n(&cache->exact, __ATOMIC_ACQUIRE) == mp;
#else
    return __atomic_load_n(&cache->exact_fenced, __ATOMIC_SEQ_CST) == mp;
#endif
}

MP_INLINE_INNER void mp_inline_leave(struct mp_inline_thread *thread)
{
    memory_pool_t *const none = MP_INLINE_NULL;

    /* Release: a thread that waits for this sees all that was done inside. */
    __atomic_store_n(&thread->inside, none, __ATOMIC_RELEASE);
}

/* The same by the member fenced, for a cache whose member pool is another one.
 * On a system that may have membarrier(2) only the library does this.  In a
 * program the two ways would be too long to be compiled in.  The relaxed load
 * comes first, so that a thread does not pay for an exchange if its cache is
 * that of another pool. */
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

/* Both in one, for the library.  Returns the thread's cache, if it is enabled
 * for the pool; then the thread is inside until mp_inline_leave().  Else
 * returns NULL, and the thread is not inside. */
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

/* The list of the chunks for objects of last + 1 bytes, which has the number
 * last / MP_INLINE_GRANULE.  Worked out in one step: in two, compilers take an
 * instruction more. */
MP_INLINE_INNER struct mp_inline_list *
mp_inline_list_of(struct mp_inline_cache *cache, size_t last)
{
    return MP_INLINE_POINTER(struct mp_inline_list *,
                             MP_INLINE_NUMBER(cache->lists) +
                                 last / MP_INLINE_GRANULE *
                                     sizeof(struct mp_inline_list));
}

/* Takes an object of last + 1 bytes, which are MP_INLINE_LENGTHS granules at
 * most, from the cache; the user is inside.  Returns NULL if neither the list
 * nor the run has one.  Else *map is its byte of the map.  A program may have
 * written over the link that led to the list's first chunk.  So the map is
 * asked about that chunk before it is read, as it is asked about an object that
 * is freed. */
MP_INLINE_INNER void *
mp_inline_take_short(const struct mp_inline_thread *thread,
                     struct mp_inline_cache *cache, size_t last,
                     unsigned char **map)
{
    struct mp_inline_list *list = mp_inline_list_of(cache, last);
    unsigned char code = MP_INLINE_NARROW(
        unsigned char, MP_INLINE_CACHED + last / MP_INLINE_GRANULE);
    mp_inline_link *object =
        MP_INLINE_POINTER(mp_inline_link *, list->chunks);
    unsigned char *at;

    if (object != MP_INLINE_NULL) {
        uintptr_t offset = MP_INLINE_NUMBER(object) - thread->base;
        uintptr_t granule = offset >> 4 | offset << (sizeof offset * 8 - 4);
        if (__builtin_expect(granule >= thread->granules, 0)) {
            return MP_INLINE_NULL;
        }
        at = mp_inline_map_byte(thread, MP_INLINE_NUMBER(object));
        if (__builtin_expect(*at != code, 0)) {
            return MP_INLINE_NULL;
        }
        list->chunks = *object;
    } else {
        /* Both are numbers and not pointers, since there may be no run. */
        uintptr_t start = MP_INLINE_NUMBER(cache->cut);
        uintptr_t cut =
            start + (last / MP_INLINE_GRANULE + 1) * MP_INLINE_GRANULE;
        object = MP_INLINE_POINTER(mp_inline_link *, start);
        if (__builtin_expect(cut > MP_INLINE_NUMBER(cache->end), 0)) {
            return MP_INLINE_NULL;
        }
        cache->cut = MP_INLINE_POINTER(unsigned char *, cut);
        at = mp_inline_map_byte(thread, start);
    }
    /* Release, for a thread that frees the object by a pointer from before a
     * reset.  That thread may write to the chunk only after this one has read
     * the link in it. */
    __atomic_store_n(at,
                     MP_INLINE_NARROW(unsigned char, code + (MP_INLINE_LIVE -
                                                             MP_INLINE_CACHED)),
                     __ATOMIC_RELEASE);
    *map = at;
    return object;
}

/* The same for an object of size bytes.  Returns NULL also if these are not 1
 * to MP_INLINE_LENGTHS granules. */
MP_INLINE_INNER void *mp_inline_take(const struct mp_inline_thread *thread,
                                     struct mp_inline_cache *cache,
                                     size_t size)
{
    unsigned char *at;

    /* 0 becomes too large. */
    return __builtin_expect(
               size - 1 >= MP_INLINE_LENGTHS * MP_INLINE_GRANULE, 0)
               ? MP_INLINE_NULL
               : mp_inline_take_short(thread, cache, size - 1, &at);
}

/* A cache of a pool that counts to the byte may hand out an object of size
 * bytes: it is not too long, and there is credit for it. */
MP_INLINE_INNER int mp_inline_allows(const struct mp_inline_cache *cache,
                                     size_t longest, size_t size)
{
    /* 0 becomes too large. */
    return __builtin_expect(size - 1 < longest, 1) &&
           __builtin_expect(size <= cache->credit, 1);
}

/* Takes bytes, which are there, off the credit. */
MP_INLINE_INNER void mp_inline_charge(struct mp_inline_cache *cache,
                                      size_t bytes)
{
    size_t credit = cache->credit - bytes;

    cache->credit = credit;
    /* A branch: where objects come and go, it is hardly ever less. */
    if (__builtin_expect(credit < cache->least, 0)) {
        cache->least = credit;
    }
}

/* Counts an object that was taken; at: its byte of the map. */
MP_INLINE_INNER void mp_inline_count(struct mp_inline_cache *cache,
                                     unsigned char *at, size_t size)
{
    unsigned slack = MP_INLINE_NARROW(unsigned, 0 - size) % MP_INLINE_GRANULE;

    if (__builtin_expect(size > MP_INLINE_GRANULE, 1)) {
        MP_INLINE_STORE(
            unsigned char, at + 1,
            MP_INLINE_NARROW(unsigned char, MP_INLINE_NIBBLE | slack));
    } else if (slack > 0) {
        __atomic_store_n(
            at, MP_INLINE_NARROW(unsigned char, MP_INLINE_ONE | slack),
            __ATOMIC_RELEASE);
    }
    mp_inline_charge(cache, size);
}

/* As mp_inline_take(), in a pool that counts to the byte. */
MP_INLINE_INNER void *
mp_inline_take_counted(const struct mp_inline_thread *thread,
                       struct mp_inline_cache *cache, size_t size)
{
    unsigned char *at = MP_INLINE_NULL;
    void *object = MP_INLINE_NULL;

    if (mp_inline_allows(cache, cache->longest, size)) {
        object = mp_inline_take_short(thread, cache, size - 1, &at);
        if (__builtin_expect(object != MP_INLINE_NULL, 1)) {
            mp_inline_count(cache, at, size);
        }
    }
    return object;
}

/* Where the map has the byte of an object of the pool's; NULL: the address is
 * another's, or that of no granule. */
MP_INLINE_INNER unsigned char *
mp_inline_reach(const struct mp_inline_thread *thread, const memory_pool_t *mp,
                const void *ptr)
{
    uintptr_t offset = MP_INLINE_NUMBER(ptr) - thread->base;
    /* The offset is rotated by four bits, so that an address between granules
     * becomes a number far out of range.  One compare then refuses foreign
     * addresses, addresses between granules and NULL. */
    uintptr_t i = offset >> 4 | offset << (sizeof offset * 8 - 4);
    unsigned char *at;

    if (__builtin_expect(i >= thread->granules, 0) ||
        __builtin_expect(__atomic_load_n(&thread->owners[i / MP_INLINE_OWNED],
                                         __ATOMIC_RELAXED) != mp, 0)) {
        return MP_INLINE_NULL;
    }
    at = mp_inline_map_byte(thread, MP_INLINE_NUMBER(ptr));
    if (at == MP_INLINE_NULL) {
        __builtin_unreachable();
    }
    return at;
}

/* Frees a live object of at most MP_INLINE_LENGTHS granules into the cache, and
 * returns 1; the user is inside.  Returns 0 and changes nothing if ptr is no
 * such object of the pool, if a mark owns it, or if its list has no room. */
MP_INLINE_INNER int mp_inline_give(const struct mp_inline_thread *thread,
                                   struct mp_inline_cache *cache,
                                   const memory_pool_t *mp, const void *ptr)
{
    unsigned char *at = mp_inline_reach(thread, mp, ptr);
    size_t code;
    struct mp_inline_list *list;
    size_t room;
    mp_inline_link *link;

    if (__builtin_expect(at == MP_INLINE_NULL, 0)) {
        return 0;
    }
    /* Acquire pairs with the release in mp_inline_take(). */
    code = __atomic_load_n(at, __ATOMIC_ACQUIRE);
    if (__builtin_expect(code < MP_INLINE_LIVE, 0)) {
        return 0;
    }
    list = mp_inline_list_of(cache, code * MP_INLINE_GRANULE) - MP_INLINE_LIVE;
    room = list->room;
    if (__builtin_expect(room == 0, 0)) {
        return 0;
    }
    list->room = room - 1;
    link = MP_INLINE_POINTER(mp_inline_link *, MP_INLINE_NUMBER(ptr));
    /* Without this, compilers warn if a program passes the constant NULL. */
    __asm__("" : "+r"(link));
    *link = list->chunks;
    list->chunks = link;
    MP_INLINE_STORE(unsigned char, at,
                    MP_INLINE_NARROW(unsigned char, code - MP_INLINE_LIVE +
                                                        MP_INLINE_CACHED));
    return 1;
}

/* Zeroes the bytes of a short chunk, which are a number of granules, from the
 * end on.  What compilers make of memset() for so few takes several times as
 * long, and without the empty line of assembler they make a memset() of
 * this. */
MP_INLINE_INNER void mp_inline_zero(void *chunk, size_t bytes)
{
    const mp_inline_granule none = {0};

    do {
        bytes -= MP_INLINE_GRANULE;
        *MP_INLINE_POINTER(mp_inline_granule *,
                           MP_INLINE_NUMBER(chunk) + bytes) = none;
        __asm__ __volatile__("" : : : "memory");
    } while (bytes != 0);
}

/* As mp_inline_give(), in a pool that counts to the byte: at is the byte of the
 * map, and what is live there is the pool's; zero: what is freed is zeroed. */
MP_INLINE_INNER int mp_inline_put_counted(struct mp_inline_cache *cache,
                                          unsigned char *at, const void *ptr,
                                          int zero)
{
    /* Acquire as in mp_inline_give(). */
    size_t code = __atomic_load_n(at, __ATOMIC_ACQUIRE);
    size_t slack, room, bytes;
    struct mp_inline_list *list;
    mp_inline_link *link;

    if (__builtin_expect(code > MP_INLINE_LIVE, 1)) {
        slack = __atomic_load_n(at + 1, __ATOMIC_RELAXED) % MP_INLINE_GRANULE;
    } else if (code == MP_INLINE_LIVE ||
               code - (MP_INLINE_ONE + 1) < MP_INLINE_GRANULE - 1) {
        slack = code % MP_INLINE_GRANULE; /* of MP_INLINE_LIVE it is 0 */
        code = MP_INLINE_LIVE;
    } else {
        return 0;
    }
    /* One product for both, the list and the bytes of the chunk. */
    bytes = code * MP_INLINE_GRANULE;
    list = mp_inline_list_of(cache, bytes) - MP_INLINE_LIVE;
    room = list->room;
    if (__builtin_expect(room == 0, 0)) {
        return 0;
    }
    link = MP_INLINE_POINTER(mp_inline_link *, MP_INLINE_NUMBER(ptr));
    __asm__("" : "+r"(link)); /* as in mp_inline_give() */
    if (__builtin_expect(zero, 0)) {
        mp_inline_zero(link,
                       bytes - (MP_INLINE_LIVE - 1) * MP_INLINE_GRANULE);
    }
    list->room = room - 1;
    *link = list->chunks;
    list->chunks = link;
    /* Its slack may stay behind that: nobody asks a cached chunk for it. */
    MP_INLINE_STORE(unsigned char, at,
                    MP_INLINE_NARROW(unsigned char, code - MP_INLINE_LIVE +
                                                        MP_INLINE_CACHED));
    cache->credit +=
        bytes - ((MP_INLINE_LIVE - 1) * MP_INLINE_GRANULE + slack);
    return 1;
}

/* As mp_inline_give(), in a pool that counts to the byte. */
MP_INLINE_INNER int
mp_inline_give_counted(const struct mp_inline_thread *thread,
                       struct mp_inline_cache *cache, const memory_pool_t *mp,
                       const void *ptr)
{
    unsigned char *at = mp_inline_reach(thread, mp, ptr);

    return __builtin_expect(at != MP_INLINE_NULL, 1) &&
           mp_inline_put_counted(cache, at, ptr, cache->zero);
}

/* What a handle begins with: a state and a cache, as a thread has them. */
struct mp_inline_handle {
    struct mp_inline_thread thread; /* while its user is inside, inside is
                                     * MP_INLINE_NO_POOL; cache is not used */
    struct mp_inline_cache cache;
};

/* As mp_inline_begin(), for a handle.  Returns the pool that the handle's cache
 * is enabled for, or MP_INLINE_NO_POOL. */
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

/* As mp_inline_enter(), for a handle.  Returns its pool, if its cache is
 * enabled; then the handle's user is inside until mp_inline_leave().  Else
 * returns NULL, and the user is not inside. */
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
    /* Without this, gcc does work for the rest of the function before the
     * return above. */
    __asm__("" : "+r"(handle));
    if (MP_INLINE_LIGHT &&
        __atomic_load_n(&handle->cache.fenced, __ATOMIC_RELAXED) !=
            MP_INLINE_NO_POOL) {
        /* The member named a pool; the second load says whether it still
         * does. */
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

/* These call the library's functions, by an address of which the compiler knows
 * nothing.  If they called by name, the compiler would take the definition of
 * the same name below for one that calls itself.  A second name with an asm
 * label would be enough for gcc.  But clang knows what the label means, and
 * then compiles nothing in. */
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

/* The functions.  Those for objects call the library in one place, for all that
 * the cache cannot do.  This keeps them short, since they count as part of a
 * program's own inline function that calls them.  gcc at -O2 compiles in an
 * inline function of up to about 70 of the instructions that it counts.  A
 * function that calls free_memory() has about ten left. */
MP_COMPILED_IN void *mp_allocate(memory_pool_t *mp, size_t m_size)
{
    struct mp_inline_cache *cache = mp_inline_begin(&MP_INLINE_THREAD, mp);

    if (__builtin_expect(mp_inline_offered(cache, mp), 1)) {
        void *object = mp_inline_take(&MP_INLINE_THREAD, cache, m_size);
        mp_inline_leave(&MP_INLINE_THREAD);
        if (__builtin_expect(object != MP_INLINE_NULL, 1)) {
            return object;
        }
#if MP_INLINE_COUNTED
    } else if (mp_inline_offered_counted(cache, mp)) {
        void *object =
            mp_inline_take_counted(&MP_INLINE_THREAD, cache, m_size);
        mp_inline_leave(&MP_INLINE_THREAD);
        if (__builtin_expect(object != MP_INLINE_NULL, 1)) {
            return object;
        }
#endif
    } else {
        mp_inline_leave(&MP_INLINE_THREAD);
    }
    return mp_inline_call_allocate(mp, m_size);
}

MP_COMPILED_IN int mp_inline_free(memory_pool_t *mp, const void *ptr)
{
    struct mp_inline_cache *cache = mp_inline_begin(&MP_INLINE_THREAD, mp);
    int given = __builtin_expect(mp_inline_offered(cache, mp), 1) &&
                mp_inline_give(&MP_INLINE_THREAD, cache, mp, ptr);

#if MP_INLINE_COUNTED
    if (!given && mp_inline_offered_counted(cache, mp)) {
        given = mp_inline_give_counted(&MP_INLINE_THREAD, cache, mp, ptr);
    }
#endif
    mp_inline_leave(&MP_INLINE_THREAD);
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

/* Appends if the object has room and the library would refuse nothing; else
 * calls the library. */
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

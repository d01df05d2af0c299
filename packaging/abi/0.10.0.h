/* SPDX-License-Identifier: MIT
 *
 * memory_pool.h - the whole public interface of libmempool.
 *
 * A pool hands out small objects to any thread, takes them back one by one
 * in any order from any thread, and drops whatever is left at once.  Each
 * contract stands in a few lines at its declaration; the man page of the
 * same name says the rest, and libmempool(7) which calls may run beside
 * which.
 *
 * All sizes are in bytes.  Unless a line says otherwise, a function may be
 * called from any thread at any moment, for the same pool too; no function
 * is async-signal-safe; and a function that succeeds leaves errno alone.
 */
#ifndef MEMORY_POOL_H
#define MEMORY_POOL_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* The version of this header. */
#define MP_VERSION_MAJOR 0
#define MP_VERSION_MINOR 10
#define MP_VERSION_PATCH 0

/* Bytes that a base pool, one of init_memory_pool(), holds at once, and the
 * largest object that it takes.  Fixed when the library was configured.
 * MAX_BLOCK_SIZE is the short name of the same number.  Other headers and
 * programs use that name too: one that is defined already stays as it is, and
 * a program that uses it for an enumerator or a variable, or defines it later,
 * defines MP_NO_MAX_BLOCK_SIZE before it includes this header. */
#define MP_MAX_BLOCK_SIZE 1024
#if !defined(MAX_BLOCK_SIZE) && !defined(MP_NO_MAX_BLOCK_SIZE)
#define MAX_BLOCK_SIZE MP_MAX_BLOCK_SIZE
#endif

/* Marks of the declarations below.  The library's own build sets MP_API to
 * what exports a symbol; for a program it is empty. */
#ifndef MP_API
#define MP_API
#endif

/* Two attributes are left out where one might look for them.
 * alloc_size tells the compiler that an object ends after the bytes asked for;
 * mp_usable_size() may say more, all of which the program may use, and a
 * program built with _FORTIFY_SOURCE would be aborted for that.
 * malloc tells it that nothing else points to the memory and that no pointer
 * is stored there.  Neither is so of a pool: it may be a destroyed one that
 * is used again, the library keeps pointers to it, and it leads to its parent
 * and backing.  mp_memdup() copies the pointers in an object with it. */
#if defined(__GNUC__) || defined(__clang__)
#define MP_ATTRIBUTE_MALLOC __attribute__((__malloc__))
#define MP_ATTRIBUTE_USE_RESULT __attribute__((__warn_unused_result__))
#define MP_ATTRIBUTE_FORMAT(format, first) \
    __attribute__((__format__(__printf__, format, first)))
/* For what is not in C89, which compilers would tell of. */
#define MP_EXTENSION __extension__
#else
#define MP_ATTRIBUTE_MALLOC
#define MP_ATTRIBUTE_USE_RESULT
#define MP_ATTRIBUTE_FORMAT(format, first)
#define MP_EXTENSION
#endif

/* MP_COMPILED_IN begins a definition that is compiled into the program where
 * a function is called.  Macros would do that, too, but they split their
 * arguments at the commas of braces and templates, and they catch every name
 * that is spelled alike, such as a class's members.  In GNU C the address of
 * the function is still the library's (MP_COMPILED_IN_BESIDE is 1).  Other
 * compilers make a function of the source file's own, which cannot be declared
 * as the library's.  no_instrument_function is needed because a compiler that
 * instruments functions may take the address of each, and some have none.
 *
 * A source file that defines MP_DECLARATIONS_ONLY first gets no definitions:
 * the library's own do so, and a test may, to put functions of its own in
 * place of the library's. */
#if defined(__GNUC_GNU_INLINE__) || defined(__GNUC_STDC_INLINE__)
#define MP_COMPILED_IN                                    \
    extern __inline                                       \
        __attribute__((__gnu_inline__, __always_inline__, \
                       __no_instrument_function__))
#define MP_COMPILED_IN_BESIDE 1
#else
#if defined(__cplusplus) || \
    (defined(__STDC_VERSION__) && __STDC_VERSION__ >= 199901L)
#define MP_COMPILED_IN static inline
#else
#define MP_COMPILED_IN static
#endif
#define MP_COMPILED_IN_BESIDE 0
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* A pool.  Opaque: only pointers to it are ever held by a program. */
typedef struct memory_pool memory_pool_t;

/* Makes a base pool: MAX_BLOCK_SIZE bytes, objects of 1 to MAX_BLOCK_SIZE
 * bytes, any number of threads, misuse reported on standard error.
 * Returns NULL, with the failing step printed in the form of perror(3), and
 * errno ENOMEM when the system has no room. */
MP_API memory_pool_t *init_memory_pool(void) MP_ATTRIBUTE_USE_RESULT;

/* Drops the pool and every object in it.  No other call may be under way
 * for this pool, and none may follow.
 * NULL: reported ("the memory pool is NULL"), errno EINVAL. */
MP_API void destroy_memory_pool(memory_pool_t *mp);

/* Returns m_size bytes of the pool, aligned to 16 where m_size >= 16, else
 * at least to the largest power of two <= m_size; contents undefined.
 * The pool is full only when m_size more bytes, as callers asked for them,
 * would exceed its capacity: neither alignment nor the order of frees costs
 * any.  On failure returns NULL and changes nothing:
 *   EINVAL   mp is NULL ("memory_pool is NULL"), or m_size is 0 or larger
 *            than the pool's largest object ("invaild memory allocate size")
 *   ENOBUFS  the capacity is used ("the memory pool is full")
 *   ENOMEM   the system has no memory for another block (as perror(3)) */
MP_API void *mp_allocate(memory_pool_t *mp, size_t m_size)
    MP_ATTRIBUTE_MALLOC MP_ATTRIBUTE_USE_RESULT;

/* Gives one object back, whichever thread allocated it and in any order.
 * Any address may be given: one that is not the start of a live object of
 * mp (foreign, interior, freed already, from before a reset) is reported
 * ("your ptr is not in the memory pool, cannot be freed"), errno EINVAL, and
 * changes nothing; nothing is read through it.  So for ptr NULL ("your ptr
 * is NULL") and mp NULL ("the memory pool is NULL"). */
MP_API void free_memory(memory_pool_t *mp, const void *ptr);

/* Drops every object of the pool at once; the pool stays usable and its
 * whole capacity is there again.  Safe beside calls of other threads, but
 * what they hold is gone all the same.
 * NULL: reported ("the memory pool is NULL"), errno EINVAL. */
MP_API void free_all_memory(memory_pool_t *mp);

/* True when ptr is the start of a live object of mp, that is, when
 * free_memory(mp, ptr) would take it.  Any address may be given; nothing is
 * read through it.  False for all else; with errno EINVAL where mp is NULL
 * ("the memory pool is NULL") or ptr is NULL ("your ptr is NULL"). */
MP_EXTENSION MP_API bool is_mp_ptr(memory_pool_t *mp, void *ptr);

/*
 * Pools of other kinds.  Every function above works on every pool.
 */

/* Which threads may use a pool. */
typedef enum mp_threads {
    MP_THREADS_CACHED = 0, /* any, each with a cache of its own, no lock */
    MP_THREADS_LOCKED,     /* any, one after the other */
    MP_THREADS_NONE        /* never two at once: the program sees to that */
} mp_threads_t;

/* Where a pool's blocks come from.  acquire returns size bytes aligned to
 * alignment, or NULL where there are none; release gets each block back with
 * the same size.  Both are called with no lock of the library held. */
typedef struct mp_backing {
    void *(*acquire)(void *context, size_t size, size_t alignment);
    void (*release)(void *context, void *block, size_t size);
    void *context;
} mp_backing_t;

/* malloc(3) and free(3); mmap(2), with huge pages advised for large blocks;
 * and a caller's buffer, all of which becomes the memory of one pool. */
MP_API extern const mp_backing_t mp_backing_malloc;
MP_API extern const mp_backing_t mp_backing_mmap;
MP_API mp_backing_t mp_backing_buffer(void *buffer, size_t size);

/* What a report is about. */
typedef enum mp_event {
    MP_EVENT_NO_POOL = 1,  /* the pool is NULL */
    MP_EVENT_SIZE,         /* a size or alignment that it never takes */
    MP_EVENT_FULL,         /* the capacity is used */
    MP_EVENT_NO_MEMORY,    /* the backing has no block */
    MP_EVENT_NO_POINTER,   /* the object is NULL */
    MP_EVENT_NOT_IN_POOL,  /* the object is none of the pool's live ones */
    MP_EVENT_OPTION,       /* mp_create() cannot do what a member asks */
    MP_EVENT_MARK,         /* mp_rewind(): no mark of the caller's here */
    MP_EVENT_CLEANUP,      /* a cleanup that is none, or none that ends */
    MP_EVENT_BUSY,         /* a cleanup resets or destroys its own pool */
    MP_EVENT_LEAK          /* MP_LEAK_CHECK: objects live at destroy */
} mp_event_t;

/* Told of each misuse, in the thread that made it, with no lock held.
 * message has no newline; ptr is what was given, or NULL.  mp is NULL where
 * there is no pool. */
typedef void mp_report_fn(memory_pool_t *mp, mp_event_t event,
                          const char *message, const void *ptr,
                          void *context);

/* Prints "NAME: MESSAGE", or MESSAGE alone for a pool without a name, as one
 * whole line on standard error. */
MP_API void mp_report_stderr(memory_pool_t *mp, mp_event_t event,
                             const char *message, const void *ptr,
                             void *context);

/* Freed memory is set to zero at once, by reset and destroy too. */
#define MP_ZERO_ON_FREE 0x1u

/* Destroy reports the objects that are still live, MP_EVENT_LEAK: a line for
 * each size up to 1024 bytes and for each doubling above, with their number,
 * their bytes and the address of the first as ptr, and one for all of them. */
#define MP_LEAK_CHECK 0x2u

/* What mp_create() is asked for; all zero is the default.  Zero the whole
 * structure before setting members: later releases add some at its end. */
typedef struct mp_options {
    size_t capacity;             /* bytes held at most, as callers ask for
                                  * them; 0: no limit */
    size_t max_object;           /* largest object; 0: no limit but capacity */
    mp_threads_t threads;
    unsigned flags;              /* MP_ZERO_ON_FREE, MP_LEAK_CHECK */
    const mp_backing_t *backing; /* copied; NULL: malloc for a pool with a
                                  * capacity, the library's own range else */
    const char *name;            /* in reports; copied, 63 bytes at most */
    mp_report_fn *report;        /* NULL: misuse is told by errno alone */
    void *report_context;
    memory_pool_t *parent;       /* its reset and its destroy destroy this
                                  * pool first, and its capacity counts what
                                  * this pool holds; NULL: none */
} mp_options_t;

/* Makes a pool; NULL is for the defaults: it grows, takes any size, and any
 * thread uses it at full speed.  Returns NULL with errno EINVAL, and a report
 * that names the member, for options that cannot be; ENOMEM without memory.
 * A call of mp_create() is compiled as one of mp_create_sized() that says how
 * long the caller's mp_options_t is, so that a program built against this
 * release works with later ones.  A call through a pointer to mp_create() is
 * taken to have the members of release 0.9. */
MP_API memory_pool_t *mp_create_sized(const mp_options_t *options,
                                      size_t options_size)
    MP_ATTRIBUTE_USE_RESULT;
#if MP_COMPILED_IN_BESIDE || defined(MP_DECLARATIONS_ONLY)
MP_API memory_pool_t *mp_create(const mp_options_t *options)
    MP_ATTRIBUTE_USE_RESULT;
#endif
#ifndef MP_DECLARATIONS_ONLY
MP_COMPILED_IN memory_pool_t *mp_create(const mp_options_t *options)
{
    return mp_create_sized(options, sizeof(mp_options_t));
}
#endif

/* As mp_allocate() for count * size bytes, all zero; EINVAL too where the
 * product is no number. */
MP_API void *mp_calloc(memory_pool_t *mp, size_t count, size_t size)
    MP_ATTRIBUTE_MALLOC MP_ATTRIBUTE_USE_RESULT;

/* Resizes an object, in place if it can; ptr NULL allocates.  NULL with
 * errno as mp_allocate(), and EINVAL for a ptr that free_memory() would not
 * take; then the object is as it was.  size 0 is EINVAL and frees nothing. */
MP_API void *mp_realloc(memory_pool_t *mp, void *ptr, size_t size)
    MP_ATTRIBUTE_USE_RESULT;

/* As mp_allocate(), aligned to a power of two up to 65536; EINVAL for any
 * other alignment. */
MP_API void *mp_aligned_alloc(memory_pool_t *mp, size_t alignment,
                              size_t size)
    MP_ATTRIBUTE_MALLOC MP_ATTRIBUTE_USE_RESULT;

/* Bytes of a live object that may be used, at least what was asked for;
 * 0, errno EINVAL: not a live object of mp. */
MP_API size_t mp_usable_size(memory_pool_t *mp, const void *ptr);

/* What an address is to a pool. */
typedef enum mp_where {
    MP_FOREIGN = 0, /* not in the pool's memory; an empty block that it only
                     * keeps for use does not count */
    MP_LIVE,        /* the start of a live object */
    MP_FREED,       /* in memory of the pool that no object has now */
    MP_INTERIOR     /* inside a live object, not its start */
} mp_where_t;

/* For any address; nothing is read through it.  mp NULL: MP_FOREIGN and
 * errno EINVAL. */
MP_API mp_where_t mp_locate(memory_pool_t *mp, const void *ptr);

/* The pool for which mp_locate() says other than MP_FOREIGN; NULL: none. */
MP_API memory_pool_t *mp_owner(const void *ptr);

/* 0 when every invariant of the pool holds; -1 and errno EINVAL (mp is NULL)
 * or ENOTRECOVERABLE.  Other threads' calls are held up meanwhile. */
MP_API int mp_check(memory_pool_t *mp);

/* Gives empty blocks back to where they came from until at most keep_bytes
 * of them are kept; returns the bytes given back. */
MP_API size_t mp_trim(memory_pool_t *mp, size_t keep_bytes);

/*
 * Strings.  Each is an object of the pool; on failure all return NULL with
 * errno and a report as mp_allocate() does, and EINVAL where a string, a
 * block of bytes with n > 0, or a format is NULL.
 */

/* A copy of a string, of at most n bytes of it, and of n bytes. */
MP_API char *mp_strdup(memory_pool_t *mp, const char *string)
    MP_ATTRIBUTE_MALLOC MP_ATTRIBUTE_USE_RESULT;
MP_API char *mp_strndup(memory_pool_t *mp, const char *string, size_t n)
    MP_ATTRIBUTE_MALLOC MP_ATTRIBUTE_USE_RESULT;
MP_API void *mp_memdup(memory_pool_t *mp, const void *bytes, size_t n)
    MP_ATTRIBUTE_USE_RESULT;

/* What sprintf(3) would write, as a string of its length. */
MP_API char *mp_asprintf(memory_pool_t *mp, const char *format, ...)
    MP_ATTRIBUTE_FORMAT(2, 3) MP_ATTRIBUTE_MALLOC MP_ATTRIBUTE_USE_RESULT;
MP_API char *mp_vasprintf(memory_pool_t *mp, const char *format,
                          va_list arguments)
    MP_ATTRIBUTE_FORMAT(2, 0) MP_ATTRIBUTE_MALLOC MP_ATTRIBUTE_USE_RESULT;

/*
 * Scopes: marks, cleanups, and handles.  Children are made with
 * mp_options_t.parent.
 */

/* A moment in one thread's, or one handle's, use of one pool; number 0 is no
 * mark.  The structure's tag is not mp_mark, which in C++ the function of that
 * name would hide; mp_stats_t is named likewise. */
typedef struct mp_mark_t {
    uint64_t number;
} mp_mark_t;

/* Marks the moment for the calling thread: what it allocates in the pool from
 * now on, and has not freed, goes with mp_rewind().  Marks nest.  Number 0,
 * with errno EINVAL (mp is NULL) or ENOMEM, on failure. */
MP_API mp_mark_t mp_mark(memory_pool_t *mp) MP_ATTRIBUTE_USE_RESULT;

/* Frees all that the calling thread allocated in the pool since the mark,
 * also what it handed to other threads; the mark itself and those made after
 * it are used up.  What other threads allocated stays.  0; or -1 with errno
 * EINVAL, and nothing changed, where mp is NULL or the mark is none of the
 * caller's in this pool: another thread's, another pool's, from before a
 * reset, or used up. */
MP_API int mp_rewind(memory_pool_t *mp, mp_mark_t mark);

/* Has fn(arg) called when the pool is reset or destroyed, the one added last
 * first, children's before their parent's, in the thread that does it, with
 * no lock held and every object still live.  The function may use any pool,
 * this one too; what it allocates there goes with the reset, cleanups that it
 * adds are run as well, up to 65536 in one reset or destroy.  It may not
 * reset or destroy this pool: EBUSY.  -1 with errno EINVAL (mp or fn is NULL)
 * or ENOMEM, else 0. */
MP_API int mp_add_cleanup(memory_pool_t *mp, void (*fn)(void *arg),
                          void *arg);

/* Takes back the cleanup added last with the same fn and arg, which is not
 * called then.  -1 with errno EINVAL where there is none, else 0. */
MP_API int mp_remove_cleanup(memory_pool_t *mp, void (*fn)(void *arg),
                             void *arg);

/* A cache of a pool that belongs to no thread: for work that moves between
 * threads, as coroutines' does.  One thread at a time uses it; handing it on
 * has to order the two, as a lock or a queue does. */
typedef struct mp_handle mp_handle_t;

/* Makes a handle; NULL with errno EINVAL (mp is NULL) or ENOMEM.  A reset of
 * the pool leaves it usable; the pool's end is its end too. */
MP_API mp_handle_t *mp_attach(memory_pool_t *mp) MP_ATTRIBUTE_USE_RESULT;

/* Ends a handle: what it has cached goes back to the pool; its objects stay,
 * its marks are used up.  NULL: errno EINVAL. */
MP_API void mp_detach(mp_handle_t *handle);

/* As mp_allocate(), free_memory(), mp_mark() and mp_rewind() for the handle's
 * pool.  handle NULL is as a pool that is NULL, but nothing is printed.  Any
 * object of the pool may be freed, however it was allocated. */
MP_API void *mp_handle_allocate(mp_handle_t *handle, size_t size)
    MP_ATTRIBUTE_MALLOC MP_ATTRIBUTE_USE_RESULT;
MP_API void mp_handle_free(mp_handle_t *handle, const void *ptr);
MP_API mp_mark_t mp_handle_mark(mp_handle_t *handle) MP_ATTRIBUTE_USE_RESULT;
MP_API int mp_handle_rewind(mp_handle_t *handle, mp_mark_t mark);

/*
 * A view inside.
 */

/* Size classes of mp_stats_t: class i < 64 is of chunks of 16 * (i + 1)
 * bytes, the last of all longer ones. */
#define MP_STATS_CLASSES 65

/* What a pool did and holds.  allocations - frees = live_objects at any
 * moment when no other thread changes the pool. */
typedef struct mp_stats_t {
    size_t live_bytes;      /* of live objects: as asked for where the pool
                             * has a capacity or a lock, else as given,
                             * in multiples of 16 */
    size_t live_objects;
    size_t peak_bytes;      /* high-water mark of live_bytes; where threads
                             * have caches, of what they and the program
                             * held together: never less */
    size_t peak_objects;    /* most seen at a reset or here */
    uint64_t allocations;   /* objects handed out so far */
    uint64_t frees;         /* and freed, by reset and rewind too */
    uint64_t resets;
    uint64_t refused_size;  /* EINVAL: a size that the pool never takes */
    uint64_t refused_full;  /* ENOBUFS */
    uint64_t refused_memory; /* ENOMEM */
    size_t blocks;          /* in use, the pool's first included */
    size_t backing_bytes;   /* of blocks in use and kept */
    size_t cached_bytes;    /* in caches of threads and handles, and between
                             * them */
    size_t children;        /* pools whose parent it is */
    size_t class_live[MP_STATS_CLASSES];   /* live objects */
    size_t class_cached[MP_STATS_CLASSES]; /* chunks in caches */
} mp_stats_t;

/* Fills *stats; other threads' calls are held up meanwhile.  -1 and errno
 * EINVAL where either is NULL, else 0.  A call of mp_stats() is compiled as
 * one of mp_stats_sized(), as that of mp_create() is. */
MP_API int mp_stats_sized(memory_pool_t *mp, mp_stats_t *stats,
                          size_t stats_size);
#if MP_COMPILED_IN_BESIDE || defined(MP_DECLARATIONS_ONLY)
MP_API int mp_stats(memory_pool_t *mp, mp_stats_t *stats);
#endif
#ifndef MP_DECLARATIONS_ONLY
MP_COMPILED_IN int mp_stats(memory_pool_t *mp, mp_stats_t *stats)
{
    return mp_stats_sized(mp, stats, sizeof(mp_stats_t));
}
#endif

/* How mp_stats_print() writes. */
typedef enum mp_format {
    MP_TEXT = 0, /* a table for people */
    MP_JSON      /* one JSON object, for machines */
} mp_format_t;

/* Writes the statistics of the pool and of all pools below it, each by its
 * name.  -1 with errno EINVAL for a bad argument, ENOMEM, or the stream's
 * error; else 0.  No pool below it may be destroyed meanwhile. */
MP_API int mp_stats_print(memory_pool_t *mp, FILE *stream,
                          mp_format_t format);

/* Calls visit(object, size, arg) for every live object, in no order, until it
 * returns other than 0; returns that, 0, or -1 with errno EINVAL or ENOMEM.
 * Objects that are live from the call's beginning to its end are visited
 * once each; one allocated or freed meanwhile may or may not be.  visit is
 * called with no lock held and may use the pool, but may not reset or destroy
 * it.  size is as mp_usable_size() says. */
MP_API int mp_walk(memory_pool_t *mp,
                   int (*visit)(void *object, size_t size, void *arg),
                   void *arg);

/* Writes an SVG picture of the pool's blocks: what is live, cached and free
 * in each, the top, and whose it is, with a legend and the figures.  -1 with
 * errno EINVAL for a bad argument, ENOMEM, or the stream's error; else 0. */
MP_API int mp_map(memory_pool_t *mp, FILE *stream);

/* The version of the library that runs, such as "0.10.0". */
MP_API const char *mp_version(void);

#ifdef __cplusplus
}
#endif

#endif /* MEMORY_POOL_H */

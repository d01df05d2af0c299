/* SPDX-License-Identifier: MIT
 *
 * memory_pool.h - the whole public interface of libmempool.
 *
 * A program allocates objects from a pool, in any thread.  It frees them one
 * by one, in any order and in any thread, or all at once.  The lines above a
 * declaration are its contract.  The man page of the same name has the rest.
 * libmempool(7) says which calls may run at the same time, and
 * mempool_guide(7) which kind of pool a program wants.
 *
 * All sizes are in bytes.  Unless a line says otherwise:
 *   - any thread may call a function at any moment, for the same pool too;
 *   - no function is async-signal-safe;
 *   - a function that succeeds leaves errno alone.
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

/* How many bytes a base pool, which init_memory_pool() makes, holds at once.
 * Its largest object has as many.  The number was fixed when the library was
 * configured.
 * MAX_BLOCK_SIZE is a short name for the number.  Other headers and programs
 * may use this name, too: if it is defined already, it stays as it is.  A
 * program that uses the name for an enumerator or a variable, or defines it
 * later, defines MP_NO_MAX_BLOCK_SIZE before it includes this header.
 * A program that defines MP_PREFIXED_ONLY gets neither the short name nor the
 * functions without a prefix, and may use these names for its own purposes. */
#define MP_MAX_BLOCK_SIZE 1024
#if !defined(MAX_BLOCK_SIZE) && !defined(MP_NO_MAX_BLOCK_SIZE) && \
    !defined(MP_PREFIXED_ONLY)
#define MAX_BLOCK_SIZE MP_MAX_BLOCK_SIZE
#endif

/* Stands before each declaration.  The library's own build defines it as the
 * attribute that exports a symbol; in a program it is empty. */
#ifndef MP_API
#define MP_API
#endif

/* Two attributes are missing on purpose.
 * alloc_size would tell the compiler that an object ends after the bytes that
 * were asked for.  But a program may use all that mp_usable_size() returns,
 * and with _FORTIFY_SOURCE it would be aborted for that.
 * malloc would tell the compiler that nothing else points to the memory, and
 * that no pointer is stored there.  Neither is true of a new pool: the library
 * keeps pointers to it, it may have the memory of a destroyed pool, and it
 * holds pointers to its parent and its backing.  The second is not true of an
 * object of mp_memdup() either, which copies pointers. */
#if defined(__GNUC__) || defined(__clang__)
#define MP_ATTRIBUTE_MALLOC __attribute__((__malloc__))
#define MP_ATTRIBUTE_USE_RESULT __attribute__((__warn_unused_result__))
#define MP_ATTRIBUTE_FORMAT(format, first) \
    __attribute__((__format__(__printf__, format, first)))
/* Keeps compilers from warning of what is not in C89. */
#define MP_EXTENSION __extension__
#else
#define MP_ATTRIBUTE_MALLOC
#define MP_ATTRIBUTE_USE_RESULT
#define MP_ATTRIBUTE_FORMAT(format, first)
#define MP_EXTENSION
#endif

/* MP_COMPILED_IN begins a definition that is compiled into the program at each
 * call of the function.  A macro could do that, too.  But a macro splits its
 * arguments at the commas of braces and templates.  And it replaces every name
 * that is spelt like it, for instance that of a class's member.  In GNU C the
 * address of the function is still that of the library's function, and
 * MP_COMPILED_IN_BESIDE is 1.  Other compilers make a function of the source
 * file.  There the library's function of the same name cannot be declared.
 * no_instrument_function is needed because a compiler that instruments
 * functions may take the address of each, and some of these have none.
 *
 * A source file that defines MP_DECLARATIONS_ONLY before it includes this
 * header gets no definitions.  The library's own files do so.  A test may do
 * so, to replace functions of the library by its own. */
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

/* A pool.  A program only holds pointers to it. */
typedef struct memory_pool memory_pool_t;

#ifndef MP_PREFIXED_ONLY
/* Makes a base pool.  It holds MAX_BLOCK_SIZE bytes, takes objects of 1 to
 * MAX_BLOCK_SIZE bytes, serves any number of threads, and reports misuse on
 * standard error.  On failure it returns NULL, prints the step that failed in
 * the form of perror(3), and sets errno:
 *   ENOMEM   the system has no memory */
MP_API memory_pool_t *init_memory_pool(void) MP_ATTRIBUTE_USE_RESULT;

/* Destroys the pool and every object in it.  No other call for this pool may
 * be under way, and none may follow.  If mp is NULL, that is reported:
 *   EINVAL   "the memory pool is NULL" */
MP_API void destroy_memory_pool(memory_pool_t *mp);
#endif

/* Returns m_size bytes of the pool, whose contents are undefined.  They are
 * aligned to 16 if m_size >= 16, else at least to the largest power of two
 * that is not greater than m_size.  The pool is full only when m_size more
 * bytes would exceed its capacity, which counts bytes as callers ask for them.
 * Neither alignment nor the order of frees costs capacity.  On failure the
 * function returns NULL and changes nothing:
 *   EINVAL   mp is NULL ("memory_pool is NULL"), or m_size is 0 or larger
 *            than the pool's largest object ("invaild memory allocate size")
 *   ENOBUFS  the capacity is used ("the memory pool is full")
 *   ENOMEM   the system has no memory for another block (as perror(3)) */
MP_API void *mp_allocate(memory_pool_t *mp, size_t m_size)
    MP_ATTRIBUTE_MALLOC MP_ATTRIBUTE_USE_RESULT;

#ifndef MP_PREFIXED_ONLY
/* Frees one object, whichever thread allocated it, in any order.  ptr may be
 * any address; nothing is read through it.  Misuse is reported and changes
 * nothing:
 *   EINVAL   ptr is not the start of a live object of mp, but foreign, inside
 *            of an object, freed already, or from before a reset ("your ptr is
 *            not in the memory pool, cannot be freed")
 *   EINVAL   ptr is NULL ("your ptr is NULL"), or mp is NULL ("the memory pool
 *            is NULL") */
MP_API void free_memory(memory_pool_t *mp, const void *ptr);

/* Frees every object of the pool at once.  The pool stays usable, and its
 * whole capacity is free again.  Other threads may call functions for the pool
 * meanwhile; their objects are freed, too.  If mp is NULL, that is reported:
 *   EINVAL   "the memory pool is NULL" */
MP_API void free_all_memory(memory_pool_t *mp);

/* True if ptr is the start of a live object of mp, so that
 * free_memory(mp, ptr) would free it.  Else false.  ptr may be any address;
 * nothing is read through it.  Two cases are reported:
 *   EINVAL   mp is NULL ("the memory pool is NULL"), or ptr is NULL ("your ptr
 *            is NULL") */
MP_EXTENSION MP_API bool is_mp_ptr(memory_pool_t *mp, void *ptr);
#endif /* MP_PREFIXED_ONLY */

/* These are destroy_memory_pool(), free_memory(), free_all_memory() and
 * is_mp_ptr() by names with a prefix, for programs that use the other names
 * themselves.  Three things differ.  If mp is NULL, they set errno to EINVAL
 * and print nothing.  If ptr is NULL, mp_free() does nothing, as free(3), and
 * mp_owns() returns false and reports nothing. */
MP_API void mp_destroy(memory_pool_t *mp);
MP_API void mp_free(memory_pool_t *mp, const void *ptr);
MP_API void mp_reset(memory_pool_t *mp);
MP_EXTENSION MP_API bool mp_owns(memory_pool_t *mp, const void *ptr);

/*
 * Pools of other kinds.  Every function above works on every pool.
 */

/* Which threads may use a pool. */
typedef enum mp_threads {
    MP_THREADS_CACHED = 0, /* any thread; each has a cache, used without a
                            * lock */
    MP_THREADS_LOCKED,     /* any thread, under a lock, without caches */
    MP_THREADS_NONE        /* the program makes sure that one thread at a time
                            * uses the pool; it has a cache */
} mp_threads_t;

/* Functions that a pool gets its blocks from.  acquire returns size bytes
 * aligned to alignment, or NULL if there is no memory.  release takes a block
 * back, with the same size.  The library holds no lock while it calls them.
 * acquire may leave by longjmp(3) or a C++ exception: then the call that needed
 * memory has done nothing.  release has to return. */
typedef struct mp_backing {
    void *(*acquire)(void *context, size_t size, size_t alignment);
    void (*release)(void *context, void *block, size_t size);
    void *context;
} mp_backing_t;

/* Backings that the library has.  The first uses malloc(3) and free(3).  The
 * second uses mmap(2), and advises the system to use huge pages for large
 * blocks.  The third takes a buffer of the caller, which is all memory of one
 * pool but for thread caches, which take theirs from malloc(3). */
MP_API extern const mp_backing_t mp_backing_malloc;
MP_API extern const mp_backing_t mp_backing_mmap;
MP_API mp_backing_t mp_backing_buffer(void *buffer, size_t size);

/* The size of a buffer, at any address, that has room for objects of so many
 * bytes in all.  Each object counts as a multiple of 16 bytes.  It is a
 * constant if bytes is one, and may be the size of an array then.  The objects
 * have room with later releases, too.  Where no size_t holds the size it is
 * SIZE_MAX, with which no pool is made.  bytes may be evaluated twice.  sizeof
 * makes a size_t of each number without a cast; 1 - 2 is SIZE_MAX then. */
#define MP_BUFFER_SIZE(bytes)                                             \
    ((bytes) / sizeof(char[16]) >                                         \
             (sizeof(char) - sizeof(char[2]) - sizeof(char[2048])) / 17 - \
                 sizeof(char[2])                                          \
         ? sizeof(char) - sizeof(char[2])                                 \
         : sizeof(char[2048]) + ((bytes) + sizeof(char[15])) / 16 *       \
                                    sizeof(char[17]))

/* What a report is about. */
typedef enum mp_event {
    MP_EVENT_NO_POOL = 1,  /* the pool is NULL */
    MP_EVENT_SIZE,         /* a size or alignment that the pool never takes */
    MP_EVENT_FULL,         /* the capacity is used */
    MP_EVENT_NO_MEMORY,    /* the backing has no block */
    MP_EVENT_NO_POINTER,   /* the object is NULL */
    MP_EVENT_NOT_IN_POOL,  /* the address is not a live object of the pool */
    MP_EVENT_OPTION,       /* mp_create() cannot do what a member asks for, or
                            * a call not for a pool with such options */
    MP_EVENT_MARK,         /* mp_rewind(): not an open mark of the caller */
    MP_EVENT_CLEANUP,      /* a cleanup is NULL, or there is no such cleanup, or
                            * cleanups go on adding cleanups */
    MP_EVENT_BUSY,         /* a cleanup resets or destroys its own pool, or
                            * moves it */
    MP_EVENT_LEAK,         /* MP_LEAK_CHECK: objects live at destroy */
    MP_EVENT_WRONG_SIZE,   /* mp_free_sized(): the object has another size */
    MP_EVENT_DAMAGE        /* the program wrote where it has no object, and a
                            * check has found that */
} mp_event_t;

/* A report function.  It is called for each misuse and for each allocation
 * that fails, in the thread that made the call, with no lock held.  message
 * has no newline.  ptr is the address that the program gave, or NULL.  For a
 * leak it is the first object, and for damage the first wrong byte.  mp is NULL
 * if there is no pool.  With MP_CALLERS or MP_REPORT the message goes on behind
 * the words of the event, as mp_report_stderr() prints it.  It may use the pool,
 * but must not reset or destroy it, nor one above, nor leave by longjmp(). */
typedef void mp_report_fn(memory_pool_t *mp, mp_event_t event,
                          const char *message, const void *ptr,
                          void *context);

/* A report function that prints one whole line on standard error:
 * "NAME: MESSAGE: REST", or "MESSAGE: REST" for a pool without a name.  The
 * rest says which pool it is, which address, what that is, and whose.  A base
 * pool's line has no rest, unless MEMPOOL_OPTIONS has the word report or
 * callers. */
MP_API void mp_report_stderr(memory_pool_t *mp, mp_event_t event,
                             const char *message, const void *ptr,
                             void *context);

/* Freed memory is set to zero at once, also by a reset and at the end. */
#define MP_ZERO_ON_FREE 0x1u

/* The end of the pool reports the objects that are still live, as
 * MP_EVENT_LEAK.  There is a report for each size up to 1024 bytes, and for
 * each doubling above that.  It has the number of the objects and of their
 * bytes; ptr is the address of the first object.  A last report has the sums
 * of all. */
#define MP_LEAK_CHECK 0x2u

/* Flags for debugging; mempool_debug(7) says which faults each finds.  The
 * environment variable MEMPOOL_OPTIONS sets the same flags for all pools of a
 * program, which need not be compiled again.  Its words, some of which have a
 * number, may also be given to one pool, as the member debug.  With any of the
 * first seven each object has memory of its own from malloc(), and the pool is
 * slow. */
#define MP_PASSTHROUGH 0x4u  /* each object is one of malloc(), for checkers */
#define MP_POISON 0x8u       /* freed objects are filled, and checked */
#define MP_REDZONE 0x10u     /* bytes around objects are checked */
#define MP_QUARANTINE 0x20u  /* freed objects wait before they are reused */
#define MP_GUARD 0x40u       /* objects end before an unreadable page */
#define MP_CALLERS 0x80u     /* reports name callers that allocate and free */
#define MP_TAGS 0x100u       /* the pool's address stands behind objects */
#define MP_ABORT 0x200u      /* abort() after the first report of misuse */
#define MP_REPORT 0x400u     /* reports go to standard error if the member
                              * report is NULL */
#define MP_STATS 0x800u      /* statistics are printed at exit */
#define MP_LEAKS 0x1000u     /* as MP_LEAK_CHECK, and leaks are printed at exit;
                              * all go to standard error if the member report is
                              * NULL */

/* Options of mp_create().  All zero is the default.  Set the whole structure
 * to zero before you set members: later releases add members at its end. */
typedef struct mp_options {
    size_t capacity;             /* most bytes at once, counted as callers ask
                                  * for them; 0: no limit, ever; SIZE_MAX: none
                                  * yet, see mp_set_capacity() */
    size_t max_object;           /* largest object; 0: no limit but capacity */
    mp_threads_t threads;
    unsigned flags;              /* MP_ZERO_ON_FREE, MP_LEAK_CHECK, and those
                                  * for debugging */
    const mp_backing_t *backing; /* copied; NULL: the library's own range for
                                  * a pool with caches, else malloc */
    const char *name;            /* stands in reports; at most 63 bytes of it
                                  * are copied */
    mp_report_fn *report;        /* NULL: misuse only sets errno */
    void *report_context;
    memory_pool_t *parent;       /* its reset and its destroy destroy this
                                  * pool first, and its capacity counts what
                                  * this pool holds; NULL: none */
    const char *debug;           /* words of MEMPOOL_OPTIONS for this pool, such
                                  * as "redzone,fail=1%"; NULL: none */
} mp_options_t;

/* Makes a pool.  NULL stands for the defaults: the pool grows, takes objects
 * of any size, and any thread uses it at full speed.  On failure returns NULL:
 *   EINVAL   a member has a value that it cannot have; the report names it
 *   ENOMEM   there is no memory
 * A call of mp_create() is compiled as a call of mp_create_sized(), which also
 * passes the size of the program's mp_options_t.  So a program that was built
 * with this release works with later ones.  A call through a pointer to
 * mp_create() does not pass the size.  It sets only those members that
 * mp_options_t had in release 0.9. */
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

/* A failure function.  A pool calls it when an object of size bytes cannot be
 * had; error is ENOBUFS or ENOMEM.  The call is made in the thread that wants
 * the object, with no lock held, and before the failure is counted or reported.
 * If it returns true, the pool tries once more; if false, the allocation fails.
 * It may use any pool, free objects of this one, and trim it.  It may also
 * leave by longjmp(3) or a C++ exception: then the allocating call has done
 * nothing. */
MP_EXTENSION typedef bool mp_failure_fn(memory_pool_t *mp, size_t size,
                                        int error, void *context);

/* Makes fn the pool's failure function.  NULL stands for none, which a new pool
 * has.  Returns 0, or -1 with errno EINVAL if mp is NULL. */
MP_API int mp_set_failure(memory_pool_t *mp, mp_failure_fn *fn,
                          void *context);

/* Changes the capacity of a pool that was made with one; 0: no limit.  If the
 * pool has no max_object of its own, the new capacity is the size of its
 * largest object, too.  Other threads may use the pool and those below it
 * meanwhile: the limit is exact before and after.  Returns 0, or -1 and the
 * capacity is as it was:
 *   EINVAL   mp is NULL, or was made without a capacity
 *   ENOBUFS  the pool and those below it hold more than bytes
 * A pool that may get a limit later is made with a capacity of SIZE_MAX. */
MP_API int mp_set_capacity(memory_pool_t *mp, size_t bytes);

/* A near-limit function.  used is what the pool and those below it hold, with
 * what caches have borrowed.  It is called in a thread that allocates from one
 * of these pools.  The request was served, the call has not returned yet, and
 * no lock is held.  It may use any pool, but not destroy the one that the
 * thread allocates from or one above.  If it leaves by longjmp(3) or a C++
 * exception, nobody gets the object, which stays in its pool. */
MP_EXTENSION typedef void mp_near_limit_fn(memory_pool_t *mp, size_t used,
                                           void *context);

/* Has fn called when a pool that was made with a capacity, and those below it,
 * come to hold bytes or more.  It is called once, and again only after they
 * have held less.  As caches borrow bytes, the call may come early, by up to
 * 64 KiB for each thread or handle, and is never late.  NULL takes the function
 * away.  Returns 0, or -1:
 *   EINVAL   mp is NULL, or was made without a capacity; or bytes is 0, and fn
 *            is not NULL */
MP_API int mp_set_near_limit(memory_pool_t *mp, size_t bytes,
                             mp_near_limit_fn *fn, void *context);

/* Makes the pool, with all that are below it, a child of parent; NULL: it has
 * no parent from then on.  What the pool and those below it hold counts in the
 * capacities of the pools above, to the byte: in those above it from then on,
 * and no more in the others.  What it did is told by its own statistics and
 * moves with it.  Other threads may use all of these pools meanwhile.  Returns
 * 0, also if parent is the parent already, or -1 and nothing is changed:
 *   EINVAL   mp is NULL; parent is mp, or is below it; or a pool above would
 *            have a capacity, and mp or one below it does not count its bytes:
 *            it is of MP_KIND_CACHED
 *   ENOBUFS  a new pool above has less free than the pools hold
 *   EBUSY    the caller is a cleanup of mp or of a pool below it, which mp is
 *            reset or destroyed with; or a pool above mp is being reset or
 *            destroyed and has come to it; or so for parent
 *   ENOMEM   there is no memory to note the parent
 * A pool that may come below a capacity is made with a capacity itself, which
 * may be SIZE_MAX. */
MP_API int mp_set_parent(memory_pool_t *mp, memory_pool_t *parent);

/* Allocates count * size bytes, all zero, as mp_allocate() does.  EINVAL also
 * if a size_t cannot hold the product. */
MP_API void *mp_calloc(memory_pool_t *mp, size_t count, size_t size)
    MP_ATTRIBUTE_MALLOC MP_ATTRIBUTE_USE_RESULT;

/* Changes the size of an object, in place if possible.  If ptr is NULL, it
 * allocates.  On failure it returns NULL, sets errno as mp_allocate() does, and
 * leaves the object as it was.  EINVAL also if free_memory() would refuse ptr.
 * A size of 0 is EINVAL and frees nothing. */
MP_API void *mp_realloc(memory_pool_t *mp, void *ptr, size_t size)
    MP_ATTRIBUTE_USE_RESULT;

/* Allocates as mp_allocate() does, aligned to a power of two up to 65536.
 * EINVAL also for any other alignment. */
MP_API void *mp_aligned_alloc(memory_pool_t *mp, size_t alignment,
                              size_t size)
    MP_ATTRIBUTE_MALLOC MP_ATTRIBUTE_USE_RESULT;

/* As mp_realloc() for count * size bytes.  EINVAL also if a size_t cannot hold
 * the product. */
MP_API void *mp_reallocarray(memory_pool_t *mp, void *ptr, size_t count,
                             size_t size) MP_ATTRIBUTE_USE_RESULT;

/* As mp_realloc(), and the object is aligned as mp_aligned_alloc() aligns.  If
 * it has to move, the capacity has to hold both copies for a moment. */
MP_API void *mp_aligned_realloc(memory_pool_t *mp, void *ptr,
                                size_t alignment, size_t size)
    MP_ATTRIBUTE_USE_RESULT;

/* Changes the size of an object in place, or not at all.  Returns 0, or -1 with
 * the object as it was:
 *   ENOMEM   the memory behind the object is not free; there is no report
 *   EINVAL   ptr is NULL
 * and, with a report, the other errors of mp_realloc(). */
MP_API int mp_expand(memory_pool_t *mp, void *ptr, size_t size);

/* As mp_free(), and checks the size.  It has to be the size that the program
 * last asked for when it allocated or resized the object.  If it is another
 * one, nothing is freed, errno is EINVAL, and the report has the right size.  A
 * pool that does not count to the byte does not know the exact size.  It
 * refuses a size above that of mp_usable_size(), and one of at most half of
 * that. */
MP_API void mp_free_sized(memory_pool_t *mp, const void *ptr, size_t size);

/* Allocates n objects of size bytes, as n calls of mp_allocate() do, one after
 * the other until one is refused.  It takes less time than they do.  Stores the
 * objects in objects[0], objects[1] and so on, and returns how many it has.
 * Less than n means that the next one was refused: errno and the report are as
 * mp_allocate() has them, and what stands in the array behind the objects is
 * as it was.  EINVAL, with 0 returned, also if mp is NULL, which is not
 * reported, or if objects is NULL.  If n is 0, nothing is done. */
MP_API size_t mp_allocate_many(memory_pool_t *mp, size_t size, size_t n,
                               void **objects) MP_ATTRIBUTE_USE_RESULT;

/* Frees n objects of any sizes, as mp_free() frees each of them, in whatever
 * order is the fastest.  The array must not lie in one of them.  An entry that
 * is NULL is passed over.  One that is no object is reported alone, and all
 * others are freed.  EINVAL also if mp is NULL, which is not reported, or if
 * objects is NULL.  If n is 0, nothing is done. */
MP_API void mp_free_many(memory_pool_t *mp, void *const *objects, size_t n);

/* Allocate an object of a type, or an array of n of them, all zero, and fail as
 * mp_calloc() does.  The type's alignment is 16 at most. */
#ifdef __cplusplus
#define MP_NEW(mp, type) \
    (static_cast<type *>(mp_calloc((mp), 1, sizeof(type))))
#define MP_NEW_ARRAY(mp, n, type) \
    (static_cast<type *>(mp_calloc((mp), (n), sizeof(type))))
#else
#define MP_NEW(mp, type) ((type *)mp_calloc((mp), 1, sizeof(type)))
#define MP_NEW_ARRAY(mp, n, type) \
    ((type *)mp_calloc((mp), (n), sizeof(type)))
#endif

/* The size of a live object, all of which may be used.  It is at least what
 * was asked for.  0 with errno EINVAL if ptr is not a live object of mp. */
MP_API size_t mp_usable_size(memory_pool_t *mp, const void *ptr);

/* What an address is to a pool. */
typedef enum mp_where {
    MP_FOREIGN = 0, /* not in a block that the pool uses for objects */
    MP_LIVE,        /* the start of a live object */
    MP_FREED,       /* in memory of the pool that no object has now */
    MP_INTERIOR     /* inside of a live object, but not its start */
} mp_where_t;

/* Tells what any address is to the pool; nothing is read through it.  If mp is
 * NULL: MP_FOREIGN and errno EINVAL. */
MP_API mp_where_t mp_locate(memory_pool_t *mp, const void *ptr);

/* The pool to which the address is not MP_FOREIGN; where a pool lies in an
 * object of another, the inner one.  NULL if there is none. */
MP_API memory_pool_t *mp_owner(const void *ptr);

/* What is known of a report.  size is that of the structure which the library
 * has filled: later releases add members at its end.  All pointers but mp, ptr,
 * owner and object lead to memory that is valid until the function returns. */
MP_EXTENSION typedef struct mp_report {
    size_t size;
    mp_event_t event;
    memory_pool_t *mp;     /* the pool that reports; its name, or NULL */
    const char *name;
    const char *message;   /* the words that an mp_report_fn gets */
    const char *line;      /* these words; then which pool, which address, what
                            * that is, and whose; without a newline */
    const void *ptr;       /* as an mp_report_fn gets it */
    mp_where_t where;      /* what ptr is to owner; MP_FOREIGN: no pool is known
                            * to have an object there */
    bool before_reset;     /* it went with a reset or a rewind of owner; told
                            * where the objects of owner are recorded, see
                            * mempool_debug(7) */
    const memory_pool_t *owner; /* the pool that ptr belongs to; its name, or
                                 * NULL.  If it is not mp, it may be gone */
    const char *owner_name;
    const void *object;    /* start of the object that ptr lies in, or lay in;
                            * NULL: not known */
    size_t object_size;    /* 0: not known */
    void *const *allocated_by; /* MP_CALLERS: return addresses of the calls that
                                * allocated and freed the object, the innermost
                                * first, the library's own among them */
    size_t allocated_frames;
    void *const *freed_by;
    size_t freed_frames;
} mp_report_t;

/* A function that is called for each report, as a report function is, with all
 * that is known. */
typedef void mp_reporter_fn(const mp_report_t *report, void *context);

/* Makes fn the pool's reporter, which is called in place of its report
 * function.  NULL stands for none, which a new pool has.  Returns 0, or -1 with
 * errno EINVAL if mp is NULL. */
MP_API int mp_set_reporter(memory_pool_t *mp, mp_reporter_fn *fn,
                           void *context);

/* Checks the pool for damage, while other threads' calls for it wait.  Returns
 * 0 if all is well, else -1:
 *   EINVAL            mp is NULL
 *   ENOTRECOVERABLE   the pool is damaged */
MP_API int mp_check(memory_pool_t *mp);

/* Gives empty blocks back to where they came from, until those that the pool
 * keeps have at most keep_bytes bytes.  If blocks in use have free pages, those
 * beyond keep_bytes go to the system, too.  A pool that has a buffer or a
 * backing of the program keeps those pages.  Returns the bytes of the blocks
 * given back. */
MP_API size_t mp_trim(memory_pool_t *mp, size_t keep_bytes);

/*
 * Strings.  Each is an object of the pool.  On failure the functions return
 * NULL, with errno and a report as those of mp_allocate().  EINVAL also if a
 * string or a format is NULL, or if bytes is NULL and n > 0.
 */

/* The first copies a string, the second at most n bytes of a string, and the
 * third n bytes. */
MP_API char *mp_strdup(memory_pool_t *mp, const char *string)
    MP_ATTRIBUTE_MALLOC MP_ATTRIBUTE_USE_RESULT;
MP_API char *mp_strndup(memory_pool_t *mp, const char *string, size_t n)
    MP_ATTRIBUTE_MALLOC MP_ATTRIBUTE_USE_RESULT;
MP_API void *mp_memdup(memory_pool_t *mp, const void *bytes, size_t n)
    MP_ATTRIBUTE_USE_RESULT;

/* Make a string of what sprintf(3) would write. */
MP_API char *mp_asprintf(memory_pool_t *mp, const char *format, ...)
    MP_ATTRIBUTE_FORMAT(2, 3) MP_ATTRIBUTE_MALLOC MP_ATTRIBUTE_USE_RESULT;
MP_API char *mp_vasprintf(memory_pool_t *mp, const char *format,
                          va_list arguments)
    MP_ATTRIBUTE_FORMAT(2, 0) MP_ATTRIBUTE_MALLOC MP_ATTRIBUTE_USE_RESULT;

/* A string that grows; it may hold any bytes.  A structure that is all zero is
 * an empty string.  After the first append, bytes is an object of the pool with
 * the string and a 0 behind it.  mp_free(mp, string.bytes) frees it, and so
 * does the end of the pool. */
typedef struct mp_string {
    char *bytes;   /* NULL: nothing was appended yet */
    size_t length; /* without the 0 */
    size_t room;   /* bytes of the object that the string and its 0 may use */
} mp_string_t;

/* The first appends n bytes, which may be part of the string.  The others
 * append what sprintf(3) would write; their arguments may not be part of the
 * string.  When the object grows, its size at least doubles if the pool has
 * memory for that.  So on average a byte is copied at most twice.  They return
 * 0, or -1 with errno and a report as those of mp_realloc() and with the string
 * as it was.  EINVAL also if an argument is NULL or the structure is no such
 * string.  One thread at a time may use a string. */
MP_API int mp_append_bytes(memory_pool_t *mp, mp_string_t *string,
                           const void *bytes, size_t n);
MP_API int mp_append_printf(memory_pool_t *mp, mp_string_t *string,
                            const char *format, ...) MP_ATTRIBUTE_FORMAT(3, 4);
MP_API int mp_append_vprintf(memory_pool_t *mp, mp_string_t *string,
                             const char *format, va_list arguments)
    MP_ATTRIBUTE_FORMAT(3, 0);

/*
 * Scopes: marks, cleanups, and handles.  Children are made with
 * mp_options_t.parent.
 */

/* A mark of one thread, or of one handle, in one pool.  Number 0 is no
 * mark.  The structure's tag is not mp_mark, which in C++ the function of that
 * name would hide; mp_stats_t is named likewise. */
typedef struct mp_mark_t {
    uint64_t number;
} mp_mark_t;

/* Sets a mark for the calling thread.  mp_rewind() frees what the thread
 * allocates in the pool from now on.  Marks nest.  On failure the number is 0:
 *   EINVAL   mp is NULL
 *   ENOMEM   there is no memory */
MP_API mp_mark_t mp_mark(memory_pool_t *mp) MP_ATTRIBUTE_USE_RESULT;

/* Frees all that the calling thread has allocated in the pool since the mark,
 * also what it has handed to other threads.  It ends the mark and those that
 * the thread has set after it.  What other threads have allocated stays.
 * Returns 0, or -1 with nothing changed:
 *   EINVAL   mp is NULL, or the mark is not an open mark of the caller in this
 *            pool: another thread's, another pool's, from before a reset, or
 *            rewound or committed */
MP_API int mp_rewind(memory_pool_t *mp, mp_mark_t mark);

/* Ends a mark of the caller, and those of the caller since then, and keeps
 * their objects: they are now the next older mark's, or the pool's.  So are
 * the cleanups of these marks, none of which is called.  No object moves.  The
 * call takes a step for each block of the marks and each free piece in them; if
 * the older mark has less memory, it takes a step for each of that instead.
 * Returns 0, or -1:
 *   EINVAL   as for mp_rewind() */
MP_API int mp_commit(memory_pool_t *mp, mp_mark_t mark);

/* Adds a cleanup: the next reset of the pool, or its end, calls fn(arg).
 *   - The cleanup that was added last is called first, and children's before
 *     their parent's.
 *   - It is called in the thread that resets or destroys the pool, with no
 *     lock held.  Every object of this pool, of those below it, and of all that
 *     go together with it is still live: the cleanups of a whole tree are
 *     called before any of its memory is freed.
 *   - It may use any pool, and destroy children.  What it allocates in this
 *     one goes with the reset.  Cleanups and children that it adds here or
 *     below are called and destroyed as well, up to 65536 in one reset.
 *   - It may not reset or destroy this pool, nor one above: EBUSY.
 *   - It may leave by longjmp(3) or a C++ exception.  The pools are there as
 *     before then, without the cleanups that were called, and the next reset
 *     or destroy goes on.
 * Returns 0, or -1:
 *   EINVAL   mp or fn is NULL
 *   ENOMEM   there is no memory */
MP_API int mp_add_cleanup(memory_pool_t *mp, void (*fn)(void *arg),
                          void *arg);

/* Removes the cleanup that was added last with the same fn and arg.  Returns
 * 0, or -1 with errno EINVAL if there is none. */
MP_API int mp_remove_cleanup(memory_pool_t *mp, void (*fn)(void *arg),
                             void *arg);

/* Adds a cleanup to a mark of the caller.  mp_rewind() to this mark, or to one
 * before it, calls fn(arg) first, with every object still live.  A reset or the
 * end of the pool calls it, too.  fn may not rewind this mark.  Cleanups that
 * it adds are called as well, up to 65536 in one rewind.  Returns 0, or -1:
 *   EINVAL   mp or fn is NULL, or the mark is not an open mark of the caller
 *            in this pool
 *   ENOMEM   there is no memory */
MP_API int mp_add_mark_cleanup(memory_pool_t *mp, mp_mark_t mark,
                               void (*fn)(void *arg), void *arg);

/* True where mp_mark() or mp_handle_mark() has failed. */
#define MP_MARK_FAILED(mark) ((mark).number == 0)

/* A handle: a cache and marks that belong to a piece of work and not to a
 * thread, such as a coroutine.  One thread at a time uses it.  A program hands
 * it on in a way that orders memory, as by a lock or a queue. */
typedef struct mp_handle mp_handle_t;

/* Makes a handle.  A reset of the pool leaves it usable; the end of the pool is
 * its end, too.  On failure returns NULL:
 *   EINVAL   mp is NULL
 *   ENOMEM   there is no memory */
MP_API mp_handle_t *mp_attach(memory_pool_t *mp) MP_ATTRIBUTE_USE_RESULT;

/* Ends a handle.  Its cache goes back to the pool, its marks are discarded, and
 * its objects stay.  If handle is NULL: errno EINVAL. */
MP_API void mp_detach(mp_handle_t *handle);

/* These do for the handle what mp_allocate(), free_memory(), mp_mark(),
 * mp_rewind(), mp_commit() and mp_add_mark_cleanup() do for a thread.  If
 * handle is NULL, they only fail and set errno to EINVAL.  mp_handle_free()
 * takes any object of the pool, however it was allocated. */
MP_API void *mp_handle_allocate(mp_handle_t *handle, size_t size)
    MP_ATTRIBUTE_MALLOC MP_ATTRIBUTE_USE_RESULT;
MP_API void mp_handle_free(mp_handle_t *handle, const void *ptr);
MP_API mp_mark_t mp_handle_mark(mp_handle_t *handle) MP_ATTRIBUTE_USE_RESULT;
MP_API int mp_handle_rewind(mp_handle_t *handle, mp_mark_t mark);
MP_API int mp_handle_commit(mp_handle_t *handle, mp_mark_t mark);
MP_API int mp_handle_add_mark_cleanup(mp_handle_t *handle, mp_mark_t mark,
                                      void (*fn)(void *arg), void *arg);

/* These do for the handle what mp_calloc(), mp_realloc(), mp_aligned_alloc(),
 * mp_aligned_realloc() and the functions for strings do for a thread.  They use
 * the handle's cache and its marks. */
MP_API void *mp_handle_calloc(mp_handle_t *handle, size_t count, size_t size)
    MP_ATTRIBUTE_MALLOC MP_ATTRIBUTE_USE_RESULT;
MP_API void *mp_handle_realloc(mp_handle_t *handle, void *ptr, size_t size)
    MP_ATTRIBUTE_USE_RESULT;
MP_API void *mp_handle_aligned_alloc(mp_handle_t *handle, size_t alignment,
                                     size_t size)
    MP_ATTRIBUTE_MALLOC MP_ATTRIBUTE_USE_RESULT;
MP_API void *mp_handle_aligned_realloc(mp_handle_t *handle, void *ptr,
                                       size_t alignment, size_t size)
    MP_ATTRIBUTE_USE_RESULT;
MP_API char *mp_handle_strdup(mp_handle_t *handle, const char *string)
    MP_ATTRIBUTE_MALLOC MP_ATTRIBUTE_USE_RESULT;
MP_API char *mp_handle_strndup(mp_handle_t *handle, const char *string,
                               size_t n)
    MP_ATTRIBUTE_MALLOC MP_ATTRIBUTE_USE_RESULT;
MP_API void *mp_handle_memdup(mp_handle_t *handle, const void *bytes,
                              size_t n) MP_ATTRIBUTE_USE_RESULT;
MP_API char *mp_handle_asprintf(mp_handle_t *handle, const char *format, ...)
    MP_ATTRIBUTE_FORMAT(2, 3) MP_ATTRIBUTE_MALLOC MP_ATTRIBUTE_USE_RESULT;
MP_API char *mp_handle_vasprintf(mp_handle_t *handle, const char *format,
                                 va_list arguments)
    MP_ATTRIBUTE_FORMAT(2, 0) MP_ATTRIBUTE_MALLOC MP_ATTRIBUTE_USE_RESULT;

/*
 * A view inside.
 */

/* The pool's name, which stays there until the pool's end; NULL if it has none.
 * The pool's parent; NULL if it has none.  If mp is NULL, both return NULL and
 * set errno to EINVAL.  A parent lives at least as long as its children. */
MP_API const char *mp_name(memory_pool_t *mp);
MP_API memory_pool_t *mp_parent(memory_pool_t *mp);

/* How a pool serves its calls.  The tag is not mp_kind, as for mp_mark_t. */
typedef enum mp_kind_t {
    MP_KIND_NONE = 0, /* there is no pool */
    MP_KIND_CACHED,   /* threads have caches; objects count in multiples of
                       * 16 bytes */
    MP_KIND_COUNTED,  /* threads have caches; objects count to the byte */
    MP_KIND_LOCKED,   /* each call takes the pool's lock */
    MP_KIND_TRACKED   /* each object has memory of its own, for debugging */
} mp_kind_t;

/* What kind of pool it is.  If why is not NULL, *why becomes a text such as
 * "counted: the pool has a capacity", a constant of the library.  The words may
 * differ in another release.  A pool that gives up its caches because the
 * system has no addresses or no memory for them becomes MP_KIND_LOCKED.  If mp
 * is NULL: MP_KIND_NONE and errno EINVAL. */
MP_API mp_kind_t mp_kind(memory_pool_t *mp, const char **why);

/* Calls visit(mp, arg) for every pool of the process, in unspecified order,
 * until that returns a value other than 0.  Returns that value, 0 at the end,
 * or -1:
 *   EINVAL   visit is NULL
 *   ENOMEM   there is no memory
 *   EBUSY    the caller is in a visit of another mp_each_pool()
 * Other threads may make and destroy pools meanwhile.  A pool that is there
 * from the beginning of the call to its end is visited once.
 *   - No lock is held while visit runs.  It may use mp and the pools above, and
 *     make and destroy pools, also mp itself.
 *   - A thread that destroys the pool which another thread visits waits until
 *     visit returns.  So visit must not wait for such a thread.
 *   - visit must return.  It may not leave by longjmp(3) or a C++ exception.
 * One thread at a time is in such a call; others wait. */
MP_API int mp_each_pool(int (*visit)(memory_pool_t *mp, void *arg),
                        void *arg);

/* Size classes of mp_stats_t.  Class i has the objects that take 16 * (i + 1)
 * bytes, and the last class all longer ones. */
#define MP_STATS_CLASSES 65

/* Statistics of a pool.  While no other thread changes the pool,
 * allocations - frees == live_objects. */
typedef struct mp_stats_t {
    size_t live_bytes;      /* of live objects: as asked for if the pool
                             * counts to the byte, see libmempool(7), else
                             * in multiples of 16 */
    size_t live_objects;
    size_t peak_bytes;      /* highest live_bytes so far; in a pool with
                             * thread caches it may include what they held,
                             * and is never too low */
    size_t peak_objects;    /* most that a reset or mp_stats() has counted */
    uint64_t allocations;   /* objects allocated so far */
    uint64_t frees;         /* objects freed so far, by resets, too */
    uint64_t resets;
    uint64_t refused_size;  /* EINVAL: a size that the pool never takes */
    uint64_t refused_full;  /* ENOBUFS */
    uint64_t refused_memory; /* ENOMEM */
    size_t blocks;          /* in use, the pool's first one included */
    size_t backing_bytes;   /* of blocks in use, and of blocks kept */
    size_t cached_bytes;    /* free, in caches of threads and handles and
                             * between them */
    size_t children;        /* pools whose parent this pool is */
    size_t class_live[MP_STATS_CLASSES];   /* live objects */
    size_t class_cached[MP_STATS_CLASSES]; /* chunks in caches */
    size_t capacity;        /* 0: no limit of its own */
    size_t capacity_free;   /* what is left of it, also for pools below */
    size_t free_bytes;      /* free in the blocks and in those kept, outside
                             * of caches */
    size_t largest_free;    /* the longest piece of that */
    uint64_t gone_children; /* pools below this one that are gone; and what
                             * those did, as the members without gone_ say */
    uint64_t gone_allocations;
    uint64_t gone_refused_size;
    uint64_t gone_refused_full;
    uint64_t gone_refused_memory;
    size_t gone_peak_bytes; /* the highest peak_bytes of one of them */
    mp_kind_t kind;         /* as mp_kind() says */
} mp_stats_t;

/* Fills *stats.  Other threads' calls for the pool wait meanwhile.  If it has
 * more than 4 MiB of blocks, they go on now and then, and not all numbers are
 * of one moment.  Returns 0, or -1 with errno EINVAL if an argument is NULL.  A
 * call of mp_stats() is compiled as a call of mp_stats_sized(), which also
 * passes the size of the program's mp_stats_t, as mp_create_sized() does for
 * mp_options_t. */
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
    MP_TEXT = 0,   /* a table for people */
    MP_JSON,       /* one JSON object, for machines */
    MP_OPENMETRICS /* for Prometheus and others: pools of one name together */
} mp_format_t;

/* Writes the statistics of the pool and of all pools below it, by their
 * names.  No pool below it may be destroyed meanwhile.  Returns 0, or -1 with
 * errno EINVAL for a bad argument, ENOMEM, or the error of the stream. */
MP_API int mp_stats_print(memory_pool_t *mp, FILE *stream,
                          mp_format_t format);

/* Calls visit(object, size, arg) for every live object, in unspecified order,
 * until that returns a value other than 0.  Returns that value, 0 at the end,
 * or -1 with errno EINVAL or ENOMEM.  An object that is live from the beginning
 * of the call to its end is visited once; one that is allocated or freed
 * meanwhile may be visited or not.  No lock is held while visit runs.  It may
 * use the pool, but may not reset or destroy it.  size is what
 * mp_usable_size() returns. */
MP_API int mp_walk(memory_pool_t *mp,
                   int (*visit)(void *object, size_t size, void *arg),
                   void *arg);

/* Writes an SVG picture of the pool's blocks: what is live, cached and free in
 * each, with a legend and the figures.  Returns 0, or -1 with errno EINVAL for
 * a bad argument, ENOMEM, or the error of the stream. */
MP_API int mp_map(memory_pool_t *mp, FILE *stream);

/* The version of the library that runs, such as "0.10.0". */
MP_API const char *mp_version(void);

#ifdef __cplusplus
}
#endif

#endif /* MEMORY_POOL_H */

/* SPDX-License-Identifier: MIT
 *
 * mempool_kind.h - the kinds of pool that the benchmarks measure.
 *
 * Part of mempool.c.  The kind is chosen when the program starts, by -k, so
 * that all kinds are measured by the same calls.  Two kinds are default pools
 * in a process that is not like others: one in which the system refuses
 * membarrier(2), and one with an address limit.
 *
 * A handle and a base pool are no kinds here but programs of their own, since
 * their calls are others, or their room is.
 */
#ifndef MEMPOOL_KIND_H
#define MEMPOOL_KIND_H

#include <errno.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "../tests/membarrier.h"

#define KIND_CAPACITY (SIZE_MAX / 4) /* more than a work needs */
#define KIND_BUFFER ((size_t)64 << 20)
#define KIND_SPACE ((rlim_t)512 << 20)

static mp_options_t kind_options;
static mp_backing_t kind_backing;
static void *kind_buffer;
static int kind_marks; /* each thread has a mark open */

/* A backing of the program's own, as a program would write it. */
static void *kind_acquire(void *context, size_t size, size_t alignment)
{
    void *block;

    (void)context;
    return posix_memalign(&block, alignment, size) == 0 ? block : NULL;
}

static void kind_release(void *context, void *block, size_t size)
{
    (void)context;
    (void)size;
    free(block);
}

static int kind_with_backing(void)
{
    kind_backing.acquire = kind_acquire;
    kind_backing.release = kind_release;
    kind_options.backing = &kind_backing;
    return 1;
}

static int kind_with_buffer(void)
{
    kind_buffer = mmap(NULL, KIND_BUFFER, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return kind_buffer != MAP_FAILED;
}

static int kind_with_mark(void)
{
    kind_marks = 1;
    return 1;
}

/* As on a system without membarrier(2), or in a sandbox that refuses it. */
static int kind_without_membarrier(void)
{
    return membarrier_refuse(ENOSYS);
}

static int kind_with_little_space(void)
{
    struct rlimit limit = {KIND_SPACE, KIND_SPACE};

    return setrlimit(RLIMIT_AS, &limit) == 0;
}

enum kind_parent { KIND_NO_PARENT, KIND_PARENT, KIND_LIMITED_PARENT };

static const struct kind {
    const char *name;
    size_t capacity;
    mp_threads_t threads;
    unsigned flags;
    enum kind_parent parent;
    int (*prepare)(void);
} kind_list[] = {
    {"default", 0, MP_THREADS_CACHED, 0, KIND_NO_PARENT, NULL},
    {"capacity", KIND_CAPACITY, MP_THREADS_CACHED, 0, KIND_NO_PARENT, NULL},
    {"locked", 0, MP_THREADS_LOCKED, 0, KIND_NO_PARENT, NULL},
    {"none", 0, MP_THREADS_NONE, 0, KIND_NO_PARENT, NULL},
    {"backing", 0, MP_THREADS_CACHED, 0, KIND_NO_PARENT, kind_with_backing},
    {"buffer", 0, MP_THREADS_CACHED, 0, KIND_NO_PARENT, kind_with_buffer},
    {"zero", 0, MP_THREADS_CACHED, MP_ZERO_ON_FREE, KIND_NO_PARENT, NULL},
    {"child", 0, MP_THREADS_CACHED, 0, KIND_PARENT, NULL},
    {"bounded", 0, MP_THREADS_CACHED, 0, KIND_LIMITED_PARENT, NULL},
    {"request", KIND_CAPACITY / 2, MP_THREADS_CACHED, 0, KIND_LIMITED_PARENT,
     NULL},
    {"mark", 0, MP_THREADS_CACHED, 0, KIND_NO_PARENT, kind_with_mark},
    {"fenced", 0, MP_THREADS_CACHED, 0, KIND_NO_PARENT,
     kind_without_membarrier},
    {"space", 0, MP_THREADS_CACHED, 0, KIND_NO_PARENT,
     kind_with_little_space},
};

/* Returns 0 if there is no such kind, or if this system does not have it. */
static int kind_choose(const char *name)
{
    static mp_options_t above;

    for (size_t i = 0; i < sizeof kind_list / sizeof kind_list[0]; i++) {
        const struct kind *kind = &kind_list[i];
        if (strcmp(kind->name, name) != 0) {
            continue;
        }
        kind_options.capacity = kind->capacity;
        kind_options.threads = kind->threads;
        kind_options.flags = kind->flags;
        if (kind->prepare != NULL && !kind->prepare()) {
            return 0;
        }
        if (kind->parent != KIND_NO_PARENT) {
            above.capacity =
                kind->parent == KIND_LIMITED_PARENT ? KIND_CAPACITY : 0;
            kind_options.parent = mp_create(&above);
            return kind_options.parent != NULL;
        }
        return 1;
    }
    return 0;
}

static inline memory_pool_t *kind_create(void)
{
    memory_pool_t *mp;

    if (kind_buffer != NULL) {
        kind_backing = mp_backing_buffer(kind_buffer, KIND_BUFFER);
        kind_options.backing = &kind_backing;
    }
    mp = mp_create(&kind_options);
    if (mp != NULL && kind_marks && MP_MARK_FAILED(mp_mark(mp))) {
        return NULL;
    }
    return mp;
}

#endif /* MEMPOOL_KIND_H */

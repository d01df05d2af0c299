/* SPDX-License-Identifier: MIT
 *
 * kinds.h - a pool of each kind by its name, for the programs that tools watch.
 *
 * These programs are built as a user's are: with the public header, in one
 * unit, and linked with the library as it is installed.
 *
 * What it cannot do: make more than one pool in the buffer.
 */
#ifndef KINDS_H
#define KINDS_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef COMPILED_IN
#include <memory_pool_inline.h>
#else
#include <memory_pool.h>
#endif

static void *kinds_acquire(void *context, size_t size, size_t alignment)
{
    (void)context;
    (void)alignment;
    return malloc(size);
}

static void kinds_release(void *context, void *block, size_t size)
{
    (void)context;
    (void)size;
    free(block);
}

static const char *const kinds_names[] = {
    "default", "capacity", "locked", "none", "mmap", "backing", "buffer",
    "zero", "child", "bounded", "mark", "handle", "base",
};
#define KINDS (sizeof kinds_names / sizeof kinds_names[0])

/* The pool above a child, and the handle through which objects come and go;
 * NULL: the kind has none. */
static memory_pool_t *kinds_parent;
static mp_handle_t *kinds_handle;

/* Words of MEMPOOL_OPTIONS that the program itself asks for; the base pool has
 * no options. */
static const char *kinds_words;

static memory_pool_t *kinds_make(const char *kind)
{
    static _Alignas(16) char memory[1 << 16];
    static const mp_backing_t own = {kinds_acquire, kinds_release, NULL};
    mp_options_t options;
    mp_backing_t buffer = mp_backing_buffer(memory, sizeof memory);

    memset(&options, 0, sizeof options);
    options.name = kind;
    options.debug = kinds_words;
    if (strcmp(kind, "capacity") == 0) {
        options.capacity = 1 << 16;
    } else if (strcmp(kind, "locked") == 0) {
        options.threads = MP_THREADS_LOCKED;
    } else if (strcmp(kind, "none") == 0) {
        options.threads = MP_THREADS_NONE;
    } else if (strcmp(kind, "mmap") == 0) {
        options.backing = &mp_backing_mmap;
    } else if (strcmp(kind, "backing") == 0) {
        options.backing = &own;
    } else if (strcmp(kind, "buffer") == 0) {
        options.backing = &buffer;
    } else if (strcmp(kind, "zero") == 0) {
        options.flags = MP_ZERO_ON_FREE;
    } else if (strcmp(kind, "child") == 0 || strcmp(kind, "bounded") == 0) {
        mp_options_t above;
        memset(&above, 0, sizeof above);
        above.capacity = 1 << 16;
        kinds_parent = mp_create(&above);
        options.parent = kinds_parent;
        options.capacity = strcmp(kind, "bounded") == 0 ? 1 << 15 : 0;
    } else if (strcmp(kind, "base") == 0) {
        return init_memory_pool();
    } else if (strcmp(kind, "mark") == 0 || strcmp(kind, "handle") == 0) {
        memory_pool_t *mp = mp_create(&options);
        if (strcmp(kind, "handle") == 0) {
            kinds_handle = mp_attach(mp);
        } else if (MP_MARK_FAILED(mp_mark(mp))) {
            exit(2);
        }
        return mp;
    } else if (strcmp(kind, "default") != 0) {
        fprintf(stderr, "no such kind: %s\n", kind);
        exit(2);
    }
    return mp_create(&options);
}

static inline void *kinds_allocate(memory_pool_t *mp, size_t size)
{
    return kinds_handle != NULL ? mp_handle_allocate(kinds_handle, size)
                                : mp_allocate(mp, size);
}

static inline void kinds_free(memory_pool_t *mp, const void *object)
{
    if (kinds_handle != NULL) {
        mp_handle_free(kinds_handle, object);
    } else {
        free_memory(mp, object);
    }
}

static void kinds_end(memory_pool_t *mp)
{
    destroy_memory_pool(mp);
    kinds_handle = NULL;
    if (kinds_parent != NULL) {
        destroy_memory_pool(kinds_parent);
        kinds_parent = NULL;
    }
}

#endif /* KINDS_H */

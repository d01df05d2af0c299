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
    "zero", "child", "base",
};
#define KINDS (sizeof kinds_names / sizeof kinds_names[0])

/* The pool above a child; NULL: the kind has none. */
static memory_pool_t *kinds_parent;

static memory_pool_t *kinds_make(const char *kind)
{
    static _Alignas(16) char memory[1 << 16];
    static const mp_backing_t own = {kinds_acquire, kinds_release, NULL};
    mp_options_t options;
    mp_backing_t buffer = mp_backing_buffer(memory, sizeof memory);

    memset(&options, 0, sizeof options);
    options.name = kind;
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
    } else if (strcmp(kind, "child") == 0) {
        mp_options_t above;
        memset(&above, 0, sizeof above);
        above.capacity = 1 << 16;
        kinds_parent = mp_create(&above);
        options.parent = kinds_parent;
    } else if (strcmp(kind, "base") == 0) {
        return init_memory_pool();
    } else if (strcmp(kind, "default") != 0) {
        fprintf(stderr, "no such kind: %s\n", kind);
        exit(2);
    }
    return mp_create(&options);
}

static void kinds_end(memory_pool_t *mp)
{
    destroy_memory_pool(mp);
    if (kinds_parent != NULL) {
        destroy_memory_pool(kinds_parent);
        kinds_parent = NULL;
    }
}

#endif /* KINDS_H */

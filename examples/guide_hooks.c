/* SPDX-License-Identifier: MIT
 *
 * guide_hooks.c - mempool_guide(7): a library that takes three functions for
 * its memory.
 */
#include <memory_pool.h>

/* What many libraries have: three functions and an argument for them. */
struct hooks {
    void *(*allocate)(void *arg, size_t size);
    void *(*resize)(void *arg, void *ptr, size_t size);
    void (*release)(void *arg, void *ptr);
    void *arg;
};

static void *pool_allocate(void *mp, size_t size)
{
    return mp_allocate(mp, size == 0 ? 1 : size); /* malloc(0) may succeed */
}

static void *pool_resize(void *mp, void *ptr, size_t size)
{
    return mp_realloc(mp, ptr, size == 0 ? 1 : size);
}

static void pool_release(void *mp, void *ptr)
{
    mp_free(mp, ptr); /* which may be NULL, as for free() */
}

/* The library.  It frees NULL, and it never frees the text. */
static int library_work(const struct hooks *hooks)
{
    char *text = hooks->allocate(hooks->arg, 0);
    text = hooks->resize(hooks->arg, text, 1000);
    hooks->release(hooks->arg, NULL);
    return text == NULL;
}

int main(void)
{
    memory_pool_t *mp = mp_create(NULL);
    struct hooks hooks = {pool_allocate, pool_resize, pool_release, mp};
    int failed = library_work(&hooks);
    destroy_memory_pool(mp); /* with what the library has leaked */
    return failed;
}

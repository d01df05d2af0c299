/* SPDX-License-Identifier: MIT
 *
 * guide_hooks.c - mempool_guide(7): a library allocates through hooks.
 */
#include <memory_pool.h>
#include <stdio.h>
#include <string.h>

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
    if (ptr != NULL) { /* free(NULL) is allowed, here it is misuse */
        free_memory(mp, ptr);
    }
}

/* The library.  It leaks an object, and frees NULL. */
static size_t library_work(const struct hooks *hooks)
{
    char *leak = hooks->allocate(hooks->arg, 0);
    char *text = hooks->allocate(hooks->arg, 6);
    text = hooks->resize(hooks->arg, strcpy(text, "hello"), 1000);
    size_t length = strlen(text) + (leak == NULL);
    hooks->release(hooks->arg, text);
    hooks->release(hooks->arg, NULL);
    return length;
}

int main(void)
{
    memory_pool_t *mp = mp_create(NULL);
    struct hooks hooks = {pool_allocate, pool_resize, pool_release, mp};
    size_t length = library_work(&hooks);
    destroy_memory_pool(mp); /* with what the library has leaked */
    printf("%zu\n", length);
    return length != 5;
}

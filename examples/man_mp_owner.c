/* SPDX-License-Identifier: MIT
 *
 * man_mp_owner.c - the example of mp_owner(3).
 *
 * A function that frees what it is given without being told the pool.
 */
#include <memory_pool.h>
#include <stdlib.h>

/* Frees an object of any pool, or of malloc(). */
static void drop(void *ptr)
{
    memory_pool_t *mp = mp_owner(ptr);

    if (mp != NULL) {
        free_memory(mp, ptr);
    } else {
        free(ptr);
    }
}

int main(void)
{
    memory_pool_t *mp = mp_create(NULL);

    if (mp == NULL) {
        return EXIT_FAILURE;
    }
    void *object = mp_allocate(mp, 100);
    bool right = object != NULL && mp_owner(object) == mp;
    drop(object);
    drop(malloc(100));
    right = right && !is_mp_ptr(mp, object);
    destroy_memory_pool(mp);
    return right ? EXIT_SUCCESS : EXIT_FAILURE;
}

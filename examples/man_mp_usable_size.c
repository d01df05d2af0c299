/* SPDX-License-Identifier: MIT
 *
 * man_mp_usable_size.c - the example of mp_usable_size(3).
 *
 * Clears an object before it is freed, whatever its size was.
 */
#include <memory_pool.h>
#include <stdlib.h>
#include <string.h>

/* Overwrites and frees an object.  false: it is not an object of mp. */
static bool wipe(memory_pool_t *mp, void *ptr)
{
    size_t size = mp_usable_size(mp, ptr);

    if (size == 0) {
        return false;
    }
    memset(ptr, 0, size);
    free_memory(mp, ptr);
    return true;
}

int main(void)
{
    memory_pool_t *mp = mp_create(NULL);
    char outside[1];

    if (mp == NULL) {
        return EXIT_FAILURE;
    }
    char *inside = mp_allocate(mp, 100);
    if (inside == NULL) {
        return EXIT_FAILURE;
    }
    bool right = wipe(mp, inside) && !wipe(mp, inside) && !wipe(mp, outside);
    destroy_memory_pool(mp);
    return right ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* SPDX-License-Identifier: MIT
 *
 * man_mp_check.c - the example of mp_check(3).
 *
 * A test that looks the pool over between its steps.
 */
#include <memory_pool.h>
#include <stdlib.h>

/* Allocates and frees, and looks the pool over after each step. */
static bool step(memory_pool_t *mp, size_t size)
{
    void *object = mp_allocate(mp, size);

    if (object == NULL || mp_check(mp) != 0) {
        return false;
    }
    free_memory(mp, object);
    return mp_check(mp) == 0;
}

int main(void)
{
    memory_pool_t *mp = mp_create(NULL);
    bool right = mp != NULL;

    for (size_t size = 1; right && size <= 65536; size *= 2) {
        right = step(mp, size);
    }
    if (mp != NULL) {
        destroy_memory_pool(mp);
    }
    return right ? EXIT_SUCCESS : EXIT_FAILURE;
}

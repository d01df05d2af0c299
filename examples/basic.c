/* SPDX-License-Identifier: MIT
 *
 * basic.c - a pool in one thread: two objects, given back one by one.
 *
 * Objects may go back in any order.  The newest first is the quickest, since
 * it only takes the pool's top down.
 */
#include <memory_pool.h>
#include <stdio.h>

int main(void)
{
    memory_pool_t *mp = init_memory_pool();

    if (mp == NULL) {
        return 1;
    }

    int *obj1 = mp_allocate(mp, sizeof *obj1);
    float *obj2 = mp_allocate(mp, sizeof *obj2);

    /* Why there is none, the pool has said on standard error. */
    if (obj1 == NULL || obj2 == NULL) {
        destroy_memory_pool(mp);
        return 1;
    }
    *obj1 = 42;
    *obj2 = 3.14f;
    printf("obj1: %d, obj2: %.2f\n", *obj1, (double)*obj2);

    free_memory(mp, obj2);
    free_memory(mp, obj1);

    /* Frees all that is left; here nothing is. */
    free_all_memory(mp);

    destroy_memory_pool(mp);
    return 0;
}

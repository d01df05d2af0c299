/* SPDX-License-Identifier: MIT
 *
 * man_mp_aligned_alloc.c - the example of mp_aligned_alloc(3).
 *
 * Counters of different threads, each in a cache line of its own.
 */
#include <memory_pool.h>
#include <stdint.h>
#include <stdlib.h>

#define LINE 64 /* bytes of a cache line on most machines */

/* A counter that shares its cache line with no other object. */
static long *new_counter(memory_pool_t *mp)
{
    long *counter = mp_aligned_alloc(mp, LINE, LINE);

    if (counter != NULL) {
        *counter = 0;
    }
    return counter;
}

int main(void)
{
    memory_pool_t *mp = mp_create(NULL);

    if (mp == NULL) {
        return EXIT_FAILURE;
    }
    long *one = new_counter(mp);
    long *two = new_counter(mp);
    bool right = one != NULL && two != NULL && (uintptr_t)one % LINE == 0 &&
                 (uintptr_t)two % LINE == 0 && one != two;
    destroy_memory_pool(mp);
    return right ? EXIT_SUCCESS : EXIT_FAILURE;
}

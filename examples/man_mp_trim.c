/* SPDX-License-Identifier: MIT
 *
 * man_mp_trim.c - the example of mp_trim(3).
 *
 * A pool that is used in bursts keeps some memory between them, not the
 * whole of the largest burst.
 */
#include <memory_pool.h>
#include <stdlib.h>

#define KEEP ((size_t)64 * 1024)

/* Ends a burst: no object is left, and at most KEEP unused bytes. */
static void end_burst(memory_pool_t *mp)
{
    free_all_memory(mp);
    mp_trim(mp, KEEP);
}

int main(void)
{
    memory_pool_t *mp = mp_create(NULL);

    if (mp == NULL) {
        return EXIT_FAILURE;
    }
    bool right = mp_allocate(mp, 16 * KEEP) != NULL;
    end_burst(mp);
    /* Nothing more to give back, and the pool is as usable as before. */
    right = right && mp_trim(mp, KEEP) == 0 && mp_allocate(mp, 100) != NULL;
    destroy_memory_pool(mp);
    return right ? EXIT_SUCCESS : EXIT_FAILURE;
}

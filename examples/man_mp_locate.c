/* SPDX-License-Identifier: MIT
 *
 * man_mp_locate.c - the example of mp_locate(3).
 *
 * Says of any address what the pool knows about it, for a log or an
 * assertion.
 */
#include <memory_pool.h>
#include <stdio.h>
#include <stdlib.h>

/* What an address is to the pool, in words. */
static const char *describe(memory_pool_t *mp, const void *ptr)
{
    switch (mp_locate(mp, ptr)) {
    case MP_LIVE:
        return "an object";
    case MP_INTERIOR:
        return "inside of an object";
    case MP_FREED:
        return "free memory of the pool";
    case MP_FOREIGN:
        break;
    }
    return "not of this pool";
}

int main(void)
{
    memory_pool_t *mp = mp_create(NULL);

    if (mp == NULL) {
        return EXIT_FAILURE;
    }
    char *object = mp_allocate(mp, 100);
    if (object == NULL) {
        return EXIT_FAILURE;
    }
    puts(describe(mp, object));
    puts(describe(mp, object + 99));
    puts(describe(mp, &mp));
    free_memory(mp, object);
    puts(describe(mp, object));
    destroy_memory_pool(mp);
    return EXIT_SUCCESS;
}

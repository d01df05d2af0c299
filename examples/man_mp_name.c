/* SPDX-License-Identifier: MIT
 *
 * man_mp_name.c - the example of mp_name(3).
 *
 * A pool that an option has made a slower one is found out.
 */
#include <memory_pool.h>
#include <stdlib.h>

/* True if threads have caches in the pool. */
static bool is_fast(memory_pool_t *mp)
{
    const char *why;
    mp_kind_t kind = mp_kind(mp, &why);

    if (kind != MP_KIND_CACHED && kind != MP_KIND_COUNTED) {
        const char *name = mp_name(mp);
        fprintf(stderr, "%s: %s\n", name == NULL ? "a pool" : name, why);
        return false;
    }
    return true;
}

int main(void)
{
    mp_options_t options = {.name = "slow", .threads = MP_THREADS_LOCKED};
    memory_pool_t *top = mp_create(NULL);

    options.parent = top;
    memory_pool_t *slow = mp_create(&options);
    if (top == NULL || slow == NULL) {
        return EXIT_FAILURE;
    }
    /* Where the system has no range of addresses, no pool has caches. */
    (void)is_fast(top);
    bool right = !is_fast(slow) && mp_parent(slow) == top;
    mp_destroy(top);
    return right ? EXIT_SUCCESS : EXIT_FAILURE;
}

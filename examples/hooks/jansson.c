/* SPDX-License-Identifier: MIT
 *
 * jansson.c - Jansson in a pool.
 *
 * Its functions are the whole process's.  A document lives in the pool that was
 * current as it was made, and is freed there whichever is current by then.
 */
#include <jansson.h>
#include <memory_pool_hooks.h>
#include <stdlib.h>

int main(void)
{
    memory_pool_t *mp = mp_create(NULL);
    mp_stats_t full, empty;

    json_set_alloc_funcs(MP_HOOKS_JANSSON);
    memory_pool_t *outer = mp_use(mp);
    json_t *root = json_loads("{\"list\": [1, 2, 3, \"four\"]}", 0, NULL);
    mp_use(outer);

    json_t *list = json_object_get(root, "list");
    bool right = json_array_size(list) == 4 &&
                 json_integer_value(json_array_get(list, 2)) == 3;
    mp_stats(mp, &full);
    json_decref(root);
    mp_stats(mp, &empty);
    mp_destroy(mp);
    return right && full.live_objects > 5 && empty.live_objects == 0
               ? EXIT_SUCCESS
               : EXIT_FAILURE;
}

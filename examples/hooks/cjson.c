/* SPDX-License-Identifier: MIT
 *
 * cjson.c - cJSON in a pool.
 *
 * Its functions are the whole process's.  A document lives in the pool that was
 * current as it was made, and is freed there whichever is current by then.
 */
#include <cjson/cJSON.h>
#include <memory_pool_hooks.h>
#include <stdlib.h>
#include <string.h>

int main(void)
{
    memory_pool_t *mp = mp_create(NULL);
    mp_stats_t full, empty;

    cJSON_Hooks hooks = MP_HOOKS_CJSON;
    cJSON_InitHooks(&hooks);
    memory_pool_t *outer = mp_use(mp);
    cJSON *root = cJSON_Parse("{\"list\": [1, 2, 3, \"four\"]}");
    char *text = cJSON_PrintUnformatted(root);
    mp_use(outer);

    bool right = text != NULL &&
                 strcmp(text, "{\"list\":[1,2,3,\"four\"]}") == 0;
    mp_stats(mp, &full);
    cJSON_free(text);
    cJSON_Delete(root);
    mp_stats(mp, &empty);
    mp_destroy(mp);
    return right && full.live_objects > 5 && empty.live_objects == 0
               ? EXIT_SUCCESS
               : EXIT_FAILURE;
}

/* SPDX-License-Identifier: MIT
 *
 * plugin.c - a plug-in that brings its own copy of the library, from the
 * archive.  tests/plugin.sh links it, and tests/plugin_host.c loads it.
 */
#include <memory_pool_inline.h>

enum { PLUGIN_OBJECTS = 1000 };

int plugin_run(const void *foreign);

/* Works in a pool of the plug-in's copy, to which the foreign object is of no
 * pool.  0, or the line that found something else. */
int plugin_run(const void *foreign)
{
    void *objects[PLUGIN_OBJECTS];
    memory_pool_t *mp = mp_create(NULL);

    if (mp == NULL || mp_owner(foreign) != NULL) {
        return __LINE__;
    }
    for (int i = 0; i < PLUGIN_OBJECTS; i++) {
        objects[i] = mp_allocate(mp, (size_t)i + 1);
        if (objects[i] == NULL || mp_owner(objects[i]) != mp) {
            return __LINE__;
        }
    }
    for (int i = 0; i < PLUGIN_OBJECTS; i += 2) {
        free_memory(mp, objects[i]);
    }
    if (mp_check(mp) != 0) {
        return __LINE__;
    }
    destroy_memory_pool(mp);
    return 0;
}

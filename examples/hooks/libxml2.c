/* SPDX-License-Identifier: MIT
 *
 * libxml2.c - libxml2 in a pool.
 *
 * Its functions are the whole process's, and are set before anything else of it.
 * What all threads share is made by xmlInitParser() while no pool is current.
 */
#include <libxml/parser.h>
#include <libxml/tree.h>
#include <memory_pool_hooks.h>
#include <stdlib.h>
#include <string.h>

int main(void)
{
    static const char text[] = "<a><b x='1'/><b>text</b><c/></a>";
    memory_pool_t *mp = mp_create(NULL);
    mp_stats_t full, empty;

    xmlMemSetup(MP_HOOKS_LIBXML2);
    xmlInitParser();
    memory_pool_t *outer = mp_use(mp);
    xmlDocPtr doc = xmlReadMemory(text, sizeof text - 1, NULL, NULL, 0);

    bool right = doc != NULL &&
                 xmlChildElementCount(xmlDocGetRootElement(doc)) == 3;
    mp_stats(mp, &full);
    xmlFreeDoc(doc);
    mp_use(outer);
    mp_stats(mp, &empty);
    xmlCleanupParser();
    mp_destroy(mp);
    return right && full.live_objects > 5 && empty.live_objects == 0
               ? EXIT_SUCCESS
               : EXIT_FAILURE;
}

/* SPDX-License-Identifier: MIT
 *
 * expat.c - expat in a pool.
 *
 * Each parser has functions of its own, which find the pool by mp_use().
 */
#include <expat.h>
#include <memory_pool_hooks.h>
#include <stdlib.h>

static void XMLCALL count(void *elements, const XML_Char *name,
                          const XML_Char **attributes)
{
    (void)name;
    (void)attributes;
    ++*(int *)elements;
}

int main(void)
{
    static const char text[] = "<a><b x='1'/><b>text</b><c/></a>";
    memory_pool_t *mp = mp_create(NULL);
    mp_stats_t full, empty;
    int elements = 0;

    XML_Memory_Handling_Suite memory = MP_HOOKS_EXPAT;
    memory_pool_t *outer = mp_use(mp);
    XML_Parser parser = XML_ParserCreate_MM(NULL, &memory, NULL);

    XML_SetUserData(parser, &elements);
    XML_SetStartElementHandler(parser, count);
    enum XML_Status status = XML_Parse(parser, text, sizeof text - 1, 1);
    mp_stats(mp, &full);
    XML_ParserFree(parser);
    mp_use(outer);
    mp_stats(mp, &empty);
    mp_destroy(mp);
    return status == XML_STATUS_OK && elements == 4 &&
                   full.live_objects > 5 && empty.live_objects == 0
               ? EXIT_SUCCESS
               : EXIT_FAILURE;
}

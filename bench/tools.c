/* SPDX-License-Identifier: MIT
 *
 * tools.c - a program that allocates much, for tools to watch.
 *
 *     tools KIND N     does N rounds in a pool of that kind, or with "malloc"
 *
 * In each round an object is summed up and freed, and another one is allocated
 * and written: this is as little as a program does with an object that it
 * needs.
 *
 * What it cannot do: measure itself.  tools.sh does.
 */
#include "kinds.h"

#define TOOLS_OBJECTS 256u

struct tools_object {
    unsigned char *bytes;
    size_t size;
};

static volatile unsigned tools_sum;

static void tools_use(struct tools_object object)
{
    unsigned sum = 0;

    for (size_t i = 0; i < object.size; i++) {
        sum += object.bytes[i];
    }
    tools_sum = sum;
}

int main(int argc, char **argv)
{
    static struct tools_object objects[TOOLS_OBJECTS];
    const char *kind = argc > 2 ? argv[1] : "default";
    unsigned long rounds = argc > 2 ? strtoul(argv[2], NULL, 10) : 1;
    memory_pool_t *mp = strcmp(kind, "malloc") == 0 ? NULL : kinds_make(kind);
    unsigned random = 1;

    for (unsigned long i = 0; i < rounds; i++) {
        random = random * 1103515245u + 12345u;
        struct tools_object *at = &objects[random >> 16 & (TOOLS_OBJECTS - 1)];
        tools_use(*at);
        if (mp == NULL) {
            free(at->bytes);
        } else if (at->bytes != NULL) {
            kinds_free(mp, at->bytes);
        }
        at->size = 16 + (random >> 24 & 127u);
        at->bytes = mp == NULL ? malloc(at->size)
                               : kinds_allocate(mp, at->size);
        if (at->bytes == NULL) {
            return 1;
        }
        memset(at->bytes, (int)i, at->size);
    }
    if (mp != NULL) {
        kinds_end(mp);
    }
    return 0;
}

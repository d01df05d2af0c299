/* SPDX-License-Identifier: MIT
 *
 * man_mp_stats_print.c - the example of mp_stats_print(3).
 *
 * A pool and its child are printed as JSON, and as a table for people.
 */
#include <memory_pool.h>
#include <stdio.h>
#include <stdlib.h>

/* Writes the statistics of top, and of all pools below it, to a file. */
static bool save_stats(memory_pool_t *top, const char *path)
{
    FILE *stream = fopen(path, "w");

    if (stream == NULL) {
        return false;
    }
    bool done = mp_stats_print(top, stream, MP_JSON) == 0;
    return fclose(stream) == 0 && done;
}

int main(void)
{
    mp_options_t options = {.name = "connections"};
    memory_pool_t *top = mp_create(&options);

    if (top == NULL) {
        return EXIT_FAILURE;
    }
    options.name = "connection";
    options.parent = top;
    memory_pool_t *child = mp_create(&options);
    bool right = child != NULL && mp_allocate(child, 100) != NULL &&
                 save_stats(top, "/dev/null") &&
                 !save_stats(top, "/no/such/directory") &&
                 mp_stats_print(top, stdout, MP_TEXT) == 0;
    destroy_memory_pool(top);
    return right ? EXIT_SUCCESS : EXIT_FAILURE;
}

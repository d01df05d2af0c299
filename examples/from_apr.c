/* SPDX-License-Identifier: MIT
 *
 * from_apr.c - mempool_porting(7): before/apr.c with libmempool.
 */
#include <memory_pool.h>
#include <stdio.h>

static void closed(void *name)
{
    printf("closed %s\n", (char *)name);
}

static void answer(memory_pool_t *server, const char *path)
{
    mp_options_t options = {0};
    options.parent = server;
    memory_pool_t *mp = mp_create(&options);
    if (mp == NULL) {
        return;
    }
    char *name = mp_strdup(mp, path);
    int *sizes = mp_calloc(mp, 10, sizeof *sizes);
    if (name != NULL && sizes != NULL) {
        mp_add_cleanup(mp, closed, name);
        printf("%s has %d bytes\n", name, sizes[9]);
    }
    destroy_memory_pool(mp);
}

int main(void)
{
    static char name[] = "server";
    memory_pool_t *server = mp_create(NULL);
    if (server == NULL) {
        return 1;
    }
    mp_add_cleanup(server, closed, name);
    answer(server, "a.html");
    answer(server, "b.html");
    free_all_memory(server);
    destroy_memory_pool(server);
    return 0;
}

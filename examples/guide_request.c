/* SPDX-License-Identifier: MIT
 *
 * guide_request.c - mempool_guide(7): a pool for each request.
 */
#include <memory_pool.h>
#include <stdio.h>

/* Answers a request with a status.  What it allocates is in one pool, which
 * may hold limit bytes and which counts in the server's pool. */
static int answer(memory_pool_t *server, const char *path, size_t limit)
{
    mp_options_t options = {0};
    options.parent = server;
    options.capacity = limit;
    memory_pool_t *mp = mp_create(&options);
    if (mp == NULL) {
        return 503;
    }
    char *file = mp_asprintf(mp, "/srv/www%s", path);
    char *page = file == NULL ? NULL : mp_asprintf(mp, "<h1>%s</h1>", file);
    int status = 413;
    if (page != NULL) {
        puts(page);
        status = 200;
    }
    destroy_memory_pool(mp); /* the one place that frees anything */
    return status;
}

int main(void)
{
    memory_pool_t *server = mp_create(NULL);
    if (server == NULL) {
        return 1;
    }
    int good = answer(server, "/index.html", 4096);
    int bad = answer(server, "/index.html", 32);
    printf("%d %d\n", good, bad);
    destroy_memory_pool(server);
    return good != 200 || bad != 413;
}

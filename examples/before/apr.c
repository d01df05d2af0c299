/* SPDX-License-Identifier: MIT
 *
 * apr.c - mempool_porting(7): before, with a pool of APR.
 */
#include <apr_general.h>
#include <apr_pools.h>
#include <apr_strings.h>
#include <stdio.h>

static apr_status_t closed(void *name)
{
    printf("closed %s\n", (char *)name);
    return APR_SUCCESS;
}

static void answer(apr_pool_t *server, const char *path)
{
    apr_pool_t *pool;
    if (apr_pool_create(&pool, server) != APR_SUCCESS) {
        return;
    }
    char *name = apr_pstrdup(pool, path);
    apr_pool_cleanup_register(pool, name, closed, apr_pool_cleanup_null);
    int *sizes = apr_pcalloc(pool, 10 * sizeof *sizes);
    puts(apr_psprintf(pool, "%s has %d bytes", name, sizes[9]));
    apr_pool_destroy(pool);
}

int main(void)
{
    apr_initialize();
    apr_pool_t *server;
    if (apr_pool_create(&server, NULL) != APR_SUCCESS) {
        return 1;
    }
    apr_pool_cleanup_register(server, "server", closed,
                              apr_pool_cleanup_null);
    answer(server, "a.html");
    answer(server, "b.html");
    apr_pool_clear(server);
    apr_pool_destroy(server);
    apr_terminate();
    return 0;
}

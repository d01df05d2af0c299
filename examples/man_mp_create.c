/* SPDX-License-Identifier: MIT
 *
 * man_mp_create.c - the example of mp_create(3).
 *
 * A pool with a budget: what one request may use is bounded to the byte, and
 * so is what all requests of a server may use together.  All of it goes with
 * one call when the request is done, or the server is.
 */
#include <memory_pool.h>
#include <errno.h>
#include <stdlib.h>

/* A pool for one request, which may hold up to budget bytes at once, and no
 * more than the server's pool has left. */
static memory_pool_t *request_pool(memory_pool_t *server, size_t budget)
{
    mp_options_t options = {0};

    options.parent = server;
    options.capacity = budget;
    options.name = "request";
    options.report = mp_report_stderr;
    return mp_create(&options);
}

int main(void)
{
    mp_options_t options = {.capacity = 150000};
    memory_pool_t *server = mp_create(&options);

    if (server == NULL) {
        return EXIT_FAILURE;
    }
    memory_pool_t *one = request_pool(server, 100000);
    memory_pool_t *two = request_pool(server, 100000);
    if (one == NULL || two == NULL) {
        return EXIT_FAILURE;
    }
    void *all = mp_allocate(one, 100000);
    void *more = mp_allocate(one, 1);
    bool right = all != NULL && more == NULL && errno == ENOBUFS;
    right = right && mp_allocate(two, 50000) != NULL;
    right = right && mp_allocate(two, 1) == NULL && errno == ENOBUFS;
    destroy_memory_pool(one);
    right = right && mp_allocate(two, 50000) != NULL;
    destroy_memory_pool(server); /* and with it the other */
    return right ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* SPDX-License-Identifier: MIT
 *
 * man_mp_create.c - the example of mp_create(3).
 *
 * A pool with a budget: what one request may use is bounded to the byte, and
 * all of it goes with one call when the request is done.
 */
#include <memory_pool.h>
#include <errno.h>
#include <stdlib.h>

/* A pool for one request, which may hold up to budget bytes at once. */
static memory_pool_t *request_pool(size_t budget)
{
    mp_options_t options = {0};

    options.capacity = budget;
    options.name = "request";
    options.report = mp_report_stderr;
    return mp_create(&options);
}

int main(void)
{
    memory_pool_t *mp = request_pool(100000);

    if (mp == NULL) {
        return EXIT_FAILURE;
    }
    void *all = mp_allocate(mp, 100000);
    void *more = mp_allocate(mp, 1);
    bool right = all != NULL && more == NULL && errno == ENOBUFS;
    destroy_memory_pool(mp);
    return right ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* SPDX-License-Identifier: MIT
 *
 * man_mp_options.c - the example of mp_options(3).
 *
 * A pool in a caller's buffer, without thread caches: no memory is asked of the
 * system, neither for the pool nor for its objects.
 */
#include <memory_pool.h>
#include <errno.h>
#include <stdlib.h>

/* Makes a pool whose only memory is the buffer: it has no caches. */
static memory_pool_t *pool_in(void *buffer, size_t size)
{
    mp_backing_t backing = mp_backing_buffer(buffer, size);
    mp_options_t options = {0};

    options.backing = &backing;
    options.threads = MP_THREADS_LOCKED;
    return mp_create(&options);
}

int main(void)
{
    static unsigned char buffer[65536];
    memory_pool_t *mp = pool_in(buffer, sizeof buffer);

    if (mp == NULL) {
        return EXIT_FAILURE;
    }
    unsigned char *object = mp_allocate(mp, 1000);
    bool right = object >= buffer && object < buffer + sizeof buffer;
    right = right && mp_allocate(mp, sizeof buffer) == NULL && errno == ENOMEM;
    destroy_memory_pool(mp);
    return right ? EXIT_SUCCESS : EXIT_FAILURE;
}

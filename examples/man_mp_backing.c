/* SPDX-License-Identifier: MIT
 *
 * man_mp_backing.c - the example of mp_backing(3).
 *
 * A backing of the program's own: malloc() with a count of the bytes that
 * pools hold.  Several threads may call it at once, so the count is atomic.
 */
#include <memory_pool.h>
#include <stdatomic.h>
#include <stdlib.h>

static atomic_size_t held;

static void *counted_acquire(void *context, size_t size, size_t alignment)
{
    atomic_size_t *count = context;
    size_t rounded = (size + alignment - 1) / alignment * alignment;
    void *block = aligned_alloc(alignment, rounded);

    if (block != NULL) {
        atomic_fetch_add(count, size);
    }
    return block;
}

static void counted_release(void *context, void *block, size_t size)
{
    atomic_size_t *count = context;

    free(block);
    atomic_fetch_sub(count, size);
}

static const mp_backing_t counted = {
    counted_acquire, counted_release, &held
};

int main(void)
{
    mp_options_t options = {0};

    options.backing = &counted;
    memory_pool_t *mp = mp_create(&options);
    if (mp == NULL || mp_allocate(mp, 100000) == NULL) {
        return EXIT_FAILURE;
    }
    bool right = atomic_load(&held) >= 100000;
    destroy_memory_pool(mp);
    return right && atomic_load(&held) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* SPDX-License-Identifier: MIT
 *
 * man_mp_allocate.c - the example of mp_allocate(3).
 *
 * Copies of strings in a pool, and an answer for the day it is full: objects
 * of malloc() may stand beside those of a pool as long as each goes back to
 * where it came from.
 */
#include <memory_pool.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Copies text into the pool, or with malloc() if the pool is full. */
static char *copy_text(memory_pool_t *mp, const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = mp_allocate(mp, size);

    if (copy == NULL && errno == ENOBUFS) {
        copy = malloc(size);
    }
    if (copy != NULL) {
        memcpy(copy, text, size);
    }
    return copy;
}

int main(void)
{
    static const char text[] = "small";
    memory_pool_t *mp = init_memory_pool();
    int status = EXIT_FAILURE;

    if (mp == NULL) {
        return status;
    }
    char *inside = copy_text(mp, text);
    if (mp_allocate(mp, MAX_BLOCK_SIZE - sizeof text) != NULL) {
        /* Not a byte is left, so the next copy lives outside. */
        char *outside = copy_text(mp, text);
        if (is_mp_ptr(mp, inside) && strcmp(inside, text) == 0 &&
            outside != NULL && !is_mp_ptr(mp, outside) &&
            strcmp(outside, text) == 0) {
            status = EXIT_SUCCESS;
        }
        free(outside);
    }
    destroy_memory_pool(mp);
    return status;
}

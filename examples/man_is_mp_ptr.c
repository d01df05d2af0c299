/* SPDX-License-Identifier: MIT
 *
 * man_is_mp_ptr.c - the example of is_mp_ptr(3).
 *
 * Objects of a pool and objects of malloc() in one program, each given back
 * to where it came from.  It works because the asking thread owns the
 * object: nobody else can free it between the question and the free.
 */
#include <memory_pool.h>
#include <stdlib.h>

/* Gives back an object of the pool or of malloc(), whichever it is. */
static void drop(memory_pool_t *mp, void *ptr)
{
    if (ptr == NULL) {
        return;
    }
    if (is_mp_ptr(mp, ptr)) {
        free_memory(mp, ptr);
    } else {
        free(ptr);
    }
}

int main(void)
{
    memory_pool_t *mp = init_memory_pool();

    if (mp == NULL) {
        return EXIT_FAILURE;
    }
    char *inside = mp_allocate(mp, MAX_BLOCK_SIZE);
    if (inside == NULL) {
        return EXIT_FAILURE;
    }
    /* Only the start of an object is one. */
    bool right = is_mp_ptr(mp, inside) && !is_mp_ptr(mp, inside + 1);
    drop(mp, inside);
    drop(mp, malloc(16));
    drop(mp, NULL);
    /* The whole capacity is there again, so the pool took its object. */
    right = right && mp_allocate(mp, MAX_BLOCK_SIZE) != NULL;
    destroy_memory_pool(mp);
    return right ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* SPDX-License-Identifier: MIT
 *
 * man_free_memory.c - the example of free_memory(3).
 *
 * A list of objects of one pool, freed in the order of the list, which is
 * not the order of allocation.  An object's bytes are gone with the free, so
 * the link to the next one is read before.
 */
#include <memory_pool.h>
#include <stdlib.h>

struct item {
    struct item *next;
    int value;
};

/* Frees every item whose value is odd; the others stay. */
static struct item *drop_odd(memory_pool_t *mp, struct item *list)
{
    struct item **link = &list;

    while (*link != NULL) {
        struct item *item = *link;
        if (item->value % 2 != 0) {
            *link = item->next; /* before the free, not after it */
            free_memory(mp, item);
        } else {
            link = &item->next;
        }
    }
    return list;
}

int main(void)
{
    memory_pool_t *mp = init_memory_pool();
    struct item *list = NULL;
    int count = 0;
    int sum = 0;

    if (mp == NULL) {
        return EXIT_FAILURE;
    }
    for (int value = 1; value <= 4; value++) {
        struct item *item = mp_allocate(mp, sizeof *item);
        if (item == NULL) {
            return EXIT_FAILURE;
        }
        item->value = value;
        item->next = list;
        list = item;
    }
    list = drop_odd(mp, list);
    for (const struct item *item = list; item != NULL; item = item->next) {
        count++;
        sum += item->value;
    }
    free_all_memory(mp);
    /* What the reset dropped is no object any more: all of it fits. */
    void *all = mp_allocate(mp, MAX_BLOCK_SIZE);
    destroy_memory_pool(mp);
    return all != NULL && count == 2 && sum == 6 ? EXIT_SUCCESS
                                                 : EXIT_FAILURE;
}

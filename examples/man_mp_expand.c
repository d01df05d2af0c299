/* SPDX-License-Identifier: MIT
 *
 * man_mp_expand.c - the example of mp_expand(3).
 *
 * A table that stays where it is as long as that goes, and moves when it has to.
 */
#include <memory_pool.h>
#include <stdlib.h>

struct table {
    int *items;
    size_t room;
    bool moved;
};

/* Room for one more item: behind the table, or in a longer copy. */
static bool table_grow(memory_pool_t *mp, struct table *table)
{
    size_t bytes = (table->room + 1) * sizeof(int);

    if (mp_expand(mp, table->items, bytes) == 0) {
        table->room++; /* pointers into the table still hold */
        return true;
    }
    table->moved = true;
    int *items = mp_reallocarray(mp, table->items, table->room * 2,
                                 sizeof(int));
    if (items == NULL) {
        return false;
    }
    table->items = items;
    table->room *= 2;
    return true;
}

int main(void)
{
    memory_pool_t *mp = mp_create(NULL);

    if (mp == NULL) {
        return EXIT_FAILURE;
    }
    struct table table = {MP_NEW_ARRAY(mp, 400, int), 400, false};
    bool right = table.items != NULL && table_grow(mp, &table);
    /* What stands behind it ends that. */
    for (int i = 0; right && i < 10000 && !table.moved; i++) {
        right = mp_allocate(mp, 64) != NULL && table_grow(mp, &table);
    }
    right = right && table.moved;
    mp_destroy(mp);
    return right ? EXIT_SUCCESS : EXIT_FAILURE;
}

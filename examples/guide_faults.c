/* SPDX-License-Identifier: MIT
 *
 * guide_faults.c - mempool_guide(7): each allocation fails once in a test.
 */
#include <memory_pool.h>
#include <stdbool.h>
#include <stdio.h>

struct list {
    struct list *next;
    char *name;
};

/* The code under test: it frees what it has allocated when it fails. */
static bool push(memory_pool_t *mp, struct list **list, const char *name)
{
    struct list *item = mp_allocate(mp, sizeof *item);
    if (item == NULL) {
        return false;
    }
    item->name = mp_strdup(mp, name);
    if (item->name == NULL) {
        free_memory(mp, item); /* the test fails without this line */
        return false;
    }
    item->next = *list;
    *list = item;
    return true;
}

int main(void)
{
    /* A capacity is exact.  So each size of pool ends at another byte. */
    for (size_t capacity = 1;; capacity++) {
        mp_options_t options = {.capacity = capacity};
        memory_pool_t *mp = mp_create(&options);
        struct list *list = NULL;
        mp_stats_t stats;
        bool done = push(mp, &list, "name");
        if (mp == NULL || mp_stats(mp, &stats) != 0 ||
            stats.live_objects != (done ? 2 : 0)) {
            return 1;
        }
        destroy_memory_pool(mp);
        if (done) {
            printf("%s\n", capacity == sizeof *list + 5 ? "exact" : "odd");
            return 0;
        }
    }
}

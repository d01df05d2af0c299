/* SPDX-License-Identifier: MIT
 *
 * man_mp_allocate_many.c - the example of mp_allocate_many(3).
 *
 * The nodes of a list, made in one call and freed in one call.
 */
#include <memory_pool.h>
#include <stdlib.h>

struct node {
    struct node *next;
    int value;
};

/* Puts up to 32 new nodes before a list; returns the new list. */
static struct node *add_nodes(memory_pool_t *mp, struct node *list)
{
    void *nodes[32];
    size_t n = mp_allocate_many(mp, sizeof(struct node), 32, nodes);

    for (size_t i = 0; i < n; i++) {
        struct node *node = nodes[i];
        node->next = list;
        node->value = 0;
        list = node;
    }
    return list;
}

/* Frees up to 32 nodes of a list; returns what is left of it. */
static struct node *drop_nodes(memory_pool_t *mp, struct node *list)
{
    void *nodes[32];
    size_t n = 0;

    for (; n < 32 && list != NULL; list = list->next) {
        nodes[n++] = list;
    }
    mp_free_many(mp, nodes, n);
    return list;
}

int main(void)
{
    /* The capacity is that of 40 nodes. */
    const mp_options_t options = {.capacity = 40 * sizeof(struct node)};
    memory_pool_t *mp = mp_create(&options);

    if (mp == NULL) {
        return EXIT_FAILURE;
    }
    size_t count = 0;
    struct node *list = add_nodes(mp, add_nodes(mp, NULL));
    for (const struct node *node = list; node != NULL; node = node->next) {
        count++;
    }
    list = drop_nodes(mp, list);
    bool right = count == 40 && list != NULL;
    list = drop_nodes(mp, list);
    mp_stats_t stats;
    right = right && list == NULL && mp_stats(mp, &stats) == 0 &&
            stats.live_objects == 0 && stats.frees == 40;
    mp_destroy(mp);
    return right ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* SPDX-License-Identifier: MIT
 *
 * man_memory_pool_inline.c - the example of memory_pool_inline(7).
 *
 * Each node is an object of the pool; those on the short way are taken and
 * given without a call.
 */
#include <memory_pool_inline.h>
#include <stdio.h>

struct node {
    struct node *next;
    unsigned value;
};

int main(void)
{
    memory_pool_t *mp = mp_create(NULL);
    struct node *list = NULL;
    unsigned long sum = 0;

    if (mp == NULL) {
        return 1;
    }
    for (unsigned i = 0; i < 1000; i++) {
        struct node *node = mp_allocate(mp, sizeof *node);
        if (node == NULL) {
            break;
        }
        node->value = i;
        node->next = list;
        list = node;
    }
    while (list != NULL) {
        struct node *next = list->next;
        sum += list->value;
        free_memory(mp, list);
        list = next;
    }
    printf("%lu\n", sum);
    destroy_memory_pool(mp);
    return sum == 499500 ? 0 : 1;
}

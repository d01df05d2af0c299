/* SPDX-License-Identifier: MIT
 *
 * from_slice.c - mempool_porting(7): before/slice.c with libmempool.
 */
#include <memory_pool.h>
#include <stdio.h>

struct point {
    int x, y;
    struct point *next;
};

int main(void)
{
    memory_pool_t *mp = mp_create(NULL);
    struct point *list = NULL;
    int sum = 0;
    for (int i = 0; i < 100; i++) {
        struct point *point = mp_calloc(mp, 1, sizeof *point);
        if (point == NULL) {
            return 1;
        }
        point->x = i;
        point->next = list;
        list = point;
    }
    struct point *last = list;
    list = last->next;
    free_memory(mp, last);
    for (struct point *point = list; point != NULL; point = point->next) {
        sum += point->x + point->y;
    }
    free_all_memory(mp); /* the chain, and all else in the pool */
    printf("%d\n", sum);
    destroy_memory_pool(mp);
    return 0;
}

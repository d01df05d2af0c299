/* SPDX-License-Identifier: MIT
 *
 * slice.c - mempool_porting(7): before, with slices of GLib.
 */
#include <glib.h>
#include <stdio.h>

struct point {
    int x, y;
    struct point *next;
};

int main(void)
{
    struct point *list = NULL;
    int sum = 0;
    for (int i = 0; i < 100; i++) {
        struct point *point = g_slice_new0(struct point);
        point->x = i;
        point->next = list;
        list = point;
    }
    struct point *last = list;
    list = last->next;
    g_slice_free(struct point, last);
    for (struct point *point = list; point != NULL; point = point->next) {
        sum += point->x + point->y;
    }
    g_slice_free_chain(struct point, list, next);
    printf("%d\n", sum);
    return 0;
}

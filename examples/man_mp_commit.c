/* SPDX-License-Identifier: MIT
 *
 * man_mp_commit.c - the example of mp_commit(3).
 *
 * A list of numbers is read as a whole or not at all.
 */
#include <memory_pool.h>
#include <stdlib.h>

struct number {
    struct number *next;
    long value;
};

/* Numbers in the order of the text, or NULL and nothing is left of them. */
static struct number *read_all(memory_pool_t *mp, const char *text)
{
    mp_mark_t mark = mp_mark(mp);
    struct number *first = NULL;
    struct number **last = &first;

    if (MP_MARK_FAILED(mark)) {
        return NULL;
    }
    while (*text != '\0') {
        char *end;
        struct number *number = mp_allocate(mp, sizeof *number);
        if (number != NULL) {
            number->value = strtol(text, &end, 10);
            number->next = NULL;
        }
        if (number == NULL || end == text) {
            mp_rewind(mp, mark);
            return NULL;
        }
        *last = number;
        last = &number->next;
        text = end;
    }
    mp_commit(mp, mark);
    return first;
}

int main(void)
{
    memory_pool_t *mp = mp_create(NULL);

    if (mp == NULL) {
        return EXIT_FAILURE;
    }
    struct number *none = read_all(mp, "1 2 x");
    mp_stats_t stats;
    bool right = none == NULL && mp_stats(mp, &stats) == 0 &&
                 stats.live_objects == 0;
    struct number *list = read_all(mp, "17 4 21");
    right = right && list != NULL && list->next->next->value == 21 &&
            mp_owns(mp, list);
    mp_destroy(mp);
    return right ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* SPDX-License-Identifier: MIT
 *
 * from_malloc.c - mempool_porting(7): before/malloc.c with a pool.
 */
#include <memory_pool.h>
#include <stdio.h>

struct word {
    struct word *next;
    char *text;
};

static struct word *push(memory_pool_t *mp, struct word *list,
                         const char *text)
{
    struct word *word = mp_allocate(mp, sizeof *word);
    if (word == NULL) {
        return list;
    }
    word->text = mp_strdup(mp, text);
    if (word->text == NULL) {
        return list; /* the word goes with the pool */
    }
    word->next = list;
    return word;
}

int main(void)
{
    memory_pool_t *mp = mp_create(NULL);
    struct word *list =
        push(mp, push(mp, push(mp, NULL, "one"), "two"), "three");
    for (struct word *word = list; word != NULL; word = word->next) {
        puts(word->text);
    }
    destroy_memory_pool(mp);
    return 0;
}

/* SPDX-License-Identifier: MIT
 *
 * man_libmempool.c - the example of libmempool(7).
 *
 * A scratch pool: everything that one line needs is allocated from it, and
 * dropped at once when the line is done.  It cannot hold a line of any
 * length: a base pool has a fixed capacity, and the program says so.
 */
#include <memory_pool.h>
#include <stdio.h>
#include <string.h>

struct word {
    struct word *next;
    char text[];
};

/* The words of a line, the last one first.  Stops when the pool is full. */
static struct word *words_of(memory_pool_t *mp, const char *line)
{
    struct word *words = NULL;

    line += strspn(line, " ");
    while (*line != '\0') {
        size_t length = strcspn(line, " ");
        struct word *word = mp_allocate(mp, sizeof *word + length + 1);
        if (word == NULL) {
            break;
        }
        memcpy(word->text, line, length);
        word->text[length] = '\0';
        word->next = words;
        words = word;
        line += length;
        line += strspn(line, " ");
    }
    return words;
}

int main(void)
{
    static const char *const lines[] = {"one two three", "four five"};
    memory_pool_t *mp = init_memory_pool();

    if (mp == NULL) {
        return 1;
    }
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        const struct word *word = words_of(mp, lines[i]);
        for (; word != NULL; word = word->next) {
            puts(word->text);
        }
        free_all_memory(mp);
    }
    destroy_memory_pool(mp);
    return 0;
}

/* SPDX-License-Identifier: MIT
 *
 * man_mp_mark.c - the example of mp_mark(3).
 *
 * Counts the different words of some lines.  Each line's list is gone before
 * the next; what was in the pool before stays.
 */
#include <memory_pool.h>
#include <stdlib.h>
#include <string.h>

struct word {
    struct word *next;
    char text[16];
};

static bool contains(const struct word *list, const char *text)
{
    while (list != NULL && strcmp(list->text, text) != 0) {
        list = list->next;
    }
    return list != NULL;
}

/* The words of a line in a list, as far as there is memory. */
static struct word *split(memory_pool_t *mp, const char *line)
{
    struct word *list = NULL;

    for (line += strspn(line, " "); *line != '\0';
         line += strspn(line, " ")) {
        size_t length = strcspn(line, " ");
        struct word *word = mp_calloc(mp, 1, sizeof *word);
        if (word == NULL || length >= sizeof word->text) {
            break;
        }
        memcpy(word->text, line, length);
        word->next = list;
        list = word;
        line += length;
    }
    return list;
}

/* Counts the different words of a line.  The list is only needed here. */
static int count_words(memory_pool_t *mp, const char *line)
{
    mp_mark_t mark = mp_mark(mp);
    int count = 0;

    if (mark.number == 0) {
        return -1;
    }
    for (struct word *list = split(mp, line); list != NULL;
         list = list->next) {
        count += !contains(list->next, list->text);
    }
    mp_rewind(mp, mark);
    return count;
}

int main(void)
{
    memory_pool_t *mp = mp_create(NULL);
    mp_stats_t stats;
    char *before;

    if (mp == NULL || (before = mp_allocate(mp, 7)) == NULL) {
        return EXIT_FAILURE;
    }
    strcpy(before, "before");
    bool right = count_words(mp, "to be or not to be") == 4 &&
                 count_words(mp, "  ") == 0 && count_words(mp, "one") == 1;
    right = right && strcmp(before, "before") == 0 && is_mp_ptr(mp, before);
    right = right && mp_stats(mp, &stats) == 0 && stats.live_objects == 1;
    destroy_memory_pool(mp);
    return right ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* SPDX-License-Identifier: MIT
 *
 * malloc.c - mempool_porting(7): before, with malloc().
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct word {
    struct word *next;
    char *text;
};

static struct word *push(struct word *list, const char *text)
{
    struct word *word = malloc(sizeof *word);
    if (word == NULL) {
        return list;
    }
    word->text = strdup(text);
    if (word->text == NULL) {
        free(word);
        return list;
    }
    word->next = list;
    return word;
}

int main(void)
{
    struct word *list = push(push(push(NULL, "one"), "two"), "three");
    for (struct word *word = list; word != NULL; word = word->next) {
        puts(word->text);
    }
    while (list != NULL) {
        struct word *next = list->next;
        free(list->text);
        free(list);
        list = next;
    }
    return 0;
}

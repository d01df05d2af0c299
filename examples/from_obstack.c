/* SPDX-License-Identifier: MIT
 *
 * from_obstack.c - mempool_porting(7): before/obstack.c with libmempool.
 */
#include <memory_pool.h>
#include <stdio.h>
#include <string.h>

/* Appends a word and a space to a line, which may be NULL. */
static char *grow(memory_pool_t *mp, char *line, const char *word)
{
    size_t length = line == NULL ? 0 : strlen(line);
    char *longer = mp_realloc(mp, line, length + strlen(word) + 2);
    if (longer != NULL) {
        strcat(strcpy(longer + length, word), " ");
    }
    return longer;
}

int main(void)
{
    static const char *const words[] = {"to", "be", "or", "not"};
    memory_pool_t *mp = mp_create(NULL);
    char *kept = mp_memdup(mp, "kept", 5);
    mp_mark_t mark = mp_mark(mp); /* a place to return to */
    char *first = mp_allocate(mp, 100);
    char *line = NULL;
    if (kept == NULL || first == NULL) {
        return 1;
    }
    strcpy(first, "scratch");
    for (int i = 0; i < 4; i++) {
        line = grow(mp, line, words[i]);
        if (line == NULL) {
            return 1;
        }
    }
    printf("%s: %s\n", first, line);
    mp_rewind(mp, mark);
    puts(kept);
    destroy_memory_pool(mp);
    return 0;
}

/* SPDX-License-Identifier: MIT
 *
 * guide_strings.c - mempool_guide(7): strings that grow.
 */
#include <memory_pool.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

struct text {
    memory_pool_t *mp;
    char *bytes;
    size_t length;
    size_t size; /* bytes of the object, at least length + 1 */
};

/* Appends to a text.  The object doubles, so most calls copy nothing. */
static bool append(struct text *text, const char *more)
{
    size_t length = text->length + strlen(more);
    if (length + 1 > text->size) {
        size_t size = 2 * (length + 1);
        char *bytes = mp_realloc(text->mp, text->bytes, size);
        if (bytes == NULL) {
            return false; /* the text is as it was */
        }
        text->bytes = bytes;
        text->size = size;
    }
    strcpy(text->bytes + text->length, more);
    text->length = length;
    return true;
}

int main(void)
{
    struct text text = {mp_create(NULL), NULL, 0, 0};
    for (int i = 1; i <= 5; i++) {
        char *line = mp_asprintf(text.mp, "%d squared is %d\n", i, i * i);
        if (line == NULL || !append(&text, line)) {
            return 1;
        }
    }
    fputs(text.bytes, stdout);
    destroy_memory_pool(text.mp); /* the text and its parts */
    return 0;
}

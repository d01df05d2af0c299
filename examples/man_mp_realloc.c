/* SPDX-License-Identifier: MIT
 *
 * man_mp_realloc.c - the example of mp_realloc(3).
 *
 * A text that grows: the result goes into a second variable first, since
 * the old object is still there when there is no room for more.
 */
#include <memory_pool.h>
#include <stdlib.h>
#include <string.h>

struct text {
    char *bytes;
    size_t length;
};

/* Appends to the text; false: no memory, and the text is as it was. */
static bool text_append(memory_pool_t *mp, struct text *text, const char *more)
{
    size_t length = strlen(more);
    char *bytes = mp_realloc(mp, text->bytes, text->length + length + 1);

    if (bytes == NULL) {
        return false;
    }
    memcpy(bytes + text->length, more, length + 1);
    text->bytes = bytes;
    text->length += length;
    return true;
}

int main(void)
{
    memory_pool_t *mp = mp_create(NULL);
    struct text text = {NULL, 0};

    if (mp == NULL) {
        return EXIT_FAILURE;
    }
    bool right = text_append(mp, &text, "one") &&
                 text_append(mp, &text, " two") &&
                 strcmp(text.bytes, "one two") == 0;
    destroy_memory_pool(mp);
    return right ? EXIT_SUCCESS : EXIT_FAILURE;
}

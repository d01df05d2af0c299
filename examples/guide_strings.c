/* SPDX-License-Identifier: MIT
 *
 * guide_strings.c - mempool_guide(7): a string that grows.
 */
#include <memory_pool.h>
#include <stdio.h>
#include <string.h>

/* Appends a text to a page of HTML.  Returns 0, or -1: the pool is full, or
 * there is no memory. */
static int escape(memory_pool_t *mp, mp_string_t *page, const char *text)
{
    while (*text != '\0') {
        size_t plain = strcspn(text, "<&");
        if (mp_append_bytes(mp, page, text, plain) != 0) {
            return -1; /* the page is as it was */
        }
        text += plain;
        if (*text != '\0' &&
            mp_append_printf(mp, page, "&#%d;", *text++) < 0) {
            return -1;
        }
    }
    return 0;
}

int main(void)
{
    memory_pool_t *mp = mp_create(NULL);
    mp_string_t page = {0};
    for (int i = 1; i <= 3; i++) {
        char *line = mp_asprintf(mp, "%d < %d & more\n", i, i * i + 1);
        if (line == NULL || escape(mp, &page, line) != 0) {
            return 1;
        }
    }
    fputs(page.bytes, stdout);
    destroy_memory_pool(mp); /* the page and the lines */
    return 0;
}

/* SPDX-License-Identifier: MIT
 *
 * from_obstack.c - mempool_porting(7): before/obstack.c with libmempool.
 */
#include <memory_pool.h>
#include <stdio.h>
#include <string.h>

int main(void)
{
    static const char *const words[] = {"to", "be", "or", "not"};
    memory_pool_t *mp = mp_create(NULL);
    char *kept = mp_strndup(mp, "kept", 4);
    mp_mark_t mark = mp_mark(mp); /* a place to return to */
    char *first = mp_allocate(mp, 100);
    mp_string_t line = {0};
    if (kept == NULL || MP_MARK_FAILED(mark) || first == NULL) {
        return 1;
    }
    strcpy(first, "scratch");
    for (int i = 0; i < 4; i++) {
        if (mp_append_bytes(mp, &line, words[i], strlen(words[i])) != 0 ||
            mp_append_bytes(mp, &line, " ", 1) != 0) {
            return 1;
        }
    }
    printf("%s: %s\n", first, line.bytes); /* which has a 0 at its end */
    mp_rewind(mp, mark);
    puts(kept);
    destroy_memory_pool(mp);
    return 0;
}

/* SPDX-License-Identifier: MIT
 *
 * man_mp_append_bytes.c - the example of mp_append_bytes(3).
 *
 * A string of several pieces, of which some are printed.
 */
#include <memory_pool.h>
#include <stdlib.h>
#include <string.h>

/* The query of a search, such as "?q=pools&page=2". */
static char *make_query(memory_pool_t *mp, const char *words, int page)
{
    mp_string_t query = {0};

    if (mp_append_bytes(mp, &query, "?q=", 3) != 0 ||
        mp_append_bytes(mp, &query, words, strlen(words)) != 0 ||
        (page > 1 &&
         mp_append_printf(mp, &query, "&page=%d", page) != 0)) {
        mp_free(mp, query.bytes);
        return NULL;
    }
    return query.bytes;
}

int main(void)
{
    memory_pool_t *mp = mp_create(NULL);

    if (mp == NULL) {
        return EXIT_FAILURE;
    }
    char *first = make_query(mp, "pools", 1);
    char *second = make_query(mp, "pools", 2);
    bool right = first != NULL && strcmp(first, "?q=pools") == 0 &&
                 second != NULL && strcmp(second, "?q=pools&page=2") == 0;
    mp_destroy(mp);
    return right ? EXIT_SUCCESS : EXIT_FAILURE;
}

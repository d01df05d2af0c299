/* SPDX-License-Identifier: MIT
 *
 * guide_cache.c - mempool_guide(7): a cache with a limit in bytes.
 */
#include <errno.h>
#include <memory_pool.h>
#include <stdio.h>

enum { LIMIT = 12 }; /* bytes; each text takes one or more */

static char *cache[LIMIT]; /* a ring of texts, the oldest one at first */
static unsigned first, end;

/* Adds a text.  While the pool is full, the oldest one makes room. */
static char *cache_add(memory_pool_t *mp, const char *text)
{
    char *copy = mp_strdup(mp, text);
    while (copy == NULL && errno == ENOBUFS && first != end) {
        free_memory(mp, cache[first++ % LIMIT]);
        copy = mp_strdup(mp, text);
    }
    if (copy != NULL) {
        cache[end++ % LIMIT] = copy;
    }
    return copy; /* NULL: longer than the whole cache, or no memory */
}

int main(void)
{
    static const char *const texts[] = {"one", "two", "six", "ten", "big"};
    mp_options_t options = {.capacity = LIMIT};
    memory_pool_t *mp = mp_create(&options);
    for (int i = 0; i < 5; i++) {
        if (cache_add(mp, texts[i]) == NULL) {
            return 1;
        }
    }
    for (; first != end; first++) {
        puts(cache[first % LIMIT]);
    }
    destroy_memory_pool(mp);
    return 0;
}

/* SPDX-License-Identifier: MIT
 *
 * guide_cache.c - mempool_guide(7): a cache with a limit in bytes.
 */
#include <errno.h>
#include <memory_pool.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

struct entry {
    struct entry *newer;
    char text[];
};

static struct entry *oldest;
static struct entry **newest = &oldest;

/* Adds a text.  While the pool is full, the oldest entry makes room. */
static bool cache_add(memory_pool_t *mp, const char *text)
{
    size_t size = sizeof(struct entry) + strlen(text) + 1;
    struct entry *entry = mp_allocate(mp, size);
    while (entry == NULL && errno == ENOBUFS && oldest != NULL) {
        struct entry *victim = oldest;
        oldest = victim->newer;
        newest = oldest == NULL ? &oldest : newest;
        free_memory(mp, victim);
        entry = mp_allocate(mp, size);
    }
    if (entry == NULL) {
        return false; /* larger than the whole cache, or no memory */
    }
    strcpy(entry->text, text);
    entry->newer = NULL;
    *newest = entry;
    newest = &entry->newer;
    return true;
}

int main(void)
{
    mp_options_t options = {.capacity = 3 * (sizeof(struct entry) + 4)};
    memory_pool_t *mp = mp_create(&options);
    static const char *const texts[] = {"one", "two", "six", "ten", "big"};
    for (int i = 0; i < 5; i++) {
        if (!cache_add(mp, texts[i])) {
            return 1;
        }
    }
    for (struct entry *entry = oldest; entry != NULL; entry = entry->newer) {
        puts(entry->text);
    }
    destroy_memory_pool(mp);
    return 0;
}

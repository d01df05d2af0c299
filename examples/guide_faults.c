/* SPDX-License-Identifier: MIT
 *
 * guide_faults.c - mempool_guide(7): each allocation of a function fails once.
 */
#include <memory_pool.h>

struct user {
    char *name;
};

/* The code under test: it frees what it has allocated when it fails. */
static struct user *user_new(memory_pool_t *mp, const char *name)
{
    struct user *user = mp_allocate(mp, sizeof *user);
    if (user != NULL) {
        user->name = mp_strdup(mp, name);
        if (user->name == NULL) {
            free_memory(mp, user); /* the test fails without this line */
            return NULL;
        }
    }
    return user;
}

int main(void)
{
    /* A capacity is exact.  So each size of pool ends at another byte. */
    for (size_t capacity = 1;; capacity++) {
        mp_options_t options = {.capacity = capacity};
        memory_pool_t *mp = mp_create(&options);
        struct user *user = user_new(mp, "name");
        mp_stats_t stats;
        if (mp_stats(mp, &stats) != 0 ||
            stats.live_objects != (user == NULL ? 0 : 2)) {
            return 1;
        }
        destroy_memory_pool(mp);
        if (user != NULL) { /* this capacity is just enough */
            return capacity != sizeof *user + sizeof "name";
        }
    }
}

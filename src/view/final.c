/* SPDX-License-Identifier: MIT
 *
 * final.c - what is left at exit, where a pool's flags ask for it.
 *
 * Other threads may still work as a process exits, and may destroy pools.  So
 * the numbers of all pools are copied while the locks of the lists keep the
 * pools there, and are printed once those are left.
 *
 * What it cannot do: name single objects.  A pool that is destroyed does, see
 * pool/leaks.c.
 */
#include "view/final.h"

#include <stdio.h>
#include <stdlib.h>

#include "pool/setting.h"
#include "view/stats.h"
#include "view/stats_print.h"

struct final_pool {
    char name[POOL_NAME];
    unsigned flags;
    struct stats_print_pool print; /* its name is the one above */
};

struct final_all {
    struct final_pool *pools; /* NULL: they are only counted */
    size_t room;
    size_t count;
};

static void final_copy(struct thread_place *place, void *argument)
{
    struct final_all *all = argument;
    struct memory_pool *mp = pool_at(place);

    /* Acquire pairs with the release in recycle_make(). */
    if (sync_get_acquire(&place->kept) ||
        (mp->settings.flags & SETTING_AT_EXIT) == 0) {
        return;
    }
    if (all->count < all->room) {
        struct final_pool *pool = &all->pools[all->count];
        pool->flags = mp->settings.flags;
        stats_gather_listed(mp, &pool->print.stats);
        pool->print.why = kind_text(kind_why_of(mp));
        if (mp->settings.name != NULL) {
            strcpy(pool->name, mp->settings.name);
            pool->print.name = pool->name;
        }
    }
    all->count++;
}

/* Between the two rounds pools may come, which are left out. */
static void final_gather(struct final_all *all)
{
    thread_hold();
    thread_each_pool(final_copy, all);
    thread_drop();
    all->pools = calloc(all->count + 1, sizeof *all->pools);
    if (all->pools == NULL) {
        return;
    }
    all->room = all->count + 1;
    all->count = 0;
    thread_hold();
    thread_each_pool(final_copy, all);
    thread_drop();
    all->count = all->count < all->room ? all->count : all->room;
}

static void final_print(void)
{
    struct final_all all = {NULL, 0, 0};

    final_gather(&all);
    for (size_t i = 0; all.pools != NULL && i < all.count; i++) {
        const struct final_pool *pool = &all.pools[i];
        const char *name = pool->print.name;
        const mp_stats_t *stats = &pool->print.stats;
        if ((pool->flags & MP_STATS) != 0) {
            stats_print_one(stderr, &pool->print);
        }
        if ((pool->flags & MP_LEAKS) != 0 && stats->live_objects > 0) {
            fprintf(stderr, "%s%sleak: %zu object%s, %zu byte%s at exit\n",
                    name == NULL ? "" : name, name == NULL ? "" : ": ",
                    stats->live_objects,
                    stats->live_objects == 1 ? "" : "s",
                    stats->live_bytes,
                    stats->live_bytes == 1 ? "" : "s");
        }
    }
    free(all.pools);
}

void final_start(unsigned flags)
{
    static bool started; /* atomic */
    bool no = false;

    if ((flags & SETTING_AT_EXIT) != 0 && sync_claim(&started, &no, true)) {
        /* Without room for it nothing is printed. */
        (void)atexit(final_print);
    }
}

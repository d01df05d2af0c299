/* SPDX-License-Identifier: MIT
 *
 * guide_kinds.c - mempool_guide(7): what each kind of pool is in a program.
 *
 * The page shows the insides of these functions.
 */
#include <memory_pool.h>
#include <stddef.h>

struct item {
    char *name;
};

static int one_piece(void)
{
    memory_pool_t *mp = mp_create(NULL);  /* the piece of work begins */
    struct item *item = mp_allocate(mp, sizeof *item);
    char *name = mp_strdup(mp, "name");
    destroy_memory_pool(mp);              /* it ends, all objects are freed */
    return item != NULL && name != NULL;
}

static int own_limit(void)
{
    mp_options_t options = {.capacity = 64 << 20}; /* bytes */
    memory_pool_t *mp = mp_create(&options);
    int full = mp_allocate(mp, (64 << 20) + 1) == NULL;
    destroy_memory_pool(mp);
    return full;
}

static int part(memory_pool_t *server)
{
    mp_options_t options = {.parent = server}; /* and a capacity, if needed */
    memory_pool_t *mp = mp_create(&options);
    return mp_parent(mp) == server;
}

static int work(memory_pool_t *mp)
{
    return mp_allocate(mp, 100) != NULL;
}

static int nested_step(memory_pool_t *mp)
{
    mp_mark_t mark = mp_mark(mp);
    int done = work(mp);
    mp_rewind(mp, mark); /* frees what this thread has allocated since */
    return done;
}

static int moving_work(memory_pool_t *mp)
{
    mp_handle_t *task = mp_attach(mp);
    char *text = mp_handle_allocate(task, 100); /* in any thread */
    mp_detach(task);                            /* the text stays */
    return is_mp_ptr(mp, text);
}

static int each_turn(memory_pool_t *mp, int turns)
{
    int done = 1;
    for (int turn = 0; turn < turns; turn++) {
        done &= work(mp);
        free_all_memory(mp);
    }
    return done;
}

static int in_a_buffer(void)
{
    static max_align_t buffer[1024];
    mp_backing_t backing = mp_backing_buffer(buffer, sizeof buffer);
    mp_options_t options = {.backing = &backing, .threads = MP_THREADS_LOCKED};
    memory_pool_t *mp = mp_create(&options);
    int done = work(mp);
    destroy_memory_pool(mp);
    return done;
}

int main(void)
{
    memory_pool_t *mp = mp_create(NULL);
    int good = one_piece() && own_limit() && part(mp) && nested_step(mp) &&
               moving_work(mp) && each_turn(mp, 3) && in_a_buffer();
    mp_stats_t stats;
    good = good && mp_stats(mp, &stats) == 0 && stats.live_objects == 0;
    destroy_memory_pool(mp);
    return !good;
}

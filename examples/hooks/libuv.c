/* SPDX-License-Identifier: MIT
 *
 * libuv.c - libuv in a pool.
 *
 * Its functions are the whole process's, and are set before anything else of it.
 */
#include <memory_pool_hooks.h>
#include <stdlib.h>
#include <uv.h>

static void count(uv_timer_t *timer)
{
    if (++*(int *)timer->data == 3) {
        uv_close((uv_handle_t *)timer, NULL);
    }
}

int main(void)
{
    memory_pool_t *mp = mp_create(NULL);
    mp_stats_t full, empty;
    uv_loop_t loop;
    uv_timer_t timer;
    int times = 0;

    uv_replace_allocator(MP_HOOKS_LIBUV);
    memory_pool_t *outer = mp_use(mp);
    uv_loop_init(&loop);

    uv_timer_init(&loop, &timer);
    timer.data = &times;
    uv_timer_start(&timer, count, 1, 1);
    uv_run(&loop, UV_RUN_DEFAULT);
    mp_stats(mp, &full);
    bool right = uv_loop_close(&loop) == 0 && times == 3;
    mp_use(outer);
    mp_stats(mp, &empty);
    mp_destroy(mp);
    uv_library_shutdown();
    return right && full.live_objects > 0 && empty.live_objects == 0
               ? EXIT_SUCCESS
               : EXIT_FAILURE;
}

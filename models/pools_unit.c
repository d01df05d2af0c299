/* SPDX-License-Identifier: MIT
 *
 * pools_unit.c - the shipped library, all of it, with what may be wrong in it.
 *
 * What is wrong stands in macros, which the sources meet instead of a function
 * of a header.  The thread-local variables are emulated, so a thread's state is
 * in its struct thread.
 *
 * What it cannot do: have wrong what a function does that is in no header.
 * Such a macro would be met by its definition, too.
 */
#define MP_ONE_UNIT
#define MP_DECLARATIONS_ONLY
#include "pools_unit.h"

#include "base/lock.h"

static enum unit_seed unit_seed;

/* It is that which is wrong, and this function. */
#define UNIT_WRONG(seed, function) \
    (unit_seed == (seed) && strcmp(__func__, function) == 0)

#define lock_enter(lock)                                           \
    (UNIT_WRONG(UNIT_DROP_UNLOCKED, "recycle_drop") ||             \
             UNIT_WRONG(UNIT_END_UNTIED, "attach_thread_ends") ||  \
             UNIT_WRONG(UNIT_END_UNLOCKED, "attach_leave_all") ||  \
             UNIT_WRONG(UNIT_ORPHANS_UNLOCKED, "thread_retire")    \
         ? false                                                   \
         : lock_enter(lock))
#define lock_enter_unseen(lock, needed)                 \
    (UNIT_WRONG(UNIT_RESET_UNLOCKED, "quiet_reset")     \
         ? false                                        \
         : lock_enter_unseen(lock, needed))
#define lock_was_entered(lock) \
    (unit_seed != UNIT_NOT_NOTED && lock_was_entered(lock))

#undef sync_get_seq
#define sync_get_seq(place)                                \
    (UNIT_WRONG(UNIT_NO_WAIT, "pause_await_state")         \
         ? (__typeof__(*(place)))0                         \
         : __atomic_load_n(place, __ATOMIC_SEQ_CST))
#undef sync_get
#define sync_get(place)                                    \
    (UNIT_WRONG(UNIT_KEEPS_CREDIT, "recall_suspend")       \
         ? (__typeof__(*(place)))1                         \
         : __atomic_load_n(place, __ATOMIC_RELAXED))

#include "cache/cache.h"

#define cache_disable(cache)                  \
    do {                                      \
        if (unit_seed != UNIT_STAYS_ENABLED) { \
            cache_disable(cache);             \
        }                                     \
    } while (false)

static void unit_enable(struct cache *cache, struct cache_set *set)
{
    bool sweeping = set->sweeping;

    if (unit_seed == UNIT_SWEEP_OPEN) {
        set->sweeping = false;
    }
    cache_enable(cache, set);
    set->sweeping = sweeping;
}

#define cache_set_is_open(set) \
    (cache_set_is_open(set) || unit_seed == UNIT_SWEEP_OPEN)
#define cache_enable(cache, set) unit_enable(cache, set)

#include "pool/each.h"

#define each_close(pool)                   \
    do {                                   \
        if (unit_seed != UNIT_NOT_CLOSED) { \
            each_close(pool);              \
        }                                  \
    } while (false)

/* In a model few chunks are many. */
#define CACHE_SWEEP ((size_t)4096)
#define CACHE_FEW 0
#define LOCK_LOOKS 1
#define LOCK_TURNS 0
#define MODE_STOCK_OTHER ((size_t)256 << 10)
#include "../src/libmempool.c"

#include <sys/wait.h>

void unit_start(enum unit_seed seed)
{
    unit_seed = seed;
#ifdef LOCK_HAS_SINGLE_THREADED
    __libc_single_threaded = 0;
#endif
}

/* Pieces of memory that come and go at the same places.  As with malloc(), who
 * gets a piece knows what its last holder did. */
#define UNIT_PIECES 8u

static struct {
    _Alignas(64) unsigned char bytes[128 << 10];
} unit_pieces[UNIT_PIECES];
static unsigned unit_taken[UNIT_PIECES]; /* atomic */

static void *unit_acquire(void *context, size_t size, size_t alignment)
{
    (void)context;
    (void)alignment;
    for (unsigned i = 0; i < UNIT_PIECES; i++) {
        if (size <= sizeof unit_pieces[i] &&
            sync_swap(&unit_taken[i], 1u) == 0) {
            return &unit_pieces[i];
        }
    }
    return NULL;
}

static void unit_release(void *context, void *block, size_t size)
{
    (void)context;
    for (unsigned i = 0; i < UNIT_PIECES; i++) {
        if (block == &unit_pieces[i]) {
            whole_forbid(block, size);
            (void)sync_swap(&unit_taken[i], 0u);
        }
    }
}

const mp_backing_t unit_backing = {unit_acquire, unit_release, NULL};

void unit_write(void *object)
{
    *(volatile unsigned char *)object = 1;
}

static bool unit_use(memory_pool_t *mp)
{
    void *object = mp_allocate(mp, 24);

    if (object == NULL || mp_check(mp) != 0 || mp_owner(object) != mp) {
        return false;
    }
    mp_free(mp, object);
    mp_reset(mp);
    return mp_check(mp) == 0;
}

static bool unit_is_right_child(memory_pool_t *mp)
{
    memory_pool_t *other = mp_create(NULL);

    if (other == NULL || !unit_use(other) || (mp != NULL && !unit_use(mp))) {
        return false;
    }
    mp_destroy(other);
    if (mp != NULL) {
        mp_destroy(mp);
    }
    return true;
}

bool unit_fork(memory_pool_t *pool)
{
    int status = -1;

    fork_prepare();
    pid_t child = _Fork();
    if (child == 0) {
        whole_leave();
        fork_child();
        _exit(unit_is_right_child(pool) ? 0 : 1);
    }
    fork_parent();
    return child > 0 && waitpid(child, &status, 0) == child && status == 0;
}

void unit_end_thread(void)
{
    void *thread = whole_specific[whole_thread()];

    whole_specific[whole_thread()] = NULL;
    if (thread != NULL) {
        thread_end(thread);
    }
    whole_specific[whole_thread()] = NULL;
}

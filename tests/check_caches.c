/* SPDX-License-Identifier: MIT
 *
 * check_caches.c - caches at rest, and the memory that they are.
 *
 * Who wants a pool at rest waits for those who are inside, which is shown by
 * standing there: this program does so by the functions of
 * <memory_pool_inline.h>, as compiled-in code does.  And caches are memory of
 * malloc(), which is refused here and counted by inject.h, and whose use after
 * its end is fatal, by pages of its own.
 *
 * What it cannot do: show the first without caches in the process, or the
 * last where the tables of the compiled-in code do not exist.
 */
#include <memory_pool_inline.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "inject.h"
#include "pools.h"

#define PIECES 2048u

/* Memory that aligned_alloc() gave while it was watched. */
static struct {
    pthread_mutex_t lock;
    bool on;
    size_t count; /* of pieces, with those that were freed */
    size_t live;
    size_t peak;  /* most live ones at once */
    size_t bytes; /* of a page */
    struct {
        void *at;
        size_t size;
        bool freed;
    } pieces[PIECES];
} watched = {.lock = PTHREAD_MUTEX_INITIALIZER};

static bool in_child; /* where handlers of fork() run */
static size_t freed_in_child;

static void *watch_piece(size_t size)
{
    size = (size + watched.bytes - 1) / watched.bytes * watched.bytes;
    void *at = mmap(NULL, size, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (at == MAP_FAILED || watched.count == PIECES) {
        abort();
    }
    watched.pieces[watched.count].at = at;
    watched.pieces[watched.count].size = size;
    watched.pieces[watched.count].freed = false;
    watched.count++;
    watched.live++;
    if (watched.live > watched.peak) {
        watched.peak = watched.live;
    }
    return at;
}

/* A watched piece stays, and can not be touched. */
static bool watched_ends(void *at)
{
    for (size_t i = 0; i < watched.count; i++) {
        if (watched.pieces[i].at == at && at != NULL) {
            if (watched.pieces[i].freed ||
                mprotect(at, watched.pieces[i].size, PROT_NONE) != 0) {
                abort();
            }
            watched.pieces[i].freed = true;
            watched.live--;
            return true;
        }
    }
    return false;
}

static bool watch_call(struct inject_call *call)
{
    bool requests = call->function == INJECT_ALIGNED_ALLOC;
    bool frees = call->function == INJECT_FREE;
    bool answered = false;

    if (!requests && !frees) {
        return false;
    }
    freed_in_child += in_child && frees;
    pthread_mutex_lock(&watched.lock);
    if (frees) {
        answered = watched_ends(call->given);
    } else if (watched.on) {
        call->got = watch_piece(call->size);
        answered = true;
    }
    pthread_mutex_unlock(&watched.lock);
    return answered;
}

static void watch_start(void)
{
    pthread_mutex_lock(&watched.lock);
    watched.on = true;
    watched.count = watched.live = watched.peak = 0;
    watched.bytes = (size_t)sysconf(_SC_PAGESIZE);
    pthread_mutex_unlock(&watched.lock);
}

static void watch_end(void)
{
    pthread_mutex_lock(&watched.lock);
    watched.on = false;
    for (size_t i = 0; i < watched.count; i++) {
        munmap(watched.pieces[i].at, watched.pieces[i].size);
    }
    watched.count = 0;
    pthread_mutex_unlock(&watched.lock);
}

static size_t watched_live(void)
{
    pthread_mutex_lock(&watched.lock);
    size_t live = watched.live;
    pthread_mutex_unlock(&watched.lock);
    return live;
}

/* A pool that no thread keeps, so that it is made and goes; and its first
 * objects, by the calling thread. */
static memory_pool_t *make_named(void)
{
    const mp_options_t named = {.name = "never kept"};
    memory_pool_t *mp = mp_create(&named);

    POOLS_EXPECT(mp != NULL);
    return mp;
}

static void use_cache(memory_pool_t *mp)
{
    (free_memory)(mp, (mp_allocate)(mp, 16));
}

/* Pools have caches, unless there is no range of addresses for them. */
static bool caches_exist(void)
{
    memory_pool_t *mp = make_named();
    mp_stats_t stats;

    use_cache(mp);
    ck_assert_int_eq(mp_stats(mp, &stats), 0);
    destroy_memory_pool(mp);
    return stats.cached_bytes > 0;
}

#if MP_INLINE_ABLE
/* A thread that is inside, by its own cache or by a handle's, and stays there
 * until the other is done, which is wrong, or could long have been. */
struct stay {
    memory_pool_t *mp;
    mp_handle_t *handle; /* or NULL */
    pthread_barrier_t barrier;
    atomic_bool done;
    bool inside;
    bool not_waited_for;
};

static void *stay_inside(void *argument)
{
    struct stay *stay = argument;
    struct mp_inline_handle *handle =
        (struct mp_inline_handle *)(void *)stay->handle;
    struct mp_inline_thread *note =
        handle != NULL ? &handle->thread : &mp_inline_thread_1;

    if (handle != NULL) {
        stay->inside = mp_inline_enter_handle(handle) == stay->mp;
    } else {
        use_cache(stay->mp);
        stay->inside = mp_inline_enter(note, stay->mp) != NULL;
    }
    pthread_barrier_wait(&stay->barrier);
    for (unsigned i = 0; stay->inside && i < 100; i++) {
        usleep(200);
        stay->not_waited_for =
            stay->not_waited_for || atomic_load(&stay->done);
    }
    if (stay->inside) {
        mp_inline_leave(note);
    }
    pthread_barrier_wait(&stay->barrier); /* a fork sees it run */
    return NULL;
}

/* Each wants the pool at rest. */
static void rest_reset(memory_pool_t *mp)
{
    free_all_memory(mp);
}

static void rest_check(memory_pool_t *mp)
{
    ck_assert_int_eq(mp_check(mp), 0);
}

static void rest_count(memory_pool_t *mp)
{
    mp_stats_t stats;

    ck_assert_int_eq(mp_stats(mp, &stats), 0);
}

static int rest_in_child(void *unused)
{
    (void)unused;
    return 0;
}

static void rest_fork(memory_pool_t *mp)
{
    support_fork(rest_in_child, mp);
}

static void (*const rests[])(memory_pool_t *) = {rest_reset, rest_check,
                                                 rest_count, rest_fork};
#define RESTS (int)(sizeof rests / sizeof *rests)

START_TEST(a_rest_waits_for_the_thread_that_is_inside)
{
    bool exist = caches_exist();
    struct stay stay = {.mp = make_named()};
    pthread_t thread;

    pthread_barrier_init(&stay.barrier, NULL, 2);
    if (_i >= RESTS) { /* no thread has a cache, only the handle is one */
        stay.handle = mp_attach(stay.mp);
        ck_assert_ptr_nonnull(stay.handle);
        (mp_handle_free)(stay.handle, (mp_handle_allocate)(stay.handle, 16));
    }
    thread = support_start(stay_inside, &stay);
    pthread_barrier_wait(&stay.barrier);
    rests[_i % RESTS](stay.mp);
    atomic_store(&stay.done, true);
    pthread_barrier_wait(&stay.barrier);
    support_join(thread);
    ck_assert(stay.inside == exist);
    ck_assert(!stay.not_waited_for);
    destroy_memory_pool(stay.mp);
    pthread_barrier_destroy(&stay.barrier);
}
END_TEST

/* While fork() holds the pools, nobody comes in by a handle; who has just
 * found that leaves no note behind in the child, which would wait for it; and
 * the handlers in the child free nothing, since malloc() may not be able yet.
 * These run with the pools held, and before the library's in the child. */
static mp_handle_t *held_handle; /* NULL: the fork is not this test's */
static bool held_offered;

static struct mp_inline_handle *held_inline(void)
{
    return (struct mp_inline_handle *)(void *)held_handle;
}

static void held_prepare(void)
{
    if (held_handle == NULL) {
        return;
    }
    if (mp_inline_enter_handle(held_inline()) != NULL) {
        held_offered = true;
        mp_inline_leave(&held_inline()->thread);
    }
    /* As a thread that wrote its note and is then kept from going on. */
    __atomic_store_n(&held_inline()->thread.inside, MP_INLINE_NO_POOL,
                     __ATOMIC_RELAXED);
}

static void held_parent(void)
{
    if (held_handle != NULL) {
        mp_inline_leave(&held_inline()->thread);
    }
}

static void held_child(void)
{
    in_child = held_handle != NULL;
}

/* Registered after the library's, so it runs after that in the child. */
static void held_child_done(void)
{
    in_child = false;
}

__attribute__((__constructor__(101))) static void held_start(void)
{
    if (pthread_atfork(held_prepare, held_parent, held_child) != 0) {
        abort();
    }
}

/* A thread with caches, some of which have lost their pool, and a pool kept. */
#define HELD_POOLS 20u
static void *live_beside_fork(void *argument)
{
    pthread_barrier_t *barrier = argument;
    memory_pool_t *pools[HELD_POOLS];

    for (unsigned i = 0; i < HELD_POOLS; i++) {
        pools[i] = make_named();
        use_cache(pools[i]);
    }
    for (unsigned i = 0; i < HELD_POOLS / 2; i++) {
        destroy_memory_pool(pools[i]);
    }
    memory_pool_t *kept = mp_create(NULL);
    use_cache(kept);
    destroy_memory_pool(kept);
    pthread_barrier_wait(barrier);
    pthread_barrier_wait(barrier);
    for (unsigned i = HELD_POOLS / 2; i < HELD_POOLS; i++) {
        destroy_memory_pool(pools[i]);
    }
    return NULL;
}

static int use_in_child(void *mp)
{
    if (held_inline()->thread.inside != NULL) {
        return 2;
    }
    if (freed_in_child > 0) {
        return 3;
    }
    void *object = (mp_handle_allocate)(held_handle, 16);
    memory_pool_t *own = mp_create(NULL);
    return object != NULL && mp_check(mp) == 0 && own != NULL &&
                   (mp_allocate)(own, 16) != NULL && mp_check(own) == 0
               ? 0
               : 4;
}

START_TEST(a_fork_keeps_handles_out_and_its_child_frees_nothing)
{
    memory_pool_t *mp = make_named();
    pthread_barrier_t barrier;

    pthread_barrier_init(&barrier, NULL, 2);
    pthread_t thread = support_start(live_beside_fork, &barrier);
    pthread_barrier_wait(&barrier);
    ck_assert_int_eq(pthread_atfork(NULL, NULL, held_child_done), 0);
    mp_handle_t *handle = mp_attach(mp);
    ck_assert_ptr_nonnull(handle);
    (mp_handle_free)(handle, (mp_handle_allocate)(handle, 16));
    held_handle = handle;
    support_fork(use_in_child, mp);
    held_handle = NULL;
    pthread_barrier_wait(&barrier);
    support_join(thread);
    ck_assert(!held_offered);
    destroy_memory_pool(mp);
    pthread_barrier_destroy(&barrier);
}
END_TEST
#endif

/* There is no memory for a cache when a mark is made, but later there is. */
struct refused {
    bool asked; /* for that memory */
    bool marked;
    bool whole;
    int error;
};

static void *mark_without_cache(void *argument)
{
    struct refused *refused = argument;
    memory_pool_t *mp = make_named();

    inject_refuse(INJECT_ALIGNED_ALLOC, 1);
    errno = SUPPORT_ERRNO;
    mp_mark_t mark = mp_mark(mp);
    refused->error = errno;
    refused->asked = inject_refusals_left(INJECT_ALIGNED_ALLOC) == 0;
    inject_refuse(INJECT_ALIGNED_ALLOC, 0);
    refused->marked = mark.number != 0;
    void *before = (mp_allocate)(mp, 40);
    mp_mark_t second = mp_mark(mp);
    void *after = (mp_allocate)(mp, 40);
    refused->whole = second.number != 0 && mp_rewind(mp, second) == 0 &&
                     is_mp_ptr(mp, before) && !is_mp_ptr(mp, after);
    if (refused->marked) {
        refused->whole = refused->whole && mp_rewind(mp, mark) == 0 &&
                         !is_mp_ptr(mp, before);
    }
    refused->whole = refused->whole && mp_check(mp) == 0;
    destroy_memory_pool(mp);
    return NULL;
}

START_TEST(a_mark_without_memory_for_a_cache_leaves_the_pool_whole)
{
    bool exist = caches_exist();
    struct refused refused = {0};

    /* A new thread, since others may have a cache to spare. */
    support_join(support_start(mark_without_cache, &refused));
    ck_assert(refused.asked || !exist);
    ck_assert_int_eq(refused.error, refused.marked ? SUPPORT_ERRNO : ENOMEM);
    ck_assert(refused.whole);
}
END_TEST

/* What was a cache serves its thread again, but not without bound: neither
 * where the thread destroys its pools, nor where another one does. */
#define POOLS 200u
struct spares {
    memory_pool_t *pools[POOLS];
    pthread_barrier_t barrier;
    size_t own;    /* pieces left after the thread destroyed its pools */
    size_t others; /* after another one did, and it had a cache since then */
};

static void use_all(memory_pool_t *pools[POOLS])
{
    for (unsigned i = 0; i < POOLS; i++) {
        pools[i] = make_named();
        use_cache(pools[i]);
    }
}

static void destroy_all(memory_pool_t *pools[POOLS])
{
    for (unsigned i = 0; i < POOLS; i++) {
        destroy_memory_pool(pools[i]);
    }
}

static void *leave_spares(void *argument)
{
    struct spares *spares = argument;

    use_all(spares->pools);
    destroy_all(spares->pools);
    spares->own = watched_live();
    use_all(spares->pools);
    pthread_barrier_wait(&spares->barrier);
    pthread_barrier_wait(&spares->barrier);
    memory_pool_t *mp = make_named();
    use_cache(mp);
    spares->others = watched_live();
    destroy_memory_pool(mp);
    return NULL;
}

START_TEST(a_thread_keeps_few_of_the_caches_it_no_longer_needs)
{
    bool exist = caches_exist();
    struct spares spares;

    pthread_barrier_init(&spares.barrier, NULL, 2);
    watch_start();
    pthread_t thread = support_start(leave_spares, &spares);
    pthread_barrier_wait(&spares.barrier);
    destroy_all(spares.pools);
    pthread_barrier_wait(&spares.barrier);
    support_join(thread);
    size_t live = watched_live();
    size_t peak = watched.peak;
    watch_end();
    ck_assert(peak >= POOLS || !exist);
    ck_assert_uint_lt(spares.own, POOLS / 2);
    ck_assert_uint_lt(spares.others, POOLS / 2);
    ck_assert_uint_eq(live, 0); /* with the thread all goes */
    pthread_barrier_destroy(&spares.barrier);
}
END_TEST

/* And what is freed is looked at by nobody: this would end the program. */
static void *free_spares(void *argument)
{
    memory_pool_t *pools[POOLS];

    for (unsigned n = 0; n < 3; n++) {
        use_all(pools);
        destroy_all(pools);
        /* With the memory that the thread had in hand when it lost that. */
        for (unsigned i = 0; i < 20; i++) {
            pools[i] = make_named();
            use_cache(pools[i]);
            POOLS_EXPECT(mp_check(pools[i]) == 0);
        }
        for (unsigned i = 0; i < 20; i++) {
            use_cache(pools[i]);
            destroy_memory_pool(pools[i]);
        }
    }
    return argument;
}

START_TEST(a_freed_cache_is_touched_by_no_thread)
{
    watch_start();
    support_join(support_start(free_spares, NULL));
    watch_end();
}
END_TEST

/* Memory of malloc() that only objects lead to is held while their pool is
 * there, made again or not, and lost once it is destroyed, kept or not.
 * LeakSanitizer says so, where the program has it and it works. */
#if defined(__GNUC__) && defined(__ELF__)
int __lsan_do_recoverable_leak_check(void) __attribute__((__weak__));
void __sanitizer_set_report_fd(void *fd) __attribute__((__weak__));

#define LOSSES 20u /* so that a copy on the stack does not matter */
#define HELD 40    /* as an exit status; the sanitizer changes 0 */
#define LOST 41

static int look_for_lost(void)
{
    volatile char stack[8192]; /* over what calls left there */

    for (size_t i = 0; i < sizeof stack; i++) {
        stack[i] = 0;
    }
    return __lsan_do_recoverable_leak_check() != 0 ? LOST : HELD;
}

__attribute__((__noinline__)) static void lose(void *unused)
{
    (void)unused;
    for (unsigned i = 0; i < LOSSES; i++) {
        void *volatile piece = malloc(123);
        piece = NULL;
        (void)piece;
    }
}

__attribute__((__noinline__)) static void hold(void *mp)
{
    for (unsigned i = 0; i < LOSSES; i++) {
        void **object = (mp_allocate)(mp, 2 * sizeof(void *));
        if (object == NULL) {
            _exit(1);
        }
        object[1] = malloc(123); /* the first word is the library's, freed */
    }
}

/* What a child says that begins with a call and ends with a look. */
static int child_says(void (*begin)(void *), void *mp, bool destroy)
{
    int status = 0;
    pid_t child = fork();

    if (child == 0) {
        alarm(60);
        __sanitizer_set_report_fd((void *)(intptr_t)open("/dev/null",
                                                         O_WRONLY));
        begin(mp);
        if (destroy) {
            destroy_memory_pool(mp);
        }
        _exit(look_for_lost());
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

START_TEST(memory_held_in_a_live_pool_is_no_leak_to_leak_sanitizer)
{
    memory_pool_t *mp = mp_create(NULL);

    if (__lsan_do_recoverable_leak_check == NULL ||
        child_says(lose, NULL, false) != LOST) {
        destroy_memory_pool(mp);
        return; /* as where the program is traced */
    }
    for (unsigned i = 0; i < 3; i++) {
        ck_assert_int_eq(child_says(hold, mp, false), HELD);
        ck_assert_int_eq(child_says(hold, mp, true), LOST);
        use_cache(mp);
        destroy_memory_pool(mp);
        mp = mp_create(NULL); /* the same again */
    }
    destroy_memory_pool(mp);
}
END_TEST
#endif


int main(void)
{
    Suite *suite = suite_create("caches");
    TCase *all = support_case(suite, "all");

    atomic_store(&inject_hook, watch_call);
#if MP_INLINE_ABLE
    tcase_add_loop_test(all, a_rest_waits_for_the_thread_that_is_inside, 0,
                        2 * RESTS);
    tcase_add_test(all, a_fork_keeps_handles_out_and_its_child_frees_nothing);
#endif
    tcase_add_test(all,
                   a_mark_without_memory_for_a_cache_leaves_the_pool_whole);
    tcase_add_test(all, a_thread_keeps_few_of_the_caches_it_no_longer_needs);
    tcase_add_test(all, a_freed_cache_is_touched_by_no_thread);
#if defined(__GNUC__) && defined(__ELF__)
    tcase_add_test(all,
                   memory_held_in_a_live_pool_is_no_leak_to_leak_sanitizer);
#endif
    return support_run(suite);
}

/* SPDX-License-Identifier: MIT
 *
 * check_caches.c - the memory that caches are, and what lies in them.
 *
 * Caches are memory of malloc().  inject.h counts the requests for it, and can
 * refuse them.  One test gives each cache pages of its own, and makes them
 * unreadable when the cache is freed.  So the use of a freed cache ends the
 * program.  Another test shows that LeakSanitizer sees the pointers that only
 * objects of a pool hold.
 *
 * What it cannot do: show the last without that sanitizer, or anything where no
 * pool has caches.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "inject.h"
#include "pools.h"
#include "threads.h"

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
    memory_pool_t *mp = pools_make_named();

    inject_refuse(INJECT_ALIGNED_ALLOC, 1);
    errno = SUPPORT_ERRNO;
    mp_mark_t mark = mp_mark(mp);
    refused->error = errno;
    refused->asked = inject_refusals_left(INJECT_ALIGNED_ALLOC) == 0;
    inject_refuse(INJECT_ALIGNED_ALLOC, 0);
    refused->marked = mark.number != 0;
    void *before = mp_allocate(mp, 40);
    mp_mark_t second = mp_mark(mp);
    void *after = mp_allocate(mp, 40);
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
    bool exist = pools_caches_exist();
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
    struct threads_barrier barrier;
    size_t own;    /* pieces left after the thread destroyed its pools */
    size_t others; /* after another one did, and it had a cache since then */
};

static void use_all(memory_pool_t *pools[POOLS])
{
    for (unsigned i = 0; i < POOLS; i++) {
        pools[i] = pools_make_named();
        pools_use_cache(pools[i]);
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
    threads_barrier_wait(&spares->barrier);
    threads_barrier_wait(&spares->barrier);
    memory_pool_t *mp = pools_make_named();
    pools_use_cache(mp);
    spares->others = watched_live();
    destroy_memory_pool(mp);
    return NULL;
}

START_TEST(a_thread_keeps_few_of_the_caches_it_no_longer_needs)
{
    bool exist = pools_caches_exist();
    struct spares spares;

    threads_barrier_start(&spares.barrier, 2);
    watch_start();
    pthread_t thread = support_start(leave_spares, &spares);
    threads_barrier_wait(&spares.barrier);
    destroy_all(spares.pools);
    threads_barrier_wait(&spares.barrier);
    support_join(thread);
    size_t live = watched_live();
    size_t peak = watched.peak;
    watch_end();
    ck_assert(peak >= POOLS || !exist);
    ck_assert_uint_lt(spares.own, POOLS / 2);
    ck_assert_uint_lt(spares.others, POOLS / 2);
    ck_assert_uint_eq(live, 0); /* with the thread all goes */
    threads_barrier_end(&spares.barrier);
}
END_TEST

/* Nobody reads a freed cache: that would end the program. */
static void *free_spares(void *argument)
{
    memory_pool_t *pools[POOLS];

    for (unsigned n = 0; n < 3; n++) {
        use_all(pools);
        destroy_all(pools);
        /* With the memory that the thread had in hand when it lost that. */
        for (unsigned i = 0; i < 20; i++) {
            pools[i] = pools_make_named();
            pools_use_cache(pools[i]);
            POOLS_EXPECT(mp_check(pools[i]) == 0);
        }
        for (unsigned i = 0; i < 20; i++) {
            pools_use_cache(pools[i]);
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
        void **object = mp_allocate(mp, 2 * sizeof(void *));
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
        pools_use_cache(mp);
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

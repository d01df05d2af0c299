/* SPDX-License-Identifier: MIT
 *
 * check_malloc.c - no malloc() and no free() while a lock is held; and what
 * happens to a pool while memory is asked for, or when there is none.
 *
 * A malloc with fork handlers of its own holds its lock while it waits for a
 * pool's, if the library ever calls it with a pool's lock held.  So each call
 * of the library runs in pools of each kind, and whenever the library asks for
 * memory or gives it back, no lock of the library is taken.
 *
 * What it cannot do: see the locks of pools that the test did not make.
 */
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "cleanups.h"
#include "inject.h"
#include "threads.h"

#include "cache/thread.h"
#include "pool/pool.h"
#include "store/extent.h"

#define POOLS_MOST 64

/* The pools that are alive; other threads only ever read them. */
static memory_pool_t *_Atomic alive[POOLS_MOST];
static atomic_uint seen; /* calls that were looked at */

static bool is_left(const struct lock *lock)
{
    return __atomic_load_n(&lock->word, __ATOMIC_RELAXED) == LOCK_LEFT;
}

/* No other thread of the test is in the library meanwhile, so a lock that is
 * taken is the caller's. */
static bool expect_no_lock(struct inject_call *call)
{
    /* The system takes no lock of the program, so it may map memory under the
     * range's. */
    if (call->function == INJECT_MMAP || call->function == INJECT_MUNMAP) {
        return false;
    }
    seen++;
    POOLS_EXPECT(lock_none_is_held());
    POOLS_EXPECT(is_left(&thread_attachments));
    for (int i = 0; i < POOLS_MOST; i++) {
        const struct memory_pool *mp = alive[i];
        if (mp != NULL) {
            POOLS_EXPECT(is_left(&mp->lock) && is_left(&mp->quota.lock) &&
                         is_left(&mp->quota.recall));
        }
    }
    return false;
}

static memory_pool_t *make(const mp_options_t *options, memory_pool_t *above)
{
    mp_options_t with = *options;
    int i = 0;

    with.parent = above;
    memory_pool_t *mp = mp_create(&with);
    ck_assert_ptr_nonnull(mp);
    while (alive[i] != NULL) {
        ck_assert_int_lt(++i, POOLS_MOST);
    }
    alive[i] = mp;
    return mp;
}

/* It is no pool of the test's any more as it begins to go. */
static void end(memory_pool_t *mp)
{
    for (int i = 0; i < POOLS_MOST; i++) {
        if (alive[i] == mp) {
            alive[i] = NULL;
        }
    }
    destroy_memory_pool(mp);
}

static void note(void *arg)
{
    (void)arg;
}

static int visit_pool(memory_pool_t *mp, void *arg)
{
    return mp == arg;
}

static int visit(void *object, size_t size, void *arg)
{
    (void)object;
    (void)size;
    (void)arg;
    return 0;
}

/* Objects of all lengths, which move and go. */
static void use_objects(memory_pool_t *mp)
{
    void *objects[120];

    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 120; i++) {
            objects[i] = mp_allocate(mp, (size_t)(i * i * i) / 16 + 1);
            POOLS_EXPECT(objects[i] != NULL);
        }
        for (int i = 0; i < 120; i += 2) {
            objects[i] = mp_realloc(mp, objects[i], (size_t)(i * 100 + 5000));
            POOLS_EXPECT(objects[i] != NULL);
        }
        for (int i = 0; i < 120; i++) {
            free_memory(mp, objects[(i * 7) % 120]);
        }
    }
    /* Each may be two mappings, of which valgrind has room for 30000. */
    for (unsigned i = 0, n = support_times(9000, 10); i < n; i++) {
        objects[i % 120] = mp_allocate(mp, 24);
    }
    free_memory(mp, mp_allocate(mp, 300000));
    (void)!mp_calloc(mp, 100, 100);
    (void)!mp_aligned_alloc(mp, 4096, 10000);
    (void)!mp_strdup(mp, "string");
    (void)!mp_asprintf(mp, "%0500d", 1);
    mp_string_t string = {0};
    for (int i = 0; i < 300; i++) {
        (void)mp_append_bytes(mp, &string, "more bytes", 10);
        (void)mp_append_printf(mp, &string, "%0500d", i);
    }
    for (size_t size = 30; size < 10000; size *= 18) {
        size_t count = mp_allocate_many(mp, size, 120, objects);
        POOLS_EXPECT(count == 120);
        mp_free_many(mp, objects, count);
    }
    objects[5] = mp_aligned_realloc(mp, NULL, 4096, 5000);
    (void)!mp_expand(mp, objects[5], 100);
    /* Refused: a number of bytes, but too much for any system. */
    (void)!mp_allocate(mp, SIZE_MAX > UINT32_MAX ? SIZE_MAX >> 18
                                                 : SIZE_MAX / 2);
}

static void use_scopes(memory_pool_t *mp)
{
    mp_mark_t marks[8];
    mp_handle_t *handles[5];

    for (int i = 0; i < 8; i++) {
        marks[i] = mp_mark(mp);
        (void)!mp_allocate(mp, (size_t)10000 * (size_t)i + 1);
        (void)mp_add_mark_cleanup(mp, marks[i], note, NULL);
    }
    POOLS_EXPECT(mp_rewind(mp, marks[3]) == 0);
    for (int i = 0; i < 5; i++) {
        handles[i] = mp_attach(mp);
        POOLS_EXPECT(handles[i] != NULL);
        mp_mark_t mark = mp_handle_mark(handles[i]);
        mp_handle_free(handles[i], mp_handle_allocate(handles[i], 3000));
        (void)!mp_handle_realloc(handles[i],
                                 mp_handle_calloc(handles[i], 10, 300), 90000);
        (void)!mp_handle_asprintf(handles[i], "%0900d", i);
        if (i % 2 == 0) {
            POOLS_EXPECT(mp_handle_rewind(handles[i], mark) == 0);
        } else if (i % 4 == 1) {
            POOLS_EXPECT(mp_handle_commit(handles[i], mark) == 0);
        }
    }
    POOLS_EXPECT(mp_commit(mp, marks[2]) == 0);
    for (int i = 0; i < 5; i++) {
        mp_detach(handles[i]);
    }
    POOLS_EXPECT(mp_rewind(mp, marks[0]) == 0);
    for (int i = 0; i < 3; i++) {
        POOLS_EXPECT(mp_add_cleanup(mp, note, NULL) == 0);
    }
    POOLS_EXPECT(mp_remove_cleanup(mp, note, NULL) == 0);
}

static void use_views(memory_pool_t *mp)
{
    mp_stats_t stats;
    FILE *nowhere = fopen("/dev/null", "w");

    POOLS_EXPECT(nowhere != NULL);
    POOLS_EXPECT(mp_stats(mp, &stats) == 0 && mp_check(mp) == 0);
    POOLS_EXPECT(mp_walk(mp, visit, NULL) == 0 && mp_map(mp, nowhere) == 0);
    POOLS_EXPECT(mp_stats_print(mp, nowhere, MP_JSON) == 0);
    POOLS_EXPECT(mp_stats_print(mp, nowhere, MP_OPENMETRICS) == 0);
    POOLS_EXPECT(mp_each_pool(visit_pool, nowhere) == 0);
    (void)mp_locate(mp, &stats);
    (void)mp_owner(nowhere);
    (void)mp_trim(mp, 100000);
    (void)mp_trim(mp, 0);
    fclose(nowhere);
}

static void near_limit(memory_pool_t *mp, size_t used, void *arg)
{
    (void)mp;
    (void)used;
    (void)arg;
}

/* Pools below, which move, and change their limits. */
static void use_limits(memory_pool_t *mp)
{
    const mp_options_t options = {.capacity = 100000, .parent = mp};
    memory_pool_t *first = mp_create(&options);
    memory_pool_t *second = mp_create(&options);

    POOLS_EXPECT(first != NULL && second != NULL);
    POOLS_EXPECT(mp_set_near_limit(first, 5000, near_limit, NULL) == 0);
    POOLS_EXPECT(mp_set_parent(second, first) == 0);
    POOLS_EXPECT(mp_allocate(second, 50000) != NULL);
    POOLS_EXPECT(mp_set_capacity(first, 60000) == 0);
    POOLS_EXPECT(mp_allocate(second, 50000) == NULL);
    POOLS_EXPECT(mp_set_parent(second, NULL) == 0);
    mp_destroy(first);
    mp_destroy(second);
}

static void *use(void *arg)
{
    memory_pool_t *mp = arg;

    use_limits(mp);
    use_objects(mp);
    use_scopes(mp);
    use_views(mp);
    return NULL;
}

/* A pool, one above it and one below, with a thread that comes and ends. */
static void live(const mp_options_t *options)
{
    mp_options_t above = *options;

    above.backing = NULL;
    memory_pool_t *top = make(&above, NULL);
    memory_pool_t *mp = make(options, top);
    memory_pool_t *child = make(&cleanups_kinds[0], mp);
    use(mp);
    use(child);
    if (options->threads != MP_THREADS_NONE) {
        support_join(support_start(use, mp));
    }
    free_all_memory(child);
    use(child);
    end(child);
    free_all_memory(mp);
    use(mp);
    /* A buffer is one pool's. */
    (void)make(options->name == NULL ? options : &above, mp);
    /* The pool's end frees these. */
    for (int i = 0; i < 3; i++) {
        POOLS_EXPECT(mp_attach(mp) != NULL);
    }
    memset((void *)alive, 0, sizeof alive);
    destroy_memory_pool(top);
}

#define MORE_KINDS 8

START_TEST(nothing_is_asked_of_malloc_under_a_lock)
{
    static unsigned char bytes[32 << 20];
    const mp_backing_t buffer = mp_backing_buffer(bytes, sizeof bytes);
    const mp_options_t more[MORE_KINDS] = {
        {.report = pools_report, .backing = &mp_backing_malloc},
        {.backing = &mp_backing_mmap},
        {.backing = &mp_backing_mmap, .threads = MP_THREADS_NONE},
        {.backing = &buffer, .name = "buffer"},
        {.flags = MP_PASSTHROUGH},
        {.flags = MP_PASSTHROUGH, .backing = &buffer, .name = "buffer"},
        {.flags = MP_REDZONE | MP_POISON | MP_TAGS | MP_CALLERS |
                  MP_QUARANTINE | MP_ZERO_ON_FREE,
         .capacity = 1 << 30},
        {.flags = MP_GUARD | MP_QUARANTINE | MP_LEAK_CHECK,
         .report = pools_report},
    };

    /* So that locks are taken. */
    support_join(support_start(use, make(&cleanups_kinds[0], NULL)));
    end(alive[0]);
    atomic_store(&inject_hook, expect_no_lock);
    live(_i < CLEANUPS_KINDS ? &cleanups_kinds[_i]
                             : &more[_i - CLEANUPS_KINDS]);
    atomic_store(&inject_hook, (inject_hook_t *)NULL);
    ck_assert_uint_gt(seen, 20);
}
END_TEST

/* Calls that write to a stream. */
static const struct printer {
    mp_format_t format;
    bool map;
    bool allocates;
} printers[] = {
    {.map = true, .allocates = true},
    {.format = MP_TEXT},
    {.format = MP_JSON},
    {.format = MP_OPENMETRICS, .allocates = true},
};
#define PRINTERS ((int)(sizeof printers / sizeof printers[0]))

struct print {
    const struct printer *printer;
    memory_pool_t *mp;
    FILE *stream;
    bool cancelled;
};

static void *print(void *arg)
{
    const struct print *print = arg;

    /* Acts at the first call that is a cancellation point: a write, or, where
     * that is none, the end. */
    if (print->cancelled) {
        pthread_cancel(pthread_self());
    }
    POOLS_EXPECT((print->printer->map
                      ? mp_map(print->mp, print->stream)
                      : mp_stats_print(print->mp, print->stream,
                                       print->printer->format)) == 0);
    pthread_testcancel();
    return print->stream;
}

/* What the library holds after a thread that prints; a first thread may leave
 * what the next ones use. */
static long held_after(struct print *work, bool cancelled)
{
    pthread_t thread;
    void *result;

    work->cancelled = cancelled;
    ck_assert_int_eq(pthread_create(&thread, NULL, print, work), 0);
    ck_assert_int_eq(pthread_join(thread, &result), 0);
    ck_assert(result == (cancelled ? PTHREAD_CANCELED : work->stream));
    return inject.held;
}

START_TEST(a_thread_cancelled_as_it_prints_leaves_no_memory)
{
    struct print work = {.printer = &printers[_i],
                         .mp = make(&cleanups_kinds[0], NULL),
                         .stream = fopen("/dev/null", "w")};

    ck_assert_ptr_nonnull(work.stream);
    setvbuf(work.stream, NULL, _IONBF, 0);
    make(&cleanups_kinds[0], work.mp); /* a second row */
    ck_assert_ptr_nonnull(mp_allocate(work.mp, 1000));
    inject_start(0, false); /* counts from here */
    (void)held_after(&work, false);
    long held = held_after(&work, false);
    ck_assert_int_eq(held_after(&work, true), held);
    ck_assert_int_eq(held_after(&work, true), held);
    inject_stop();
    ck_assert((inject.calls[INJECT_CALLOC] > 0) == work.printer->allocates);
    ck_assert_int_eq(mp_check(work.mp), 0);
    fclose(work.stream);
    destroy_memory_pool(work.mp);
}
END_TEST

/* A pool leaves the range only with a block that it got elsewhere. */
START_TEST(a_pool_that_gets_no_block_keeps_its_caches)
{
    memory_pool_t *mp = mp_create(NULL);
    memory_pool_t *filler = mp_create(NULL);
    size_t limit = extent.limit;
    unsigned count = 0;

    ck_assert(mp != NULL && filler != NULL);
    if (mp_kind(mp, NULL) == MP_KIND_CACHED) {
        extent.limit = extent_bytes();
        while (mp_kind(filler, NULL) == MP_KIND_CACHED) {
            ck_assert_ptr_nonnull(mp_allocate(filler, 100000));
            ck_assert_uint_lt(++count, 1000000);
        }
        inject_start(1, true);
        while (mp_allocate(mp, 1000) != NULL) {
            ck_assert_uint_lt(++count, 1000000);
        }
        void *large = mp_allocate(mp, 200000);
        inject_stop();
        ck_assert(large == NULL && inject.failed);
        ck_assert_int_eq(mp_kind(mp, NULL), MP_KIND_CACHED);
        ck_assert_int_eq(mp_check(mp), 0);
        extent.limit = limit;
    }
    destroy_memory_pool(filler);
    destroy_memory_pool(mp);
}
END_TEST

/* A backing that lets another thread go on while it is asked, once. */
static struct threads_barrier asked;
static atomic_bool waits;

static void *slow_acquire(void *context, size_t size, size_t alignment)
{
    (void)context;
    if (atomic_exchange(&waits, false)) {
        threads_barrier_wait(&asked);
        threads_barrier_wait(&asked);
    }
    return mp_backing_malloc.acquire(mp_backing_malloc.context, size,
                                     alignment);
}

static void slow_release(void *context, void *block, size_t size)
{
    (void)context;
    mp_backing_malloc.release(mp_backing_malloc.context, block, size);
}

struct growth {
    memory_pool_t *mp;
    void *object;
    void *got;
    int error;
};

static void *grow(void *arg)
{
    struct growth *growth = arg;

    errno = 0;
    growth->got = mp_realloc(growth->mp, growth->object, 100000);
    growth->error = errno;
    return NULL;
}

/* The object of a mark, or of none. */
static void *take_marked(memory_pool_t *mp, mp_handle_t *handle,
                         mp_mark_t *mark)
{
    if (handle == NULL) {
        return mp_allocate(mp, 100);
    }
    *mark = mp_handle_mark(handle);
    return mp_handle_allocate(handle, 100);
}

/* The program's error, and yet the new object at the address must not suffer.
 * 0: the pool is reset meanwhile, 1: a mark is rewound. */
START_TEST(an_object_that_went_while_memory_was_asked_for_does_not_move)
{
    const mp_backing_t backing = {slow_acquire, slow_release, NULL};
    const mp_options_t options = {.threads = MP_THREADS_LOCKED,
                                  .backing = &backing};
    struct growth growth = {.mp = mp_create(&options)};
    memory_pool_t *mp = growth.mp;
    mp_mark_t mark;

    ck_assert_ptr_nonnull(mp);
    mp_handle_t *handle = _i == 0 ? NULL : mp_attach(mp);
    growth.object = take_marked(mp, handle, &mark);
    ck_assert_ptr_nonnull(growth.object);
    threads_barrier_start(&asked, 2);
    waits = true;
    pthread_t thread = support_start(grow, &growth);
    threads_barrier_wait(&asked);
    if (handle == NULL) {
        free_all_memory(mp);
    } else {
        ck_assert_int_eq(mp_handle_rewind(handle, mark), 0);
    }
    void *next = take_marked(mp, handle, &mark);
    ck_assert_ptr_eq(next, growth.object); /* else nothing is tried */
    support_fill(next, 100, 1);
    threads_barrier_wait(&asked);
    support_join(thread);
    threads_barrier_end(&asked);
    ck_assert_ptr_null(growth.got);
    ck_assert_int_eq(growth.error, EINVAL);
    ck_assert_int_eq(mp_locate(mp, next), MP_LIVE);
    ck_assert(support_holds(next, 100, 1));
    ck_assert_int_eq(mp_check(mp), 0);
    destroy_memory_pool(mp);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("malloc");
    TCase *locks = support_case(suite, "locks");
    TCase *lack = support_case(suite, "lack");

    tcase_add_loop_test(lack, a_thread_cancelled_as_it_prints_leaves_no_memory,
                        0, PRINTERS);
    tcase_add_test(lack, a_pool_that_gets_no_block_keeps_its_caches);
    tcase_add_loop_test(
        lack, an_object_that_went_while_memory_was_asked_for_does_not_move, 0,
        2);

    tcase_add_loop_test(locks, nothing_is_asked_of_malloc_under_a_lock, 0,
                        CLEANUPS_KINDS + MORE_KINDS);
    return support_run(suite);
}

/* SPDX-License-Identifier: MIT
 *
 * check_commit.c - a mark that ends and keeps its objects.
 *
 * On every kind of pool: what a committed mark had is the next older mark's,
 * or the pool's, and so are its cleanups.  Counts stay exact, and the memory
 * comes back as objects go.  Random work with commits is in check_scopes.c and
 * check_handles.c.  Which of two marks' memory changes its heap is asked of the
 * library's inner functions.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "pool/pool.h"
#include "pools.h"
#include "threads.h"

#define THREADS 4u

static size_t live_bytes(memory_pool_t *mp)
{
    ck_assert_int_eq(mp_check(mp), 0);
    return pools_stats(mp).live_bytes;
}

/* Objects of every kind of length. */
static const size_t lengths[] = {1, 100, 1024, 5000, 70000, 300000};
#define LENGTHS (sizeof lengths / sizeof lengths[0])

static void make(memory_pool_t *mp, unsigned char **objects)
{
    for (unsigned i = 0; i < LENGTHS; i++) {
        objects[i] = mp_allocate(mp, lengths[i]);
        ck_assert_ptr_nonnull(objects[i]);
        support_fill(objects[i], lengths[i], i + 1);
        mp_free(mp, mp_allocate(mp, lengths[i])); /* leaves holes */
    }
}

static void expect_there(memory_pool_t *mp, unsigned char **objects)
{
    for (unsigned i = 0; i < LENGTHS; i++) {
        POOLS_EXPECT(mp_owns(mp, objects[i]));
        POOLS_EXPECT(support_holds(objects[i], lengths[i], i + 1));
    }
    ck_assert_int_eq(mp_check(mp), 0);
}

static void *free_all(void *argument)
{
    void **work = argument;

    for (unsigned i = 0; i < LENGTHS; i++) {
        mp_free(work[0], work[1 + i]);
    }
    return NULL;
}

START_TEST(the_objects_are_the_pools_from_then_on)
{
    memory_pool_t *mp = pools_make(_i);
    unsigned char *objects[1 + LENGTHS] = {(unsigned char *)mp};
    size_t before = live_bytes(mp);

    mp_mark_t mark = mp_mark(mp);
    make(mp, objects + 1);
    size_t with = live_bytes(mp);
    errno = SUPPORT_ERRNO;
    ck_assert_int_eq(mp_commit(mp, mark), 0);
    ck_assert_int_eq(errno, SUPPORT_ERRNO);
    ck_assert_uint_eq(live_bytes(mp), with);
    expect_there(mp, objects + 1);
    /* No later mark has them. */
    mark = mp_mark(mp);
    ck_assert_ptr_nonnull(mp_allocate(mp, 50));
    ck_assert_int_eq(mp_rewind(mp, mark), 0);
    expect_there(mp, objects + 1);
    /* Any thread frees them. */
    if (pools_kinds[_i].options.threads == MP_THREADS_NONE) {
        free_all(objects);
    } else {
        support_join(support_start(free_all, objects));
    }
    ck_assert_uint_eq(live_bytes(mp), before);
    pools_end(mp, _i);
}
END_TEST

START_TEST(the_next_older_mark_has_them_and_no_other)
{
    memory_pool_t *mp = pools_make(_i);
    unsigned char *kept[LENGTHS], *objects[LENGTHS];

    mp_mark_t outer = mp_mark(mp);
    make(mp, kept);
    size_t before = live_bytes(mp);
    mp_mark_t middle = mp_mark(mp);
    ck_assert_ptr_nonnull(mp_allocate(mp, 500));
    mp_mark_t inner = mp_mark(mp);
    make(mp, objects);
    ck_assert_int_eq(mp_commit(mp, inner), 0);
    expect_there(mp, objects);
    ck_assert_int_eq(mp_rewind(mp, middle), 0);
    ck_assert_uint_eq(live_bytes(mp), before);
    for (unsigned i = 0; i < LENGTHS; i++) {
        POOLS_EXPECT(!mp_owns(mp, objects[i]));
    }
    /* A commit ends the marks within, too. */
    middle = mp_mark(mp);
    inner = mp_mark(mp);
    make(mp, objects);
    ck_assert_int_eq(mp_commit(mp, outer), 0);
    expect_there(mp, objects);
    expect_there(mp, kept);
    POOLS_EXPECT(mp_rewind(mp, inner) != 0 && mp_rewind(mp, middle) != 0);
    POOLS_EXPECT(mp_commit(mp, outer) != 0);
    expect_there(mp, objects);
    pools_end(mp, _i);
}
END_TEST

static const struct heap *heap_of(memory_pool_t *mp, const void *object)
{
    bool taken = pool_enter(mp);
    const struct heap *heap = pool_find(mp, object).block->heap;

    lock_leave(&mp->lock, taken);
    return heap;
}

/* An older mark with a number of objects, and a newer one with another. */
static void commit_sizes(memory_pool_t *mp, unsigned older, unsigned newer)
{
    void *first = NULL, *second = NULL;
    mp_handle_t *handle = mp_attach(mp);

    mp_mark_t outer = mp_mark(mp);
    for (unsigned i = 0; i < older; i++) {
        first = mp_allocate(mp, 1000);
    }
    mp_mark_t between = mp_handle_mark(handle);
    void *other = mp_handle_allocate(handle, 100);
    mp_mark_t inner = mp_mark(mp);
    for (unsigned i = 0; i < newer; i++) {
        second = mp_allocate(mp, 1000);
    }
    const struct heap *larger = heap_of(mp, older < newer ? second : first);
    ck_assert_int_eq(mp_commit(mp, inner), 0);
    ck_assert_ptr_eq(heap_of(mp, first), larger);
    ck_assert_ptr_eq(heap_of(mp, second), larger);
    ck_assert_int_eq(mp_check(mp), 0);
    /* The older one has it all, and its number. */
    ck_assert_int_eq(mp_rewind(mp, inner), -1);
    mp_free(mp, second);
    second = mp_allocate(mp, 1000);
    ck_assert(mp_owns(mp, first) && mp_owns(mp, second));
    ck_assert_int_eq(mp_rewind(mp, outer), 0);
    ck_assert(!mp_owns(mp, first) && !mp_owns(mp, second));
    ck_assert_int_eq(mp_check(mp), 0);
    /* What was set between them is another user's. */
    ck_assert(mp_owns(mp, other));
    ck_assert_int_eq(mp_handle_rewind(handle, between), 0);
    ck_assert(!mp_owns(mp, other));
    mp_detach(handle);
}

START_TEST(of_two_marks_the_smaller_one_moves)
{
    if (pools_tracked(_i)) {
        return; /* no object of it lies in a block */
    }
    memory_pool_t *mp = pools_make(_i);
    size_t before = live_bytes(mp);

    commit_sizes(mp, 1, 500);
    commit_sizes(mp, 500, 1);
    commit_sizes(mp, 300, 1000);
    ck_assert_uint_eq(live_bytes(mp), before);
    pools_end(mp, _i);
}
END_TEST

/* Letters of the cleanups that were called. */
static char called[16];
static size_t count;

static void note(void *arg)
{
    POOLS_EXPECT(count < sizeof called - 1);
    called[count++] = *(const char *)arg;
}

static void expect_called(const char *right)
{
    called[count] = '\0';
    ck_assert_str_eq(called, right);
    count = 0;
}

START_TEST(cleanups_go_where_the_objects_go)
{
    static char letters[] = "abcd";
    memory_pool_t *mp = pools_make(_i);

    mp_mark_t outer = mp_mark(mp);
    ck_assert_int_eq(mp_add_mark_cleanup(mp, outer, note, &letters[0]), 0);
    mp_mark_t inner = mp_mark(mp);
    ck_assert_int_eq(mp_add_mark_cleanup(mp, inner, note, &letters[1]), 0);
    ck_assert_int_eq(mp_commit(mp, inner), 0);
    expect_called("");
    ck_assert_int_eq(mp_rewind(mp, outer), 0);
    expect_called("ba");
    outer = mp_mark(mp);
    inner = mp_mark(mp);
    ck_assert_int_eq(mp_add_mark_cleanup(mp, inner, note, &letters[2]), 0);
    ck_assert_int_eq(mp_add_mark_cleanup(mp, outer, note, &letters[3]), 0);
    ck_assert_int_eq(mp_commit(mp, outer), 0);
    ck_assert_int_eq(mp_check(mp), 0);
    mp_mark_t later = mp_mark(mp);
    ck_assert_int_eq(mp_rewind(mp, later), 0);
    expect_called("");
    mp_reset(mp);
    expect_called("dc");
    pools_end(mp, _i);
    expect_called("");
}
END_TEST

/* Blocks, and what they cost, after many commits. */
static size_t held_by(memory_pool_t *mp)
{
    mp_stats_t stats;

    mp_trim(mp, 0);
    ck_assert_int_eq(mp_stats(mp, &stats), 0);
    return stats.backing_bytes;
}

START_TEST(the_memory_comes_back_as_the_objects_go)
{
    memory_pool_t *mp = pools_make(_i);
    void *objects[50];
    size_t before = 0;

    for (unsigned round = 0; round < 4; round++) {
        for (unsigned i = 0; i < 50; i++) {
            mp_mark_t mark = mp_mark(mp);
            objects[i] = mp_allocate(mp, 40 + i * 100);
            POOLS_EXPECT(objects[i] != NULL);
            POOLS_EXPECT(mp_commit(mp, mark) == 0);
        }
        ck_assert_int_eq(mp_check(mp), 0);
        for (unsigned i = 0; i < 50; i++) {
            mp_free(mp, objects[i * 7 % 50]);
        }
        before = round == 0 ? held_by(mp) : before;
    }
    ck_assert_uint_le(held_by(mp), before);
    /* Though all is allocated after marks, and freed in between. */
    for (unsigned i = 0; i < 1000; i++) {
        mp_mark_t mark = mp_mark(mp);
        objects[0] = mp_allocate(mp, 40);
        POOLS_EXPECT(mp_commit(mp, mark) == 0);
        mp_free(mp, objects[0]);
    }
    mp_stats_t stats;
    ck_assert_int_eq(mp_stats(mp, &stats), 0);
    ck_assert_uint_le(stats.blocks, 10);
    /* A mark without objects leaves nothing. */
    for (unsigned i = 0; i < 1000; i++) {
        POOLS_EXPECT(mp_commit(mp, mp_mark(mp)) == 0);
        mp_mark_t mark = mp_mark(mp);
        mp_free(mp, mp_allocate(mp, 30000));
        POOLS_EXPECT(mp_commit(mp, mark) == 0);
    }
    ck_assert_uint_le(held_by(mp), before);
    ck_assert_uint_eq(live_bytes(mp), 0);
    pools_end(mp, _i);
}
END_TEST

START_TEST(limits_stay_exact)
{
    const mp_options_t high = {.capacity = 1000000};
    memory_pool_t *above = mp_create(&high);
    const mp_options_t options = {.capacity = 100000,
                                  .threads = (mp_threads_t)(_i % 3),
                                  .parent = _i < 3 ? NULL : above};
    memory_pool_t *mp = mp_create(&options);

    mp_mark_t outer = mp_mark(mp);
    ck_assert_ptr_nonnull(mp_allocate(mp, 1001));
    mp_mark_t inner = mp_mark(mp);
    void *object = mp_allocate(mp, 2003);
    ck_assert_ptr_nonnull(mp_allocate(mp, 3007));
    ck_assert_int_eq(mp_commit(mp, inner), 0);
    mp_free(mp, object);
    ck_assert_uint_eq(pools_take_all(mp, true), 100000 - 4008);
    ck_assert_int_eq(mp_rewind(mp, outer), 0);
    mp_mark_t mark = mp_mark(mp);
    ck_assert_uint_eq(pools_take_all(mp, false), 100000);
    ck_assert_int_eq(mp_commit(mp, mark), 0);
    ck_assert_uint_eq(live_bytes(mp), 100000);
    ck_assert_ptr_null(mp_allocate(mp, 1));
    mp_reset(mp);
    ck_assert_uint_eq(pools_take_all(mp, false), 100000);
    ck_assert_int_eq(mp_check(above), 0);
    mp_destroy(mp);
    mp_destroy(above);
}
END_TEST

/* Where the pool's heap lends a mark its blocks, they are dissolved.  Long
 * free chunks then change trees, as blocks for long chunks and others do. */
START_TEST(a_buffer_is_whole_again)
{
    size_t bytes = (size_t)8 << 20;
    unsigned char *buffer = malloc(bytes);
    mp_backing_t backing = mp_backing_buffer(buffer, bytes);
    const mp_options_t options = {.backing = &backing};
    memory_pool_t *mp = mp_create(&options);
    void *objects[200];
    size_t most = bytes;

    while (mp_allocate(mp, most) == NULL) {
        most -= 4096;
    }
    mp_reset(mp);
    for (unsigned round = 0; round < 3; round++) {
        mp_mark_t outer = mp_mark(mp);
        void *first = mp_allocate(mp, 10);
        mp_mark_t mark = mp_mark(mp);
        for (unsigned i = 0; i < 200; i++) {
            objects[i] = mp_allocate(mp, i % 3 == 0 ? 9000 : 3000 + i);
            POOLS_EXPECT(objects[i] != NULL);
        }
        for (unsigned i = 0; i < 200; i++) {
            if (i % 4 != 0) {
                mp_free(mp, objects[i]);
            }
        }
        /* A long free chunk in a block that is for long ones. */
        mp_free(mp, mp_allocate(mp, 9000));
        void *longs[2] = {mp_allocate(mp, 4200), mp_allocate(mp, 4200)};
        mp_free(mp, longs[0]);
        if (round == 1) {
            POOLS_EXPECT(mp_commit(mp, mark) == 0);
            POOLS_EXPECT(mp_check(mp) == 0);
        }
        POOLS_EXPECT(mp_commit(mp, outer) == 0);
        POOLS_EXPECT(mp_check(mp) == 0);
        for (unsigned i = 0; i < 200; i += 4) {
            mp_free(mp, objects[i]);
            POOLS_EXPECT(mp_check(mp) == 0);
        }
        mp_free(mp, first);
        mp_free(mp, longs[1]);
        void *all = mp_allocate(mp, most);
        POOLS_EXPECT(all != NULL);
        mp_free(mp, all);
    }
    mp_destroy(mp);
    free(buffer);
}
END_TEST

static _Atomic(void *) shared[64];

/* Commits objects where others free them. */
static void *commit_and_exchange(void *argument)
{
    memory_pool_t *mp = argument;
    size_t wrong = 0;

    for (unsigned n = 0; n < support_times(1000, 10); n++) {
        mp_mark_t mark = mp_mark(mp);
        void *object = mp_allocate(mp, 16 + n % 3000);
        void *other = mp_allocate(mp, 50);
        if (n % 3 == 0) {
            mp_free(mp, other);
        }
        wrong += object == NULL || mp_commit(mp, mark) != 0;
        mp_free(mp, atomic_exchange(&shared[n * 13 % 64], object));
        if (n % 3 != 0) {
            mp_free(mp, other);
        }
    }
    return (void *)wrong;
}

START_TEST(threads_commit_side_by_side)
{
    const mp_options_t options = {.threads = (mp_threads_t)(_i % 2),
                                  .capacity = _i < 2 ? 0 : 1000000};
    memory_pool_t *mp = mp_create(&options);

    ck_assert_uint_eq(threads_run(THREADS, commit_and_exchange, mp, 0), 0);
    for (unsigned i = 0; i < 64; i++) {
        mp_free(mp, atomic_exchange(&shared[i], NULL));
    }
    ck_assert_uint_eq(live_bytes(mp), 0);
    mp_destroy(mp);
}
END_TEST

static void *commit_of_another(void *argument)
{
    memory_pool_t *mp = ((void **)argument)[0];
    mp_mark_t *mark = ((void **)argument)[1];

    return (void *)(size_t)(mp_commit(mp, *mark) != -1 || errno != EINVAL);
}

START_TEST(what_is_no_mark_of_the_callers_is_refused)
{
    const mp_options_t options = {.threads = (mp_threads_t)_i,
                                  .report = pools_report};
    memory_pool_t *mp = mp_create(&options);
    memory_pool_t *other = mp_create(&options);
    mp_handle_t *handle = mp_attach(mp);
    mp_mark_t mark = mp_mark(mp);
    void *object = mp_allocate(mp, 10);
    void *work[] = {mp, &mark};

    SUPPORT_REFUSED(mp_commit(NULL, mark), -1);
    SUPPORT_REFUSED(mp_handle_commit(NULL, mark), -1);
    pools_forget_reports();
    errno = 0;
    ck_assert_int_eq(mp_commit(other, mark), -1);
    pools_expect_report(other, MP_EVENT_MARK, NULL, NULL, EINVAL);
    ck_assert_int_eq(mp_handle_commit(handle, mark), -1);
    pools_expect_report(mp, MP_EVENT_MARK, NULL, NULL, EINVAL);
    ck_assert_uint_eq(threads_run(1, commit_of_another, work, 0), 0);
    SUPPORT_REFUSED(mp_commit(mp, (mp_mark_t){0}), -1);
    ck_assert_int_eq(mp_commit(mp, mark), 0);
    SUPPORT_REFUSED(mp_commit(mp, mark), -1);
    SUPPORT_REFUSED(mp_rewind(mp, mark), -1);
    mark = mp_mark(mp);
    mp_reset(mp);
    SUPPORT_REFUSED(mp_commit(mp, mark), -1);
    ck_assert(!mp_owns(mp, object));
    mp_destroy(mp);
    mp_destroy(other);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("commit");
    TCase *kinds = support_case(suite, "kinds");
    TCase *single = support_case(suite, "single");

    tcase_add_loop_test(kinds, the_objects_are_the_pools_from_then_on, 0,
                        pools_count);
    tcase_add_loop_test(kinds, the_next_older_mark_has_them_and_no_other, 0,
                        pools_count);
    tcase_add_loop_test(kinds, of_two_marks_the_smaller_one_moves, 0,
                        pools_count);
    tcase_add_loop_test(kinds, cleanups_go_where_the_objects_go, 0,
                        pools_count);
    tcase_add_loop_test(kinds, the_memory_comes_back_as_the_objects_go, 0,
                        pools_count);
    tcase_add_loop_test(single, limits_stay_exact, 0, 6);
    tcase_add_test(single, a_buffer_is_whole_again);
    tcase_add_loop_test(single, threads_commit_side_by_side, 0, 4);
    tcase_add_loop_test(single, what_is_no_mark_of_the_callers_is_refused, 0,
                        2);
    return support_run(suite);
}

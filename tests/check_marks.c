/* SPDX-License-Identifier: MIT
 *
 * check_marks.c - marks of threads among each other.
 *
 * Threads with marks open hand objects to each other and free what lies in
 * another's scope, and end with marks open.  What one thread alone does with
 * marks: check_scopes.c; with handles: check_handles.c.
 */
#include <errno.h>
#include <sched.h>
#include <stdlib.h>

#include "scopes.h"
#include "threads.h"

#define THREADS 8

/* An object on its way from the thread that made it to one that frees it. */
struct parcel {
    unsigned char *at;
    size_t size;
    uint32_t tag;
    atomic_uint *out; /* parcels of one sender that would go with a rewind */
};

#define PARCELS 256
static _Atomic(struct parcel *) parcels[PARCELS];
static memory_pool_t *parcels_pool;

static uintptr_t parcel_open(struct parcel *parcel)
{
    uintptr_t wrong = 0;

    if (parcel != NULL) {
        wrong = !support_holds(parcel->at, parcel->size, parcel->tag);
        errno = 0;
        free_memory(parcels_pool, parcel->at);
        wrong += errno != 0;
        if (parcel->out != NULL) {
            atomic_fetch_sub(parcel->out, 1);
        }
        free(parcel);
    }
    return wrong;
}

/* Makes an object and puts it in the table, or keeps it until the rewind. */
static uintptr_t parcel_send(uint64_t *random, atomic_uint *out, bool marked)
{
    size_t size = 1 + support_below(random, (size_t)16
                                                << support_below(random, 8));
    unsigned char *at = mp_allocate(parcels_pool, size);
    uint32_t tag = (uint32_t)support_random(random);

    if (at == NULL) {
        return 1;
    }
    support_fill(at, size, tag);
    if (marked && support_below(random, 3) == 0) {
        return 0; /* left to the rewind */
    }
    struct parcel *parcel = malloc(sizeof *parcel);
    if (parcel == NULL) {
        return 1;
    }
    *parcel = (struct parcel){at, size, tag, marked ? out : NULL};
    if (marked) {
        atomic_fetch_add(out, 1);
    }
    return parcel_open(atomic_exchange(
        &parcels[support_below(random, PARCELS)], parcel));
}

static void *send_and_open(void *argument)
{
    uint64_t random = (uintptr_t)argument;
    mp_mark_t marks[8];
    size_t depth = 0;
    uintptr_t wrong = 0;
    atomic_uint out = 0;

    for (unsigned n = support_times(3000, 20); n > 0; n--) {
        size_t choice = support_below(&random, 100);
        if (choice < 4 && depth < 8) {
            marks[depth] = mp_mark(parcels_pool);
            wrong += marks[depth++].number == 0;
        } else if (choice < 6 && depth > 0) {
            /* What is on its way must have come home before it goes. */
            while (atomic_load(&out) > 0) {
                for (unsigned i = 0; i < PARCELS; i++) {
                    wrong += parcel_open(atomic_exchange(&parcels[i], NULL));
                }
                sched_yield();
            }
            depth = choice == 4 ? depth - 1 : 0;
            wrong += mp_rewind(parcels_pool, marks[depth]) != 0;
        } else if (choice < 60) {
            wrong += parcel_send(&random, &out, depth > 0);
        } else {
            wrong += parcel_open(atomic_exchange(
                &parcels[support_below(&random, PARCELS)], NULL));
        }
        wrong += n % 4096 == 0 && mp_check(parcels_pool) != 0;
    }
    while (atomic_load(&out) > 0) {
        for (unsigned i = 0; i < PARCELS; i++) {
            wrong += parcel_open(atomic_exchange(&parcels[i], NULL));
        }
    }
    wrong += depth > 0 && mp_rewind(parcels_pool, marks[0]) != 0;
    return (void *)wrong;
}

START_TEST(threads_with_marks_exchange_objects)
{
    uint64_t seed = support_seed();
    mp_stats_t stats;

    parcels_pool = scopes_pool(_i);
    if (scopes_is_shared(_i)) {
        size_t wrong = threads_run(THREADS, send_and_open,
                                   (void *)(uintptr_t)seed, 1);
        ck_assert_uint_eq(wrong, 0);
        for (unsigned i = 0; i < PARCELS; i++) {
            POOLS_EXPECT(parcel_open(atomic_exchange(&parcels[i], NULL)) ==
                         0);
        }
        ck_assert_int_eq(mp_stats(parcels_pool, &stats), 0);
        ck_assert_uint_eq(stats.live_objects, 0);
        ck_assert_uint_eq(stats.allocations, stats.frees);
    }
    scopes_pool_end(parcels_pool, _i);
}
END_TEST

/* Another thread frees what lies in a scope and allocates the like: its own
 * objects stay when the scope goes. */
#define LIKE 500
struct neighbour {
    memory_pool_t *mp;
    void *given[LIKE];
    unsigned char *own[LIKE];
    size_t size;
};

static void *free_and_take(void *argument)
{
    struct neighbour *neighbour = argument;

    for (unsigned i = 0; i < LIKE; i++) {
        free_memory(neighbour->mp, neighbour->given[i]);
    }
    for (unsigned i = 0; i < LIKE; i++) {
        neighbour->own[i] = mp_allocate(neighbour->mp, neighbour->size);
        POOLS_EXPECT(neighbour->own[i] != NULL);
        support_fill(neighbour->own[i], neighbour->size, i);
    }
    return NULL;
}

START_TEST(objects_of_another_thread_stay_when_a_mark_is_rewound)
{
    static const size_t sizes[] = {16, 100, 1024, 3000, 300000};
    struct neighbour neighbour = {.mp = scopes_pool(_i)};
    memory_pool_t *mp = neighbour.mp;
    mp_stats_t before, after;

    for (unsigned k = 0; k < 5 && scopes_is_shared(_i);
         k++) {
        unsigned like = sizes[k] > 100000 ? 3 : LIKE;
        mp_mark_t mark = mp_mark(mp);
        void *left = mp_allocate(mp, sizes[k]);
        ck_assert(mark.number != 0 && left != NULL);
        for (unsigned i = 0; i < LIKE; i++) {
            neighbour.given[i] = mp_allocate(mp, i < like ? sizes[k] : 8);
            POOLS_EXPECT(neighbour.given[i] != NULL);
        }
        neighbour.size = like == LIKE ? sizes[k] : 8;
        ck_assert_int_eq(mp_stats(mp, &before), 0);
        support_join(support_start(free_and_take, &neighbour));
        ck_assert_int_eq(mp_check(mp), 0);
        ck_assert_int_eq(mp_rewind(mp, mark), 0);
        ck_assert_int_eq(mp_check(mp), 0);
        ck_assert_int_eq(mp_stats(mp, &after), 0);
        /* Each was counted once. */
        ck_assert_uint_eq(after.frees - before.frees, LIKE + 1);
        ck_assert_uint_eq(after.allocations - before.allocations, LIKE);
        ck_assert_uint_eq(after.live_objects, LIKE);
        for (unsigned i = 0; i < LIKE; i++) {
            POOLS_EXPECT(mp_locate(mp, neighbour.own[i]) == MP_LIVE);
            POOLS_EXPECT(support_holds(neighbour.own[i], neighbour.size, i));
            free_memory(mp, neighbour.own[i]);
        }
    }
    scopes_pool_end(mp, _i);
}
END_TEST

/* A thread ends with marks open: what it allocated stays. */
struct leaver {
    memory_pool_t *mp;
    unsigned char *objects[20];
    mp_mark_t mark;
};

static void *leave(void *argument)
{
    struct leaver *leaver = argument;

    for (unsigned i = 0; i < 20; i++) {
        mp_mark_t mark = i % 5 == 0 ? mp_mark(leaver->mp) : leaver->mark;
        POOLS_EXPECT(mark.number != 0);
        leaver->mark = mark;
        leaver->objects[i] = mp_allocate(leaver->mp, 1 + i * 100);
        POOLS_EXPECT(leaver->objects[i] != NULL);
        support_fill(leaver->objects[i], 1 + i * 100, i);
        free_memory(leaver->mp, mp_allocate(leaver->mp, 200));
    }
    return NULL;
}

static void *rewind_anothers(void *argument)
{
    struct leaver *leaver = argument;

    scopes_refused(leaver->mp, NULL, leaver->mark);
    return NULL;
}

START_TEST(a_thread_that_ends_with_marks_open_leaves_its_objects)
{
    struct leaver leaver = {.mp = scopes_pool(_i)};
    memory_pool_t *mp = leaver.mp;
    mp_stats_t stats;

    for (unsigned n = support_times(200, 30);
         n > 0 && scopes_is_shared(_i); n--) {
        support_join(support_start(leave, &leaver));
        POOLS_EXPECT(mp_check(mp) == 0);
        scopes_refused(mp, NULL, leaver.mark);
        support_join(support_start(rewind_anothers, &leaver));
        for (unsigned i = 0; i < 20; i++) {
            unsigned char *at = leaver.objects[i];
            POOLS_EXPECT(mp_locate(mp, at) == MP_LIVE);
            POOLS_EXPECT(support_holds(at, 1 + i * 100, i));
            free_memory(mp, at);
        }
        POOLS_EXPECT(mp_check(mp) == 0);
    }
    mp_trim(mp, 0);
    ck_assert_int_eq(mp_stats(mp, &stats), 0);
    ck_assert_uint_eq(stats.live_objects, 0);
    if (pools_kinds[_i].source != POOLS_BUFFER) {
        ck_assert_uint_lt(stats.backing_bytes, (size_t)4 << 20);
    }
    scopes_pool_end(mp, _i);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("marks");
    TCase *kinds = support_case(suite, "kinds");

    tcase_add_loop_test(kinds, threads_with_marks_exchange_objects, 0,
                        pools_count);
    tcase_add_loop_test(kinds,
                        objects_of_another_thread_stay_when_a_mark_is_rewound,
                        0, pools_count);
    tcase_add_loop_test(kinds,
                        a_thread_that_ends_with_marks_open_leaves_its_objects,
                        0, pools_count);
    return support_run(suite);
}

/* SPDX-License-Identifier: MIT
 *
 * check_owners.c - whose an address is, in memory that other pools had before,
 * and outside of the range.
 *
 * What it cannot do: tell where the library puts a long object.  So each test
 * uses so much memory that some of it was another pool's.
 */
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "inject.h"
#include "pools.h"

#define MIB ((size_t)1 << 20)

/* Each address in a long object is the pool's, whoever had the memory before,
 * and none but the first is an object of any pool. */
static void expect_interior(memory_pool_t *mp, memory_pool_t *other,
                            char *object, size_t size)
{
    for (size_t i = 16; i < size; i += 2048 + 16) {
        POOLS_EXPECT(mp_owner(object + i) == mp);
        POOLS_EXPECT(!is_mp_ptr(mp, object + i));
        POOLS_EXPECT(!is_mp_ptr(other, object + i));
        free_memory(other, object + i);
        free_memory(mp, object + i);
    }
    POOLS_EXPECT(mp_owner(object) == mp && is_mp_ptr(mp, object));
}

/* What a shrunk object leaves is cut into short ones, which caches take, but
 * none of another pool that had the memory before. */
static void use_the_rest(memory_pool_t *mp, memory_pool_t *other)
{
    static void *rest[20000];

    for (size_t i = 0; i < 20000; i++) {
        rest[i] = mp_allocate(mp, 16 + i % 100);
        POOLS_EXPECT(rest[i] != NULL && mp_owner(rest[i]) == mp);
    }
    free_memory(other, mp_allocate(other, 16)); /* its cache is at hand */
    for (size_t i = 0; i < 20000; i += 7) {
        free_memory(other, rest[i]);
    }
    for (size_t i = 0; i < 20000; i++) {
        POOLS_EXPECT(is_mp_ptr(mp, rest[i]));
        free_memory(mp, rest[i]);
    }
    ck_assert_int_eq(mp_check(mp), 0);
    ck_assert_int_eq(mp_check(other), 0);
}

static void no_report(memory_pool_t *mp, mp_event_t event, const char *line,
                      const void *ptr, void *context)
{
    (void)mp;
    (void)event;
    (void)line;
    (void)ptr;
    (void)context;
}

START_TEST(a_long_object_in_memory_of_another_pool_is_its_own_pool_s)
{
    mp_options_t options = {.report = no_report};
    memory_pool_t *other = mp_create(&options);
    memory_pool_t *mp = mp_create(&options);

    ck_assert(other != NULL && mp != NULL);
    for (size_t i = 0; i < 100; i++) {
        ck_assert_ptr_nonnull(mp_allocate(other, 200000));
    }
    free_all_memory(other);
    (void)mp_trim(other, 0);
    char *object = mp_allocate(mp, MIB);
    char *second = mp_aligned_alloc(mp, 65536, MIB);
    ck_assert(object != NULL && second != NULL);
    expect_interior(mp, other, object, MIB);
    expect_interior(mp, other, second, MIB);
    object = mp_realloc(mp, object, 5 * MIB);
    ck_assert_ptr_nonnull(object);
    expect_interior(mp, other, object, 5 * MIB);
    object = mp_realloc(mp, object, 70000);
    use_the_rest(mp, other);
    expect_interior(mp, other, object, 70000);
    mp_mark_t mark = mp_mark(mp);
    char *third = mp_allocate(mp, MIB);
    ck_assert_ptr_nonnull(third);
    expect_interior(mp, other, third, MIB);
    third = mp_realloc(mp, third, 30000);
    use_the_rest(mp, other);
    ck_assert_int_eq(mp_rewind(mp, mark), 0);
    use_the_rest(mp, other);
    destroy_memory_pool(mp);
    destroy_memory_pool(other);
}
END_TEST

#define GONE 100u

/* The pools' own slots become part of long objects, while the memory that they
 * had elsewhere is still free under their names.  What the objects hold would be
 * taken for the parts of a pool that is in use. */
START_TEST(a_name_of_a_pool_that_is_gone_leads_nowhere)
{
    memory_pool_t *gone[GONE];
    char *old[GONE];
    memory_pool_t *mp = mp_create(NULL);

    for (size_t i = 0; i < GONE; i++) {
        gone[i] = mp_create(NULL);
        old[i] = mp_allocate(gone[i], 250000);
        ck_assert_ptr_nonnull(old[i]);
    }
    for (size_t i = 0; i < GONE; i++) {
        destroy_memory_pool(gone[i]);
    }
    for (size_t n = 0; n < GONE / 2; n++) {
        uint64_t *object = mp_allocate(mp, 300000);
        ck_assert_ptr_nonnull(object);
        for (size_t i = 0; i < 300000 / sizeof *object; i++) {
            object[i] = UINT64_C(0xffff) << 48;
        }
        for (size_t i = 0; i < GONE; i++) {
            memory_pool_t *owner = mp_owner(old[i] + 1000);
            POOLS_EXPECT(owner == NULL || owner == mp);
        }
    }
    destroy_memory_pool(mp);
}
END_TEST

#define BUFFER ((size_t)16384)

/* For threads, too, and for a child that was made beside them: each ck_assert()
 * takes a lock of Check's. */
static memory_pool_t *pool_in(void *buffer, size_t size)
{
    mp_backing_t backing = mp_backing_buffer(buffer, size);
    mp_options_t options = {.backing = &backing, .report = no_report};
    memory_pool_t *mp = mp_create(&options);

    POOLS_EXPECT(mp != NULL);
    return mp;
}

#define MANY 1000u

/* They come and go in another order than that of their addresses. */
START_TEST(each_of_many_pools_outside_of_the_range_is_found)
{
    static struct {
        char *buffer;
        memory_pool_t *mp;
        char *object;
    } many[MANY];

    for (size_t n = 0; n < 2 * MANY; n++) {
        size_t i = n * 383 % MANY;
        if (many[i].mp != NULL) {
            mp_destroy(many[i].mp);
            many[i].mp = NULL;
        } else {
            /* Some have memory of malloc(), in several blocks. */
            mp_options_t options = {.backing = &mp_backing_malloc};
            many[i].buffer = i % 2 == 0 ? malloc(BUFFER) : NULL;
            many[i].mp = i % 2 == 0 ? pool_in(many[i].buffer, BUFFER)
                                    : mp_create(&options);
            for (size_t k = 0; k < 10; k++) {
                many[i].object = mp_allocate(many[i].mp, 900);
            }
            ck_assert_ptr_nonnull(many[i].object);
        }
        if (n % 100 != 99) {
            continue;
        }
        for (size_t k = 0; k < MANY; k++) {
            char *object = many[k].object;
            if (many[k].mp != NULL) {
                POOLS_EXPECT(mp_owner(object) == many[k].mp);
                POOLS_EXPECT(mp_owner(object + 899) == many[k].mp);
                POOLS_EXPECT(mp_check(many[k].mp) == 0);
            } else if (object != NULL && k % 2 == 0) {
                POOLS_EXPECT(mp_owner(object) == NULL);
            }
            if (many[k].buffer != NULL) {
                POOLS_EXPECT(mp_owner(many[k].buffer) == NULL);
            }
        }
    }
    for (size_t k = 0; k < MANY; k++) {
        ck_assert_ptr_null(many[k].mp);
        free(many[k].buffer);
    }
}
END_TEST

static char *closed; /* the pools' buffers, one after the other */
static volatile sig_atomic_t touched;

/* A buffer is opened as it is touched. */
static void open_touched(int signal, siginfo_t *info, void *context)
{
    size_t at = (size_t)((char *)info->si_addr - closed);

    (void)signal;
    (void)context;
    if (at >= MANY * BUFFER ||
        mprotect(closed + at / BUFFER * BUFFER, BUFFER,
                 PROT_READ | PROT_WRITE) != 0) {
        _exit(1);
    }
    touched++;
}

/* The buffers have no access rights, and each that is touched counts. */
START_TEST(an_owner_is_found_with_a_look_at_few_pools)
{
    static memory_pool_t *pools[MANY];
    struct sigaction action = {.sa_flags = SA_SIGINFO};
    struct sigaction before;
    size_t objects[MANY];

    closed = mmap(NULL, MANY * BUFFER, PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ck_assert(closed != MAP_FAILED);
    for (size_t i = 0; i < MANY; i++) {
        pools[i] = pool_in(closed + i * BUFFER, BUFFER);
        objects[i] = (size_t)mp_allocate(pools[i], 100);
    }
    action.sa_sigaction = open_touched;
    ck_assert_int_eq(sigaction(SIGSEGV, &action, &before), 0);
    for (size_t n = 0; n < 20; n++) {
        size_t i = n * 383 % MANY;
        ck_assert_int_eq(mprotect(closed, MANY * BUFFER, PROT_NONE), 0);
        touched = 0;
        memory_pool_t *owner = mp_owner((void *)objects[i]);
        int looks = touched;
        ck_assert_ptr_eq(owner, pools[i]);
        ck_assert_int_lt(looks, 60); /* twice as deep as it gets */
        touched = 0;
        owner = mp_owner(closed + i * BUFFER);
        looks = touched;
        ck_assert_ptr_null(owner);
        ck_assert_int_lt(looks, 60);
    }
    ck_assert_int_eq(sigaction(SIGSEGV, &before, NULL), 0);
    ck_assert_int_eq(mprotect(closed, MANY * BUFFER, PROT_READ | PROT_WRITE),
                     0);
    for (size_t i = 0; i < MANY; i++) {
        mp_destroy(pools[i]);
    }
    ck_assert_int_eq(munmap(closed, MANY * BUFFER), 0);
}
END_TEST

/* The pool where an object of a pool is that ended there.  Under a tool that
 * checks, each object has memory of malloc(). */
static memory_pool_t *around(memory_pool_t *mp, const char *buffer,
                             size_t size, const char *at)
{
    return (uintptr_t)at - (uintptr_t)buffer < size ? mp : NULL;
}

/* Two pools within an object of a third, and one within an object of theirs. */
static void expect_innermost(memory_pool_t *outer)
{
    size_t size = 20 * BUFFER;
    char *object = mp_allocate(outer, size);
    char *first = object + BUFFER + 8;
    char *second = object + 10 * BUFFER;

    ck_assert_ptr_nonnull(object);
    memory_pool_t *inner = pool_in(first, 4 * BUFFER);
    memory_pool_t *other = pool_in(second, 4 * BUFFER);
    char *held = mp_allocate(inner, 2 * BUFFER);
    char *short_one = mp_allocate(other, 100);
    ck_assert(held != NULL && short_one != NULL);
    memory_pool_t *innermost = pool_in(held, 2 * BUFFER);
    char *at = mp_allocate(innermost, 100);
    ck_assert_ptr_nonnull(at);
    ck_assert(mp_owner(at) == innermost && mp_owner(at + 99) == innermost);
    ck_assert(mp_owner(held) == inner && mp_owner(short_one) == other);
    ck_assert(mp_owner(object) == outer && mp_owner(first) == outer);
    ck_assert_ptr_eq(mp_owner(second - 1), outer);
    ck_assert_ptr_eq(mp_owner(second + 4 * BUFFER), outer);
    ck_assert_ptr_eq(mp_owner(object + size - 1), outer);
    /* What a program does with an object that it knows nothing of. */
    mp_free(mp_owner(at), at);
    bool known = mp_locate(innermost, at) == MP_FREED;
    ck_assert_ptr_eq(mp_owner(at), known ? innermost : NULL);
    mp_destroy(innermost);
    ck_assert_ptr_eq(mp_owner(at), around(inner, held, 2 * BUFFER, at));
    mp_destroy(inner);
    ck_assert_ptr_eq(mp_owner(at), around(outer, object, size, at));
    ck_assert_ptr_eq(mp_owner(held), around(outer, object, size, held));
    ck_assert_ptr_eq(mp_owner(short_one), other);
    mp_destroy(other);
    ck_assert_ptr_eq(mp_owner(short_one),
                     around(outer, object, size, short_one));
    mp_free(mp_owner(object), object);
    ck_assert_int_eq(mp_check(outer), 0);
}

START_TEST(an_address_belongs_to_the_innermost_pool)
{
    static char buffer[30 * 16384];
    mp_options_t backed = {.backing = &mp_backing_malloc};
    memory_pool_t *outer[] = {mp_create(NULL), mp_create(&backed),
                              pool_in(buffer, sizeof buffer)};

    for (size_t i = 0; i < 3; i++) {
        expect_innermost(outer[i]);
        mp_mark_t mark = mp_mark(outer[i]);
        expect_innermost(outer[i]);
        char *kept = mp_allocate(outer[i], BUFFER);
        memory_pool_t *inner = pool_in(kept, BUFFER);
        char *at = mp_allocate(inner, 100);
        ck_assert(at != NULL && mp_owner(at) == inner);
        /* The mark's blocks come into another heap, and what is in them
         * stays. */
        ck_assert_int_eq(mp_commit(outer[i], mark), 0);
        ck_assert(mp_owner(at) == inner && mp_owner(kept) == outer[i]);
        mp_destroy(inner);
        ck_assert_ptr_eq(mp_owner(at), around(outer[i], kept, BUFFER, at));
        ck_assert_int_eq(mp_check(outer[i]), 0);
        mp_destroy(outer[i]);
    }
}
END_TEST

static bool stop; /* atomic */

/* Makes and ends pools outside of the range, and finds what is in them. */
static void *find_own(void *argument)
{
    char *buffer = malloc(BUFFER);

    (void)argument;
    POOLS_EXPECT(buffer != NULL);
    while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
        mp_options_t options = {.backing = &mp_backing_malloc};
        memory_pool_t *in = pool_in(buffer, BUFFER);
        memory_pool_t *mp = mp_create(&options);
        void *object = mp_allocate(in, 100);
        POOLS_EXPECT(object != NULL && mp_owner(object) == in);
        for (size_t i = 0; i < 20; i++) {
            object = mp_allocate(mp, 500);
            POOLS_EXPECT(object != NULL && mp_owner(object) == mp);
        }
        mp_destroy(mp);
        mp_destroy(in);
        POOLS_EXPECT(mp_owner(buffer) == NULL);
    }
    free(buffer);
    return NULL;
}

/* In the child a thread that it lacks may have been anywhere. */
static void find_in_child(const void *object, memory_pool_t *mp)
{
    pid_t child = fork();

    if (child == 0) {
        alarm(60);
        inject_forked();
        static char buffer[16384];
        memory_pool_t *in = pool_in(buffer, sizeof buffer);
        void *at = mp_allocate(in, 100);
        bool right = mp_owner(object) == mp && mp_owner(at) == in &&
                     mp_owner(buffer) == NULL && mp_check(mp) == 0;
        mp_destroy(in);
        _exit(right && mp_owner(at) == NULL ? 0 : 1);
    }
    int status;
    ck_assert_int_ne(child, -1);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

START_TEST(owners_are_found_beside_threads_that_make_pools_and_in_a_child)
{
    pthread_t threads[3];
    mp_options_t options = {.backing = &mp_backing_malloc};
    memory_pool_t *mp = mp_create(&options);
    void *object = mp_allocate(mp, 100);

    ck_assert_ptr_nonnull(object);
    __atomic_store_n(&stop, false, __ATOMIC_RELAXED);
    for (size_t i = 0; i < 3; i++) {
        ck_assert_int_eq(pthread_create(&threads[i], NULL, find_own, NULL), 0);
    }
    for (size_t i = 0; i < support_times(100, 20); i++) {
        find_in_child(object, mp);
        ck_assert_ptr_eq(mp_owner(object), mp);
    }
    __atomic_store_n(&stop, true, __ATOMIC_RELAXED);
    for (size_t i = 0; i < 3; i++) {
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
    }
    mp_destroy(mp);
    ck_assert_ptr_null(mp_owner(object));
}
END_TEST

/* Objects of tracked pools have memory of malloc(), each for itself. */
START_TEST(an_object_of_a_tracked_pool_is_found)
{
    mp_options_t options = {.flags = MP_POISON | MP_QUARANTINE,
                            .report = no_report};
    memory_pool_t *pools[] = {mp_create(&options), mp_create(&options)};
    char *objects[2];

    for (size_t i = 0; i < 2; i++) {
        objects[i] = mp_allocate(pools[i], 100);
        ck_assert_ptr_nonnull(objects[i]);
    }
    for (size_t i = 0; i < 2; i++) {
        ck_assert_ptr_eq(mp_owner(objects[i] + 99), pools[i]);
        ck_assert_ptr_null(mp_owner(objects[i] + 100));
        ck_assert_int_eq(mp_expand(pools[i], objects[i], 60), 0);
        ck_assert_ptr_eq(mp_owner(objects[i] + 59), pools[i]);
        ck_assert_ptr_null(mp_owner(objects[i] + 60));
        mp_free(pools[i], objects[i]);
        /* It is kept, but where a tool keeps it. */
        bool known = mp_locate(pools[i], objects[i]) == MP_FREED;
        ck_assert_ptr_eq(mp_owner(objects[i]), known ? pools[i] : NULL);
        char *more = mp_allocate(pools[i], 100);
        memory_pool_t *inner = pool_in(mp_allocate(pools[i], BUFFER), BUFFER);
        char *at = mp_allocate(inner, 50);
        ck_assert(mp_owner(at) == inner && mp_owner(more) == pools[i]);
        mp_destroy(inner);
        free_all_memory(pools[i]);
        (void)mp_trim(pools[i], 0);
        ck_assert(mp_owner(more) == NULL && mp_owner(objects[i]) == NULL);
        destroy_memory_pool(pools[i]);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("owners");
    TCase *owners = support_case(suite, "owners");

    tcase_add_test(owners,
                   a_long_object_in_memory_of_another_pool_is_its_own_pool_s);
    tcase_add_test(owners, a_name_of_a_pool_that_is_gone_leads_nowhere);
    tcase_add_test(owners, each_of_many_pools_outside_of_the_range_is_found);
    tcase_add_test(owners, an_owner_is_found_with_a_look_at_few_pools);
    tcase_add_test(owners, an_address_belongs_to_the_innermost_pool);
    tcase_add_test(
        owners,
        owners_are_found_beside_threads_that_make_pools_and_in_a_child);
    tcase_add_test(owners, an_object_of_a_tracked_pool_is_found);
    return support_run(suite);
}

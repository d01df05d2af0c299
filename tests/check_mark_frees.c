/* SPDX-License-Identifier: MIT
 *
 * check_mark_frees.c - objects are freed one by one while a mark is open.
 *
 * Such an object may be the newest mark's, an older one's or the pool's, and
 * any thread may free it.  On every kind of pool: what is freed is handed out again
 * only as long as it may be, each object keeps its bytes, and what the pool
 * says of itself is exact.  Bounds of the memory are in check_mixes.c.
 *
 * What it cannot do: tell whether a free took the pool's lock.  The unit tests
 * of caches look at the lists.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "pools.h"
#include "threads.h"

#define MANY 2000u
#define DEPTH 4u
#define SLOTS 300u
#define THREADS 4u

/* Sizes of every list: short ones, middle ones, long ones. */
static size_t pick(uint64_t *random)
{
    switch (support_below(random, 16)) {
    case 0:
        return 1 + support_below(random, 70000);
    case 1:
    case 2:
        return 1 + support_below(random, 8000);
    default:
        return 1 + support_below(random, 1024);
    }
}

static mp_stats_t stats_of(memory_pool_t *mp)
{
    ck_assert_int_eq(mp_check(mp), 0);
    return pools_stats(mp);
}

static mp_mark_t open_mark(memory_pool_t *mp)
{
    mp_mark_t mark = mp_mark(mp);

    ck_assert(!MP_MARK_FAILED(mark));
    return mark;
}

static void *take(memory_pool_t *mp, size_t size)
{
    void *object = mp_allocate(mp, size);

    POOLS_EXPECT(object != NULL);
    return object;
}

static const size_t sizes[] = {1, 16, 64, 200, 1000, 1024, 3000, 20000, 65536};
#define SIZES (sizeof sizes / sizeof sizes[0])

START_TEST(what_is_freed_in_a_mark_is_handed_out_again)
{
    static void *objects[MANY];
    memory_pool_t *mp = pools_make(_i);
    mp_mark_t mark = open_mark(mp);

    for (size_t s = 0; s < SIZES; s++) {
        size_t n = MANY / (1 + sizes[s] / 64);
        size_t bytes = 0;
        for (unsigned round = 0; round < 4; round++) {
            for (size_t i = 0; i < n; i++) {
                objects[i] = take(mp, sizes[s]);
                support_fill(objects[i], sizes[s], (uint32_t)i);
            }
            for (size_t i = 0; i < n; i++) {
                POOLS_EXPECT(support_holds(objects[i], sizes[s], (uint32_t)i));
                mp_free(mp, objects[i]);
            }
            mp_stats_t stats = stats_of(mp);
            ck_assert_uint_eq(stats.live_bytes, 0);
            bytes = bytes == 0 ? stats.backing_bytes : bytes;
            if (!pools_tracked(_i)) {
                ck_assert_uint_le(stats.backing_bytes, bytes + (1 << 20));
            }
        }
    }
    ck_assert_int_eq(mp_rewind(mp, mark), 0);
    pools_end(mp, _i);
}
END_TEST

static bool is_one_of(const void *object, void *const *objects, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (objects[i] == object) {
            return true;
        }
    }
    return false;
}

/* Of what, freed where a mark is open, is the pool's or an outer mark's,
 * nothing is handed out there: it would go with that mark.  Where all of a
 * block becomes free, or a buffer lends what does, the memory comes rightly. */
START_TEST(what_is_not_the_newest_marks_is_not_handed_out_before_its_end)
{
    static const unsigned orders[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
                                          {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    memory_pool_t *mp = pools_make(_i);

    for (size_t s = 0; s < SIZES; s++) {
        bool stays = pools_kinds[_i].source == POOLS_DEFAULT &&
                     pools_kinds[_i].options.threads == MP_THREADS_CACHED &&
                     !pools_tracked(_i) && sizes[s] <= 1024;
        for (unsigned order = 0; order < 6; order++) {
            void *objects[3][8];
            mp_mark_t marks[3] = {{0}, {0}, {0}};
            for (unsigned depth = 0; depth < 3; depth++) {
                if (depth > 0) {
                    marks[depth] = open_mark(mp);
                }
                for (size_t i = 0; i < 8; i++) {
                    objects[depth][i] = take(mp, sizes[s]);
                }
            }
            /* So that lists of the inner mark, and their windows, are there. */
            mp_free(mp, take(mp, sizes[s]));
            for (unsigned k = 0; k < 3; k++) {
                for (size_t i = 0; i < 7; i++) {
                    void *object = objects[orders[order][k]][i];
                    mp_free(mp, object);
                    POOLS_EXPECT(!mp_owns(mp, object));
                    POOLS_EXPECT(mp_usable_size(mp, object) == 0);
                }
            }
            for (size_t i = 0; stays && i < 30; i++) {
                void *object = take(mp, sizes[s]);
                POOLS_EXPECT(!is_one_of(object, objects[0], 8));
                POOLS_EXPECT(!is_one_of(object, objects[1], 8));
            }
            ck_assert_int_eq(mp_check(mp), 0);
            ck_assert_int_eq(mp_rewind(mp, marks[2]), 0);
            POOLS_EXPECT(!mp_owns(mp, objects[2][7]));
            for (size_t i = 0; stays && i < 30; i++) {
                POOLS_EXPECT(!is_one_of(take(mp, sizes[s]), objects[0], 8));
            }
            POOLS_EXPECT(mp_owns(mp, objects[1][7]));
            ck_assert_int_eq(mp_rewind(mp, marks[1]), 0);
            POOLS_EXPECT(mp_owns(mp, objects[0][7]));
            mp_free(mp, objects[0][7]);
            ck_assert_uint_eq(stats_of(mp).live_bytes, 0);
        }
    }
    pools_end(mp, _i);
}
END_TEST

START_TEST(what_was_freed_in_a_mark_is_reported_when_it_is_freed_again)
{
    memory_pool_t *mp = pools_make_told(
        &(mp_options_t){.capacity = _i == 1 ? POOLS_CAPACITY : 0,
                        .report = pools_report});

    for (size_t s = 0; s < SIZES; s++) {
        mp_mark_t mark = open_mark(mp);
        mp_free(mp, take(mp, sizes[s]));
        void *kept = take(mp, sizes[s]);
        void *object = take(mp, sizes[s]);
        mp_free(mp, object);
        pools_forget_reports();
        mp_free(mp, object);
        pools_expect_report(mp, MP_EVENT_NOT_IN_POOL, NULL, object, EINVAL);
        ck_assert_int_eq(mp_rewind(mp, mark), 0);
        mp_free(mp, object);
        pools_expect_report(mp, MP_EVENT_NOT_IN_POOL, NULL, object, EINVAL);
        mp_free(mp, kept);
        pools_expect_report(mp, MP_EVENT_NOT_IN_POOL, NULL, kept, EINVAL);
        ck_assert_int_eq(mp_check(mp), 0);
    }
    mp_destroy(mp);
}
END_TEST

/* Fills every list of the newest mark. */
static void fill_lists(memory_pool_t *mp, uint64_t *random)
{
    static void *objects[SLOTS];

    for (unsigned i = 0; i < SLOTS; i++) {
        objects[i] = take(mp, pick(random));
    }
    for (unsigned i = 0; i < SLOTS; i++) {
        mp_free(mp, objects[i]);
    }
}

START_TEST(a_commit_takes_what_lists_have_along)
{
    memory_pool_t *mp = pools_make(_i);
    uint64_t random = support_seed();

    for (unsigned round = 0; round < 20; round++) {
        mp_mark_t outer = open_mark(mp);
        fill_lists(mp, &random);
        unsigned char *kept[2] = {take(mp, 100), NULL};
        support_fill(kept[0], 100, 1);
        mp_mark_t inner = open_mark(mp);
        fill_lists(mp, &random);
        kept[1] = take(mp, 2000);
        support_fill(kept[1], 2000, 2);
        ck_assert_int_eq(mp_commit(mp, inner), 0);
        ck_assert_int_eq(mp_check(mp), 0);
        fill_lists(mp, &random);
        mp_free(mp, take(mp, 2000));
        ck_assert_int_eq(mp_commit(mp, round % 2 == 0 ? outer : inner),
                         round % 2 == 0 ? 0 : -1);
        if (round % 2 != 0) {
            ck_assert_int_eq(mp_commit(mp, outer), 0);
        }
        fill_lists(mp, &random);
        ck_assert(support_holds(kept[0], 100, 1));
        ck_assert(support_holds(kept[1], 2000, 2));
        mp_free(mp, kept[0]);
        mp_free(mp, kept[1]);
        ck_assert_uint_eq(stats_of(mp).live_bytes, 0);
    }
    pools_end(mp, _i);
}
END_TEST

START_TEST(a_trim_in_a_mark_gives_back_what_was_freed)
{
    static void *objects[MANY];
    memory_pool_t *mp = pools_make(_i);
    mp_mark_t mark = open_mark(mp);

    for (unsigned i = 0; i < MANY; i++) {
        objects[i] = take(mp, 1000);
    }
    for (unsigned i = 0; i < MANY; i++) {
        mp_free(mp, objects[i]);
    }
    (void)mp_trim(mp, 0);
    mp_stats_t stats = stats_of(mp);
    ck_assert_uint_eq(stats.live_bytes, 0);
    ck_assert_uint_eq(stats.cached_bytes, 0);
    ck_assert_int_eq(mp_rewind(mp, mark), 0);
    pools_end(mp, _i);
}
END_TEST

/* Bytes of an object that is freed are 0 when it comes again, but for the link
 * at its start. */
START_TEST(what_is_freed_in_a_mark_is_zeroed)
{
    memory_pool_t *mp =
        pools_make_with(&(mp_options_t){.flags = MP_ZERO_ON_FREE});

    mp_mark_t mark = open_mark(mp);
    for (size_t s = 1; s < SIZES; s++) {
        for (unsigned round = 0; round < 3; round++) {
            unsigned char *object = take(mp, sizes[s]);
            for (size_t i = 16; round > 0 && i < sizes[s]; i++) {
                POOLS_EXPECT(object[i] == 0);
            }
            memset(object, 0xff, sizes[s]);
            mp_free(mp, object);
        }
    }
    ck_assert_int_eq(mp_rewind(mp, mark), 0);
    mp_destroy(mp);
}
END_TEST

START_TEST(a_capacity_is_exact_in_a_mark)
{
    mp_options_t options = {.capacity = 300000};

    for (unsigned buffer = 0; buffer < 2; buffer++) {
        static unsigned char memory[1 << 20];
        mp_backing_t backing = mp_backing_buffer(memory, sizeof memory);
        options.backing = buffer == 1 ? &backing : NULL;
        memory_pool_t *mp = pools_make_with(&options);
        uint64_t random = support_seed();
        for (unsigned round = 0; round < 5; round++) {
            mp_mark_t outer = open_mark(mp);
            void *held = take(mp, 777);
            mp_mark_t inner = open_mark(mp);
            for (unsigned i = 0; i < 200; i++) {
                mp_free(mp, take(mp, 1 + support_below(&random, 1000)));
            }
            size_t all = pools_take_all(mp, true);
            ck_assert_uint_eq(all, options.capacity - 777);
            ck_assert_uint_eq(stats_of(mp).live_bytes, options.capacity);
            ck_assert_int_eq(mp_rewind(mp, inner), 0);
            ck_assert_uint_eq(stats_of(mp).live_bytes, 777);
            mp_free(mp, held);
            ck_assert_int_eq(mp_rewind(mp, outer), 0);
            ck_assert_uint_eq(stats_of(mp).live_bytes, 0);
        }
        mp_destroy(mp);
    }
}
END_TEST

/* A model of one user's objects: each lies in the pool or in one of the user's
 * marks. */
struct slot {
    unsigned char *object;
    size_t size;
    unsigned depth;
    uint32_t tag;
};

struct user {
    memory_pool_t *mp;
    mp_handle_t *handle; /* NULL: the calling thread */
    uint64_t random;
    unsigned depth;
    mp_mark_t marks[DEPTH + 1];
    struct slot slots[SLOTS];
    uint32_t tags;
    size_t wrong;
};

static void user_free(struct user *user, struct slot *slot)
{
    user->wrong += !support_holds(slot->object, slot->size, slot->tag);
    if (user->handle != NULL) {
        mp_handle_free(user->handle, slot->object);
    } else {
        mp_free(user->mp, slot->object);
    }
    slot->object = NULL;
}

static void user_replace(struct user *user)
{
    struct slot *slot = &user->slots[support_below(&user->random, SLOTS)];

    if (slot->object != NULL) {
        user_free(user, slot);
    }
    if (support_below(&user->random, 3) == 0) {
        return;
    }
    slot->size = pick(&user->random);
    slot->depth = user->depth;
    slot->tag = ++user->tags;
    slot->object = user->handle != NULL
                       ? mp_handle_allocate(user->handle, slot->size)
                       : mp_allocate(user->mp, slot->size);
    if (slot->object == NULL) {
        user->wrong++;
        return;
    }
    support_fill(slot->object, slot->size, slot->tag);
}

static void user_open(struct user *user)
{
    mp_mark_t mark = user->handle != NULL ? mp_handle_mark(user->handle)
                                          : mp_mark(user->mp);

    user->wrong += MP_MARK_FAILED(mark);
    user->marks[++user->depth] = mark;
}

/* Ends the marks down to a depth. */
static void user_close(struct user *user, unsigned depth, bool commit)
{
    mp_mark_t mark = user->marks[depth + 1];
    int result;

    for (unsigned i = 0; i < SLOTS; i++) {
        struct slot *slot = &user->slots[i];
        if (slot->object == NULL || slot->depth <= depth) {
            continue;
        }
        user->wrong += !support_holds(slot->object, slot->size, slot->tag);
        if (commit) {
            slot->depth = depth;
        } else {
            slot->object = NULL;
        }
    }
    if (user->handle != NULL) {
        result = commit ? mp_handle_commit(user->handle, mark)
                        : mp_handle_rewind(user->handle, mark);
    } else {
        result = commit ? mp_commit(user->mp, mark)
                        : mp_rewind(user->mp, mark);
    }
    user->wrong += result != 0;
    user->depth = depth;
}

static void user_step(struct user *user)
{
    unsigned what = (unsigned)support_below(&user->random, 200);

    if (what == 0 && user->depth < DEPTH) {
        user_open(user);
    } else if (what == 1 && user->depth > 0) {
        user_close(user, (unsigned)support_below(&user->random, user->depth),
                   support_below(&user->random, 2) == 0);
    } else {
        user_replace(user);
    }
}

static void user_end(struct user *user)
{
    if (user->depth > 0) {
        user_close(user, 0, true);
    }
    for (unsigned i = 0; i < SLOTS; i++) {
        if (user->slots[i].object != NULL) {
            user_free(user, &user->slots[i]);
        }
    }
}

static size_t user_live(const struct user *user)
{
    size_t live = 0;

    for (unsigned i = 0; i < SLOTS; i++) {
        live += user->slots[i].object != NULL;
    }
    return live;
}

static void user_start(struct user *user, memory_pool_t *mp)
{
    memset(user, 0, sizeof *user);
    user->mp = mp;
    user->random = support_seed();
}

START_TEST(objects_are_freed_in_any_order_in_any_depth)
{
    static struct user users[3];
    memory_pool_t *mp = pools_make(_i);
    unsigned steps = support_times(20000, 20);

    /* Two handles and a thread, so that marks of several users are between one
     * another. */
    for (unsigned u = 0; u < 3; u++) {
        user_start(&users[u], mp);
        users[u].random += u;
        if (u > 0) {
            users[u].handle = mp_attach(mp);
            ck_assert_ptr_nonnull(users[u].handle);
        }
    }
    for (unsigned i = 0; i < steps; i++) {
        user_step(&users[i % 3]);
        if (i % 997 == 0) {
            size_t live = user_live(&users[0]) + user_live(&users[1]) +
                          user_live(&users[2]);
            ck_assert_uint_eq(stats_of(mp).live_objects, live);
        }
        if (i % 4999 == 0) {
            (void)mp_trim(mp, 0);
        }
    }
    for (unsigned u = 0; u < 3; u++) {
        user_end(&users[u]);
        ck_assert_uint_eq(users[u].wrong, 0);
        mp_detach(users[u].handle);
    }
    ck_assert_uint_eq(stats_of(mp).live_objects, 0);
    pools_end(mp, _i);
}
END_TEST

/* What threads hand to one another. */
static struct {
    memory_pool_t *mp;
    void *_Atomic slots[64];
    atomic_bool ends;
} shared;

static void *work(void *argument)
{
    struct user *user = argument;
    unsigned steps = support_times(30000, 20);

    user_open(user);
    for (unsigned i = 0; i < steps; i++) {
        user_step(user);
        if (user->depth == 0) {
            user_open(user);
        }
        if (i % 8 != 0) {
            continue;
        }
        /* Another thread frees one of the outermost mark, which is committed at
         * last, and so does not go before. */
        struct slot *slot = &user->slots[support_below(&user->random, SLOTS)];
        void *given = NULL;
        if (slot->object != NULL && slot->depth == 0) {
            given = slot->object;
            slot->object = NULL;
        }
        given = atomic_exchange(
            &shared.slots[support_below(&user->random, 64)], given);
        if (given != NULL) {
            mp_free(user->mp, given);
        }
    }
    user_end(user);
    return (void *)user->wrong;
}

static void *look_on(void *unused)
{
    mp_stats_t stats;
    size_t wrong = 0;

    (void)unused;
    while (!atomic_load(&shared.ends)) {
        wrong += mp_check(shared.mp) != 0;
        wrong += mp_stats(shared.mp, &stats) != 0;
        (void)mp_trim(shared.mp, 0);
    }
    return (void *)wrong;
}

START_TEST(threads_free_in_their_marks_while_others_look_on)
{
    static struct user users[THREADS];
    struct threads looks;

    if (pools_kinds[_i].options.threads == MP_THREADS_NONE) {
        return;
    }
    shared.mp = pools_make(_i);
    for (unsigned i = 0; i < THREADS; i++) {
        user_start(&users[i], shared.mp);
        users[i].random += i;
    }
    threads_start(&looks, 1, look_on, NULL, 0);
    ck_assert_uint_eq(
        threads_run(THREADS, work, users, sizeof users[0]), 0);
    atomic_store(&shared.ends, true);
    ck_assert_uint_eq(threads_join(&looks), 0);
    for (unsigned i = 0; i < 64; i++) {
        mp_free(shared.mp, atomic_load(&shared.slots[i]));
    }
    ck_assert_uint_eq(stats_of(shared.mp).live_objects, 0);
    pools_end(shared.mp, _i);
}
END_TEST

/* Another thread frees these, and allocates as many of the pool. */
static void *change(void *argument)
{
    void **objects = argument;

    for (unsigned i = 0; i < SLOTS; i++) {
        mp_free(shared.mp, objects[i]);
    }
    for (unsigned i = 0; i < SLOTS; i++) {
        objects[i] = mp_allocate(shared.mp, 1000);
    }
    return NULL;
}

START_TEST(a_block_that_leaves_a_mark_is_shown_no_more)
{
    static void *objects[SLOTS];

    if (pools_kinds[_i].options.threads == MP_THREADS_NONE) {
        return;
    }
    shared.mp = pools_make(_i);
    mp_mark_t mark = open_mark(shared.mp);
    for (unsigned i = 0; i < SLOTS; i++) {
        objects[i] = take(shared.mp, 1000);
    }
    /* Each block is met. */
    for (unsigned i = 0; i < SLOTS; i++) {
        mp_free(shared.mp, objects[i]);
        objects[i] = take(shared.mp, 1000);
    }
    support_join(support_start(change, objects));
    for (unsigned i = 0; i < SLOTS; i++) {
        mp_free(shared.mp, objects[i]);
    }
    ck_assert_uint_eq(stats_of(shared.mp).live_objects, 0);
    ck_assert_int_eq(mp_rewind(shared.mp, mark), 0);
    ck_assert_int_eq(mp_check(shared.mp), 0);
    pools_end(shared.mp, _i);
}
END_TEST

static void *leave_open(void *argument)
{
    struct user *user = argument;

    user_open(user);
    for (unsigned i = 0; i < 2000; i++) {
        user_replace(user);
    }
    return NULL;
}

START_TEST(a_thread_that_ends_with_full_lists_leaves_its_objects)
{
    static struct user user;
    memory_pool_t *mp = pools_make(_i);

    if (pools_kinds[_i].options.threads != MP_THREADS_NONE) {
        user_start(&user, mp);
        support_join(support_start(leave_open, &user));
        ck_assert_uint_eq(stats_of(mp).live_objects, user_live(&user));
        for (unsigned i = 0; i < SLOTS; i++) {
            if (user.slots[i].object != NULL) {
                user_free(&user, &user.slots[i]);
            }
        }
        ck_assert_uint_eq(user.wrong, 0);
        ck_assert_uint_eq(stats_of(mp).live_objects, 0);
    }
    mp_reset(mp);
    ck_assert_int_eq(mp_check(mp), 0);
    pools_end(mp, _i);
}
END_TEST

static int in_the_child(void *argument)
{
    struct user *user = argument;

    for (unsigned i = 0; i < 2000; i++) {
        user_step(user);
    }
    user_end(user);
    return user->wrong == 0 && stats_of(user->mp).live_objects == 0 ? 0 : 1;
}

START_TEST(a_child_goes_on_in_the_mark)
{
    static struct user user;
    memory_pool_t *mp = pools_make(_i);

    user_start(&user, mp);
    leave_open(&user);
    support_fork(in_the_child, &user);
    user_end(&user);
    ck_assert_uint_eq(user.wrong, 0);
    pools_end(mp, _i);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("mark frees");
    TCase *one = support_case(suite, "one user");
    TCase *users = support_case(suite, "users");

    tcase_add_loop_test(one, what_is_freed_in_a_mark_is_handed_out_again, 0,
                        pools_count);
    tcase_add_loop_test(
        one, what_is_not_the_newest_marks_is_not_handed_out_before_its_end, 0,
        pools_count);
    tcase_add_loop_test(
        one, what_was_freed_in_a_mark_is_reported_when_it_is_freed_again, 0,
        2);
    tcase_add_loop_test(one, a_commit_takes_what_lists_have_along, 0,
                        pools_count);
    tcase_add_loop_test(one, a_trim_in_a_mark_gives_back_what_was_freed, 0,
                        pools_count);
    tcase_add_test(one, what_is_freed_in_a_mark_is_zeroed);
    tcase_add_test(one, a_capacity_is_exact_in_a_mark);
    tcase_add_loop_test(users, objects_are_freed_in_any_order_in_any_depth, 0,
                        pools_count);
    tcase_add_loop_test(users,
                        threads_free_in_their_marks_while_others_look_on, 0,
                        pools_count);
    tcase_add_loop_test(users, a_block_that_leaves_a_mark_is_shown_no_more, 0,
                        pools_count);
    tcase_add_loop_test(users,
                        a_thread_that_ends_with_full_lists_leaves_its_objects,
                        0, pools_count);
    tcase_add_loop_test(users, a_child_goes_on_in_the_mark, 0, pools_count);
    return support_run(suite);
}

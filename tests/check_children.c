/* SPDX-License-Identifier: MIT
 *
 * check_children.c - pools below pools: what they hold, and who counts it.
 *
 * Random work on random trees beside a model that knows the rule: an object
 * counts in its pool and in every pool above, and fits exactly where all of
 * those that have a capacity have room for it.  And threads, which fill a
 * capacity to the byte, and make and destroy pools below one; depth; forks.
 * The order in which cleanups are called is in the model too.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "pools.h"
#include "threads.h"

#define NODES 16
#define OBJECTS 60
#define CLEANUPS 12
#define CALLED 1024

struct node {
    memory_pool_t *mp; /* NULL: none here */
    int parent;        /* -1: none */
    size_t capacity;   /* SIZE_MAX: none */
    size_t held;       /* bytes of its own objects */
    uint64_t birth;
    unsigned objects;
    unsigned cleanups;
    void *at[OBJECTS];
    size_t sizes[OBJECTS];
    uintptr_t ids[CLEANUPS];
};

static struct {
    struct node nodes[NODES];
    uint64_t births;
    uint64_t random;
    uintptr_t next_id;
    uintptr_t called[CALLED];
    size_t called_count;
    uintptr_t expected[CALLED];
    size_t expected_count;
} model;

static void note(void *arg)
{
    POOLS_EXPECT(model.called_count < CALLED);
    model.called[model.called_count++] = (uintptr_t)arg;
}

/* Below it, or the node itself. */
static bool is_below(int i, int above)
{
    while (i >= 0 && i != above) {
        i = model.nodes[i].parent;
    }
    return i >= 0;
}

static size_t total(int above)
{
    size_t bytes = 0;

    for (int i = 0; i < NODES; i++) {
        if (model.nodes[i].mp != NULL && is_below(i, above)) {
            bytes += model.nodes[i].held;
        }
    }
    return bytes;
}

/* Bytes that still fit into a pool. */
static size_t room(int i)
{
    size_t least = SIZE_MAX;

    for (; i >= 0; i = model.nodes[i].parent) {
        const struct node *node = &model.nodes[i];
        size_t here = node->capacity == SIZE_MAX ? SIZE_MAX
                                                 : node->capacity - total(i);
        least = here < least ? here : least;
    }
    return least;
}

static bool is_counted(int i)
{
    return room(i) != SIZE_MAX;
}

static void model_make(int i, int parent)
{
    struct node *node = &model.nodes[i];
    mp_options_t options = {0};

    memset(node, 0, sizeof *node);
    options.threads = (mp_threads_t)support_below(&model.random, 3);
    if (support_below(&model.random, 3) > 0) {
        options.capacity = 500 + support_below(&model.random, 20000);
    }
    if (support_below(&model.random, 4) == 0) {
        options.flags = MP_ZERO_ON_FREE;
    }
    if (support_below(&model.random, 6) == 0) {
        options.backing = &mp_backing_mmap;
    }
    options.parent = parent < 0 ? NULL : model.nodes[parent].mp;
    node->mp = mp_create(&options);
    POOLS_EXPECT(node->mp != NULL);
    node->parent = parent;
    node->capacity = options.capacity == 0 ? SIZE_MAX : options.capacity;
    node->birth = ++model.births;
}

/* The model of a reset: children, the newest first, then cleanups. */
static void model_empty(int i)
{
    struct node *node = &model.nodes[i];
    int child;

    do {
        child = -1;
        for (int k = 0; k < NODES; k++) {
            if (model.nodes[k].mp != NULL && model.nodes[k].parent == i &&
                (child < 0 ||
                 model.nodes[k].birth > model.nodes[child].birth)) {
                child = k;
            }
        }
        if (child >= 0) {
            model_empty(child);
            model.nodes[child].mp = NULL;
        }
    } while (child >= 0);
    while (node->cleanups > 0) {
        POOLS_EXPECT(model.expected_count < CALLED);
        model.expected[model.expected_count++] = node->ids[--node->cleanups];
    }
    node->objects = 0;
    node->held = 0;
}

static void model_end(int i, bool destroys)
{
    memory_pool_t *mp = model.nodes[i].mp;

    model.called_count = model.expected_count = 0;
    model_empty(i);
    if (destroys) {
        model.nodes[i].mp = NULL;
        destroy_memory_pool(mp);
    } else {
        free_all_memory(mp);
    }
    POOLS_EXPECT(model.called_count == model.expected_count);
    POOLS_EXPECT(memcmp(model.called, model.expected,
                        model.called_count * sizeof model.called[0]) == 0);
}

static void *ask(memory_pool_t *mp, size_t size)
{
    static char bytes[20000];
    mp_handle_t *handle;
    void *at;

    errno = 0;
    switch (support_below(&model.random, 6)) {
    case 0:
        return mp_calloc(mp, 1, size);
    case 1:
        return mp_aligned_alloc(mp, 256, size);
    case 2:
        return mp_realloc(mp, NULL, size);
    case 3:
        return size < sizeof bytes ? mp_memdup(mp, bytes, size)
                                   : mp_allocate(mp, size);
    case 4:
        handle = mp_attach(mp);
        POOLS_EXPECT(handle != NULL);
        errno = 0;
        at = mp_handle_allocate(handle, size);
        size = (size_t)errno;
        mp_detach(handle);
        errno = (int)size;
        return at;
    default:
        return mp_allocate(mp, size);
    }
}

static size_t some_size(int i)
{
    size_t most = (size_t)16 << support_below(&model.random, 10);

    if (most > model.nodes[i].capacity) {
        most = model.nodes[i].capacity;
    }
    return 1 + support_below(&model.random, most);
}

static void model_allocate(int i)
{
    struct node *node = &model.nodes[i];
    size_t left = room(i);
    size_t size = some_size(i);

    if (node->objects == OBJECTS) {
        return;
    }
    /* What just fits, and one byte more, are the sizes to get wrong. */
    switch (support_below(&model.random, 4)) {
    case 0:
        size = left > 0 && left != SIZE_MAX ? left : size;
        break;
    case 1:
        size = left < node->capacity ? left + 1 : size;
        break;
    default:
        break;
    }
    void *at = ask(node->mp, size);
    POOLS_EXPECT((at != NULL) == (size <= left));
    if (at == NULL) {
        POOLS_EXPECT(errno == ENOBUFS);
        return;
    }
    node->at[node->objects] = at;
    node->sizes[node->objects++] = size;
    node->held += size;
}

static void model_free(int i)
{
    struct node *node = &model.nodes[i];

    if (node->objects > 0) {
        size_t k = support_below(&model.random, node->objects);
        errno = 0;
        free_memory(node->mp, node->at[k]);
        POOLS_EXPECT(errno == 0);
        node->held -= node->sizes[k];
        node->at[k] = node->at[--node->objects];
        node->sizes[k] = node->sizes[node->objects];
    }
}

static void model_resize(int i)
{
    struct node *node = &model.nodes[i];

    if (node->objects > 0) {
        size_t k = support_below(&model.random, node->objects);
        size_t size = some_size(i);
        size_t left = room(i);
        bool fits = size <= node->sizes[k] || size - node->sizes[k] <= left;
        errno = 0;
        void *at = mp_realloc(node->mp, node->at[k], size);
        POOLS_EXPECT((at != NULL) == fits);
        if (at == NULL) {
            POOLS_EXPECT(errno == ENOBUFS);
            return;
        }
        node->at[k] = at;
        node->held += size - node->sizes[k];
        node->sizes[k] = size;
    }
}

/* Objects that a rewind drops count no more. */
static void model_rewind(int i)
{
    memory_pool_t *mp = model.nodes[i].mp;
    mp_mark_t mark = mp_mark(mp);
    size_t left = room(i);

    POOLS_EXPECT(mark.number != 0);
    for (unsigned n = 0; n < 5; n++) {
        size_t size = some_size(i);
        void *at = mp_allocate(mp, size);
        POOLS_EXPECT((at != NULL) == (size <= left));
        if (at != NULL && left != SIZE_MAX) {
            left -= size;
        }
        if (at != NULL && n % 2 == 0) {
            free_memory(mp, at);
            left += left == SIZE_MAX ? 0 : size;
        }
    }
    POOLS_EXPECT(mp_rewind(mp, mark) == 0);
    POOLS_EXPECT(mp_check(mp) == 0);
}

static void model_cleanup(int i)
{
    struct node *node = &model.nodes[i];

    if (node->cleanups < CLEANUPS && support_below(&model.random, 3) > 0) {
        uintptr_t id = ++model.next_id;
        POOLS_EXPECT(mp_add_cleanup(node->mp, note, (void *)id) == 0);
        node->ids[node->cleanups++] = id;
    } else if (node->cleanups > 0) {
        size_t k = support_below(&model.random, node->cleanups);
        void *id = (void *)node->ids[k];
        POOLS_EXPECT(mp_remove_cleanup(node->mp, note, id) == 0);
        POOLS_EXPECT(mp_remove_cleanup(node->mp, note, id) == -1);
        for (node->cleanups--; k < node->cleanups; k++) {
            node->ids[k] = node->ids[k + 1];
        }
    }
}

static void model_verify(void)
{
    for (int i = 0; i < NODES; i++) {
        const struct node *node = &model.nodes[i];
        mp_stats_t stats;
        size_t children = 0;
        if (node->mp == NULL) {
            continue;
        }
        for (int k = 0; k < NODES; k++) {
            children += model.nodes[k].mp != NULL &&
                        model.nodes[k].parent == i;
        }
        POOLS_EXPECT(mp_check(node->mp) == 0);
        POOLS_EXPECT(mp_stats(node->mp, &stats) == 0);
        POOLS_EXPECT(stats.live_objects == node->objects);
        POOLS_EXPECT(stats.children == children);
        POOLS_EXPECT(!is_counted(i) || stats.live_bytes == node->held);
        for (unsigned k = 0; k < node->objects; k++) {
            POOLS_EXPECT(mp_locate(node->mp, node->at[k]) == MP_LIVE);
        }
    }
}

static void model_step(void)
{
    int i = (int)support_below(&model.random, NODES);
    int other = (int)support_below(&model.random, NODES);

    if (model.nodes[i].mp == NULL) {
        model_make(i, model.nodes[other].mp == NULL ? -1 : other);
        return;
    }
    switch (support_below(&model.random, 64)) {
    case 0:
        model_end(i, true);
        break;
    case 1:
        model_end(i, false);
        break;
    case 2:
    case 3:
        model_rewind(i);
        break;
    case 4:
        mp_trim(model.nodes[i].mp, 0);
        break;
    default:
        switch (support_below(&model.random, 8)) {
        case 0:
            model_cleanup(i);
            break;
        case 1:
            model_resize(i);
            break;
        case 2:
        case 3:
        case 4:
            model_free(i);
            break;
        default:
            model_allocate(i);
            break;
        }
        break;
    }
}

static void model_finish(void)
{
    for (int i = 0; i < NODES; i++) {
        if (model.nodes[i].mp != NULL) {
            model_end(i, true);
        }
    }
}

START_TEST(random_work_on_a_tree_agrees_with_the_model)
{
    model.random = support_seed();
    for (unsigned n = support_times(60000, 20); n > 0; n--) {
        model_step();
        if (n % 128 == 0) {
            model_verify();
        }
    }
    model_verify();
    model_finish();
}
END_TEST

static void model_work(unsigned steps)
{
    for (unsigned i = 0; i < steps; i++) {
        model_step();
    }
}

static int work_in_child(void *unused)
{
    (void)unused;
    model_verify();
    model_work(1000);
    model_verify();
    model_finish();
    return 0;
}

START_TEST(the_child_of_a_fork_has_the_tree_and_charges_of_its_own)
{
    model.random = support_seed();
    for (unsigned n = support_times(10, 3); n > 0; n--) {
        model_work(1000);
        support_fork(work_in_child, NULL);
    }
    model_verify();
    model_finish();
}
END_TEST

/* The reset of a pool gives back its whole capacity, and that of those above
 * what it held. */
START_TEST(a_reset_gives_its_capacity_back_to_the_pools_above)
{
    mp_options_t options = {.capacity = 1000,
                            .threads = (mp_threads_t)(_i % 3)};
    memory_pool_t *mp = mp_create(&options);

    options.parent = mp;
    options.capacity = _i < 3 ? 0 : 900;
    memory_pool_t *child = mp_create(&options);
    options.parent = child;
    memory_pool_t *below = mp_create(&options);
    ck_assert_ptr_nonnull(below);
    ck_assert_ptr_nonnull(mp_allocate(mp, 100));
    ck_assert_ptr_nonnull(mp_allocate(child, 300));
    ck_assert_ptr_nonnull(mp_allocate(below, 600));
    ck_assert_ptr_null(mp_allocate(below, 1));
    ck_assert_int_eq(errno, ENOBUFS);
    ck_assert_ptr_null(mp_allocate(mp, 1));
    free_all_memory(below);
    ck_assert_ptr_null(mp_allocate(mp, 601));
    ck_assert_ptr_nonnull(mp_allocate(below, 600));
    free_all_memory(child); /* and below is gone */
    ck_assert_ptr_null(mp_allocate(mp, 901));
    ck_assert_ptr_nonnull(mp_allocate(child, 900));
    ck_assert_ptr_null(mp_allocate(mp, 1));
    ck_assert_int_eq(mp_check(mp), 0);
    free_all_memory(mp);
    ck_assert_int_eq(mp_check(mp), 0);
    ck_assert_ptr_nonnull(mp_allocate(mp, 1000));
    destroy_memory_pool(mp);
}
END_TEST

#define SHARES 6
#define SHARE_CAPACITY 300007u

/* Fills a child of its own until the pool above is full. */
static void *take_share(void *argument)
{
    mp_options_t options = {.parent = argument};
    memory_pool_t *mp = mp_create(&options);

    POOLS_EXPECT(mp != NULL);
    size_t taken = pools_take_all(mp, true);
    POOLS_EXPECT(mp_check(mp) == 0);
    return (void *)taken;
}

START_TEST(children_fill_their_parents_capacity_to_the_byte)
{
    mp_options_t options = {.capacity = SHARE_CAPACITY};
    memory_pool_t *mp = mp_create(&options);

    ck_assert_ptr_nonnull(mp);
    for (unsigned round = 0; round < 3; round++) {
        size_t taken = threads_run(SHARES, take_share, mp, 0);
        /* Who frees last may leave some. */
        while (mp_allocate(mp, 1) != NULL) {
            taken++;
        }
        ck_assert_uint_eq(taken, SHARE_CAPACITY);
        ck_assert_int_eq(mp_check(mp), 0);
        free_all_memory(mp);
        ck_assert_int_eq(mp_check(mp), 0);
    }
    destroy_memory_pool(mp);
}
END_TEST

static void count(void *arg)
{
    ++*(unsigned *)arg;
}

/* Makes and drops pools below one, and pools below those. */
static void *come_and_go(void *argument)
{
    mp_options_t options = {.parent = argument};
    unsigned called = 0;
    unsigned other = 0;
    size_t wrong = 0;

    for (unsigned n = support_times(1500, 10); n > 0; n--) {
        options.threads = (mp_threads_t)(n % 3);
        options.parent = argument;
        memory_pool_t *mp = mp_create(&options);
        options.parent = mp;
        memory_pool_t *below = mp_create(&options);
        wrong += mp_add_cleanup(argument, count, &other) != 0;
        wrong += mp == NULL || below == NULL;
        wrong += mp_add_cleanup(mp, count, &called) != 0;
        wrong += mp_add_cleanup(below, count, &called) != 0;
        wrong += mp_allocate(below, 1 + n % 700) == NULL;
        wrong += mp_allocate(mp, 33) == NULL;
        wrong += n % 16 == 0 && mp_check(argument) != 0;
        if (n % 2 == 0) {
            destroy_memory_pool(below);
        }
        destroy_memory_pool(mp);
        wrong += mp_remove_cleanup(argument, count, &other) != 0;
        wrong += called != 2;
        called = 0;
    }
    return (void *)(wrong + other);
}

START_TEST(threads_make_and_drop_children_of_one_pool)
{
    mp_options_t options = {0};
    struct threads threads;
    unsigned called = 0;

    options.capacity = _i == 1 ? 100000 : 0;
    options.threads = _i == 2 ? MP_THREADS_LOCKED : MP_THREADS_CACHED;
    memory_pool_t *mp = mp_create(&options);
    ck_assert_ptr_nonnull(mp);
    ck_assert_int_eq(mp_add_cleanup(mp, count, &called), 0);
    threads_start(&threads, 4, come_and_go, mp, 0);
    for (unsigned n = support_times(30000, 10); n > 0; n--) {
        void *at = mp_allocate(mp, 1 + n % 1500);
        POOLS_EXPECT(at != NULL);
        free_memory(mp, at);
    }
    ck_assert_uint_eq(threads_join(&threads), 0);
    mp_stats_t stats;
    ck_assert_int_eq(mp_check(mp), 0);
    ck_assert_int_eq(mp_stats(mp, &stats), 0);
    ck_assert_uint_eq(stats.children, 0);
    ck_assert_uint_eq(stats.live_objects, 0);
    if (_i == 1) {
        ck_assert_ptr_nonnull(mp_allocate(mp, 100000));
    }
    ck_assert_uint_eq(called, 0);
    destroy_memory_pool(mp);
    ck_assert_uint_eq(called, 1);
}
END_TEST

/* No call for each level: the stack would not do. */
START_TEST(a_tree_of_any_depth_is_ended_without_recursion)
{
    unsigned depth = support_times(20000, 10);
    unsigned called = 0;
    mp_options_t options = {.threads = MP_THREADS_LOCKED};
    memory_pool_t *mp = mp_create(&options);

    options.parent = mp;
    for (unsigned i = 0; i < depth; i++) {
        options.parent = mp_create(&options);
        POOLS_EXPECT(options.parent != NULL);
        POOLS_EXPECT(mp_add_cleanup(options.parent, count, &called) == 0);
        POOLS_EXPECT(mp_strdup(options.parent, "object") != NULL);
    }
    free_all_memory(mp);
    ck_assert_uint_eq(called, depth);
    ck_assert_int_eq(mp_check(mp), 0);
    destroy_memory_pool(mp);
}
END_TEST

/* Children that leave in another order than they came. */
START_TEST(children_leave_in_another_order_than_they_came)
{
    static memory_pool_t *children[1000];
    mp_options_t options = {.threads = (mp_threads_t)_i};
    memory_pool_t *mp = mp_create(&options);
    uint64_t random = support_seed();
    mp_stats_t stats;

    options.parent = mp;
    options.threads = MP_THREADS_LOCKED;
    for (unsigned i = 0; i < 1000; i++) {
        children[i] = mp_create(&options);
        POOLS_EXPECT(children[i] != NULL);
    }
    for (size_t left = 1000; left > 100; left--) {
        size_t i = support_below(&random, left);
        destroy_memory_pool(children[i]);
        children[i] = children[left - 1];
        POOLS_EXPECT(mp_stats(mp, &stats) == 0);
        POOLS_EXPECT(stats.children == left - 1);
    }
    for (unsigned i = 0; i < 100; i++) {
        POOLS_EXPECT(mp_strdup(children[i], "still here") != NULL);
    }
    destroy_memory_pool(mp);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("children");
    TCase *alone = support_case(suite, "alone");
    TCase *shared = support_case(suite, "shared");

    tcase_add_loop_test(alone, random_work_on_a_tree_agrees_with_the_model, 0,
                        4);
    tcase_add_loop_test(
        alone, the_child_of_a_fork_has_the_tree_and_charges_of_its_own, 0, 2);
    tcase_add_loop_test(alone,
                        a_reset_gives_its_capacity_back_to_the_pools_above, 0,
                        6);
    tcase_add_test(alone, a_tree_of_any_depth_is_ended_without_recursion);
    tcase_add_loop_test(alone, children_leave_in_another_order_than_they_came,
                        0, 3);
    tcase_add_test(shared, children_fill_their_parents_capacity_to_the_byte);
    tcase_add_loop_test(shared, threads_make_and_drop_children_of_one_pool, 0,
                        3);
    return support_run(suite);
}

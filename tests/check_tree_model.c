/* SPDX-License-Identifier: MIT
 *
 * check_tree_model.c - random work on random trees of pools, beside a model.
 *
 * The model knows the rule: an object counts in its pool and in every pool
 * above, and fits exactly where all of those that have a capacity have room
 * for it.  It also knows the order in which cleanups are called.  Pools are
 * moved, too.
 */
#include <errno.h>
#include <string.h>

#include "pools.h"

#define NODES 16
#define OBJECTS 60
#define CLEANUPS 12
#define CALLED 1024

struct node {
    memory_pool_t *mp; /* NULL: none here */
    int parent;        /* -1: none */
    size_t capacity;   /* SIZE_MAX: none */
    bool limits;       /* made with one, which may be none yet */
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
    if (support_below(&model.random, 8) == 0) {
        options.capacity = SIZE_MAX;
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
    node->limits = options.capacity != 0;
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

/* What is in use, a byte less or more, or anything; 0 for no limit. */
static void model_set_capacity(int i)
{
    struct node *node = &model.nodes[i];
    size_t held = total(i);
    size_t bytes = 500 + support_below(&model.random, 20000);

    if (support_below(&model.random, 4) == 0) {
        bytes = held + 1 - support_below(&model.random, 3);
        bytes = bytes > SIZE_MAX / 2 ? 0 : bytes;
    }
    bool works = node->limits && (bytes == 0 || bytes >= held);
    errno = 0;
    POOLS_EXPECT(mp_set_capacity(node->mp, bytes) == (works ? 0 : -1));
    POOLS_EXPECT(errno == (works ? 0 : node->limits ? ENOBUFS : EINVAL));
    if (works) {
        node->capacity = bytes == 0 ? SIZE_MAX : bytes;
    }
}

/* A pool above has a capacity, which may be none yet; or i itself has. */
static bool is_limited(int i)
{
    while (i >= 0 && !model.nodes[i].limits) {
        i = model.nodes[i].parent;
    }
    return i >= 0;
}

/* The errno of a move; 0: it works. */
static int expected_of_move(int i, int parent)
{
    size_t bytes = total(i);

    if (is_below(parent, i)) {
        return EINVAL;
    }
    for (int k = 0; k < NODES && model.nodes[i].parent != parent; k++) {
        if (is_limited(parent) && model.nodes[k].mp != NULL &&
            is_below(k, i) &&
            mp_kind(model.nodes[k].mp, NULL) == MP_KIND_CACHED) {
            return EINVAL;
        }
    }
    for (int up = parent; up >= 0; up = model.nodes[up].parent) {
        const struct node *node = &model.nodes[up];
        if (node->capacity != SIZE_MAX && !is_below(i, up) &&
            bytes > node->capacity - total(up)) {
            return ENOBUFS;
        }
    }
    return 0;
}

/* Below another pool, or below none.  What moves becomes the newest child. */
static void model_move(int i)
{
    struct node *node = &model.nodes[i];
    int parent = (int)support_below(&model.random, NODES);

    if (model.nodes[parent].mp == NULL) {
        parent = -1;
    }
    int error = expected_of_move(i, parent);
    errno = 0;
    int done = mp_set_parent(node->mp,
                             parent < 0 ? NULL : model.nodes[parent].mp);
    POOLS_EXPECT(done == (error == 0 ? 0 : -1));
    POOLS_EXPECT(errno == error);
    if (error == 0 && node->parent != parent) {
        node->parent = parent;
        node->birth = ++model.births;
    }
    POOLS_EXPECT(mp_parent(node->mp) ==
                 (node->parent < 0 ? NULL : model.nodes[node->parent].mp));
    POOLS_EXPECT(mp_check(node->mp) == 0);
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
    case 5:
    case 6:
        model_set_capacity(i);
        break;
    case 7:
    case 8:
    case 9:
        model_move(i);
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

int main(void)
{
    Suite *suite = suite_create("tree model");
    TCase *trees = support_case(suite, "trees");

    tcase_add_loop_test(trees, random_work_on_a_tree_agrees_with_the_model, 0,
                        4);
    tcase_add_loop_test(
        trees, the_child_of_a_fork_has_the_tree_and_charges_of_its_own, 0, 2);
    return support_run(suite);
}

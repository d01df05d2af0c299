/* SPDX-License-Identifier: MIT
 *
 * check_aligned.c - aligned objects of pools outside of the range, by a model.
 *
 * A pool in a buffer, or with a backing that has an end, is filled with objects
 * of all alignments, then some are freed, and so on.  The model knows each
 * object's bytes.  No two overlap, every view of the pool agrees with it, and
 * once all are freed the pool holds as many objects as before.  Random cases
 * print their seed; MP_SEED repeats one.
 */
#include <stdlib.h>
#include <string.h>

#include "inject.h"
#include "pools.h"

#define OBJECTS 700
#define BYTES ((size_t)400 << 10)

struct object {
    unsigned char *at; /* NULL: none */
    size_t size;
    size_t usable;
    bool met; /* by the walk */
};

static struct object objects[OBJECTS];
static size_t met;

/* A byte each: 1 where an object of the buffer is. */
static _Alignas(64) unsigned char buffer[BYTES];
static unsigned char used[BYTES];
static bool buffered;

/* Notes that an object has its bytes, or has them no more. */
static void set_used(const struct object *object, unsigned char is)
{
    if (!buffered) {
        return;
    }
    size_t from = (uintptr_t)object->at - (uintptr_t)buffer;

    POOLS_EXPECT(from < BYTES && object->usable <= BYTES - from);
    for (size_t i = 0; i < object->usable; i++) {
        POOLS_EXPECT(used[from + i] == !is);
        used[from + i] = is;
    }
}

/* Each object is full of a byte of its own. */
static void release(memory_pool_t *mp, struct object *object)
{
    const unsigned char byte = (unsigned char)(object - objects);

    for (size_t i = 0; i < object->size; i++) {
        POOLS_EXPECT(object->at[i] == byte);
    }
    POOLS_EXPECT(mp_usable_size(mp, object->at) == object->usable);
    set_used(object, 0);
    mp_free(mp, object->at);
    POOLS_EXPECT(!is_mp_ptr(mp, object->at));
    object->at = NULL;
}

/* False: the pool has no memory for it. */
static bool get(memory_pool_t *mp, struct object *object, size_t alignment,
                size_t size)
{
    object->at = mp_aligned_alloc(mp, alignment, size);
    if (object->at == NULL) {
        POOLS_EXPECT(errno == ENOMEM);
        return false;
    }
    POOLS_EXPECT((uintptr_t)object->at % alignment == 0);
    object->size = size;
    object->usable = mp_usable_size(mp, object->at);
    POOLS_EXPECT(object->usable == size);
    set_used(object, 1);
    memset(object->at, (unsigned char)(object - objects), size);
    return true;
}

static int visit(void *at, size_t size, void *unused)
{
    (void)unused;
    for (size_t i = 0; i < OBJECTS; i++) {
        if (objects[i].at == at) {
            POOLS_EXPECT(objects[i].size == size && !objects[i].met);
            objects[i].met = true;
            met++;
            return 0;
        }
    }
    return 1;
}

/* What the pool says of itself is what the model knows. */
static void compare(memory_pool_t *mp)
{
    mp_stats_t stats = pools_stats(mp);
    size_t count = 0;
    size_t bytes = 0;

    for (size_t i = 0; i < OBJECTS; i++) {
        objects[i].met = false;
        if (objects[i].at != NULL) {
            POOLS_EXPECT(is_mp_ptr(mp, objects[i].at));
            POOLS_EXPECT(mp_locate(mp, objects[i].at + objects[i].size - 1) ==
                         (objects[i].size == 1 ? MP_LIVE : MP_INTERIOR));
            count++;
            bytes += objects[i].size;
        }
    }
    met = 0;
    POOLS_EXPECT(mp_check(mp) == 0);
    POOLS_EXPECT(mp_walk(mp, visit, NULL) == 0 && met == count);
    POOLS_EXPECT(stats.live_objects == count && stats.live_bytes == bytes);
}

/* Takes until there is no memory, then frees all, or about half. */
static void fill_and_free(memory_pool_t *mp, uint64_t *seed, bool all)
{
    bool full = false;

    for (size_t i = 0; i < OBJECTS && !full; i++) {
        if (objects[i].at == NULL) {
            size_t alignment = (size_t)1 << support_below(seed, 17);
            size_t most = support_below(seed, 8) == 0 ? 20000 : 600;
            size_t size = 1 + support_below(seed, most);
            full = !get(mp, &objects[i], alignment, size);
        }
    }
    POOLS_EXPECT(full);
    compare(mp);
    for (size_t i = 0; i < OBJECTS; i++) {
        if (objects[i].at != NULL && (all || support_below(seed, 2) == 0)) {
            release(mp, &objects[i]);
        }
    }
    compare(mp);
}

/* As many objects as the pool holds, which are gone afterwards. */
static size_t room(memory_pool_t *mp)
{
    static void *all[BYTES / 100];
    size_t count = mp_allocate_many(mp, 100, BYTES / 100, all);

    mp_free_many(mp, all, count);
    return count;
}

/* The kinds: in a buffer, or with a backing; with caches, without since there
 * is no memory for them, or with a lock. */
enum { BUFFER, BACKING, SOURCES };
enum { CACHED, REFUSED, LOCKED, WAYS };

START_TEST(aligned_objects_take_no_bytes_of_others_and_leave_none_behind)
{
    uint64_t seed = support_seed();
    int way = _i % WAYS;

    buffered = _i / WAYS == BUFFER;
    memset(used, 0, sizeof used);
    pools_backing_start(&pools_own);
    pools_own.limit = BYTES;
    mp_backing_t backing = buffered ? mp_backing_buffer(buffer, BYTES)
                                    : pools_backing_of(&pools_own);
    const mp_options_t options = {
        .backing = &backing,
        .threads = way == LOCKED ? MP_THREADS_LOCKED : MP_THREADS_CACHED};
    memory_pool_t *mp = pools_make_with(&options);
    inject_refuse(INJECT_ALIGNED_ALLOC, way == REFUSED ? 1000000 : 0);
    for (unsigned n = support_times(10, 2); n > 0; n--) {
        size_t before = room(mp);
        ck_assert_uint_gt(before, BYTES / 200);
        for (int i = 0; i < 8; i++) {
            fill_and_free(mp, &seed, i == 7);
        }
        /* In a cache's run up to six granules may stay free. */
        ck_assert_uint_ge(room(mp), before - before / 100);
        ck_assert_uint_eq(pools_stats(mp).live_bytes, 0);
    }
    inject_refuse(INJECT_ALIGNED_ALLOC, 0);
    mp_destroy(mp);
    ck_assert_uint_eq(pools_own.count, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("aligned");
    TCase *tc = support_case(suite, "aligned");

    tcase_add_loop_test(
        tc, aligned_objects_take_no_bytes_of_others_and_leave_none_behind, 0,
        SOURCES * WAYS);
    return support_run(suite);
}

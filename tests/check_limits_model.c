/* SPDX-License-Identifier: MIT
 *
 * check_limits_model.c - limits are exact, whatever a program does.
 *
 * Random sequences of one thread and one handle are compared with a model,
 * which is the sum of the sizes that were asked for: what fits by it is served,
 * and what does not is refused.  They print their seed, and MP_SEED repeats
 * one.
 *
 * What it cannot do: use several threads, of whose calls nobody knows the
 * order.
 */
#include "pools.h"

#include <string.h>

#define OBJECTS 600u

/* What random sequences work on, and the model of it. */
struct model_object {
    unsigned char *at;
    size_t size;
    uint32_t tag;
    unsigned marks; /* open as it was made; it goes with the last of them */
};

struct model {
    memory_pool_t *mp;
    mp_handle_t *handle;
    size_t limit;
    size_t highest; /* limit so far */
    size_t most; /* bytes of one object */
    bool changes; /* the limit does, and most with it */
    size_t bytes;
    size_t peak;
    uint32_t tag;
    unsigned count;
    unsigned marks;
    mp_mark_t mark[4];
    struct model_object objects[OBJECTS];
};

/* Sizes at which something changes, and others. */
static size_t model_size(uint64_t *seed)
{
    static const size_t edges[] = {1,     15,    16,    17,    31,
                                   1023,  1024,  1025,  1040,  1041,
                                   65535, 65536, 65537, 70000, 131072};
    static const size_t bounds[] = {40, 200, 1100, 5000, 40000, 100000};

    return support_below(seed, 4) == 0
               ? edges[support_below(seed, sizeof edges / sizeof edges[0])]
               : 1 + support_below(seed, bounds[support_below(seed, 6)]);
}

static void model_note(struct model *m, unsigned i, void *at,
                        size_t size, unsigned marks)
{
    m->objects[i] = (struct model_object){at, size, ++m->tag * 2654435761u,
                                           marks};
    support_fill(at, size, m->objects[i].tag);
    m->bytes += size;
    m->peak = m->bytes > m->peak ? m->bytes : m->peak;
}

static void model_allocate(struct model *m, size_t size, unsigned how)
{
    bool fits = size <= m->most && size <= m->limit - m->bytes;
    unsigned char *at;
    size_t refused = size > m->most ? EINVAL : ENOBUFS;

    errno = SUPPORT_ERRNO;
    switch (how) {
    case 0:
        at = mp_calloc(m->mp, 1, size);
        break;
    case 1:
        at = mp_aligned_alloc(m->mp, 64, size);
        break;
    case 2:
        at = mp_handle_allocate(m->handle, size);
        break;
    default:
        at = mp_allocate(m->mp, size);
    }
    ck_assert_msg((at != NULL) == fits, "%zu bytes %s with %zu of %zu held",
                  size, fits ? "refused" : "given", m->bytes, m->limit);
    ck_assert_int_eq(errno, fits ? SUPPORT_ERRNO : (int)refused);
    if (fits) {
        ck_assert_uint_eq(mp_usable_size(m->mp, at), size);
        model_note(m, m->count++, at, size, how == 2 ? 0 : m->marks);
    }
}

static void model_free(struct model *m, unsigned i, bool handle)
{
    struct model_object object = m->objects[i];

    ck_assert(support_holds(object.at, object.size, object.tag));
    errno = SUPPORT_ERRNO;
    if (handle) {
        mp_handle_free(m->handle, object.at);
    } else {
        free_memory(m->mp, object.at);
    }
    ck_assert_int_eq(errno, SUPPORT_ERRNO);
    ck_assert(!is_mp_ptr(m->mp, object.at));
    m->bytes -= object.size;
    m->objects[i] = m->objects[--m->count];
}

static void model_resize(struct model *m, unsigned i, size_t size)
{
    struct model_object *object = &m->objects[i];
    size_t left = m->limit - m->bytes + object->size;
    bool fits = size <= m->most && size <= left;
    size_t kept = size < object->size ? size : object->size;
    unsigned char *at = mp_realloc(m->mp, object->at, size);

    ck_assert_msg((at != NULL) == fits, "%zu to %zu %s with %zu of %zu held",
                  object->size, size, fits ? "refused" : "given", m->bytes,
                  m->limit);
    if (!fits) {
        ck_assert(support_holds(object->at, object->size, object->tag));
        return;
    }
    ck_assert(support_holds(at, kept, object->tag));
    ck_assert_uint_eq(mp_usable_size(m->mp, at), size);
    m->bytes -= object->size;
    model_note(m, i, at, size, at == object->at ? object->marks : m->marks);
}

static void model_rewind(struct model *m)
{
    m->marks--;
    for (unsigned i = m->count; i-- > 0;) {
        if (m->objects[i].marks > m->marks) {
            m->bytes -= m->objects[i].size;
            m->objects[i] = m->objects[--m->count];
        }
    }
    ck_assert_int_eq(mp_rewind(m->mp, m->mark[m->marks]), 0);
}

static void model_compare(const struct model *m)
{
    mp_stats_t stats;

    ck_assert_int_eq(mp_stats(m->mp, &stats), 0);
    ck_assert_uint_eq(stats.live_bytes, m->bytes);
    ck_assert_uint_eq(stats.live_objects, m->count);
    ck_assert_uint_eq(stats.allocations - stats.frees, m->count);
    ck_assert_uint_ge(stats.peak_bytes, m->peak);
    ck_assert_uint_le(stats.peak_bytes, m->highest);
    ck_assert_int_eq(mp_check(m->mp), 0);
}

/* A capacity near what is held, or anywhere. */
static void model_change(struct model *m, uint64_t *seed)
{
    size_t bytes = support_below(seed, 2) == 0
                       ? m->bytes + support_below(seed, 41) - 20
                       : 1 + support_below(seed, 400000);

    if (bytes == 0 || bytes > SIZE_MAX / 2) {
        return;
    }
    errno = SUPPORT_ERRNO;
    int result = mp_set_capacity(m->mp, bytes);
    ck_assert_msg((result == 0) == (bytes >= m->bytes),
                  "%d for %zu with %zu held", result, bytes, m->bytes);
    ck_assert_int_eq(errno, result == 0 ? SUPPORT_ERRNO : ENOBUFS);
    if (result == 0) {
        m->limit = m->most = bytes;
        m->highest = bytes > m->highest ? bytes : m->highest;
    }
}

static void model_step(struct model *m, uint64_t *seed)
{
    if (m->changes && support_below(seed, 10) == 0) {
        model_change(m, seed);
    }
    size_t what = support_below(seed, 100);
    unsigned any = m->count == 0 ? 0 : (unsigned)support_below(seed, m->count);

    if (what < 45 && m->count < OBJECTS) {
        model_allocate(m, model_size(seed), (unsigned)support_below(seed, 8));
    } else if (what < 75 && m->count > 0) {
        model_free(m, any, support_below(seed, 4) == 0);
    } else if (what < 92 && m->count > 0) {
        size_t size = support_below(seed, 2) == 0
                          ? model_size(seed)
                          : 1 + support_below(seed,
                                              2 * m->objects[any].size);
        model_resize(m, any, size);
    } else if (what < 94 && m->marks < 4) {
        m->mark[m->marks++] = mp_mark(m->mp);
    } else if (what < 96 && m->marks > 0) {
        model_rewind(m);
    } else if (what < 98) {
        ck_assert(m->count == 0 ||
                  mp_usable_size(m->mp, m->objects[any].at) ==
                      m->objects[any].size);
    } else if (what < 99) {
        mp_trim(m->mp, 0);
    } else if (support_below(seed, 40) == 0) {
        free_all_memory(m->mp);
        m->count = m->marks = 0;
        m->bytes = 0;
    }
}

/* A random sequence; the pool is checked every so many steps only, since a
 * check takes all credit back. */
static void model_random(memory_pool_t *mp, size_t limit, size_t most,
                          unsigned every, bool changes)
{
    static struct model m;
    uint64_t seed = support_seed();
    unsigned steps = support_times(2500, 5);

    memset(&m, 0, sizeof m);
    m.mp = mp;
    m.handle = mp_attach(mp);
    m.limit = m.highest = limit;
    m.most = most;
    m.changes = changes;
    ck_assert_ptr_nonnull(m.handle);
    for (unsigned step = 0; step < steps; step++) {
        model_step(&m, &seed);
        if (step % every == 0) {
            model_compare(&m);
        }
    }
    while (m.count > 0) {
        model_free(&m, m.count - 1, m.count % 2 == 0);
    }
    model_compare(&m);
    ck_assert(limit > most || pools_has_left(mp, m.limit));
    mp_detach(m.handle);
    destroy_memory_pool(mp);
}

/* How often it is checked: after each step, rarely, hardly ever. */
static const unsigned looks[] = {1, 37, 5000};
#define LOOKS 3

START_TEST(a_random_sequence_is_exact_to_the_byte)
{
    model_random(pools_limited(300000, NULL), 300000, 300000,
                  looks[_i], false);
}
END_TEST

START_TEST(a_random_sequence_is_exact_in_a_small_pool)
{
    model_random(pools_limited(3000, NULL), 3000, 3000, looks[_i], false);
}
END_TEST

START_TEST(a_random_sequence_is_exact_below_a_largest_object)
{
    model_random(pools_make_with(&(mp_options_t){.max_object = 500}),
                 SIZE_MAX, 500, looks[_i], false);
}
END_TEST

START_TEST(a_random_sequence_is_exact_where_frees_zero)
{
    const mp_options_t options = {.capacity = 500000,
                                  .flags = MP_ZERO_ON_FREE};

    model_random(pools_make_with(&options), 500000, 500000, looks[_i], false);
}
END_TEST

START_TEST(a_random_sequence_is_exact_for_one_thread)
{
    const mp_options_t options = {.capacity = 300000,
                                  .max_object = 70000,
                                  .threads = MP_THREADS_NONE};

    model_random(pools_make_with(&options), 300000, 70000, looks[_i], false);
}
END_TEST

START_TEST(a_random_sequence_is_exact_while_the_capacity_changes)
{
    const mp_options_t options = {.capacity = 200000,
                                  .flags = _i % 2 == 0 ? 0 : MP_ZERO_ON_FREE,
                                  .threads = (mp_threads_t)(_i % 3)};

    model_random(pools_make_with(&options), 200000, 200000,
                 looks[_i % LOOKS], true);
}
END_TEST

/* Two levels above, of which the upper refuses, since a sibling has much. */
START_TEST(a_random_sequence_is_exact_below_limited_pools)
{
    memory_pool_t *root = pools_limited(400000, NULL);
    memory_pool_t *middle = pools_limited(350000, root);
    memory_pool_t *sibling = pools_limited(0, root);

    ck_assert_ptr_nonnull(mp_allocate(sibling, 100000));
    ck_assert_ptr_nonnull(mp_allocate(middle, 7));
    model_random(pools_limited(0, middle), 299993, SIZE_MAX - 16,
                  looks[_i], false);
    ck_assert_int_eq(mp_check(root), 0);
    ck_assert_int_eq(mp_check(middle), 0);
    destroy_memory_pool(root);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("limits model");
    TCase *random = support_case(suite, "random");

    tcase_add_loop_test(random, a_random_sequence_is_exact_to_the_byte, 0,
                        LOOKS);
    tcase_add_loop_test(random, a_random_sequence_is_exact_in_a_small_pool, 0,
                        LOOKS);
    tcase_add_loop_test(random,
                        a_random_sequence_is_exact_below_a_largest_object, 0,
                        LOOKS);
    tcase_add_loop_test(random, a_random_sequence_is_exact_where_frees_zero, 0,
                        LOOKS);
    tcase_add_loop_test(random, a_random_sequence_is_exact_for_one_thread, 0,
                        LOOKS);
    tcase_add_loop_test(random,
                        a_random_sequence_is_exact_below_limited_pools, 0,
                        LOOKS);
    tcase_add_loop_test(random,
                        a_random_sequence_is_exact_while_the_capacity_changes,
                        0, 2 * LOOKS);
    return support_run(suite);
}

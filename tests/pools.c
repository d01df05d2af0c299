/* SPDX-License-Identifier: MIT
 *
 * pools.c - every kind of pool that mp_create() can make, for tests.
 *
 * One kind at a time: its buffer, its own backing and the last report are
 * this file's, and a test has them for itself.
 */
#include "pools.h"

#include "inject.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct pools_kind pools_kinds[] = {
    {"default", {0}, POOLS_DEFAULT},
    {"locked", {.threads = MP_THREADS_LOCKED}, POOLS_DEFAULT},
    {"none", {.threads = MP_THREADS_NONE}, POOLS_DEFAULT},
    {"capacity", {.capacity = POOLS_CAPACITY}, POOLS_DEFAULT},
    {"capacity, none",
     {.capacity = POOLS_CAPACITY, .threads = MP_THREADS_NONE},
     POOLS_DEFAULT},
    {"max_object", {.max_object = POOLS_MAX_OBJECT}, POOLS_DEFAULT},
    {"malloc", {0}, POOLS_MALLOC},
    {"mmap", {0}, POOLS_MMAP},
    {"buffer", {0}, POOLS_BUFFER},
    {"own", {0}, POOLS_OWN},
    {"own, none", {.threads = MP_THREADS_NONE}, POOLS_OWN},
    {"zero", {.flags = MP_ZERO_ON_FREE}, POOLS_DEFAULT},
    {"zero, buffer", {.flags = MP_ZERO_ON_FREE}, POOLS_BUFFER},
    {"passthrough", {.flags = MP_PASSTHROUGH}, POOLS_DEFAULT},
    {"passthrough, none",
     {.flags = MP_PASSTHROUGH, .threads = MP_THREADS_NONE},
     POOLS_DEFAULT},
    {"passthrough, buffer", {.flags = MP_PASSTHROUGH}, POOLS_BUFFER},
    {"redzone, poison, own",
     {.flags = MP_REDZONE | MP_POISON | MP_TAGS},
     POOLS_OWN},
    {"guard, zero, capacity",
     {.flags = MP_GUARD | MP_ZERO_ON_FREE | MP_CALLERS,
      .capacity = POOLS_CAPACITY},
     POOLS_DEFAULT},
    {"name, report", {.name = "kind", .report = pools_report}, POOLS_DEFAULT},
    {"all",
     {.capacity = POOLS_CAPACITY,
      .max_object = POOLS_MAX_OBJECT,
      .threads = MP_THREADS_LOCKED,
      .flags = MP_ZERO_ON_FREE,
      .name = "all",
      .report = pools_report},
     POOLS_OWN},
};
const int pools_count = (int)(sizeof pools_kinds / sizeof pools_kinds[0]);

bool pools_tracked(int kind)
{
    return kind < pools_count &&
           (pools_kinds[kind].options.flags & ~(unsigned)MP_ZERO_ON_FREE) != 0;
}

struct pools_report pools_reported;
struct pools_backing pools_own;

static void *pools_buffer;

void pools_note_report(memory_pool_t *mp, mp_event_t event,
                       const char *message, const void *ptr)
{
    pools_reported.mp = mp;
    pools_reported.event = event;
    snprintf(pools_reported.message, sizeof pools_reported.message, "%s",
             message);
    pools_reported.ptr = ptr;
    pools_reported.count++;
}

void pools_report(memory_pool_t *mp, mp_event_t event, const char *message,
                  const void *ptr, void *context)
{
    (void)context;
    pools_note_report(mp, event, message, ptr);
    if (mp != NULL) {
        POOLS_EXPECT(mp_check(mp) == 0);
        POOLS_EXPECT(mp_locate(mp, &pools_reported) == MP_FOREIGN);
        POOLS_EXPECT(mp_owner(&pools_reported) == NULL);
        mp_trim(mp, SIZE_MAX);
    }
}

void pools_forget_reports(void)
{
    memset(&pools_reported, 0, sizeof pools_reported);
}

void pools_expect_report(memory_pool_t *mp, mp_event_t event,
                         const char *message, const void *ptr, int error)
{
    POOLS_EXPECT(errno == error);
    ck_assert_uint_eq(pools_reported.count, 1);
    ck_assert_int_eq(pools_reported.event, event);
    ck_assert_ptr_eq(pools_reported.mp, mp);
    ck_assert_ptr_eq(pools_reported.ptr, ptr);
    ck_assert_ptr_null(strchr(pools_reported.message, '\n'));
    if (message != NULL) {
        char right[sizeof pools_reported.message];
        snprintf(right, sizeof right, "%.*s", (int)strcspn(message, "\n"),
                 message);
        ck_assert_str_eq(pools_reported.message, right);
    }
    pools_forget_reports();
    errno = SUPPORT_ERRNO;
}

size_t pools_fill(memory_pool_t *mp, size_t size)
{
    size_t count = 0;

    while (mp_allocate(mp, size) != NULL) {
        count++;
    }
    return count;
}

bool pools_has_left(memory_pool_t *mp, size_t bytes)
{
    void *rest = bytes == 0 ? NULL : mp_allocate(mp, bytes);
    bool right = (rest != NULL || bytes == 0) && mp_allocate(mp, 1) == NULL;

    if (rest != NULL) {
        free_memory(mp, rest);
    }
    return right;
}

mp_stats_t pools_stats(memory_pool_t *mp)
{
    mp_stats_t stats;

    POOLS_EXPECT(mp_stats(mp, &stats) == 0);
    return stats;
}

size_t pools_expect_new(memory_pool_t *mp)
{
    POOLS_EXPECT(mp_check(mp) == 0);
    mp_stats_t stats = pools_stats(mp);
    POOLS_EXPECT(stats.live_objects == 0 && stats.live_bytes == 0);
    POOLS_EXPECT(stats.peak_objects == 0);
    POOLS_EXPECT(stats.allocations == 0 && stats.frees == 0);
    POOLS_EXPECT(stats.resets == 0);
    POOLS_EXPECT(stats.refused_size == 0 && stats.refused_full == 0);
    POOLS_EXPECT(stats.children == 0);
    POOLS_EXPECT(stats.blocks <= 2);
    return stats.blocks;
}

size_t pools_take_all(memory_pool_t *mp, bool frees)
{
    uint64_t random = (uintptr_t)&random;
    size_t taken = 0;

    for (unsigned misses = 0; misses < 50;) {
        size_t size = 1 + support_below(&random, 300);
        void *at = mp_allocate(mp, size);
        if (at == NULL) {
            misses++;
        } else if (frees && size % 4 == 0) {
            free_memory(mp, at);
        } else {
            taken += size;
        }
    }
    return taken + pools_fill(mp, 1);
}

memory_pool_t *pools_make_with(const mp_options_t *options)
{
    memory_pool_t *mp = mp_create(options);

    POOLS_EXPECT(mp != NULL);
    return mp;
}

memory_pool_t *pools_limited(size_t capacity, memory_pool_t *parent)
{
    const mp_options_t options = {.capacity = capacity, .parent = parent};

    return pools_make_with(&options);
}

memory_pool_t *pools_make_told(const mp_options_t *options)
{
    memory_pool_t *mp = pools_make_with(options);

    pools_forget_reports();
    errno = SUPPORT_ERRNO;
    return mp;
}

bool pools_cached(memory_pool_t *mp)
{
    void *object = mp_allocate(mp, 1);

    POOLS_EXPECT(object != NULL);
    bool cached = mp_usable_size(mp, object) != 1;
    free_memory(mp, object);
    return cached;
}

bool pools_caches_exist(void)
{
    memory_pool_t *mp = mp_create(NULL);

    POOLS_EXPECT(mp != NULL);
    bool cached = pools_cached(mp);
    destroy_memory_pool(mp);
    return cached;
}

memory_pool_t *pools_make_named(void)
{
    const mp_options_t named = {.name = "never kept"};

    return pools_make_with(&named);
}

void pools_use_cache(memory_pool_t *mp)
{
    free_memory(mp, mp_allocate(mp, 16));
}

static void pools_look(struct pools_backing *own)
{
    memory_pool_t *mp = atomic_load(&own->user);

    if (mp != NULL && mp_locate(mp, own) != MP_FOREIGN) {
        own->wrong++;
    }
}

static void *pools_acquire(void *context, size_t size, size_t alignment)
{
    struct pools_backing *own = context;
    void *block = NULL;

    pools_look(own);
    pthread_mutex_lock(&own->lock);
    own->acquired++;
    bool fails = own->fail_at != 0 &&
                 (own->fail_on ? own->acquired >= own->fail_at
                               : own->acquired == own->fail_at);
    own->longest = size > own->longest ? size : own->longest;
    fails = fails || (own->limit != 0 && size > own->limit - own->bytes);
    if (!fails && own->count < POOLS_BLOCKS) {
        size_t padded = (size + alignment - 1) / alignment * alignment;
        block = inject_own_take(alignment, padded);
    }
    if (block != NULL) {
        memset(block, 0xa5, size);
        own->blocks[own->count] = block;
        own->sizes[own->count++] = size;
        own->bytes += size;
        own->peak = own->bytes > own->peak ? own->bytes : own->peak;
    }
    pthread_mutex_unlock(&own->lock);
    return block;
}

static void pools_release(void *context, void *block, size_t size)
{
    struct pools_backing *own = context;
    size_t i = 0;

    pools_look(own);
    pthread_mutex_lock(&own->lock);
    while (i < own->count && own->blocks[i] != block) {
        i++;
    }
    if (i == own->count || own->sizes[i] != size) {
        own->wrong++;
    } else {
        own->count--;
        own->bytes -= size;
        own->blocks[i] = own->blocks[own->count];
        own->sizes[i] = own->sizes[own->count];
        inject_own_give(block);
    }
    pthread_mutex_unlock(&own->lock);
    errno = ENXIO; /* which no call may pass on */
}

void pools_backing_start(struct pools_backing *own)
{
    memset(own, 0, sizeof *own);
    pthread_mutex_init(&own->lock, NULL);
}

mp_backing_t pools_backing_of(struct pools_backing *own)
{
    mp_backing_t backing = {pools_acquire, pools_release, own};

    return backing;
}

memory_pool_t *pools_make(int kind)
{
    mp_options_t options = pools_kinds[kind].options;
    mp_backing_t backing;

    pools_forget_reports();
    switch (pools_kinds[kind].source) {
    case POOLS_MALLOC:
        options.backing = &mp_backing_malloc;
        break;
    case POOLS_MMAP:
        options.backing = &mp_backing_mmap;
        break;
    case POOLS_BUFFER:
        pools_buffer = malloc(POOLS_BUFFER_SIZE);
        ck_assert_ptr_nonnull(pools_buffer);
        backing = mp_backing_buffer(pools_buffer, POOLS_BUFFER_SIZE);
        options.backing = &backing;
        break;
    case POOLS_OWN:
        pools_backing_start(&pools_own);
        backing = pools_backing_of(&pools_own);
        options.backing = &backing;
        break;
    default:
        break;
    }
    memory_pool_t *mp = mp_create(&options);
    ck_assert_msg(mp != NULL, "no pool of kind %s", pools_kinds[kind].label);
    memset(&backing, 0, sizeof backing); /* the pool has its own copy */
    if (pools_kinds[kind].source == POOLS_OWN) {
        atomic_store(&pools_own.user, mp);
    }
    return mp;
}

void pools_end(memory_pool_t *mp, int kind)
{
    ck_assert_int_eq(mp_check(mp), 0);
    atomic_store(&pools_own.user, NULL);
    destroy_memory_pool(mp);
    if (pools_kinds[kind].source == POOLS_OWN) {
        ck_assert_uint_eq(pools_own.count, 0);
        ck_assert_uint_eq(pools_own.bytes, 0);
        ck_assert_uint_eq(pools_own.wrong, 0);
        pthread_mutex_destroy(&pools_own.lock);
    }
    free(pools_buffer);
    pools_buffer = NULL;
}

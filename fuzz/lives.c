/* SPDX-License-Identifier: MIT
 *
 * lives.c - steps that make, reset and destroy pools of all kinds.
 *
 * A reset destroys the pools below it first, the youngest first, and then calls
 * the cleanups.  The model says the order of all these calls beforehand.
 */
#include <errno.h>
#include <string.h>

#include "model.h"

/* Where the blocks come from: *backing is filled in, if it is needed. */
static void lives_source(struct model_pool *p, enum pools_source source,
                          mp_options_t *options, mp_backing_t *backing)
{
    static unsigned char buffers[MODEL_POOLS][MODEL_BUFFER];
    unsigned char *buffer = buffers[p - model.pools];
    unsigned less = model_byte();

    options->backing = backing;
    switch (source) {
    case POOLS_MALLOC:
        *backing = mp_backing_malloc;
        break;
    case POOLS_MMAP:
        *backing = mp_backing_mmap;
        break;
    case POOLS_BUFFER:
        *backing = mp_backing_buffer(buffer, MODEL_BUFFER >> less % 8);
        p->bounded = true;
        break;
    case POOLS_OWN:
        *backing = pools_backing_of(&p->own);
        p->own.limit = less % 4 == 0 ? 20000 + 1000 * less : 0;
        p->bounded = p->own.limit > 0;
        break;
    default:
        options->backing = NULL;
        break;
    }
}

/* What the options of a kind become by the input. */
static void lives_options(struct model_pool *p, mp_options_t *options)
{
    unsigned bits = model_byte();

    p->reports = (bits & 1) != 0;
    options->report = p->reports ? model_report : NULL;
    options->report_context = p->reports ? &model : NULL;
    if (bits & 2) {
        size_t some = (size_t)model_byte() * model_byte();
        options->capacity = some == 0 ? SIZE_MAX : 1 + some * 16;
        options->max_object = 0;
    }
    if (bits & 4) {
        options->max_object = 1 + (size_t)model_word() % 3000;
        if (options->capacity != 0 &&
            options->max_object > options->capacity) {
            options->max_object = options->capacity;
        }
    }
    options->flags |= bits & 8 ? MP_LEAK_CHECK : 0;
    p->leaks = (bits & 8) != 0 && p->reports;
    options->name = bits & 16 ? "fuzz" : NULL;
    if (bits & 32) {
        p->parent = model_pick_pool();
        options->parent = p->parent < 0 ? NULL : model.pools[p->parent].mp;
    }
}

/* The model of a new pool; a default one counts if there is no range. */
static void lives_made(int pool, const mp_options_t *options)
{
    struct model_pool *p = &model.pools[pool];
    const unsigned tracking = MP_PASSTHROUGH | MP_POISON | MP_REDZONE |
                              MP_QUARANTINE | MP_GUARD | MP_CALLERS | MP_TAGS;

    p->birth = ++model.births;
    p->capacity = options->capacity == 0 ? SIZE_MAX : options->capacity;
    p->widest = p->capacity;
    p->limits = options->capacity != 0;
    p->most_is_capacity =
        p->limits && options->max_object == 0 && !p->base;
    p->most = options->max_object != 0 ? options->max_object : p->capacity;
    p->tracked = (options->flags & tracking) != 0;
    p->counts = model_is_limited(pool) || p->tracked ||
                (options->flags & MP_ZERO_ON_FREE) != 0 || p->most < 1024 ||
                options->threads == MP_THREADS_LOCKED ||
                options->backing != NULL;
    if (!p->counts) {
        bool on = inject.on;
        inject.on = false;
        void *object = mp_allocate(p->mp, 1);
        p->counts = mp_usable_size(p->mp, object) == 1;
        mp_free(p->mp, object);
        inject.on = on;
        p->made = 1;
        p->peak = p->counts ? 1 : 16;
    }
}

/* Often a default pool or one with a capacity, else any. */
static int lives_kind(void)
{
    unsigned byte = model_byte();

    return byte >= 208   ? 0
           : byte >= 160 ? 3
                         : (int)byte % (pools_count + 1);
}

static void lives_make(void)
{
    int pool = (int)model_below(MODEL_POOLS);
    struct model_pool *p = &model.pools[pool];
    int kind = lives_kind();
    mp_options_t options = {0};
    mp_backing_t backing;

    if (p->mp != NULL) {
        return;
    }
    memset(p, 0, sizeof *p);
    p->parent = -1;
    pools_backing_start(&p->own);
    if (kind == pools_count) {
        p->base = p->reports = true;
        options.capacity = MAX_BLOCK_SIZE;
        options.threads = MP_THREADS_LOCKED;
    } else {
        options = pools_kinds[kind].options;
        lives_options(p, &options);
        lives_source(p, pools_kinds[kind].source, &options, &backing);
    }
    model_begin(-1);
    if (p->base) {
        inject_stop();
        p->mp = init_memory_pool();
        p->reports = false;
    } else {
        p->mp = mp_create(&options);
    }
    memset(&backing, 0, sizeof backing); /* the pool has its own copy */
    if (p->mp == NULL) {
        MODEL_EXPECT(model_was_refused(pool));
        if (p->reports) {
            model_end(-1, MP_EVENT_NO_MEMORY, NULL, ENOMEM);
        }
        return;
    }
    model_end(-1, 0, NULL, 0);
    lives_made(pool, &options);
}

/* Options that contradict each other. */
static void lives_make_wrong(void)
{
    const mp_backing_t half = {mp_backing_malloc.acquire, NULL, NULL};
    const mp_options_t wrong[] = {
        {.capacity = 10, .max_object = 11},
        {.threads = (mp_threads_t)3},
        {.flags = 0x80000000u},
        {.backing = &half},
    };
    mp_options_t options = wrong[model_byte() % 4];

    options.report = model_report;
    options.report_context = &model;
    model_begin(-1);
    MODEL_EXPECT(mp_create(&options) == NULL);
    model_end(-1, MP_EVENT_OPTION, NULL, EINVAL);
}

/* The youngest child of a pool; -1: none. */
static int lives_child(int pool, uint64_t before)
{
    int child = -1;

    for (int i = 0; i < MODEL_POOLS; i++) {
        const struct model_pool *p = &model.pools[i];
        if (p->mp != NULL && p->parent == pool && p->birth < before &&
            (child < 0 || p->birth > model.pools[child].birth)) {
            child = i;
        }
    }
    return child;
}

/* The order of what a reset calls: children's first, the youngest first. */
static void lives_expect(int pool)
{
    struct model_pool *p = &model.pools[pool];

    for (int child = lives_child(pool, UINT64_MAX); child >= 0;
         child = lives_child(pool, model.pools[child].birth)) {
        lives_expect(child);
    }
    for (unsigned i = p->cleanups; i > 0; i--) {
        scopes_expect_called(&p->cleanup[i - 1]);
    }
    p->cleanups = 0;
}

/* All of its objects are gone, and its marks. */
static void lives_empty(int pool)
{
    struct model_pool *p = &model.pools[pool];

    for (int i = 0; i < MODEL_OBJECTS && p->objects > 0; i++) {
        if (model.objects[i].at != NULL && model.objects[i].pool == pool) {
            model_went(i);
        }
    }
    MODEL_EXPECT(p->held == 0 && p->objects == 0);
    for (int user = 0; user < MODEL_USERS; user++) {
        p->users[user].depth = 0;
    }
}

static void lives_gone(int pool)
{
    struct model_pool *p = &model.pools[pool];

    for (int i = 0; i < MODEL_POOLS; i++) {
        if (model.pools[i].mp != NULL && model.pools[i].parent == pool) {
            lives_gone(i);
        }
    }
    MODEL_EXPECT(!p->leaks || (p->leaked > 0) == (p->objects > 0));
    lives_empty(pool);
    MODEL_EXPECT(p->total == 0);
    MODEL_EXPECT(p->own.count == 0 && p->own.bytes == 0);
    MODEL_EXPECT(p->own.wrong == 0);
    p->mp = NULL;
}

static void lives_end(int pool, bool destroys)
{
    struct model_pool *p = &model.pools[pool];
    memory_pool_t *mp = p->mp;

    lives_expect(pool);
    model.ending = pool;
    model_begin(pool);
    if (model.births % 2 == 0) {
        (destroys ? destroy_memory_pool : free_all_memory)(mp);
    } else {
        (destroys ? mp_destroy : mp_reset)(mp);
    }
    model_end(pool, 0, NULL, 0);
    model.ending = -1;
    scopes_compare_called();
    if (destroys) {
        lives_gone(pool);
        return;
    }
    for (int i = 0; i < MODEL_POOLS; i++) {
        if (model.pools[i].mp != NULL && model.pools[i].parent == pool) {
            lives_gone(i);
        }
    }
    lives_empty(pool);
    p->resets++;
}

static void lives_reset(void)
{
    int pool = model_pick_pool();

    if (pool >= 0) {
        lives_end(pool, false);
    }
}

static void lives_destroy(void)
{
    int pool = model_pick_pool();

    if (pool >= 0) {
        lives_end(pool, true);
    }
}

void lives_finish(void)
{
    for (int pool = 0; pool < MODEL_POOLS; pool++) {
        if (model.pools[pool].mp != NULL && model.pools[pool].parent < 0) {
            lives_end(pool, true);
        }
    }
    MODEL_EXPECT(model.bytes == 0);
}

const struct model_step lives_steps[] = {
    {lives_make, 8},
    {lives_make_wrong, 1},
    {lives_reset, 1},
    {lives_destroy, 2},
    {NULL, 0},
};

/* SPDX-License-Identifier: MIT
 *
 * views.c - steps that look at pools and trim them, and that make the system
 * refuse memory.
 */
#include <errno.h>
#include <stdio.h>

#include "model.h"

/* Nobody reads what is printed. */
static FILE *views_stream(void)
{
    static FILE *stream;

    if (stream == NULL) {
        stream = fopen("/dev/null", "w");
        MODEL_EXPECT(stream != NULL);
        setvbuf(stream, NULL, _IONBF, 0);
    }
    return stream;
}

static void views_trim(void)
{
    int pool = model_pick_pool();
    size_t keep = (size_t)model_byte() << model_byte() % 16;
    mp_stats_t before, after;

    if (pool >= 0) {
        memory_pool_t *mp = model.pools[pool].mp;
        MODEL_EXPECT(mp_stats(mp, &before) == 0);
        model_begin(pool);
        size_t given = mp_trim(mp, keep);
        model_end(pool, 0, NULL, 0);
        MODEL_EXPECT(mp_stats(mp, &after) == 0);
        MODEL_EXPECT(before.backing_bytes - given == after.backing_bytes);
    }
}

struct views_walk {
    int pool;
    unsigned left; /* objects after which it ends */
    bool frees;
};

static int views_visit(void *at, size_t size, void *arg)
{
    struct views_walk *walk = arg;
    int i = 0;

    while (i < MODEL_OBJECTS && model.objects[i].at != at) {
        i++;
    }
    MODEL_EXPECT(i < MODEL_OBJECTS && !model.objects[i].visited);
    MODEL_EXPECT(model.objects[i].pool == walk->pool);
    MODEL_EXPECT(model.objects[i].size == size);
    model.objects[i].visited = true;
    if (walk->frees && i % 2 == 0) {
        mp_free(model.pools[walk->pool].mp, at);
        model_went(i);
    }
    return walk->left-- == 0 ? 7 : 0;
}

static void views_walk(void)
{
    int pool = model_pick_pool();
    unsigned left = model_word() % (2 * MODEL_OBJECTS);
    struct views_walk walk = {pool, left, model_byte() % 4 == 0};

    if (pool < 0) {
        return;
    }
    for (int i = 0; i < MODEL_OBJECTS; i++) {
        model.objects[i].visited = false;
    }
    unsigned objects = model.pools[pool].objects;
    model_begin(pool);
    int result = mp_walk(model.pools[pool].mp, views_visit, &walk);
    if (result == -1) {
        MODEL_EXPECT(inject.failed);
        model_end(pool, 0, NULL, ENOMEM);
        return;
    }
    model_end(pool, 0, NULL, 0);
    MODEL_EXPECT(result == (left < objects ? 7 : 0));
    MODEL_EXPECT(left < objects || walk.left == left - objects);
}

/* Pictures and tables: they end, and change nothing. */
static void views_print(void)
{
    int pool = model_pick_pool();
    unsigned how = model_byte() % 4;

    if (pool < 0) {
        return;
    }
    memory_pool_t *mp = model.pools[pool].mp;
    FILE *stream = views_stream();
    model_begin(pool);
    int result = how == 0 ? mp_map(mp, stream)
                          : mp_stats_print(mp, stream,
                                           how == 1   ? MP_TEXT
                                           : how == 2 ? MP_JSON
                                                      : MP_OPENMETRICS);
    MODEL_EXPECT(result == 0 || (result == -1 && inject.failed));
    model_end(pool, 0, NULL, result == 0 ? 0 : ENOMEM);
}

static void views_verify(void)
{
    int pool = model_pick_pool();

    if (pool >= 0) {
        model_verify(pool);
    }
}

/* The system refuses a request that is still to come, and maybe all behind
 * it; or it refuses none. */
static void views_refuse(void)
{
    unsigned bits = model_byte();

    if (bits % 4 == 0) {
        inject_stop();
    } else {
        inject_start(1 + bits / 8, bits & 4);
    }
}

static void views_set_failure(void)
{
    int pool = model_pick_pool();

    if (pool >= 0) {
        struct model_pool *p = &model.pools[pool];
        p->failure = (int)model_below(5);
        model_begin(pool);
        MODEL_EXPECT(mp_set_failure(p->mp,
                                    p->failure == 0 ? NULL : model_failure,
                                    p) == 0);
        model_end(pool, 0, NULL, 0);
    }
}

const struct model_step views_steps[] = {
    {views_trim, 1},   {views_walk, 1},        {views_print, 1},
    {views_verify, 2}, {views_refuse, 2},      {views_set_failure, 1},
    {NULL, 0},
};

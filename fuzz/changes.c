/* SPDX-License-Identifier: MIT
 *
 * changes.c - steps that change a pool in use: its capacity, its parent, whose
 * its objects are; and the calls for many objects at once.
 *
 * What it cannot do: follow a failure function through a call for many objects,
 * since the model learns only afterwards which of them are there.  A pool that
 * has such a function is left out.
 */
#include <errno.h>
#include <string.h>

#include "model.h"

#define CHANGES_MANY 64

/* A capacity at which something changes: what is held, a little more or less,
 * none, or any. */
static size_t changes_capacity(const struct model_pool *p)
{
    switch (model_byte() % 8) {
    case 0:
        return 0;
    case 1:
        return SIZE_MAX;
    case 2:
        return p->total;
    case 3:
        return p->total > 0 ? p->total - 1 : 1;
    case 4:
        return p->total + 1 + model_byte();
    default:
        return p->total + 1 + model_word() * 8;
    }
}

static void changes_set_capacity(void)
{
    int pool = model_pick_pool();

    if (pool < 0) {
        return;
    }
    struct model_pool *p = &model.pools[pool];
    size_t bytes = changes_capacity(p);
    size_t capacity = bytes == 0 ? SIZE_MAX : bytes;

    model_begin(pool);
    int result = mp_set_capacity(p->mp, bytes);
    bool fits = p->total <= capacity;
    MODEL_EXPECT(result == (p->limits && fits ? 0 : -1));
    if (!p->limits) {
        model_end(pool, MP_EVENT_OPTION, NULL, EINVAL);
    } else if (!fits) {
        model_end(pool, MP_EVENT_FULL, NULL, ENOBUFS);
    } else {
        model_end(pool, 0, NULL, 0);
        p->capacity = capacity;
        p->widest = capacity > p->widest ? capacity : p->widest;
        p->most = p->most_is_capacity ? capacity : p->most;
    }
}

/* The pool is the other one, or is below it. */
static bool changes_is_below(int pool, int other)
{
    while (pool >= 0 && pool != other) {
        pool = model.pools[pool].parent;
    }
    return pool == other;
}

/* The pool and all below it count to the byte. */
static bool changes_counts(int pool)
{
    for (int i = 0; i < MODEL_POOLS; i++) {
        if (model.pools[i].mp != NULL && changes_is_below(i, pool) &&
            !model.pools[i].counts) {
            return false;
        }
    }
    return true;
}

/* So many bytes more fit into each pool from this one up, but for those that
 * hold them already. */
static bool changes_fits(int pool, int moved, size_t bytes)
{
    for (; pool >= 0; pool = model.pools[pool].parent) {
        const struct model_pool *p = &model.pools[pool];
        if (!changes_is_below(moved, pool) && p->capacity - p->total < bytes) {
            return false;
        }
    }
    return true;
}

/* Bytes that count in all pools from this one up, as unsigned numbers. */
static void changes_count(int pool, size_t bytes)
{
    for (; pool >= 0; pool = model.pools[pool].parent) {
        struct model_pool *p = &model.pools[pool];
        p->total += bytes;
        if (p->limits && p->total > p->peak) {
            p->peak = p->total;
        }
    }
}

static void changes_set_parent(void)
{
    int pool = model_pick_pool();
    int chosen = model.chosen;
    int parent = model_byte() % 4 == 0 ? -1 : model_pick_pool();

    model.chosen = chosen;
    if (pool < 0) {
        return;
    }
    struct model_pool *p = &model.pools[pool];
    memory_pool_t *above = parent < 0 ? NULL : model.pools[parent].mp;

    model_begin(pool);
    int result = mp_set_parent(p->mp, above);
    MODEL_EXPECT(result == 0 || result == -1);
    if (parent == p->parent) {
        model_end(pool, 0, NULL, 0);
    } else if (result != 0 && errno == ENOMEM) {
        MODEL_EXPECT(inject.failed);
        model_end(pool, MP_EVENT_NO_MEMORY, NULL, ENOMEM);
    } else if (changes_is_below(parent, pool) ||
               (model_is_limited(parent) && !changes_counts(pool))) {
        MODEL_EXPECT(result == -1);
        model_end(pool, MP_EVENT_OPTION, NULL, EINVAL);
    } else if (!changes_fits(parent, pool, p->total)) {
        MODEL_EXPECT(result == -1);
        model_end(pool, MP_EVENT_FULL, NULL, ENOBUFS);
    } else {
        MODEL_EXPECT(result == 0);
        model_end(pool, 0, NULL, 0);
        changes_count(p->parent, 0 - p->total);
        p->parent = parent;
        p->birth = ++model.births; /* the youngest of its new parent */
        changes_count(parent, p->total);
    }
}

/* What is a mark's, from the one number k on, is the next older one's, or the
 * pool's. */
static void changes_commit_model(int pool, int user, unsigned k)
{
    struct model_pool *p = &model.pools[pool];
    struct model_user *u = &p->users[user];

    for (unsigned i = 0; i < p->cleanups; i++) {
        struct model_cleanup *cleanup = &p->cleanup[i];
        for (unsigned n = k; n < u->depth && cleanup->user == user; n++) {
            if (cleanup->mark == u->marks[n].number) {
                cleanup->user = k == 0 ? -1 : user;
                cleanup->mark = k == 0 ? 0 : u->marks[k - 1].number;
            }
        }
    }
    for (int i = 0; i < MODEL_OBJECTS; i++) {
        struct model_object *object = &model.objects[i];
        if (object->at != NULL && object->pool == pool &&
            object->user == user && object->depth > k) {
            object->depth = k;
        }
    }
    u->depth = k;
}

static void changes_commit(void)
{
    int pool = model_pick_pool();
    int user = pool < 0 ? 0 : model_pick_user(pool);
    unsigned k = model_byte();

    if (pool < 0) {
        return;
    }
    struct model_pool *p = &model.pools[pool];
    struct model_user *u = &p->users[user];
    bool wrong = u->depth == 0;
    k = wrong ? 0 : k < 128 ? u->depth - 1 : k % u->depth;
    mp_mark_t mark = wrong ? (mp_mark_t){1} : u->marks[k];

    model_begin(pool);
    int result = u->handle != NULL ? mp_handle_commit(u->handle, mark)
                                   : mp_commit(p->mp, mark);
    MODEL_EXPECT(result == (wrong ? -1 : 0));
    if (wrong) {
        model_end(pool, MP_EVENT_MARK, NULL, EINVAL);
        return;
    }
    model_end(pool, 0, NULL, 0);
    changes_commit_model(pool, user, k);
}

static void changes_allocate_many(void)
{
    void *objects[CHANGES_MANY];
    int pool = model_pick_pool();
    size_t n = model_below(CHANGES_MANY + 1);
    size_t size = pool < 0 ? 0 : model_size(pool);

    if (pool < 0 || model.pools[pool].failure != 0 ||
        (size <= MODEL_BYTES / 2 && n * size > MODEL_BYTES / 8)) {
        return;
    }
    model_begin(pool);
    size_t got = mp_allocate_many(model.pools[pool].mp, size, n, objects);
    int error = errno;
    MODEL_EXPECT(got <= n);
    for (size_t k = 0; k < got; k++) {
        int i = model_free_slot();
        MODEL_EXPECT(size <= model_room(pool));
        if (i >= 0) {
            model_came(i, pool, model.self, objects[k], size);
        } else {
            /* There is no place for it in the model. */
            mp_free(model.pools[pool].mp, objects[k]);
            model.pools[pool].made++;
        }
    }
    errno = error;
    if (got == n) {
        model_end(pool, 0, NULL, 0);
    } else {
        MODEL_EXPECT(model_settle(pool, size, size, false) != 0);
    }
}

/* Some of a pool, with nothing between them, and maybe with what is no object
 * of it. */
static void changes_free_many(void)
{
    void *objects[CHANGES_MANY];
    int slots[CHANGES_MANY];
    int pool = model_pick_pool();
    int from = (int)(model_word() % MODEL_OBJECTS);
    size_t n = model_below(CHANGES_MANY);
    unsigned bits = model_byte();
    unsigned char foreign;
    size_t count = 0;
    size_t live = 0;

    for (int k = 0; pool >= 0 && k < MODEL_OBJECTS && count < n; k++) {
        int i = (from + k) % MODEL_OBJECTS;
        if (model.objects[i].at != NULL && model.objects[i].pool == pool) {
            MODEL_EXPECT(
                model_holds(&model.objects[i], model.objects[i].size));
            slots[live++] = i;
            objects[count++] = model.objects[i].at;
        } else if (k % 64 == 0) {
            objects[count++] = NULL;
        }
    }
    if (pool < 0) {
        return;
    }
    memory_pool_t *mp = model.pools[pool].mp;
    bool wrong = bits % 4 == 0;
    if (wrong) {
        size_t at = bits / 4 % (count + 1);
        memmove(&objects[at + 1], &objects[at],
                (count++ - at) * sizeof objects[0]);
        objects[at] = &foreign;
    }
    model_begin(pool);
    mp_free_many(mp, objects, count);
    model_end(pool, wrong ? MP_EVENT_NOT_IN_POOL : 0,
              wrong ? &foreign : NULL, wrong ? EINVAL : 0);
    for (size_t k = 0; k < live; k++) {
        MODEL_EXPECT(mp_locate(mp, model.objects[slots[k]].at) != MP_LIVE);
        model_went(slots[k]);
    }
}

/* Each pool once, with its parent; *arg has a bit for each. */
static int changes_visit(memory_pool_t *mp, void *arg)
{
    unsigned *seen = arg;
    int pool = 0;

    while (pool < MODEL_POOLS && model.pools[pool].mp != mp) {
        pool++;
    }
    MODEL_EXPECT(pool < MODEL_POOLS && (*seen & 1u << pool) == 0);
    *seen |= 1u << pool;
    int parent = model.pools[pool].parent;
    MODEL_EXPECT(mp_parent(mp) ==
                 (parent < 0 ? NULL : model.pools[parent].mp));
    return 0;
}

static void changes_each_pool(void)
{
    unsigned seen = 0;
    unsigned all = 0;

    for (int pool = 0; pool < MODEL_POOLS; pool++) {
        all |= model.pools[pool].mp == NULL ? 0 : 1u << pool;
    }
    model_begin(-1);
    int result = mp_each_pool(changes_visit, &seen);
    if (result != 0) {
        MODEL_EXPECT(result == -1 && inject.failed);
        model_end(-1, 0, NULL, ENOMEM);
        return;
    }
    model_end(-1, 0, NULL, 0);
    MODEL_EXPECT(seen == all);
}

const struct model_step changes_steps[] = {
    {changes_set_capacity, 3},  {changes_set_parent, 3},
    {changes_commit, 2},        {changes_allocate_many, 3},
    {changes_free_many, 2},     {changes_each_pool, 1},
    {NULL, 0},
};

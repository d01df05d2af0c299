/* SPDX-License-Identifier: MIT
 *
 * misuse.c - steps that ask about any address, and misuse it.
 *
 * Addresses are those of objects, of their inside and their ends, of what was
 * freed, of other pools, and of no pool.
 */
#include <errno.h>
#include <memory_pool_inline.h>

#include "called.h"
#include "model.h"

/* An address of any kind. */
static unsigned char *misuse_address(void)
{
    int i = model_pick_object();
    int pool = model_pick_pool();
    unsigned char *at = i < 0 ? NULL : model.objects[i].at;

    switch (model_byte() % 8) {
    case 0:
        return NULL;
    case 1:
        return (unsigned char *)&model;
    case 2:
        return pool < 0 ? NULL : (unsigned char *)model.pools[pool].mp;
    case 3:
        return (unsigned char *)model.gone[model_byte() % MODEL_GONE];
    case 4:
        return at == NULL ? NULL : at + model.objects[i].size;
    case 5:
        return (unsigned char *)((uintptr_t)at + model_word() * 16);
    case 6:
        return (unsigned char *)((uintptr_t)at - model_word());
    default:
        return (unsigned char *)((uintptr_t)at + model_byte());
    }
}

/* The object that starts at an address, or that has it inside. */
static int misuse_find(const unsigned char *at, bool inside)
{
    for (int i = 0; i < MODEL_OBJECTS; i++) {
        const struct model_object *object = &model.objects[i];
        uintptr_t offset = (uintptr_t)at - (uintptr_t)object->at;
        if (object->at != NULL && (inside ? offset < object->size
                                          : offset == 0)) {
            return i;
        }
    }
    return -1;
}

/* What an address is to each pool. */
static void misuse_ask(void)
{
    unsigned char *at = misuse_address();
    int i = misuse_find(at, true);
    int owner = i < 0 ? -1 : model.objects[i].pool;
    memory_pool_t *owned = mp_owner(at);

    MODEL_EXPECT(i < 0 || owned == model.pools[owner].mp);
    for (int pool = 0; pool < MODEL_POOLS; pool++) {
        memory_pool_t *mp = model.pools[pool].mp;
        if (mp == NULL) {
            continue;
        }
        bool live = pool == owner && model.objects[i].at == at;
        errno = SUPPORT_ERRNO;
        mp_where_t where = mp_locate(mp, at);
        MODEL_EXPECT((where == MP_LIVE) == live);
        MODEL_EXPECT(mp_owns(mp, at) == live);
        MODEL_EXPECT(at == NULL || is_mp_ptr(mp, at) == live);
        MODEL_EXPECT(errno == SUPPORT_ERRNO);
        MODEL_EXPECT((mp_usable_size(mp, at) != 0) == live);
        MODEL_EXPECT(errno == (live ? SUPPORT_ERRNO : EINVAL));
        MODEL_EXPECT(pool != owner || live || where == MP_INTERIOR);
        MODEL_EXPECT((where == MP_FOREIGN) == (owned != mp));
    }
}

/* A call for an address that is no object of the pool. */
static void misuse_by(int pool, unsigned char *at, unsigned way)
{
    struct model_pool *p = &model.pools[pool];
    mp_handle_t *handle = p->users[MODEL_THREADS].handle;
    void *got = NULL;

    switch (way) {
    case 0:
        CALLED(free_memory)(p->mp, at);
        break;
    case 1:
        mp_free_sized(p->mp, at, 16);
        break;
    case 2:
        got = mp_realloc(p->mp, at, 16);
        break;
    case 3:
        got = mp_aligned_realloc(p->mp, at, 64, 16);
        break;
    case 4:
        MODEL_EXPECT(mp_expand(p->mp, at, 16) == -1);
        break;
    case 5:
        mp_free(p->mp, at);
        break;
    case 6:
        mp_handle_free(handle, at);
        break;
    case 7:
        got = mp_handle_realloc(handle, at, 16);
        break;
    default:
        free_memory(p->mp, at);
        break;
    }
    MODEL_EXPECT(got == NULL);
}

static void misuse_call(void)
{
    unsigned char *at = misuse_address();
    unsigned way = model_byte() % 9;
    int pool = model_pick_pool();
    int i = misuse_find(at, false);

    if (pool < 0 || (i >= 0 && model.objects[i].pool == pool) ||
        model.pools[pool].most < 16 ||
        (at == NULL && way != 0 && way != 8 && way != 4) ||
        ((way == 6 || way == 7) &&
         model.pools[pool].users[MODEL_THREADS].handle == NULL)) {
        return;
    }
    model_begin(pool);
    misuse_by(pool, at, way);
    model_end(pool, at == NULL ? MP_EVENT_NO_POINTER : MP_EVENT_NOT_IN_POOL,
              at, EINVAL);
}

/* A size that the object does not have, and alignments that nothing has. */
static void misuse_mistake(void)
{
    int i = model_pick_object();

    if (i < 0) {
        return;
    }
    const struct model_object *object = &model.objects[i];
    struct model_pool *p = &model.pools[object->pool];
    size_t size = object->size + 1 + model_byte();

    if (p->counts && model_byte() % 2 == 0) {
        size = object->size - 1;
    }
    model_begin(object->pool);
    mp_free_sized(p->mp, object->at, size);
    model_end(object->pool, MP_EVENT_WRONG_SIZE, object->at, EINVAL);
    model_begin(object->pool);
    MODEL_EXPECT(mp_aligned_alloc(p->mp, 3 * (size_t)model_byte(), 8) ==
                 NULL);
    p->refused[0]++;
    model_end(object->pool, MP_EVENT_SIZE, NULL, EINVAL);
    model_begin(object->pool);
    MODEL_EXPECT(mp_calloc(p->mp, SIZE_MAX / 2, 3 + model_byte()) == NULL);
    p->refused[0]++;
    model_end(object->pool, MP_EVENT_SIZE, NULL, EINVAL);
}

const struct model_step misuse_steps[] = {
    {misuse_ask, 2},
    {misuse_call, 3},
    {misuse_mistake, 1},
    {NULL, 0},
};

/* SPDX-License-Identifier: MIT
 *
 * scopes.c - steps for handles, marks and cleanups.
 */
#include <errno.h>
#include <string.h>

#include "model.h"

/* A number that scopes_called() knows the pool by. */
static uintptr_t scopes_id(int pool)
{
    static uintptr_t next;

    return ++next * MODEL_POOLS + (uintptr_t)pool;
}


/* A cleanup.  Objects of its pool are still there; it may free one, and may
 * not end its pool. */
static void scopes_called(void *arg)
{
    uintptr_t id = (uintptr_t)arg;
    int pool = (int)(id % MODEL_POOLS);
    struct model_pool *p = &model.pools[pool];
    int i = model_next_object(pool, (int)(id * 31 % MODEL_OBJECTS), -1);

    MODEL_EXPECT(model.called_count < MODEL_CALLED);
    model.called[model.called_count++] = id;
    if (i >= 0) {
        MODEL_EXPECT(mp_locate(p->mp, model.objects[i].at) == MP_LIVE);
        MODEL_EXPECT(model_holds(&model.objects[i], model.objects[i].size));
        if (id / MODEL_POOLS % 3 == 0) {
            mp_free(p->mp, model.objects[i].at);
            model_went(i);
        }
    }
    if (model.ending >= 0 && !p->base && id / MODEL_POOLS % 5 == 0) {
        const struct pools_report was = model.report;
        model_begin(-1);
        (id % 2 == 0 ? mp_reset : mp_destroy)(p->mp);
        MODEL_EXPECT(errno == EBUSY);
        MODEL_EXPECT(model.report.count == p->reports);
        model.report = was;
    }
    errno = EXDEV; /* which no call may pass on */
}

void scopes_expect_called(const struct model_cleanup *cleanup)
{
    MODEL_EXPECT(model.expected_count < MODEL_CALLED);
    model.expected[model.expected_count++] = cleanup->id;
}

void scopes_compare_called(void)
{
    MODEL_EXPECT(model.called_count == model.expected_count);
    MODEL_EXPECT(memcmp(model.called, model.expected,
                        model.called_count * sizeof model.called[0]) == 0);
    model.called_count = model.expected_count = 0;
}

static void scopes_attach(void)
{
    int pool = model_pick_pool();
    int user = MODEL_THREADS + (int)model_below(MODEL_USERS - MODEL_THREADS);

    if (pool < 0 || model.pools[pool].users[user].handle != NULL) {
        return;
    }
    model_begin(pool);
    mp_handle_t *handle = mp_attach(model.pools[pool].mp);
    if (handle == NULL) {
        MODEL_EXPECT(inject.failed);
        model_end(pool, MP_EVENT_NO_MEMORY, NULL, ENOMEM);
        return;
    }
    model_end(pool, 0, NULL, 0);
    model.pools[pool].users[user].handle = handle;
}

/* Its objects belong to no mark from now on. */
static void scopes_end_user(int pool, int user)
{
    for (int i = 0; i < MODEL_OBJECTS; i++) {
        if (model.objects[i].pool == pool && model.objects[i].user == user) {
            model.objects[i].depth = 0;
        }
    }
    model.pools[pool].users[user] = (struct model_user){0};
}

void scopes_end_thread(int thread)
{
    for (int pool = 0; pool < MODEL_POOLS; pool++) {
        scopes_end_user(pool, thread);
    }
}

static void scopes_detach(void)
{
    int pool = model_pick_pool();
    int user = MODEL_THREADS + (int)model_below(MODEL_USERS - MODEL_THREADS);

    if (pool >= 0 && model.pools[pool].users[user].handle != NULL) {
        model_begin(pool);
        mp_detach(model.pools[pool].users[user].handle);
        model_end(pool, 0, NULL, 0);
        scopes_end_user(pool, user);
    }
}

static void scopes_mark(void)
{
    int pool = model_pick_pool();
    int user = pool < 0 ? 0 : model_pick_user(pool);
    struct model_user *u = pool < 0 ? NULL : &model.pools[pool].users[user];

    if (pool < 0 || u->depth == MODEL_DEEP) {
        return;
    }
    model_begin(pool);
    mp_mark_t mark = u->handle != NULL ? mp_handle_mark(u->handle)
                                       : mp_mark(model.pools[pool].mp);
    if (MP_MARK_FAILED(mark)) {
        MODEL_EXPECT(model_was_refused(pool));
        model_end(pool, MP_EVENT_NO_MEMORY, NULL, ENOMEM);
        return;
    }
    model_end(pool, 0, NULL, 0);
    u->marks[u->depth++] = mark;
}

/* What a rewind to the mark number k calls, the newest first. */
static void scopes_expect_rewind(struct model_pool *p, int user, unsigned k)
{
    const struct model_user *u = &p->users[user];
    struct model_cleanup kept[MODEL_CLEANUPS];
    unsigned count = 0;

    for (unsigned i = p->cleanups; i > 0; i--) {
        const struct model_cleanup *cleanup = &p->cleanup[i - 1];
        bool goes = false;
        for (unsigned n = k; n < u->depth && cleanup->user == user; n++) {
            goes = goes || cleanup->mark == u->marks[n].number;
        }
        if (goes) {
            scopes_expect_called(cleanup);
        } else {
            kept[count++] = *cleanup;
        }
    }
    p->cleanups = count;
    for (unsigned i = 0; i < count; i++) {
        p->cleanup[i] = kept[count - 1 - i];
    }
}

static int scopes_rewind_by(int pool, int user, mp_mark_t mark)
{
    mp_handle_t *handle = model.pools[pool].users[user].handle;

    return handle != NULL ? mp_handle_rewind(handle, mark)
                          : mp_rewind(model.pools[pool].mp, mark);
}

static void scopes_rewind(void)
{
    int pool = model_pick_pool();
    int user = pool < 0 ? 0 : model_pick_user(pool);
    struct model_user *u = pool < 0 ? NULL : &model.pools[pool].users[user];
    unsigned k = model_byte();

    if (pool < 0 || u->depth == 0) {
        return;
    }
    k = k < 128 ? u->depth - 1 : k % u->depth;
    scopes_expect_rewind(&model.pools[pool], user, k);
    model_begin(pool);
    MODEL_EXPECT(scopes_rewind_by(pool, user, u->marks[k]) == 0);
    model_end(pool, 0, NULL, 0);
    scopes_compare_called();
    u->depth = k;
    for (int i = 0; i < MODEL_OBJECTS; i++) {
        const struct model_object *object = &model.objects[i];
        if (object->at != NULL && object->pool == pool &&
            object->user == user && object->depth > k) {
            MODEL_EXPECT(mp_locate(model.pools[pool].mp, object->at) !=
                         MP_LIVE);
            model_went(i);
        }
    }
}

/* A mark that is another's, or that was rewound. */
static void scopes_rewind_wrong(void)
{
    int pool = model_pick_pool();
    int user = pool < 0 ? 0 : model_pick_user(pool);
    int other = (int)model_below(MODEL_POOLS);
    int of = (int)model_below(MODEL_USERS);
    unsigned k = model_byte() % MODEL_DEEP;
    mp_mark_t mark = model.pools[other].users[of].marks[k];

    if (pool < 0 || (other == pool && of == user &&
                     k < model.pools[pool].users[user].depth)) {
        return;
    }
    model_begin(pool);
    MODEL_EXPECT(scopes_rewind_by(pool, user, mark) == -1);
    model_end(pool, MP_EVENT_MARK, NULL, EINVAL);
}

/* Of the pool, or of the newest mark of a user. */
static void scopes_add_cleanup(void)
{
    int pool = model_pick_pool();
    int user = pool < 0 ? 0 : model_pick_user(pool);
    bool marked = model_byte() % 2 != 0;

    if (pool < 0 || model.pools[pool].cleanups == MODEL_CLEANUPS) {
        return;
    }
    struct model_pool *p = &model.pools[pool];
    struct model_user *u = &p->users[user];
    uintptr_t id = scopes_id(pool);
    void *arg = (void *)id;
    mp_mark_t mark = u->depth == 0 ? (mp_mark_t){0} : u->marks[u->depth - 1];
    int result;

    model_begin(pool);
    if (marked) {
        result = u->handle != NULL
                     ? mp_handle_add_mark_cleanup(u->handle, mark,
                                                  scopes_called, arg)
                     : mp_add_mark_cleanup(p->mp, mark, scopes_called, arg);
    } else {
        result = mp_add_cleanup(p->mp, scopes_called, arg);
    }
    if (marked && u->depth == 0) {
        MODEL_EXPECT(result == -1);
        model_end(pool, MP_EVENT_MARK, NULL, EINVAL);
    } else if (result != 0) {
        MODEL_EXPECT(result == -1 && inject.failed);
        model_end(pool, MP_EVENT_NO_MEMORY, NULL, ENOMEM);
    } else {
        model_end(pool, 0, NULL, 0);
        p->cleanup[p->cleanups++] = (struct model_cleanup){
            id, marked ? user : -1, marked ? mark.number : 0};
    }
}

static void scopes_remove_cleanup(void)
{
    int pool = model_pick_pool();

    if (pool < 0) {
        return;
    }
    struct model_pool *p = &model.pools[pool];
    unsigned k = model_byte() % MODEL_CLEANUPS;
    void *arg = (void *)(k < p->cleanups ? p->cleanup[k].id : 0);

    model_begin(pool);
    int result = mp_remove_cleanup(p->mp, scopes_called, arg);
    MODEL_EXPECT(result == (k < p->cleanups ? 0 : -1));
    if (result != 0) {
        model_end(pool, MP_EVENT_CLEANUP, NULL, EINVAL);
        return;
    }
    model_end(pool, 0, NULL, 0);
    for (p->cleanups--; k < p->cleanups; k++) {
        p->cleanup[k] = p->cleanup[k + 1];
    }
}

const struct model_step scopes_steps[] = {
    {scopes_attach, 2},         {scopes_detach, 1},
    {scopes_mark, 3},           {scopes_rewind, 3},
    {scopes_rewind_wrong, 1},   {scopes_add_cleanup, 2},
    {scopes_remove_cleanup, 1}, {NULL, 0},
};

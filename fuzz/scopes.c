/* SPDX-License-Identifier: MIT
 *
 * scopes.c - steps that make and end pools, handles, marks and cleanups, that
 * look at pools, and that make the system refuse memory.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "model.h"

/* Nobody reads what is printed. */
static FILE *scopes_stream(void)
{
    static FILE *stream;

    if (stream == NULL) {
        stream = fopen("/dev/null", "w");
        MODEL_EXPECT(stream != NULL);
        setvbuf(stream, NULL, _IONBF, 0);
    }
    return stream;
}

/* A number that scopes_called() knows the pool by. */
static uintptr_t scopes_id(int pool)
{
    static uintptr_t next;

    return ++next * MODEL_POOLS + (uintptr_t)pool;
}


/* Where the blocks come from: *backing is filled in, if it is needed. */
static void scopes_source(struct model_pool *p, enum pools_source source,
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
static void scopes_options(struct model_pool *p, mp_options_t *options)
{
    unsigned bits = model_byte();

    p->reports = (bits & 1) != 0;
    options->report = p->reports ? model_report : NULL;
    options->report_context = p->reports ? &model : NULL;
    if (bits & 2) {
        options->capacity = 1 + (size_t)model_byte() * model_byte() * 16;
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
static void scopes_made(int pool, const mp_options_t *options)
{
    struct model_pool *p = &model.pools[pool];
    const unsigned tracking = MP_PASSTHROUGH | MP_POISON | MP_REDZONE |
                              MP_QUARANTINE | MP_GUARD | MP_CALLERS | MP_TAGS;

    p->birth = ++model.births;
    p->capacity = options->capacity == 0 ? SIZE_MAX : options->capacity;
    p->most = options->max_object != 0 ? options->max_object : p->capacity;
    p->tracked = (options->flags & tracking) != 0;
    p->counts = model_room(pool) != SIZE_MAX || p->tracked ||
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

static void scopes_make(void)
{
    int pool = (int)model_below(MODEL_POOLS);
    struct model_pool *p = &model.pools[pool];
    int kind = (int)model_below((size_t)pools_count + 1);
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
        scopes_options(p, &options);
        scopes_source(p, pools_kinds[kind].source, &options, &backing);
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
    scopes_made(pool, &options);
}

/* Options that contradict each other. */
static void scopes_make_wrong(void)
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

static void scopes_expect_called(const struct model_cleanup *cleanup)
{
    MODEL_EXPECT(model.expected_count < MODEL_CALLED);
    model.expected[model.expected_count++] = cleanup->id;
}

static void scopes_compare_called(void)
{
    MODEL_EXPECT(model.called_count == model.expected_count);
    MODEL_EXPECT(memcmp(model.called, model.expected,
                        model.called_count * sizeof model.called[0]) == 0);
    model.called_count = model.expected_count = 0;
}

/* The youngest child of a pool; -1: none. */
static int scopes_child(int pool, uint64_t before)
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
static void scopes_expect(int pool)
{
    struct model_pool *p = &model.pools[pool];

    for (int child = scopes_child(pool, UINT64_MAX); child >= 0;
         child = scopes_child(pool, model.pools[child].birth)) {
        scopes_expect(child);
    }
    for (unsigned i = p->cleanups; i > 0; i--) {
        scopes_expect_called(&p->cleanup[i - 1]);
    }
    p->cleanups = 0;
}

/* All of its objects are gone, and its marks. */
static void scopes_empty(int pool)
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

static void scopes_gone(int pool)
{
    struct model_pool *p = &model.pools[pool];

    for (int i = 0; i < MODEL_POOLS; i++) {
        if (model.pools[i].mp != NULL && model.pools[i].parent == pool) {
            scopes_gone(i);
        }
    }
    MODEL_EXPECT(!p->leaks || (p->leaked > 0) == (p->objects > 0));
    scopes_empty(pool);
    MODEL_EXPECT(p->total == 0);
    MODEL_EXPECT(p->own.count == 0 && p->own.bytes == 0);
    MODEL_EXPECT(p->own.wrong == 0);
    p->mp = NULL;
}

static void scopes_end(int pool, bool destroys)
{
    struct model_pool *p = &model.pools[pool];
    memory_pool_t *mp = p->mp;

    scopes_expect(pool);
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
        scopes_gone(pool);
        return;
    }
    for (int i = 0; i < MODEL_POOLS; i++) {
        if (model.pools[i].mp != NULL && model.pools[i].parent == pool) {
            scopes_gone(i);
        }
    }
    scopes_empty(pool);
    p->resets++;
}

static void scopes_reset(void)
{
    int pool = model_pick_pool();

    if (pool >= 0) {
        scopes_end(pool, false);
    }
}

static void scopes_destroy(void)
{
    int pool = model_pick_pool();

    if (pool >= 0) {
        scopes_end(pool, true);
    }
}

void scopes_finish(void)
{
    for (int pool = 0; pool < MODEL_POOLS; pool++) {
        if (model.pools[pool].mp != NULL && model.pools[pool].parent < 0) {
            scopes_end(pool, true);
        }
    }
    MODEL_EXPECT(model.bytes == 0);
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

static void scopes_trim(void)
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

struct scopes_walk {
    int pool;
    unsigned left; /* objects after which it ends */
    bool frees;
};

static int scopes_visit(void *at, size_t size, void *arg)
{
    struct scopes_walk *walk = arg;
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

static void scopes_walk(void)
{
    int pool = model_pick_pool();
    unsigned left = model_word() % (2 * MODEL_OBJECTS);
    struct scopes_walk walk = {pool, left, model_byte() % 4 == 0};

    if (pool < 0) {
        return;
    }
    for (int i = 0; i < MODEL_OBJECTS; i++) {
        model.objects[i].visited = false;
    }
    unsigned objects = model.pools[pool].objects;
    model_begin(pool);
    int result = mp_walk(model.pools[pool].mp, scopes_visit, &walk);
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
static void scopes_print(void)
{
    int pool = model_pick_pool();
    unsigned how = model_byte() % 3;

    if (pool < 0) {
        return;
    }
    memory_pool_t *mp = model.pools[pool].mp;
    FILE *stream = scopes_stream();
    model_begin(pool);
    int result = how == 0 ? mp_map(mp, stream)
                          : mp_stats_print(mp, stream,
                                           how == 1 ? MP_TEXT : MP_JSON);
    MODEL_EXPECT(result == 0 || (result == -1 && inject.failed));
    model_end(pool, 0, NULL, result == 0 ? 0 : ENOMEM);
}

static void scopes_verify(void)
{
    int pool = model_pick_pool();

    if (pool >= 0) {
        model_verify(pool);
    }
}

/* The system refuses a request that is still to come, and maybe all behind
 * it; or it refuses none. */
static void scopes_refuse(void)
{
    unsigned bits = model_byte();

    if (bits % 4 == 0) {
        inject_stop();
    } else {
        inject_start(1 + bits / 8, bits & 4);
    }
}

static void scopes_set_failure(void)
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

const struct model_step scopes_steps[] = {
    {scopes_make, 8},           {scopes_make_wrong, 1},
    {scopes_reset, 1},          {scopes_destroy, 2},
    {scopes_attach, 2},         {scopes_detach, 1},
    {scopes_mark, 3},           {scopes_rewind, 3},
    {scopes_rewind_wrong, 1},   {scopes_add_cleanup, 2},
    {scopes_remove_cleanup, 1}, {scopes_trim, 1},
    {scopes_walk, 1},           {scopes_print, 1},
    {scopes_verify, 2},         {scopes_refuse, 2},
    {scopes_set_failure, 1},    {NULL, 0},
};

/* SPDX-License-Identifier: MIT
 *
 * objects.c - steps that allocate, resize, append and free.
 *
 * Each function of the interface that makes or changes an object is called, by
 * the thread that works or by a handle, as compiled in and as exported.
 */
#include <errno.h>
#include <memory_pool_hooks.h>
#include <memory_pool_inline.h>
#include <stdio.h>
#include <string.h>

#include "called.h"
#include "model.h"

static char objects_text[MODEL_TEXT]; /* without its end, all 'x' */

static const char *objects_string(size_t length)
{
    memset(objects_text, 'x', sizeof objects_text);
    MODEL_EXPECT(length < sizeof objects_text);
    objects_text[length] = '\0';
    return objects_text;
}

/* What is wanted. */
struct objects_want {
    memory_pool_t *mp;
    mp_handle_t *handle; /* NULL: for the thread */
    size_t size;
    size_t alignment;
};

/* All its bytes are 0. */
static void *objects_zeroed(unsigned char *at, size_t size)
{
    MODEL_EXPECT(at == NULL || (at[0] == 0 &&
                                memcmp(at, at + 1, size - 1) == 0));
    return at;
}

static void *objects_aligned(void *at, size_t alignment)
{
    MODEL_EXPECT((uintptr_t)at % alignment == 0);
    return at;
}

/* A copy of a text of size - 1 bytes, by any of three functions. */
static void *objects_copied(char *at, size_t size)
{
    MODEL_EXPECT(at == NULL || strlen(at) == size - 1);
    MODEL_EXPECT(at == NULL || strspn(at, "x") == size - 1);
    return at;
}

static void *objects_print(const struct objects_want *want, const char *format,
                           ...)
{
    va_list arguments;

    va_start(arguments, format);
    void *at = want->handle != NULL
                   ? mp_handle_vasprintf(want->handle, format, arguments)
                   : mp_vasprintf(want->mp, format, arguments);
    va_end(arguments);
    return at;
}

/* By a function for handles. */
static void *objects_take_handle(const struct objects_want *w, unsigned way)
{
    mp_handle_t *handle = w->handle;
    const char *text = objects_text;
    size_t size = w->size;

    switch (way) {
    case 0:
        return CALLED(mp_handle_allocate)(handle, size);
    case 1:
        return objects_zeroed(mp_handle_calloc(handle, 1, size), size);
    case 2:
        return objects_aligned(
            mp_handle_aligned_alloc(handle, w->alignment, size), w->alignment);
    case 3:
        return objects_aligned(
            mp_handle_aligned_realloc(handle, NULL, w->alignment, size),
            w->alignment);
    case 4:
        return mp_handle_realloc(handle, NULL, size);
    case 8:
        return objects_copied(mp_handle_strdup(handle, text), size);
    case 9:
        return objects_copied(mp_handle_strndup(handle, text, size - 1), size);
    case 10:
        return mp_handle_memdup(handle, text, size);
    case 11:
        return objects_copied(mp_handle_asprintf(handle, "%s", text), size);
    case 12:
        return objects_copied(objects_print(w, "%s", text), size);
    default:
        return mp_handle_allocate(handle, size);
    }
}

/* By malloc()'s functions over the current pool. */
static void *objects_take_hook(const struct objects_want *want, unsigned way)
{
    memory_pool_t *outer = mp_use(want->mp);
    void *at;

    MODEL_EXPECT(outer == NULL && mp_used() == want->mp);
    switch (way) {
    case 5:
        at = mp_hook_malloc(want->size);
        break;
    case 6:
        at = objects_zeroed(mp_hook_calloc(1, want->size), want->size);
        break;
    case 13:
        at = objects_copied(mp_hook_strdup(objects_text), want->size);
        break;
    default:
        at = mp_hook_realloc(NULL, want->size);
        break;
    }
    mp_use(NULL);
    return at;
}

#define OBJECTS_WAYS 16
#define OBJECTS_TEXTS 8 /* from this way on the object is a copy of a text */
#define OBJECTS_COPIES 13

static void *objects_take(const struct objects_want *w, unsigned way)
{
    const char *text = objects_text;
    size_t size = w->size;

    if (w->handle != NULL) {
        return objects_take_handle(w, way);
    }
    switch (way) {
    case 0:
        return CALLED(mp_allocate)(w->mp, size);
    case 1:
        return objects_zeroed(mp_calloc(w->mp, 1, size), size);
    case 2:
        return objects_aligned(mp_aligned_alloc(w->mp, w->alignment, size),
                               w->alignment);
    case 3:
        return objects_aligned(
            mp_aligned_realloc(w->mp, NULL, w->alignment, size), w->alignment);
    case 4:
        return mp_reallocarray(w->mp, NULL, 1, size);
    case 5:
    case 6:
    case 7:
    case 13:
        return objects_take_hook(w, way);
    case 8:
        return objects_copied(mp_strdup(w->mp, text), size);
    case 9:
        return objects_copied(mp_strndup(w->mp, text, size - 1), size);
    case 10:
        return mp_memdup(w->mp, text, size);
    case 11:
        return objects_copied(mp_asprintf(w->mp, "%s", text), size);
    case 12:
        return objects_copied(objects_print(w, "%s", text), size);
    default:
        return mp_allocate(w->mp, size);
    }
}

static struct objects_want objects_want(int pool, int user)
{
    const struct model_pool *p = &model.pools[pool];

    return (struct objects_want){
        .mp = p->mp, .handle = p->users[user].handle, .alignment = 1};
}

/* One object more. */
static void objects_one(int pool, int user, size_t size, unsigned way)
{
    struct objects_want want = objects_want(pool, user);
    int i = model_free_slot();
    void *volatile at = NULL;
    jmp_buf jump;

    if (i < 0) {
        return;
    }
    want.size = size;
    want.alignment = way == 2 || way == 3 ? (size_t)1 << model_byte() % 17 : 1;
    if (way >= OBJECTS_TEXTS && way <= OBJECTS_COPIES) {
        want.size = size % (MODEL_TEXT - 1) + 1;
        objects_string(want.size - 1);
    } else if (size == 0 && way >= 5 && way <= 7) {
        want.size = 1; /* which C's functions take it for */
    }
    model_begin(pool);
    model.kept = -1;
    model.jump = &jump;
    if (setjmp(jump) == 0) {
        at = objects_take(&want, way);
        model.jump = NULL;
        if (model_settle(pool, want.size, want.size, at != NULL) == 0) {
            model_came(i, pool, user, at, want.size);
        }
    } else {
        /* As if nothing had been asked for. */
        model.jump = NULL;
        mp_use(NULL);
        errno = SUPPORT_ERRNO;
        model_end(pool, 0, NULL, 0);
    }
}

static void objects_allocate(void)
{
    int pool = model_pick_pool();

    if (pool >= 0) {
        int user = model_pick_user(pool);
        unsigned way = model_byte() % OBJECTS_WAYS;
        objects_one(pool, user, model_size(pool), way);
    }
}

/* Enough of one length that caches and depot exchange batches. */
static void objects_allocate_many(void)
{
    int pool = model_pick_pool();

    if (pool >= 0) {
        int user = model_pick_user(pool);
        unsigned way = model_byte() % OBJECTS_WAYS;
        unsigned n = model_byte();
        size_t size = 1 + (size_t)model_byte() * model_byte() / 32;
        if (n % 4 == 0) {
            n /= 16;
            size *= 32;
        }
        for (model.size = size; n > 0; n--) {
            objects_one(pool, user, size, way);
        }
    }
}

static void objects_free_one(int i, int user, unsigned way)
{
    const struct model_object *object = &model.objects[i];
    memory_pool_t *mp = model.pools[object->pool].mp;
    mp_handle_t *handle = model.pools[object->pool].users[user].handle;

    MODEL_EXPECT(model_holds(object, object->size));
    model_begin(object->pool);
    if (handle != NULL) {
        (way % 2 == 0 ? mp_handle_free
                      : CALLED(mp_handle_free))(handle, object->at);
    } else {
        switch (way) {
        case 0:
            CALLED(free_memory)(mp, object->at);
            break;
        case 1:
            mp_free(mp, object->at);
            break;
        case 2:
            mp_free_sized(mp, object->at, object->size);
            break;
        case 3:
            mp_hook_free(object->at);
            break;
        default:
            free_memory(mp, object->at);
            break;
        }
    }
    model_end(object->pool, 0, NULL, 0);
    MODEL_EXPECT(mp_locate(mp, object->at) != MP_LIVE);
    model_went(i);
}

static void objects_free(void)
{
    int i = model_pick_object();

    if (i >= 0) {
        int user = model_pick_user(model.objects[i].pool);
        objects_free_one(i, user, model_byte() % 6);
    }
}

/* Some or all of a pool, in the order of slots or against it. */
static void objects_free_many(void)
{
    int pool = model_pick_pool();
    unsigned bits = model_byte();
    unsigned n = model_byte();

    for (int k = 0; pool >= 0 && k < MODEL_OBJECTS && n > 0; k++) {
        int i = bits & 1 ? MODEL_OBJECTS - 1 - k : k;
        if (model.objects[i].at != NULL && model.objects[i].pool == pool &&
            ((bits & 2) == 0 || k % 3 != 0)) {
            objects_free_one(i, model.self, bits >> 2 & 7);
            n--;
        }
    }
}

/* What resizes, without a stricter alignment. */
static void *objects_resize_by(const struct objects_want *want, void *ptr,
                               unsigned way)
{
    void *at;

    if (want->handle != NULL) {
        return mp_handle_realloc(want->handle, ptr, want->size);
    }
    switch (way) {
    case 0:
        return mp_reallocarray(want->mp, ptr, 1, want->size);
    case 1:
        mp_use(want->mp);
        at = mp_hook_realloc(ptr, want->size);
        mp_use(NULL);
        return at;
    case 2:
        return mp_hook_realloc(ptr, want->size);
    default:
        return mp_realloc(want->mp, ptr, want->size);
    }
}

/* A size for an object that has one: near it, half, twice. */
static size_t objects_new_size(int i)
{
    size_t old = model.objects[i].size;

    switch (model_byte() % 8) {
    case 0:
        return model_size(model.objects[i].pool);
    case 1:
        return old * 2;
    case 2:
        return old / 2 + 1;
    case 3:
        return old + model_room(model.objects[i].pool) + model_byte() % 2 >=
                       MODEL_BYTES / 2
                   ? old + 1
                   : old + model_room(model.objects[i].pool) +
                         model_byte() % 2;
    case 4:
        return 1 + (size_t)model_word() % (2 * old);
    default:
        return old + model_byte();
    }
}

static void objects_resize(void)
{
    int i = model_pick_object();

    if (i < 0 || model.objects[i].text) {
        return;
    }
    int pool = model.objects[i].pool;
    int user = model_pick_user(pool);
    struct objects_want want = objects_want(pool, user);
    size_t old = model.objects[i].size;
    unsigned way = model_byte() % 6;

    want.size = objects_new_size(i);
    want.size += want.size == 0 && (way == 1 || way == 2);
    model_begin(pool);
    model.kept = i;
    void *at = objects_resize_by(&want, model.objects[i].at, way);
    size_t more = want.size > old ? want.size - old : 0;
    if (model_settle(pool, want.size, more, at != NULL) == 0) {
        model_resized(i, user, at, want.size);
    }
    model.kept = -1;
}

/* If it moves, both are there for a moment; and whether it has to move, the
 * model does not know. */
static void objects_realign(void)
{
    int i = model_pick_object();

    if (i < 0 || model.objects[i].text) {
        return;
    }
    int pool = model.objects[i].pool;
    int user = model_pick_user(pool);
    struct model_pool *p = &model.pools[pool];
    size_t old = model.objects[i].size;
    size_t size = objects_new_size(i);
    size_t alignment = (size_t)1 << model_byte() % 17;
    void *was = model.objects[i].at;

    model_begin(pool);
    model.kept = i;
    void *at = p->users[user].handle != NULL
                   ? mp_handle_aligned_realloc(p->users[user].handle, was,
                                               alignment, size)
                   : mp_aligned_realloc(p->mp, was, alignment, size);
    size_t more = size > old ? size - old : 0;
    if (at == NULL || at != was) {
        more = at == NULL && size <= model_room(pool) ? more : size;
    }
    if (model_settle(pool, size, more, at != NULL) == 0) {
        objects_aligned(at, alignment);
        model_resized(i, user, at, size);
    }
    model.kept = -1;
}

static void objects_expand(void)
{
    int i = model_pick_object();

    if (i < 0 || model.objects[i].text) {
        return;
    }
    int pool = model.objects[i].pool;
    size_t old = model.objects[i].size;
    size_t size = objects_new_size(i);
    size_t more = size > old ? size - old : 0;

    model_begin(pool);
    model.kept = i;
    int result = mp_expand(model.pools[pool].mp, model.objects[i].at, size);
    model.kept = -1;
    MODEL_EXPECT(result == 0 || result == -1);
    if (result != 0 && errno == ENOMEM) {
        MODEL_EXPECT(more > 0 && more <= model_room(pool));
        MODEL_EXPECT(size <= model.pools[pool].most);
        model_end(pool, 0, NULL, ENOMEM);
    } else if (model_settle(pool, size, more, result == 0) == 0) {
        model_resized(i, model.self, model.objects[i].at, size);
    }
}

/* So many letters to a string's end; bytes of its own, or printed. */
static int objects_append_by(memory_pool_t *mp, struct model_string *string,
                             uint32_t tag, size_t n, unsigned way)
{
    mp_string_t *s = &string->string;
    size_t from = s->length;

    for (size_t i = 0; i < n; i++) {
        objects_text[i] = model_letter(tag, from + i);
    }
    objects_text[n] = '\0';
    /* The letters come again after 26: its own bytes are what is to follow. */
    if (way == 0 && from >= 26 && n <= from - from % 26) {
        return mp_append_bytes(mp, s, s->bytes + from % 26, n);
    }
    return way == 1 ? mp_append_printf(mp, s, "%s", objects_text)
                    : mp_append_bytes(mp, s, objects_text, n);
}

static void objects_append(void)
{
    struct model_string *string = &model.strings[model_byte() % MODEL_STRINGS];
    int made = model_free_slot();
    int pool = string->object < 0 ? model_pick_pool()
                                  : model.objects[string->object].pool;
    size_t n = model_word() % (model_byte() % 4 == 0 ? MODEL_TEXT : 100);
    unsigned way = model_byte() % 3;
    const mp_string_t was = string->string;

    if (pool < 0 || made < 0) {
        return;
    }
    uint32_t tag = string->object < 0 ? (model.tags + 1) * 2654435761u
                                      : model.objects[string->object].tag;
    model_begin(pool);
    model.kept = string->object;
    int result = objects_append_by(model.pools[pool].mp, string, tag, n, way);
    model.kept = -1;
    MODEL_EXPECT(result == 0 ? string->string.length == was.length + n
                             : memcmp(&was, &string->string, sizeof was) == 0);
    if (n < was.room - was.length) {
        MODEL_EXPECT(result == 0);
        model_end(pool, 0, NULL, 0);
        return;
    }
    size_t needed = was.length + n + 1;
    if (model_settle(pool, needed, needed - was.room, result == 0) != 0) {
        return;
    }
    if (string->object >= 0) {
        model_resized(string->object, model.self, string->string.bytes,
                      string->string.room);
        return;
    }
    model_came(made, pool, model.self, string->string.bytes,
               string->string.room);
    string->object = made;
    model.objects[made].text = true;
    for (size_t i = 0; i < n; i++) {
        string->string.bytes[i] = model_letter(tag, i);
    }
    string->string.bytes[n] = '\0';
}

const struct model_step objects_steps[] = {
    {objects_allocate, 12}, {objects_allocate_many, 4},
    {objects_free, 6},      {objects_free_many, 3},
    {objects_resize, 6},    {objects_realign, 2},
    {objects_expand, 2},    {objects_append, 3},
    {NULL, 0},
};

/* SPDX-License-Identifier: MIT
 *
 * model.c - what a sequence of calls ought to have done, beside the pools.
 *
 * A request fits if its bytes do, in the pool and in each above it; that is
 * the whole rule of capacity.  ENOMEM is right only where the system or a
 * backing has just refused memory.  Each refusal is counted and reported once.
 *
 * Nothing here asks for memory: a request of the model's own would be one that
 * inject.c may refuse.
 */
#include "model.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sanitizer.h"

#define MODEL_HEAD ((size_t)512) /* bytes that differ in an object */

struct model model;

/* Standard error during a call for a base pool. */
static struct {
    int file;
    int saved;
    bool on;
} model_error = {-1, -1, false};

#if SANITIZER_ON
void __sanitizer_set_report_fd(void *fd);
#endif

static void model_error_begin(void)
{
    if (model_error.file < 0) {
        char name[] = "/tmp/fuzz-XXXXXX";
        model_error.file = mkstemp(name);
        unlink(name);
        model_error.saved = dup(STDERR_FILENO);
#if SANITIZER_ON
        __sanitizer_set_report_fd((void *)(intptr_t)model_error.saved);
#endif
    }
    MODEL_EXPECT(model_error.saved >= 0 && !model_error.on);
    MODEL_EXPECT(ftruncate(model_error.file, 0) == 0);
    MODEL_EXPECT(lseek(model_error.file, 0, SEEK_SET) == 0);
    dup2(model_error.file, STDERR_FILENO);
    model_error.on = true;
}

/* How many lines there were. */
static unsigned model_error_end(void)
{
    char text[1024];
    unsigned lines = 0;
    ssize_t n;

    model_error.on = false;
    dup2(model_error.saved, STDERR_FILENO);
    lseek(model_error.file, 0, SEEK_SET);
    while ((n = read(model_error.file, text, sizeof text)) > 0) {
        for (ssize_t i = 0; i < n; i++) {
            lines += text[i] == '\n';
        }
    }
    return lines;
}

void model_fail(const char *file, int line, const char *what)
{
    if (model_error.on) {
        (void)model_error_end();
    }
    fprintf(stderr, "%s:%d: step %u, thread %d, not true: %s\n", file, line,
            model.step, model.self, what);
    fprintf(stderr, "errno %d; %zu reports, the last: %d %s\n", errno,
            model.report.count, (int)model.report.event,
            model.report.message);
    abort();
}

unsigned model_byte(void)
{
    if (model.left == 0) {
        return 0;
    }
    model.left--;
    return *model.input++;
}

unsigned model_word(void)
{
    unsigned low = model_byte();

    return low | model_byte() << 8;
}

size_t model_below(size_t bound)
{
    return (bound <= 256 ? model_byte() : model_word()) % bound;
}

/* Mostly the one that was chosen last: what a pool does depends on what it did
 * before. */
int model_pick_pool(void)
{
    unsigned from = model_byte();

    if (from >= 80) {
        from = (unsigned)model.chosen;
    }
    for (unsigned i = 0; i < MODEL_POOLS; i++) {
        int pool = (int)((from + i) % MODEL_POOLS);
        if (model.pools[pool].mp != NULL) {
            return model.chosen = pool;
        }
    }
    return -1;
}

int model_next_object(int pool, int from, int but)
{
    for (int i = 0; i < MODEL_OBJECTS; i++) {
        int slot = (from + i) % MODEL_OBJECTS;
        const struct model_object *object = &model.objects[slot];
        if (object->at != NULL && slot != but &&
            (pool < 0 || object->pool == pool)) {
            return slot;
        }
    }
    return -1;
}

int model_pick_object(void)
{
    unsigned from = model_word();

    return model_next_object(from < 0xc000 ? model.chosen : -1,
                             (int)(from % MODEL_OBJECTS), -1);
}

int model_free_slot(void)
{
    for (int i = 0; i < MODEL_OBJECTS && model.bytes < MODEL_BYTES; i++) {
        if (model.objects[i].at == NULL) {
            return i;
        }
    }
    return -1;
}

int model_pick_user(int pool)
{
    int user = (int)model_below(2 * MODEL_USERS);

    return user >= MODEL_THREADS && user < MODEL_USERS &&
                   model.pools[pool].users[user].handle != NULL
               ? user
               : model.self;
}

size_t model_room(int pool)
{
    size_t least = SIZE_MAX;

    for (; pool >= 0; pool = model.pools[pool].parent) {
        const struct model_pool *p = &model.pools[pool];
        size_t here =
            p->capacity == SIZE_MAX ? SIZE_MAX : p->capacity - p->total;
        least = here < least ? here : least;
    }
    return least;
}

bool model_is_limited(int pool)
{
    while (pool >= 0 && !model.pools[pool].limits) {
        pool = model.pools[pool].parent;
    }
    return pool >= 0;
}

/* Sizes that a pool refuses, or of which it may be the last. */
static size_t model_odd_size(int pool)
{
    const size_t most = model.pools[pool].most;
    const size_t sizes[] = {0, SIZE_MAX - model_byte() % 80, MODEL_HUGE, most,
                            most == SIZE_MAX ? 0 : most + 1};
    size_t size = sizes[model_byte() % (sizeof sizes / sizeof sizes[0])];

    /* A capacity of SIZE_MAX is none, and yet two objects of that size would
     * not fit below it: which of the two is said, the manual leaves open. */
    if (size > MODEL_HUGE && model_room(pool) == SIZE_MAX &&
        model_is_limited(model.pools[pool].parent)) {
        size = MODEL_HUGE;
    }
    /* What is less than huge, and more than is here, may be had or not. */
    return size > MODEL_BYTES / 2 && size < MODEL_HUGE ? 1 : size;
}

static size_t model_some_size(int pool)
{
    static const size_t edges[] = {15,    16,    17,    1008,   1023,  1024,
                                   1025,  1040,  1041,  4096,   65535, 65536,
                                   65537, 70000, 131072, 262144, 262145};
    size_t room = model_room(pool);

    switch (model_byte() % 16) {
    case 0:
        return edges[model_below(sizeof edges / sizeof edges[0])];
    case 1:
        return model_odd_size(pool);
    case 2:
        return room <= MODEL_BYTES / 2 ? room + model_byte() % 2 : 100;
    case 3:
        return 1 + (size_t)model_word();
    case 4:
        return ((size_t)1 + model_byte()) * 4096;
    case 5:
    case 6:
    case 7:
        return 1 + (size_t)model_word() % 1100;
    case 8:
        return 1 + (size_t)model_word() % 5000;
    case 9:
        return model.size + model_byte() % 33;
    case 10:
    case 11:
    case 12:
        return model.size; /* what may have been freed meanwhile */
    default:
        return 1 + (size_t)model_byte();
    }
}

size_t model_size(int pool)
{
    size_t size = model_some_size(pool);

    if (size <= MODEL_BYTES / 2) {
        model.size = size;
    }
    return size;
}

/* The program's own memory is none of the library's. */
void model_report(memory_pool_t *mp, mp_event_t event, const char *message,
                  const void *ptr, void *context)
{
    MODEL_EXPECT(context == &model && message != NULL);
    MODEL_EXPECT(mp == NULL || mp_owner(&model) == NULL);
    if (event == MP_EVENT_LEAK) {
        for (int i = 0; i < MODEL_POOLS; i++) {
            model.pools[i].leaked += model.pools[i].mp == mp;
        }
        return;
    }
    model.report.mp = mp;
    model.report.event = event;
    snprintf(model.report.message, sizeof model.report.message, "%s", message);
    model.report.ptr = ptr;
    model.report.count++;
    errno = EXDEV; /* which no call may pass on */
}

void model_begin(int pool)
{
    memset(&model.report, 0, sizeof model.report);
    model.retries = 0;
    inject.failed = false;
    if (pool >= 0 && model.pools[pool].base) {
        model_error_begin();
    }
    errno = SUPPORT_ERRNO;
}

void model_end(int pool, mp_event_t event, const void *ptr, int error)
{
    int got = errno;
    const struct model_pool *p = pool < 0 ? NULL : &model.pools[pool];

    if (model_error.on) {
        unsigned lines = model_error_end();
        MODEL_EXPECT(lines == (event != 0));
    }
    errno = got;
    MODEL_EXPECT(got == (error == 0 ? SUPPORT_ERRNO : error));
    if (event == 0 || (p != NULL && !p->reports)) {
        MODEL_EXPECT(model.report.count == 0);
        return;
    }
    MODEL_EXPECT(model.report.count == 1);
    MODEL_EXPECT(model.report.event == event);
    MODEL_EXPECT(model.report.mp == (p == NULL ? NULL : p->mp));
    MODEL_EXPECT(model.report.ptr == ptr);
}

bool model_was_refused(int pool)
{
    return inject.failed || model.pools[pool].bounded;
}

int model_settle(int pool, size_t size, size_t more, bool got)
{
    static const mp_event_t events[] = {MP_EVENT_SIZE, MP_EVENT_FULL,
                                        MP_EVENT_NO_MEMORY};
    static const int errors[] = {EINVAL, ENOBUFS, ENOMEM};
    struct model_pool *p = &model.pools[pool];
    bool refused = size >= MODEL_HUGE || (!got && model_was_refused(pool));
    int why = size == 0 || size > p->most ? 0
              : more > model_room(pool)   ? 1
              : refused                   ? 2
                                          : -1;

    MODEL_EXPECT(got == (why < 0));
    if (why < 0) {
        model_end(pool, 0, NULL, 0);
        return 0;
    }
    p->refused[why]++;
    model_end(pool, events[why], NULL, errors[why]);
    return errors[why];
}

/* Frees something of the pool; false: it has nothing else. */
static bool model_make_room(int pool)
{
    int i = model_next_object(pool, (int)(model.step % MODEL_OBJECTS),
                              model.kept);

    if (i < 0) {
        return false;
    }
    MODEL_EXPECT(model_holds(&model.objects[i], model.objects[i].size));
    mp_free(model.pools[pool].mp, model.objects[i].at);
    model_went(i);
    return true;
}

bool model_failure(memory_pool_t *mp, size_t size, int error, void *context)
{
    const struct model_pool *p = context;
    int pool = (int)(p - model.pools);

    MODEL_EXPECT(p->mp == mp && size > 0 && size <= p->most);
    MODEL_EXPECT(model.report.count == 0);
    MODEL_EXPECT(error == ENOBUFS
                     ? size > model_room(pool)
                     : error == ENOMEM && (size >= MODEL_HUGE ||
                                           model_was_refused(pool)));
    if (model.retries++ == 3) {
        return false;
    }
    switch (p->failure) {
    case 2:
        return model_make_room(pool);
    case 3:
        inject_stop();
        return mp_trim(mp, 0) > 0 || error == ENOMEM;
    case 4:
        if (model.jump != NULL) {
            longjmp(*model.jump, 1);
        }
        return false;
    default:
        return false;
    }
}

char model_letter(uint32_t tag, size_t i)
{
    return (char)('a' + (i * 7 + tag) % 26);
}

static unsigned char model_rest(uint32_t tag)
{
    return (unsigned char)(tag * 31 + 7);
}

/* Long objects are filled and compared in one call. */
void model_fill(const struct model_object *object, size_t from)
{
    size_t head = object->size < MODEL_HEAD ? object->size : MODEL_HEAD;

    if (object->text) {
        return;
    }
    support_fill(object->at, head, object->tag);
    if (from < head) {
        from = head;
    }
    memset(object->at + from, model_rest(object->tag), object->size - from);
}

bool model_holds(const struct model_object *object, size_t n)
{
    const unsigned char *rest = object->at + MODEL_HEAD;

    if (object->text) {
        return true; /* the string is looked at */
    }
    if (n <= MODEL_HEAD) {
        return support_holds(object->at, n, object->tag);
    }
    n -= MODEL_HEAD;
    return support_holds(object->at, MODEL_HEAD, object->tag) &&
           rest[0] == model_rest(object->tag) &&
           memcmp(rest, rest + 1, n - 1) == 0;
}

/* So many bytes more, as unsigned numbers, are held. */
static void model_hold(int pool, size_t bytes)
{
    struct model_pool *p = &model.pools[pool];

    model.bytes += bytes;
    p->held += bytes;
    if (!p->limits && p->held > p->peak) {
        p->peak = p->held;
    }
    for (; pool >= 0; pool = p->parent) {
        p = &model.pools[pool];
        p->total += bytes;
        if (p->limits && p->total > p->peak) {
            p->peak = p->total;
        }
    }
}

static void model_set(struct model_object *object, void *at, size_t size)
{
    const struct model_pool *p = &model.pools[object->pool];
    size_t alignment = 16;

    while (alignment > size) {
        alignment /= 2;
    }
    MODEL_EXPECT((uintptr_t)at % alignment == 0);
    object->at = at;
    object->size = mp_usable_size(p->mp, at);
    MODEL_EXPECT(p->counts ? object->size == size : object->size >= size);
}

void model_came(int i, int pool, int user, void *at, size_t size)
{
    struct model_object *object = &model.objects[i];
    struct model_pool *p = &model.pools[pool];

    *object = (struct model_object){.pool = pool,
                                    .user = user,
                                    .depth = p->users[user].depth,
                                    .tag = ++model.tags * 2654435761u};
    model_set(object, at, size);
    model_fill(object, 0);
    p->objects++;
    p->made++;
    model_hold(pool, object->size);
}

void model_resized(int i, int user, void *at, size_t size)
{
    struct model_object *object = &model.objects[i];
    struct model_pool *p = &model.pools[object->pool];
    size_t old = object->size;

    if (at != object->at) {
        object->user = user;
        object->depth = p->users[user].depth;
        p->moved++;
    }
    model_set(object, at, size);
    MODEL_EXPECT(model_holds(object, old < size ? old : size));
    model_fill(object, old < size ? old : size);
    model_hold(object->pool, object->size - old);
}

void model_went(int i)
{
    struct model_object *object = &model.objects[i];
    struct model_string *string = model.strings;

    for (int k = 0; k < MODEL_STRINGS; k++, string++) {
        if (object->text && string->object == i) {
            *string = (struct model_string){.object = -1};
        }
    }
    model.gone[model.went++ % MODEL_GONE] = object->at;
    model.pools[object->pool].objects--;
    model_hold(object->pool, 0 - object->size);
    object->at = NULL;
}

static void model_verify_stats(int pool, const mp_stats_t *stats)
{
    const struct model_pool *p = &model.pools[pool];
    size_t children = 0;

    for (int i = 0; i < MODEL_POOLS; i++) {
        children += model.pools[i].mp != NULL &&
                    model.pools[i].parent == pool;
    }
    MODEL_EXPECT(stats->live_objects == p->objects);
    MODEL_EXPECT(stats->live_bytes == p->held);
    MODEL_EXPECT(stats->peak_bytes >= p->peak);
    MODEL_EXPECT(stats->peak_bytes <= p->widest || !p->counts);
    MODEL_EXPECT(stats->allocations - stats->frees == p->objects);
    MODEL_EXPECT(stats->allocations >= p->made);
    MODEL_EXPECT(stats->allocations <= p->made + p->moved);
    MODEL_EXPECT(stats->resets == p->resets);
    MODEL_EXPECT(stats->refused_size == p->refused[0]);
    MODEL_EXPECT(stats->refused_full == p->refused[1]);
    MODEL_EXPECT(stats->refused_memory == p->refused[2]);
    MODEL_EXPECT(stats->children == children);
    MODEL_EXPECT(stats->blocks > 0 && stats->backing_bytes > 0);
    MODEL_EXPECT(stats->cached_bytes <= stats->backing_bytes);
    MODEL_EXPECT(stats->live_bytes <= stats->backing_bytes);
}

static void model_verify_string(const struct model_string *string)
{
    const mp_string_t *s = &string->string;

    if (string->object < 0) {
        MODEL_EXPECT(s->bytes == NULL && s->length == 0 && s->room == 0);
        return;
    }
    const struct model_object *object = &model.objects[string->object];
    MODEL_EXPECT((unsigned char *)s->bytes == object->at);
    MODEL_EXPECT(s->length < s->room && s->room <= object->size);
    MODEL_EXPECT(s->bytes[s->length] == '\0');
    for (size_t i = 0; i < s->length; i++) {
        MODEL_EXPECT(s->bytes[i] == model_letter(object->tag, i));
    }
}

void model_verify(int pool)
{
    const struct model_pool *p = &model.pools[pool];
    mp_stats_t stats;

    for (int i = 0; i < MODEL_OBJECTS; i++) {
        const struct model_object *object = &model.objects[i];
        if (object->at != NULL && object->pool == pool) {
            MODEL_EXPECT(mp_locate(p->mp, object->at) == MP_LIVE);
            MODEL_EXPECT(mp_usable_size(p->mp, object->at) == object->size);
            MODEL_EXPECT(model_holds(object, object->size));
        }
    }
    for (int i = 0; i < MODEL_STRINGS; i++) {
        model_verify_string(&model.strings[i]);
    }
    errno = SUPPORT_ERRNO;
    MODEL_EXPECT(mp_check(p->mp) == 0);
    mp_kind_t kind = mp_kind(p->mp, NULL);
    /* One that gave up its caches counts no more than before. */
    MODEL_EXPECT(p->counts ? kind != MP_KIND_CACHED
                           : kind == MP_KIND_CACHED || kind == MP_KIND_LOCKED);
    MODEL_EXPECT(mp_stats(p->mp, &stats) == 0 && errno == SUPPORT_ERRNO);
    model_verify_stats(pool, &stats);
    MODEL_EXPECT(p->own.wrong == 0);
}

void model_verify_all(void)
{
    for (int i = 0; i < MODEL_POOLS; i++) {
        if (model.pools[i].mp != NULL) {
            model_verify(i);
        }
    }
}

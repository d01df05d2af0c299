/* SPDX-License-Identifier: MIT
 *
 * scopes.c - a shadow of what one thread or one handle has in a pool, with
 * its marks.
 *
 * The rule of marks is short enough to be written down twice: an object goes
 * with the first rewind to a mark that was open when it was allocated.  An
 * object that a resize moves is a new one, allocated by the thread, and one
 * that stays keeps its place.
 */
#include "scopes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static memory_pool_t *scopes_parent;

int scopes_kinds(void)
{
    return pools_count + SCOPES_OTHERS;
}

static mp_options_t scopes_options(int kind)
{
    mp_options_t options = {0};

    if (kind < pools_count) {
        return pools_kinds[kind].options;
    }
    options.capacity = SCOPES_CAPACITY;
    switch (kind - pools_count) {
    case SCOPES_BASE:
        options.capacity = MAX_BLOCK_SIZE;
        break;
    case SCOPES_TIGHT_NONE:
        options.threads = MP_THREADS_NONE;
        break;
    default:
        break;
    }
    return options;
}

bool scopes_is_shared(int kind)
{
    return scopes_options(kind).threads != MP_THREADS_NONE;
}

memory_pool_t *scopes_pool(int kind)
{
    mp_options_t options = scopes_options(kind);
    memory_pool_t *mp;

    if (kind < pools_count) {
        return pools_make(kind);
    }
    pools_forget_reports();
    if (kind == pools_count + SCOPES_BASE) {
        mp = init_memory_pool();
    } else if (kind == pools_count + SCOPES_BOUNDED) {
        scopes_parent = mp_create(&options);
        mp_options_t child = {.parent = scopes_parent};
        POOLS_EXPECT(scopes_parent != NULL);
        mp = mp_create(&child);
    } else {
        mp = mp_create(&options);
    }
    ck_assert_ptr_nonnull(mp);
    return mp;
}

void scopes_pool_end(memory_pool_t *mp, int kind)
{
    if (kind < pools_count) {
        pools_end(mp, kind);
        return;
    }
    ck_assert_int_eq(mp_check(mp), 0);
    destroy_memory_pool(mp);
    if (kind == pools_count + SCOPES_BOUNDED) {
        /* What the child had counts no more. */
        ck_assert_ptr_nonnull(mp_allocate(scopes_parent, SCOPES_CAPACITY));
        ck_assert_int_eq(mp_check(scopes_parent), 0);
        destroy_memory_pool(scopes_parent);
    }
}

struct scopes *scopes_new(memory_pool_t *mp, int kind, uint64_t random)
{
    struct scopes *scopes = calloc(1, sizeof *scopes);

    POOLS_EXPECT(scopes != NULL);
    scopes->mp = mp;
    scopes->alone = true;
    scopes->capacity = kind < pools_count ? 0 : scopes_options(kind).capacity;
    scopes->longest = scopes->capacity != 0 && scopes->capacity < 300000
                          ? scopes->capacity
                          : 300000;
    scopes->next_tag = (uint32_t)random | 1;
    scopes->random = random;
    return scopes;
}

struct scopes *scopes_start(int kind, uint64_t random)
{
    return scopes_new(scopes_pool(kind), kind, random);
}

void scopes_end(struct scopes *scopes, int kind)
{
    memory_pool_t *mp = scopes->mp;

    free(scopes);
    scopes_pool_end(mp, kind);
}

void scopes_capture(int kind)
{
    if (kind == pools_count + SCOPES_BASE) {
        support_capture();
    }
}

void scopes_release(int kind)
{
    if (kind == pools_count + SCOPES_BASE) {
        free(support_release());
    }
}

/* Most are short, some are alone in a block. */
static size_t scopes_size(struct scopes *scopes)
{
    size_t most = 1000;

    switch (support_below(&scopes->random, 40)) {
    case 0:
        most = scopes->longest;
        break;
    case 1:
    case 2:
        most = 5000;
        break;
    default:
        most = (size_t)16 << support_below(&scopes->random, 7);
        break;
    }
    most = most > scopes->longest ? scopes->longest : most;
    return 1 + support_below(&scopes->random, most);
}

static bool scopes_fits(const struct scopes *scopes, size_t more)
{
    return scopes->capacity == 0 || more <= scopes->capacity - scopes->bytes;
}

static void *scopes_take(struct scopes *scopes, size_t size)
{
    return scopes->handle != NULL ? mp_handle_allocate(scopes->handle, size)
                                  : mp_allocate(scopes->mp, size);
}

static void scopes_note(struct scopes *scopes, unsigned char *at,
                        size_t size, unsigned depth)
{
    struct scopes_object *object = &scopes->objects[scopes->count++];

    POOLS_EXPECT(mp_locate(scopes->mp, at) == MP_LIVE);
    object->at = at;
    object->size = size;
    object->tag = scopes->next_tag++;
    object->depth = depth;
    scopes->bytes += size;
    support_fill(at, size, object->tag);
}

/* A handle takes objects in one way, a thread in three. */
static unsigned char *scopes_take_somehow(struct scopes *scopes, size_t size)
{
    size_t alignment = (size_t)1 << support_below(&scopes->random, 13);
    unsigned char *at;

    switch (scopes->handle != NULL ? 9
                                   : support_below(&scopes->random, 10)) {
    case 0:
        at = mp_calloc(scopes->mp, 1, size);
        for (size_t i = 0; at != NULL && i < size; i++) {
            POOLS_EXPECT(at[i] == 0);
        }
        return at;
    case 1:
        at = mp_aligned_alloc(scopes->mp, alignment, size);
        POOLS_EXPECT((uintptr_t)at % alignment == 0);
        return at;
    default:
        return scopes_take(scopes, size);
    }
}

void scopes_allocate(struct scopes *scopes)
{
    size_t size = scopes_size(scopes);

    if (scopes->count == SCOPES_OBJECTS) {
        return;
    }
    errno = SUPPORT_ERRNO;
    unsigned char *at = scopes_take_somehow(scopes, size);
    if (!scopes_fits(scopes, size)) {
        POOLS_EXPECT(at == NULL);
        POOLS_EXPECT(errno == ENOBUFS);
        return;
    }
    POOLS_EXPECT(at != NULL);
    POOLS_EXPECT(errno == SUPPORT_ERRNO);
    scopes_note(scopes, at, size, scopes->depth);
}

unsigned char *scopes_allocate_size(struct scopes *scopes, size_t size)
{
    unsigned char *at = scopes_take(scopes, size);

    POOLS_EXPECT(at != NULL);
    POOLS_EXPECT(scopes->count < SCOPES_OBJECTS);
    scopes_note(scopes, at, size, scopes->depth);
    return at;
}

static void scopes_forget(struct scopes *scopes, size_t i)
{
    scopes->bytes -= scopes->objects[i].size;
    scopes->objects[i] = scopes->objects[--scopes->count];
}

static bool scopes_object_holds(const struct scopes *scopes,
                                const struct scopes_object *object)
{
    return mp_locate(scopes->mp, object->at) == MP_LIVE &&
           support_holds(object->at, object->size, object->tag);
}

void scopes_free(struct scopes *scopes, size_t i)
{
    const struct scopes_object object = scopes->objects[i];

    POOLS_EXPECT(scopes_object_holds(scopes, &object));
    scopes_forget(scopes, i);
    errno = SUPPORT_ERRNO;
    /* Who frees makes no difference. */
    if (scopes->handle != NULL && support_below(&scopes->random, 8) != 0) {
        mp_handle_free(scopes->handle, object.at);
    } else {
        free_memory(scopes->mp, object.at);
    }
    POOLS_EXPECT(errno == SUPPORT_ERRNO);
    POOLS_EXPECT(!scopes->alone ||
                 mp_locate(scopes->mp, object.at) != MP_LIVE);
}

void scopes_resize(struct scopes *scopes, size_t i)
{
    struct scopes_object object = scopes->objects[i];
    size_t size = scopes_size(scopes);
    size_t kept = size < object.size ? size : object.size;
    unsigned char *at = mp_realloc(scopes->mp, object.at, size);

    if (size > object.size && !scopes_fits(scopes, size - object.size)) {
        POOLS_EXPECT(at == NULL);
        POOLS_EXPECT(errno == ENOBUFS);
        POOLS_EXPECT(scopes_object_holds(scopes, &object));
        return;
    }
    POOLS_EXPECT(at != NULL);
    POOLS_EXPECT(support_holds(at, kept, object.tag));
    if (at != object.at) {
        object.depth = scopes->handle != NULL ? 0 : scopes->depth;
    }
    scopes_forget(scopes, i);
    scopes_note(scopes, at, size, object.depth);
}

void scopes_mark(struct scopes *scopes)
{
    mp_mark_t mark;

    if (scopes->depth == SCOPES_DEEP) {
        return;
    }
    errno = SUPPORT_ERRNO;
    mark = scopes->handle != NULL ? mp_handle_mark(scopes->handle)
                                  : mp_mark(scopes->mp);
    POOLS_EXPECT(mark.number != 0);
    POOLS_EXPECT(errno == SUPPORT_ERRNO);
    for (unsigned i = 0; i < scopes->depth; i++) {
        POOLS_EXPECT(scopes->marks[i].number != mark.number);
    }
    scopes->marks[scopes->depth++] = mark;
}

void scopes_refused(memory_pool_t *mp, mp_handle_t *handle, mp_mark_t mark)
{
    errno = 0;
    int result = handle != NULL ? mp_handle_rewind(handle, mark)
                                : mp_rewind(mp, mark);
    POOLS_EXPECT(result == -1);
    POOLS_EXPECT(errno == EINVAL);
}

/* Forgets what is deeper, and expects the pool to have forgotten it. */
static void scopes_drop(struct scopes *scopes, unsigned depth)
{
    size_t kept = 0;

    scopes->depth = depth;
    for (size_t i = 0; i < scopes->count; i++) {
        struct scopes_object object = scopes->objects[i];
        if (object.depth <= depth) {
            scopes->objects[kept++] = object;
            continue;
        }
        scopes->bytes -= object.size;
        POOLS_EXPECT(!scopes->alone ||
                     mp_locate(scopes->mp, object.at) != MP_LIVE);
    }
    scopes->count = kept;
}

void scopes_rewind(struct scopes *scopes, unsigned k)
{
    mp_mark_t mark = scopes->marks[k];
    mp_mark_t last = scopes->marks[scopes->depth - 1];

    errno = SUPPORT_ERRNO;
    POOLS_EXPECT((scopes->handle != NULL
                      ? mp_handle_rewind(scopes->handle, mark)
                      : mp_rewind(scopes->mp, mark)) == 0);
    POOLS_EXPECT(errno == SUPPORT_ERRNO);
    scopes_drop(scopes, k);
    /* Reports are for one thread at a time. */
    if (scopes->alone && support_below(&scopes->random, 4) == 0) {
        scopes_refused(scopes->mp, scopes->handle, mark);
        scopes_refused(scopes->mp, scopes->handle, last);
    }
}

void scopes_commit(struct scopes *scopes, unsigned k)
{
    mp_mark_t mark = scopes->marks[k];
    mp_mark_t last = scopes->marks[scopes->depth - 1];

    errno = SUPPORT_ERRNO;
    POOLS_EXPECT((scopes->handle != NULL
                      ? mp_handle_commit(scopes->handle, mark)
                      : mp_commit(scopes->mp, mark)) == 0);
    POOLS_EXPECT(errno == SUPPORT_ERRNO);
    for (size_t i = 0; i < scopes->count; i++) {
        if (scopes->objects[i].depth > k) {
            scopes->objects[i].depth = k;
        }
    }
    scopes->depth = k;
    if (scopes->alone && support_below(&scopes->random, 4) == 0) {
        scopes_refused(scopes->mp, scopes->handle, mark);
        scopes_refused(scopes->mp, scopes->handle, last);
    }
}

void scopes_reset(struct scopes *scopes)
{
    mp_mark_t last = {0};

    if (scopes->depth > 0) {
        last = scopes->marks[support_below(&scopes->random, scopes->depth)];
    }
    errno = SUPPORT_ERRNO;
    free_all_memory(scopes->mp);
    POOLS_EXPECT(errno == SUPPORT_ERRNO);
    for (size_t i = 0; i < scopes->count; i++) {
        scopes->objects[i].depth = 1;
    }
    scopes_drop(scopes, 0);
    scopes_refused(scopes->mp, scopes->handle, last);
}

void scopes_step(struct scopes *scopes)
{
    size_t i = support_below(&scopes->random,
                             scopes->count > 0 ? scopes->count : 1);
    size_t choice = support_below(&scopes->random, 1000);

    if (choice < 30) {
        scopes_mark(scopes);
    } else if (choice < 45 && scopes->depth > 0) {
        /* Mostly the newest. */
        unsigned back =
            1 + (unsigned)support_below(
                    &scopes->random, choice < 32 ? scopes->depth : 1);
        if (support_below(&scopes->random, 3) == 0) {
            scopes_commit(scopes, scopes->depth - back);
        } else {
            scopes_rewind(scopes, scopes->depth - back);
        }
    } else if (choice == 46 && scopes->alone) {
        scopes_reset(scopes);
    } else if (choice == 47) {
        mp_trim(scopes->mp, support_below(&scopes->random, 100000));
    } else if (choice < 400 && scopes->count > 0) {
        scopes_free(scopes, i);
    } else if (choice < 460 && scopes->count > 0 && !scopes->stays) {
        scopes_resize(scopes, i);
    } else {
        scopes_allocate(scopes);
    }
}

void scopes_clear(struct scopes *scopes)
{
    while (scopes->count > 0) {
        scopes_free(scopes, support_below(&scopes->random, scopes->count));
    }
}

void scopes_verify(const struct scopes *scopes)
{
    mp_stats_t stats;

    for (size_t i = 0; i < scopes->count; i++) {
        POOLS_EXPECT(scopes_object_holds(scopes, &scopes->objects[i]));
    }
    POOLS_EXPECT(mp_check(scopes->mp) == 0);
    if (!scopes->alone) {
        return;
    }
    POOLS_EXPECT(mp_stats(scopes->mp, &stats) == 0);
    POOLS_EXPECT(stats.live_objects == scopes->count);
    POOLS_EXPECT(stats.allocations - stats.frees == scopes->count);
    POOLS_EXPECT(stats.live_bytes >= scopes->bytes);
    POOLS_EXPECT(scopes->capacity == 0 || stats.live_bytes == scopes->bytes);
}

void scopes_unwind(struct scopes *scopes)
{
    while (scopes->depth > 0) {
        scopes_rewind(scopes, scopes->depth - 1);
        scopes_verify(scopes);
    }
}

int scopes_in_child(void *argument)
{
    struct scopes *scopes = argument;

    /* The backing's account of the pool is the parent's. */
    atomic_store(&pools_own.user, NULL);
    if (mp_check(scopes->mp) != 0) {
        return 1;
    }
    scopes_verify(scopes);
    for (unsigned n = 0; n < 500; n++) {
        scopes_step(scopes);
    }
    scopes_verify(scopes);
    scopes_unwind(scopes);
    if (scopes->handle != NULL) {
        mp_detach(scopes->handle);
        scopes->handle = NULL;
    }
    scopes_clear(scopes);
    if (mp_check(scopes->mp) != 0) {
        return 2;
    }
    free_all_memory(scopes->mp);
    if (mp_check(scopes->mp) != 0) {
        return 3;
    }
    destroy_memory_pool(scopes->mp);
    return 0;
}

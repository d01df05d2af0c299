/* SPDX-License-Identifier: MIT
 *
 * shadow.c - a list of what a pool ought to hold, and the pool held to it.
 *
 * The rule of capacity is simple enough to be written down twice: a request
 * fits exactly when the bytes asked for so far and it are at most
 * MAX_BLOCK_SIZE.  The shadow keeps that sum itself and asserts on each
 * call that the pool says the same.
 */
#include "support.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Refusals reported since shadow_capture(). */
static size_t shadow_refusals;

void shadow_capture(void)
{
    shadow_refusals = 0;
    support_capture();
}

void shadow_release(void)
{
    support_release_lines(SUPPORT_FULL, shadow_refusals);
}

/* A capture for one refusal, if none is under way. */
static bool shadow_refusal_begins(void)
{
    if (support_capturing()) {
        shadow_refusals++;
        return false;
    }
    support_capture();
    return true;
}

struct support_shadow *shadow_new(void)
{
    struct support_shadow *shadow = calloc(1, sizeof *shadow);

    ck_assert_ptr_nonnull(shadow);
    shadow->mp = init_memory_pool();
    ck_assert_ptr_nonnull(shadow->mp);
    shadow->next_tag = 1;
    return shadow;
}

void shadow_end(struct support_shadow *shadow)
{
    errno = SUPPORT_ERRNO;
    destroy_memory_pool(shadow->mp);
    ck_assert_int_eq(errno, SUPPORT_ERRNO);
    free(shadow);
}

static size_t shadow_alignment(size_t size)
{
    size_t alignment = 16;

    while (alignment > size) {
        alignment /= 2;
    }
    return alignment;
}

static void shadow_allocate_full(struct support_shadow *shadow, size_t size)
{
    bool own = shadow_refusal_begins();

    errno = SUPPORT_ERRNO;
    unsigned char *at = mp_allocate(shadow->mp, size);
    int error = errno;
    if (own) {
        support_release_lines(SUPPORT_FULL, 1);
    }
    ck_assert_ptr_null(at);
    ck_assert_int_eq(error, ENOBUFS);
}

unsigned char *shadow_allocate(struct support_shadow *shadow, size_t size)
{
    if (size > MAX_BLOCK_SIZE - shadow->bytes) {
        shadow_allocate_full(shadow, size);
        return NULL;
    }
    errno = SUPPORT_ERRNO;
    unsigned char *at = mp_allocate(shadow->mp, size);
    ck_assert_msg(at != NULL, "%zu bytes refused with %zu of %zu held", size,
                  shadow->bytes, (size_t)MAX_BLOCK_SIZE);
    ck_assert_int_eq(errno, SUPPORT_ERRNO);
    ck_assert_uint_eq((uintptr_t)at % shadow_alignment(size), 0);
    ck_assert(is_mp_ptr(shadow->mp, at));
    struct support_object *object = &shadow->objects[shadow->count++];
    object->at = at;
    object->size = size;
    object->tag = shadow->next_tag++ * 2654435761u;
    shadow->bytes += size;
    support_fill(at, size, object->tag);
    return at;
}

static void shadow_give_back(struct support_shadow *shadow, size_t i)
{
    struct support_object *object = &shadow->objects[i];

    ck_assert_msg(support_holds(object->at, object->size, object->tag),
                  "an object of %zu bytes was overwritten", object->size);
    errno = SUPPORT_ERRNO;
    free_memory(shadow->mp, object->at);
    ck_assert_int_eq(errno, SUPPORT_ERRNO);
    ck_assert(!is_mp_ptr(shadow->mp, object->at));
    ck_assert_int_eq(errno, SUPPORT_ERRNO);
    shadow->bytes -= object->size;
    shadow->count--;
}

void shadow_free(struct support_shadow *shadow, size_t i)
{
    shadow_give_back(shadow, i);
    shadow->objects[i] = shadow->objects[shadow->count];
}

void shadow_free_in_order(struct support_shadow *shadow, size_t i)
{
    shadow_give_back(shadow, i);
    memmove(shadow->objects + i, shadow->objects + i + 1,
            (shadow->count - i) * sizeof shadow->objects[0]);
}

void shadow_reset(struct support_shadow *shadow)
{
    errno = SUPPORT_ERRNO;
    free_all_memory(shadow->mp);
    ck_assert_int_eq(errno, SUPPORT_ERRNO);
    shadow->count = 0;
    shadow->bytes = 0;
}

bool support_room_is(memory_pool_t *mp, size_t free_bytes)
{
    void *rest = free_bytes > 0 ? mp_allocate(mp, free_bytes) : NULL;
    void *more = mp_allocate(mp, 1);

    if (rest != NULL) {
        free_memory(mp, rest);
    }
    if (more != NULL) {
        free_memory(mp, more);
    }
    return (free_bytes == 0 || rest != NULL) && more == NULL;
}

void shadow_verify(struct support_shadow *shadow)
{
    for (size_t i = 0; i < shadow->count; i++) {
        const struct support_object *object = &shadow->objects[i];
        ck_assert(is_mp_ptr(shadow->mp, object->at));
        ck_assert_msg(support_holds(object->at, object->size, object->tag),
                      "object %zu of %zu bytes was overwritten", i,
                      object->size);
    }
    bool own = shadow_refusal_begins();
    bool exact =
        support_room_is(shadow->mp, MAX_BLOCK_SIZE - shadow->bytes);
    if (own) {
        support_release_lines(SUPPORT_FULL, 1);
    }
    ck_assert_msg(exact, "not exactly %zu bytes are free",
                  (size_t)MAX_BLOCK_SIZE - shadow->bytes);
}

static int shadow_by_address(const void *left, const void *right)
{
    const struct support_object *a = left;
    const struct support_object *b = right;

    return ((uintptr_t)a->at > (uintptr_t)b->at) -
           ((uintptr_t)a->at < (uintptr_t)b->at);
}

void shadow_verify_apart(const struct support_shadow *shadow)
{
    size_t bytes = shadow->count * sizeof shadow->objects[0];
    struct support_object *sorted = malloc(bytes + 1);

    ck_assert_ptr_nonnull(sorted);
    memcpy(sorted, shadow->objects, bytes);
    qsort(sorted, shadow->count, sizeof sorted[0], shadow_by_address);
    for (size_t i = 1; i < shadow->count; i++) {
        ck_assert_uint_le((uintptr_t)sorted[i - 1].at + sorted[i - 1].size,
                          (uintptr_t)sorted[i].at);
    }
    free(sorted);
}

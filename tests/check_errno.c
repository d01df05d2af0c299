/* SPDX-License-Identifier: MIT
 *
 * check_errno.c - a call that succeeds leaves errno alone.
 *
 * C lets malloc(), free() and any function of the program change errno though
 * they succeed.  Here each of them does: what the library asks of the system,
 * backings, cleanups, visits and other functions that a pool was given.  Each
 * call of the library runs so, in pools of every kind.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "inject.h"
#include "pools.h"

#define OTHER_ERRNO (SUPPORT_ERRNO + 1)
#define MANY 300

/* True, and every function around the library changes errno meanwhile. */
#define KEEPS(call)                                           \
    do {                                                      \
        atomic_store(&inject_hook, spoil);                    \
        errno = SUPPORT_ERRNO;                                \
        bool succeeds = (call);                               \
        int after = errno;                                    \
        atomic_store(&inject_hook, (inject_hook_t *)NULL);    \
        if (!succeeds || after != SUPPORT_ERRNO) {            \
            ck_abort_msg("%s: errno %d, succeeds %d", #call, after, \
                         succeeds);                           \
        }                                                     \
    } while (0)

/* A function that returns nothing. */
#define KEEPS_VOID(call) KEEPS(((call), true))

static atomic_uint spoilt;

/* The system's functions leave errno as it is when they succeed, so it stays
 * what it is set to here. */
static bool spoil(struct inject_call *call)
{
    (void)call;
    atomic_fetch_add(&spoilt, 1);
    errno = OTHER_ERRNO;
    return false;
}

static void spoil_cleanup(void *arg)
{
    (void)arg;
    errno = OTHER_ERRNO;
}

static int spoil_object(void *object, size_t size, void *arg)
{
    (void)object;
    (void)size;
    (void)arg;
    errno = OTHER_ERRNO;
    return 0;
}

static int spoil_pool(memory_pool_t *mp, void *arg)
{
    (void)mp;
    (void)arg;
    errno = OTHER_ERRNO;
    return 0;
}

static void spoil_near(memory_pool_t *mp, size_t used, void *arg)
{
    (void)mp;
    (void)used;
    *(bool *)arg = true;
    errno = OTHER_ERRNO;
}

/* The pool tries once more, and then has room. */
static bool spoil_failure(memory_pool_t *mp, size_t size, int error,
                          void *arg)
{
    (void)size;
    (void)error;
    mp_free(mp, *(void **)arg);
    errno = OTHER_ERRNO;
    return true;
}

static void keep_objects(memory_pool_t *mp)
{
    static void *many[MANY];
    const size_t sizes[] = {1, 100, 5000, 300000, 700000, 1700000, 400};
    unsigned char *at = NULL;

    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        void *object;
        KEEPS((object = mp_allocate(mp, sizes[i])) != NULL);
        KEEPS((at = mp_realloc(mp, at, sizes[i])) != NULL);
        KEEPS(mp_owns(mp, object) && mp_usable_size(mp, object) > 0);
        KEEPS(mp_locate(mp, object) == MP_LIVE && mp_owner(object) == mp);
        KEEPS_VOID(mp_free(mp, object));
    }
    KEEPS_VOID(mp_free_sized(mp, at, 400));
    KEEPS((at = mp_calloc(mp, 3, 5)) != NULL);
    KEEPS((at = mp_reallocarray(mp, at, 10, 10)) != NULL);
    KEEPS((at = mp_aligned_realloc(mp, at, 4096, 200)) != NULL);
    KEEPS(mp_aligned_alloc(mp, 65536, 10) != NULL);
    KEEPS(mp_owner(many) == NULL && mp_locate(mp, many) == MP_FOREIGN);
    for (size_t size = 40; size < 10000; size *= 10) {
        KEEPS(mp_allocate_many(mp, size, MANY, many) == MANY);
        KEEPS_VOID(mp_free_many(mp, many, MANY));
    }
}

static void keep_strings(memory_pool_t *mp)
{
    mp_string_t string = {0};

    KEEPS(mp_strdup(mp, "x") != NULL && mp_strndup(mp, "xyz", 2) != NULL);
    KEEPS(mp_memdup(mp, "xyz", 2) != NULL);
    KEEPS(mp_asprintf(mp, "%d %9000s", 3, "a") != NULL);
    KEEPS(mp_append_bytes(mp, &string, "abc", 3) == 0);
    for (int i = 1; i < 100000; i *= 10) {
        KEEPS(mp_append_printf(mp, &string, "%0*d", i, 3) == 0);
    }
}

static void keep_marks(memory_pool_t *mp)
{
    mp_mark_t outer, inner;

    KEEPS(!MP_MARK_FAILED(outer = mp_mark(mp)));
    KEEPS(mp_allocate(mp, 200) != NULL);
    KEEPS(mp_add_mark_cleanup(mp, outer, spoil_cleanup, mp) == 0);
    KEEPS(!MP_MARK_FAILED(inner = mp_mark(mp)));
    KEEPS(mp_allocate(mp, 9000) != NULL && mp_allocate(mp, 10) != NULL);
    KEEPS(mp_commit(mp, inner) == 0 && mp_rewind(mp, outer) == 0);
    KEEPS(mp_add_cleanup(mp, spoil_cleanup, mp) == 0);
    KEEPS(mp_add_cleanup(mp, spoil_cleanup, NULL) == 0);
    KEEPS(mp_remove_cleanup(mp, spoil_cleanup, mp) == 0);
}

static void keep_handle(memory_pool_t *mp)
{
    mp_handle_t *handle;
    mp_mark_t mark;
    void *at;

    KEEPS((handle = mp_attach(mp)) != NULL);
    KEEPS((at = mp_handle_allocate(handle, 10)) != NULL);
    KEEPS_VOID(mp_handle_free(handle, at));
    KEEPS((at = mp_handle_calloc(handle, 10, 100)) != NULL);
    KEEPS((at = mp_handle_realloc(handle, at, 7000)) != NULL);
    KEEPS((at = mp_handle_aligned_realloc(handle, at, 64, 7)) != NULL);
    KEEPS(mp_handle_aligned_alloc(handle, 64, 7) != NULL);
    KEEPS(mp_handle_strdup(handle, "q") != NULL);
    KEEPS(mp_handle_strndup(handle, "q", 1) != NULL);
    KEEPS(mp_handle_memdup(handle, "q", 1) != NULL);
    KEEPS(mp_handle_asprintf(handle, "%900s", "q") != NULL);
    KEEPS(!MP_MARK_FAILED(mark = mp_handle_mark(handle)));
    KEEPS(mp_handle_allocate(handle, 5000) != NULL);
    KEEPS(mp_handle_add_mark_cleanup(handle, mark, spoil_cleanup, mp) == 0);
    KEEPS(mp_handle_commit(handle, mark) == 0);
    KEEPS(!MP_MARK_FAILED(mark = mp_handle_mark(handle)));
    KEEPS(mp_handle_rewind(handle, mark) == 0);
    KEEPS_VOID(mp_detach(handle));
}

/* Pools below, which move, and change their limits. */
static void keep_pools(memory_pool_t *mp)
{
    const mp_options_t own = {.parent = mp, .backing = &mp_backing_malloc,
                              .name = "own"};
    const mp_options_t options = {.parent = mp, .capacity = 5000};
    memory_pool_t *first, *second;
    bool near = false;
    void *object;

    KEEPS((first = mp_create(&options)) != NULL);
    KEEPS((second = mp_create(&own)) != NULL);
    KEEPS(mp_allocate(second, 5000) != NULL);
    KEEPS_VOID(mp_destroy(second));
    KEEPS((second = mp_create(&options)) != NULL);
    KEEPS(mp_set_parent(first, NULL) == 0);
    KEEPS(mp_set_parent(second, first) == 0);
    KEEPS(mp_set_capacity(second, 4000) == 0);
    KEEPS(mp_set_near_limit(second, 3000, spoil_near, &near) == 0);
    KEEPS((object = mp_allocate(second, 3100)) != NULL);
    ck_assert(near);
    KEEPS(mp_set_failure(second, spoil_failure, &object) == 0);
    KEEPS(mp_allocate(second, 3500) != NULL);
    KEEPS(mp_set_reporter(second, NULL, NULL) == 0);
    KEEPS(mp_parent(second) == first && mp_name(second) == NULL);
    KEEPS_VOID(mp_reset(second));
    KEEPS_VOID(mp_destroy(second));
    KEEPS_VOID(mp_destroy(first));
}

static void keep_views(memory_pool_t *mp)
{
    FILE *nowhere = fopen("/dev/null", "w");
    mp_stats_t stats;

    ck_assert_ptr_nonnull(nowhere);
    KEEPS(mp_stats(mp, &stats) == 0 && mp_check(mp) == 0);
    KEEPS(mp_stats_print(mp, nowhere, MP_TEXT) == 0);
    KEEPS(mp_stats_print(mp, nowhere, MP_JSON) == 0);
    KEEPS(mp_stats_print(mp, nowhere, MP_OPENMETRICS) == 0);
    KEEPS(mp_map(mp, nowhere) == 0 && mp_kind(mp, NULL) != MP_KIND_NONE);
    KEEPS(mp_walk(mp, spoil_object, NULL) == 0);
    KEEPS(mp_each_pool(spoil_pool, NULL) == 0);
    KEEPS_VOID((void)mp_trim(mp, SIZE_MAX));
    KEEPS_VOID((void)mp_trim(mp, 0));
    fclose(nowhere);
}

START_TEST(a_call_that_succeeds_leaves_errno)
{
    memory_pool_t *mp;
    int status = 0;

    /* It sets errno itself. */
    mp = pools_make(_i);
    keep_objects(mp);
    keep_strings(mp);
    keep_marks(mp);
    keep_handle(mp);
    keep_pools(mp);
    keep_views(mp);
    KEEPS((status = fork()) >= 0);
    if (status == 0) {
        _exit(errno != SUPPORT_ERRNO);
    }
    ck_assert_int_eq(waitpid(status, &status, 0) > 0 ? status : -1, 0);
    for (int i = 0; i < 5000; i++) {
        ck_assert_ptr_nonnull(mp_allocate(mp, 1000));
    }
    KEEPS_VOID(mp_reset(mp));
    pools_end(mp, _i);
    ck_assert_uint_gt(spoilt, 10);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("errno");
    TCase *kinds = support_case(suite, "kinds");

    tcase_add_loop_test(kinds, a_call_that_succeeds_leaves_errno, 0,
                        pools_count);
    return support_run(suite);
}

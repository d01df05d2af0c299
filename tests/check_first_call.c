/* SPDX-License-Identifier: MIT
 *
 * check_first_call.c - each function as the first that a thread calls.
 *
 * Such a thread has no cache yet, and the function may be none that makes one.
 */
#include <errno.h>
#include <stdio.h>

#include "pools.h"

/* The pool, what the main thread has in it, and which call is the first. */
struct first {
    memory_pool_t *mp;
    void *object; /* of 50 bytes or more, and the only one */
    mp_handle_t *handle;
    int call;
};

static int visit_first(void *object, size_t size, void *argument)
{
    POOLS_EXPECT(object == argument && size >= 50);
    return 1;
}

static void note_first(void *argument)
{
    *(bool *)argument = true;
}

/* The calls for scopes and for a view inside. */
static void call_scope_first(struct first *first, int call)
{
    memory_pool_t *mp = first->mp;
    mp_options_t options = {.parent = mp};
    mp_mark_t none = {0};
    mp_handle_t *handle = first->handle;
    mp_stats_t stats;
    FILE *nowhere;
    static bool noted;

    switch (call) {
    case 0:
        none = mp_mark(mp);
        POOLS_EXPECT(none.number != 0 && mp_allocate(mp, 50) != NULL);
        POOLS_EXPECT(mp_rewind(mp, none) == 0);
        break;
    case 1:
        POOLS_EXPECT(mp_rewind(mp, none) == -1 && errno == EINVAL);
        break;
    case 2:
        mp_detach(mp_attach(mp));
        break;
    case 3:
        POOLS_EXPECT(mp_handle_allocate(handle, 50) != NULL);
        break;
    case 4:
        mp_handle_free(handle, first->object);
        first->object = mp_allocate(mp, 50);
        break;
    case 5:
        none = mp_handle_mark(handle);
        POOLS_EXPECT(mp_handle_rewind(handle, none) == 0);
        break;
    case 6:
        POOLS_EXPECT(mp_add_cleanup(mp, note_first, &noted) == 0);
        POOLS_EXPECT(mp_remove_cleanup(mp, note_first, &noted) == 0);
        break;
    case 7:
        POOLS_EXPECT(mp_allocate(mp_create(&options), 50) != NULL);
        break;
    case 8:
        POOLS_EXPECT(mp_strdup(mp, "first") != NULL);
        break;
    case 9:
        POOLS_EXPECT(mp_asprintf(mp, "%d", call) != NULL);
        break;
    case 10:
        POOLS_EXPECT(mp_stats(mp, &stats) == 0 && stats.live_objects == 1);
        break;
    case 11:
        POOLS_EXPECT(mp_walk(mp, visit_first, first->object) == 1);
        break;
    default:
        nowhere = fopen("/dev/null", "w");
        POOLS_EXPECT(nowhere != NULL && mp_map(mp, nowhere) == 0);
        POOLS_EXPECT(mp_stats_print(mp, nowhere, MP_TEXT) == 0);
        fclose(nowhere);
        break;
    }
}

/* Each public call as a thread's first. */
#define FIRST_CALLS 12
#define FIRST_SCOPE_CALLS 13
static void *call_first(void *argument)
{
    struct first *first = argument;
    memory_pool_t *mp = first->mp;
    void **slot = &first->object;

    switch (first->call) {
    case 0:
        free_memory(mp, *slot);
        *slot = mp_allocate(mp, 50);
        break;
    case 1:
        *slot = mp_realloc(mp, *slot, 5000);
        break;
    case 2:
        free_all_memory(mp);
        *slot = mp_calloc(mp, 5, 10);
        break;
    case 3:
        free_memory(mp, *slot);
        *slot = mp_aligned_alloc(mp, 4096, 1);
        break;
    case 4:
        POOLS_EXPECT(is_mp_ptr(mp, *slot));
        break;
    case 5:
        POOLS_EXPECT(mp_usable_size(mp, *slot) >= 50);
        break;
    case 6:
        POOLS_EXPECT(mp_locate(mp, *slot) == MP_LIVE);
        break;
    case 7:
        POOLS_EXPECT(mp_owner(*slot) == mp);
        break;
    case 8:
        POOLS_EXPECT(mp_check(mp) == 0);
        break;
    case 9:
        mp_trim(mp, 0);
        break;
    case 10:
        destroy_memory_pool(mp);
        first->mp = mp_create(NULL);
        *slot = mp_allocate(first->mp, 50);
        break;
    case 11:
        *slot = mp_calloc(mp, 1, 50);
        break;
    default:
        call_scope_first(first, first->call - FIRST_CALLS);
        break;
    }
    return NULL;
}

START_TEST(every_function_can_be_the_first_call_of_a_thread)
{
    struct first first = {.mp = mp_create(NULL)};

    ck_assert_ptr_nonnull(first.mp);
    first.call = _i;
    first.object = mp_allocate(first.mp, 50);
    first.handle = mp_attach(first.mp);
    ck_assert_ptr_nonnull(first.handle);
    support_join(support_start(call_first, &first));
    ck_assert(is_mp_ptr(first.mp, first.object));
    ck_assert_int_eq(mp_check(first.mp), 0);
    free_memory(first.mp, first.object);
    ck_assert_int_eq(mp_check(first.mp), 0);
    destroy_memory_pool(first.mp);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("first call");
    TCase *calls = support_case(suite, "calls");

    tcase_add_loop_test(calls,
                        every_function_can_be_the_first_call_of_a_thread, 0,
                        FIRST_CALLS + FIRST_SCOPE_CALLS);
    return support_run(suite);
}

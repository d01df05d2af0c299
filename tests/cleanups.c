/* SPDX-License-Identifier: MIT
 *
 * cleanups.c - pools with cleanups that write down that they were called.
 */
#include "cleanups.h"

#include <errno.h>
#include <string.h>

const mp_options_t cleanups_kinds[CLEANUPS_KINDS] = {
    {.report = pools_report},
    {.report = pools_report, .threads = MP_THREADS_LOCKED},
    {.report = pools_report, .threads = MP_THREADS_NONE},
    {.report = pools_report, .capacity = 10000000},
    {.report = pools_report, .flags = MP_ZERO_ON_FREE},
};

memory_pool_t *cleanups_pool(int i, memory_pool_t *parent)
{
    mp_options_t options = cleanups_kinds[i % CLEANUPS_KINDS];

    options.parent = parent;
    memory_pool_t *mp = mp_create(&options);
    ck_assert_ptr_nonnull(mp);
    return mp;
}

void cleanups_end(int i, memory_pool_t *mp)
{
    errno = SUPPORT_ERRNO;
    if (i < CLEANUPS_KINDS) {
        mp_stats_t stats;
        free_all_memory(mp);
        ck_assert_int_eq(errno, SUPPORT_ERRNO);
        ck_assert_int_eq(mp_check(mp), 0);
        ck_assert_int_eq(mp_stats(mp, &stats), 0);
        ck_assert_uint_eq(stats.live_objects, 0);
        ck_assert_uint_eq(stats.children, 0);
        errno = SUPPORT_ERRNO;
    }
    destroy_memory_pool(mp);
    ck_assert_int_eq(errno, SUPPORT_ERRNO);
}

char cleanups_called[64];

void cleanups_note(void *arg)
{
    size_t length = strlen(cleanups_called);

    POOLS_EXPECT(length < sizeof cleanups_called - 1);
    cleanups_called[length] = *(const char *)arg;
    cleanups_called[length + 1] = '\0';
    errno = 1; /* which the reset does not pass on */
}

char cleanups_letters[] = "abcdefghijklmnopqrstuvwxyz";

void cleanups_add(memory_pool_t *mp, char letter)
{
    errno = SUPPORT_ERRNO;
    POOLS_EXPECT(mp_add_cleanup(mp, cleanups_note,
                                &cleanups_letters[letter - 'a']) == 0);
    POOLS_EXPECT(errno == SUPPORT_ERRNO);
}

void cleanups_start(void)
{
    memset(cleanups_called, 0, sizeof cleanups_called);
    pools_forget_reports();
}

void cleanups_add_others(void *arg)
{
    struct cleanups_work *work = arg;

    work->calls++;
    if (work->left > 0) {
        work->left--;
        POOLS_EXPECT(mp_add_cleanup(work->mp, cleanups_add_others, work) == 0);
    }
}

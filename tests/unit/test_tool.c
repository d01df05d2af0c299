/* SPDX-License-Identifier: MIT
 *
 * test_tool.c - under a checker of memory locks are not told.
 *
 * The program defines what a program with MemorySanitizer has, and so looks to
 * the library like one.
 *
 * What it cannot do: look like a program with a checker of threads.  make
 * check-tools has one, which finds nothing in a correct program only if locks
 * are told.
 */
#include <stdio.h>
#include <stdlib.h>

#include "../sanitizer.h"
#include "../support.h"

#include "base/lock.h"
#include "base/tool.h"
#include "pool/setting.h"

/* A sanitizer has its own function of that name, and elsewhere the library asks
 * for none. */
#if !SANITIZER_ON && defined(__linux__)

void __msan_unpoison(const volatile void *start, size_t bytes);
void __msan_unpoison(const volatile void *start, size_t bytes)
{
    (void)start;
    (void)bytes;
}

START_TEST(a_checker_of_memory_is_told_of_no_lock)
{
    ck_assert_int_eq(unsetenv("MEMPOOL_OPTIONS"), 0);
    ck_assert(setting_get()->checked);
    ck_assert(!tool_orders());
    ck_assert_uint_eq(lock_first_word, LOCK_LEFT);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("tool");
    TCase *memory = support_case(suite, "memory");

    tcase_add_test(memory, a_checker_of_memory_is_told_of_no_lock);
    return support_run(suite);
}

#else

int main(void)
{
    puts("no program can look like one with MemorySanitizer here");
    return 77; /* skipped */
}

#endif

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
#include <stdlib.h>

#include "../sanitizer.h"
#include "../support.h"

#include "base/lock.h"
#include "base/tool.h"
#include "pool/setting.h"

#if !SANITIZER_ON && defined(__linux__)
#define LOOKS_LIKE_MSAN
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
    ck_assert_uint_eq(lock_first_word, tool_orders() ? LOCK_TOLD : LOCK_LEFT);
    ck_assert(!tool_orders());
}
END_TEST
#endif

int main(void)
{
    Suite *suite = suite_create("tool");
    TCase *memory = support_case(suite, "memory");

#ifdef LOOKS_LIKE_MSAN
    tcase_add_test(memory, a_checker_of_memory_is_told_of_no_lock);
#else
    (void)memory; /* a sanitizer has its own, or the library asks for none */
#endif
    return support_run(suite);
}

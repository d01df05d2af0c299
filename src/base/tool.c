/* SPDX-License-Identifier: MIT
 *
 * tool.c - what the library tells the tools that watch a program.
 *
 * LeakSanitizer reads the memory that malloc() gave and that of global
 * variables for pointers.  The range is neither, so an object that only a
 * pool's object leads to would be reported as leaked.
 *
 * What it cannot do: serve a tool that is not in the process when the library
 * is loaded.
 */
#include "base/tool.h"

#include <stdint.h>

#include "base/assert.h"

/* Weak, so that they are NULL in a program that runs without the tool. */
#if defined(__linux__) && (defined(__GNUC__) || defined(__clang__))
void __lsan_register_root_region(const void *start, size_t bytes)
    __attribute__((__weak__));
void __lsan_unregister_root_region(const void *start, size_t bytes)
    __attribute__((__weak__));

void tool_show(const void *start, size_t bytes)
{
    ASSERT(start != NULL && bytes > 0);
    ASSERT(bytes <= UINTPTR_MAX - (uintptr_t)start);
    if (__lsan_register_root_region != NULL) {
        __lsan_register_root_region(start, bytes);
    }
}

/* The tool wants the very bytes that were shown, and ends the program for any
 * others. */
void tool_hide(const void *start, size_t bytes)
{
    ASSERT(start != NULL && bytes > 0);
    ASSERT(bytes <= UINTPTR_MAX - (uintptr_t)start);
    if (__lsan_unregister_root_region != NULL) {
        __lsan_unregister_root_region(start, bytes);
    }
}

#else

void tool_show(const void *start, size_t bytes)
{
    ASSERT(start != NULL && bytes > 0);
    (void)start;
    (void)bytes;
}

void tool_hide(const void *start, size_t bytes)
{
    ASSERT(start != NULL && bytes > 0);
    (void)start;
    (void)bytes;
}

#endif

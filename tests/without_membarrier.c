/* SPDX-License-Identifier: MIT
 *
 * without_membarrier.c - runs a program as on a system without membarrier(2).
 *
 *     without_membarrier PROGRAM [ARGUMENT]...
 *
 * A filter of system calls refuses it, in the program and what that starts.
 * Exit status 77: there are no such filters here.
 *
 * What it cannot do: refuse it later, as a sandbox does that is entered while
 * the program runs; tests/unit/test_pause.c has that.
 */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "membarrier.h"

static bool refuse(void)
{
#ifdef MEMBARRIER_FILTERS
    return membarrier_refuse(ENOSYS) &&
           syscall(SYS_membarrier, 0, 0, 0) == -1 && errno == ENOSYS;
#else
    return false;
#endif
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fputs("usage: without_membarrier PROGRAM [ARGUMENT]...\n", stderr);
        return 2;
    }
    if (!refuse()) {
        puts("without_membarrier: no filter of system calls here");
        return 77;
    }
    execv(argv[1], argv + 1);
    perror(argv[1]);
    return 127;
}

/* SPDX-License-Identifier: MIT
 *
 * man_mp_version.c - the example of mp_version(3).
 *
 * The versions of the header and of the library, which differ where a
 * program runs with another library than it was built with.  Then all that
 * must hold is that the library is no older.
 */
#include <memory_pool.h>
#include <stdio.h>
#include <stdlib.h>

/* Prints what a bug report should say. */
static void print_versions(void)
{
    printf("built with libmempool %d.%d.%d, runs with %s\n",
           MP_VERSION_MAJOR, MP_VERSION_MINOR, MP_VERSION_PATCH,
           mp_version());
}

int main(void)
{
    int major = 0;
    int minor = 0;

    print_versions();
    if (sscanf(mp_version(), "%d.%d", &major, &minor) != 2) {
        return EXIT_FAILURE;
    }
    return major > MP_VERSION_MAJOR ||
                   (major == MP_VERSION_MAJOR && minor >= MP_VERSION_MINOR)
               ? EXIT_SUCCESS
               : EXIT_FAILURE;
}

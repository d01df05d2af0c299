/* SPDX-License-Identifier: MIT
 *
 * program.c - somebody's program, built in each of the ways beside it.  The
 * header that it includes brings the other one with it.
 */
#include <memory_pool_inline.h>
#include <stdio.h>

int main(void)
{
    memory_pool_t *mp = mp_create(NULL);
    char *text = mp_asprintf(mp, "libmempool %s, %d.%d.%d", mp_version(),
                             MP_VERSION_MAJOR, MP_VERSION_MINOR,
                             MP_VERSION_PATCH);

    if (text == NULL) {
        return 1;
    }
    puts(text);
    destroy_memory_pool(mp);
    return 0;
}

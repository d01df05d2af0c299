/* SPDX-License-Identifier: MIT
 *
 * man_mp_free.c - the example of mp_free(3).
 *
 * A session whose parts may be missing: mp_free() takes NULL for nothing to do.
 */
#include <memory_pool.h>
#include <stdlib.h>
#include <string.h>

/* What the program says of the memory that a library hands to it. */
static const char *describe(memory_pool_t *mp, const void *ptr)
{
    return mp_owns(mp, ptr) ? "ours" : "not ours";
}

/* The usual form of a clean-up: what was never made is NULL. */
static void session_end(memory_pool_t *mp, char *user, char *host)
{
    mp_free(mp, user);
    mp_free(mp, host);
}

int main(void)
{
    memory_pool_t *mp = mp_create(NULL);

    if (mp == NULL) {
        return EXIT_FAILURE;
    }
    char *user = mp_strdup(mp, "kay");
    bool right = user != NULL && strcmp(describe(mp, user), "ours") == 0;
    session_end(mp, user, NULL);
    right = right && strcmp(describe(mp, user), "not ours") == 0;
    mp_reset(mp);
    mp_destroy(mp);
    return right ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* SPDX-License-Identifier: MIT
 *
 * man_mp_asprintf.c - the example of mp_asprintf(3).
 *
 * Builds paths, and messages by a function with a format of its own.
 */
#include <memory_pool.h>
#include <stdlib.h>
#include <string.h>

/* The path of a user's page, or NULL; nothing needs to be freed alone. */
static char *path_of(memory_pool_t *mp, const char *user, unsigned page)
{
    return mp_asprintf(mp, "/home/%s/page-%u.html", user, page);
}

/* A message that begins with its subject. */
static char *message(memory_pool_t *mp, const char *subject,
                     const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    char *text = mp_vasprintf(mp, format, arguments);
    va_end(arguments);
    return text == NULL ? NULL : mp_asprintf(mp, "%s: %s", subject, text);
}

int main(void)
{
    memory_pool_t *mp = mp_create(NULL);

    if (mp == NULL) {
        return EXIT_FAILURE;
    }
    char *path = path_of(mp, "anna", 12);
    char *said = message(mp, "page", "%d of %d missing", 3, 12);
    bool right = path != NULL && said != NULL &&
                 strcmp(path, "/home/anna/page-12.html") == 0 &&
                 strcmp(said, "page: 3 of 12 missing") == 0;
    destroy_memory_pool(mp);
    return right ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* SPDX-License-Identifier: MIT
 *
 * man_mp_use.c - the example of mp_use(3).
 *
 * A job that frees nothing leaves nothing, since it allocates in a pool.
 */
#include <memory_pool_hooks.h>
#include <stdlib.h>
#include <string.h>

/* Runs a job that allocates with mp_hook_malloc(), wherever it does so, in a
 * pool that goes with it. */
static int run_in_pool(int (*job)(const char *text), const char *text)
{
    memory_pool_t *mp = mp_create(NULL);

    if (mp == NULL) {
        return -1;
    }
    memory_pool_t *outer = mp_use(mp);
    int result = job(text);
    mp_use(outer);
    mp_destroy(mp); /* with all that the job did not free */
    return result;
}

/* Counts the words, and copies each for no good reason. */
static int count_words(const char *text)
{
    char *copy = mp_hook_strdup(text);
    int words = 0;

    if (copy == NULL || mp_owner(copy) != mp_used()) {
        return -1;
    }
    for (char *at = strtok(copy, " "); at != NULL; at = strtok(NULL, " ")) {
        words += mp_hook_strdup(at) != NULL;
    }
    return words;
}

int main(void)
{
    bool right = run_in_pool(count_words, "one two three") == 3 &&
                 mp_used() == NULL;

    return right ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* SPDX-License-Identifier: MIT
 *
 * man_mp_free_sized.c - the example of mp_free_sized(3).
 *
 * An object that is freed with a size other than its own is reported, and stays.
 */
#include <memory_pool.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct message {
    size_t length;
    char text[];
};

/* A message knows its length, and says it once more as it goes. */
static void message_end(memory_pool_t *mp, struct message *message)
{
    mp_free_sized(mp, message, sizeof *message + message->length);
}

int main(void)
{
    mp_options_t options = {.threads = MP_THREADS_LOCKED};
    memory_pool_t *mp = mp_create(&options);

    if (mp == NULL) {
        return EXIT_FAILURE;
    }
    struct message *message = mp_allocate(mp, sizeof *message + 100);
    if (message == NULL) {
        return EXIT_FAILURE;
    }
    message->length = 99; /* a fault of the program */
    errno = 0;
    message_end(mp, message);
    bool right = errno == EINVAL && mp_owns(mp, message);
    message->length = 100;
    message_end(mp, message);
    right = right && !mp_owns(mp, message);
    mp_destroy(mp);
    return right ? EXIT_SUCCESS : EXIT_FAILURE;
}

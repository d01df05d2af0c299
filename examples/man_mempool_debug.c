/* SPDX-License-Identifier: MIT
 *
 * man_mempool_debug.c - the example of mempool_debug(7).
 *
 * One byte is written behind an object, and the pool says so as the object is
 * freed.
 */
#include <memory_pool.h>
#include <stdio.h>
#include <string.h>

/* Prints a report up to the address in it, which differs each time. */
static void tell(memory_pool_t *mp, mp_event_t event, const char *message,
                 const void *ptr, void *context)
{
    const char *end = strstr(message, " at 0x");

    (void)mp;
    (void)ptr;
    (void)context;
    if (event == MP_EVENT_DAMAGE && end != NULL) {
        printf("%.*s\n", (int)(end - message), message);
    }
}

int main(int argc, char **argv)
{
    mp_options_t options = {.flags = MP_REDZONE, .report = tell};
    memory_pool_t *mp = mp_create(&options);
    size_t length = argc > 1 ? strlen(argv[1]) : 5;
    char *name = mp == NULL ? NULL : mp_allocate(mp, length);

    if (name != NULL) {
        memset(name, 'x', length);
        name[length] = 'x';
        free_memory(mp, name);
    }
    if (mp != NULL) {
        destroy_memory_pool(mp);
    }
    return name == NULL;
}

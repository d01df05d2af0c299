/* SPDX-License-Identifier: MIT
 *
 * man_mp_set_parent.c - the example of mp_set_parent(3).
 *
 * A request's pool is moved from one limit below another.
 */
#include <errno.h>
#include <memory_pool.h>
#include <stdbool.h>
#include <stdlib.h>

/* A pool for a new request; NULL: there is no room. */
static memory_pool_t *begin(memory_pool_t *guests)
{
    const mp_options_t options = {.parent = guests};

    return mp_create(&options);
}

/* The request belongs to the session now; false: that is full. */
static bool log_in(memory_pool_t *request, memory_pool_t *session)
{
    return mp_set_parent(request, session) == 0;
}

int main(void)
{
    const mp_options_t options = {.capacity = 10000};
    memory_pool_t *guests = mp_create(&options);
    memory_pool_t *session = mp_create(&options);
    memory_pool_t *first = begin(guests);
    memory_pool_t *second = begin(guests);

    if (guests == NULL || session == NULL || first == NULL ||
        second == NULL || mp_allocate(first, 4000) == NULL ||
        mp_allocate(second, 6000) == NULL) {
        return EXIT_FAILURE;
    }
    bool right = mp_allocate(guests, 1) == NULL && log_in(first, session) &&
                 mp_allocate(session, 1) != NULL &&
                 mp_allocate(guests, 4000) != NULL &&
                 !log_in(second, session) && errno == ENOBUFS &&
                 mp_parent(second) == guests;
    mp_destroy(guests);
    mp_destroy(session);
    return right ? EXIT_SUCCESS : EXIT_FAILURE;
}

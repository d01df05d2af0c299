/* SPDX-License-Identifier: MIT
 *
 * user.h - who uses a pool: a thread or a handle.
 *
 * A call finds its user at the door and hands it on as this one thing.  Marks
 * belong to a user, by its number, and so does a cache: a handle has one, and
 * a thread has one for each pool that it uses, see attach_cache().
 */
#ifndef MP_USER_H
#define MP_USER_H

#include <stdint.h>

struct cache;

/* Fixed while the thread or handle is there. */
struct user {
    uint64_t number;     /* never used again; 0: a thread that is ending, or
                          * was never registered, and owns no mark */
    struct cache *cache; /* a handle's own; NULL: this is a thread */
};

#endif /* MP_USER_H */

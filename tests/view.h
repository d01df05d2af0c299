/* SPDX-License-Identifier: MIT
 *
 * view.h - a pool of any kind, and what its view should tell.
 *
 * A list of what is live and a count of what was done, which mp_stats() and
 * mp_walk() are held to.
 */
#ifndef VIEW_H
#define VIEW_H

#include "pools.h"

#define VIEW_OBJECTS 3000

struct view {
    memory_pool_t *mp;
    uint64_t random;
    bool exact; /* the pool knows what was asked for */
    size_t lent; /* bytes that caches may have borrowed in vain */
    void *at[VIEW_OBJECTS];
    size_t size[VIEW_OBJECTS];
    size_t count;
    size_t bytes;
    size_t peak;
    uint64_t allocations;
    uint64_t frees;
};

/* Of a pool from which nothing was taken so far; to be freed. */
struct view *view_new(memory_pool_t *mp, uint64_t seed);

/* A view of a new pool of a kind, and the end of both. */
struct view *view_start(int kind, uint64_t seed);
void view_end(struct view *view, int kind);

/* Notes a new object of that many bytes; forgets object i. */
void view_add(struct view *view, void *object, size_t size);
void view_remove(struct view *view, size_t i);

/* A random size, seldom a large one. */
size_t view_size(struct view *view);

/* Allocates one object, in any way, or frees one. */
void view_step(struct view *view);

/* What holds of any statistics. */
void view_expect_whole(const mp_stats_t *stats);

/* The pool's numbers and its walk are those of the list. */
void view_verify(const struct view *view);

#endif /* VIEW_H */

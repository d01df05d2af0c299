/* SPDX-License-Identifier: MIT
 *
 * scopes.h - a shadow of what one thread or one handle has in a pool, with
 * its marks.
 *
 * A list of objects, each with the number of marks that were open when it was
 * allocated: a rewind has to drop just those with a greater number than its
 * own, and a commit gives them its own number.  It looks at the pool through
 * the public functions only.
 *
 * With .alone set nobody else uses the pool, and the shadow also knows what
 * may no longer be there, how many objects the pool says it has, and how much
 * of a capacity is left.
 */
#ifndef SCOPES_H
#define SCOPES_H

#include "pools.h"

#define SCOPES_DEEP 20
#define SCOPES_OBJECTS 800

/* Every kind of pools.h, and some that are full soon; the base pool, which may
 * hold very little, is the last. */
enum {
    SCOPES_TIGHT,
    SCOPES_TIGHT_NONE,
    SCOPES_BOUNDED,
    SCOPES_BASE,
    SCOPES_OTHERS
};
#define SCOPES_CAPACITY 20000

struct scopes_object {
    unsigned char *at;
    size_t size;
    uint32_t tag;
    unsigned depth; /* marks open when it was allocated */
};

struct scopes {
    memory_pool_t *mp;
    mp_handle_t *handle; /* whose allocations and marks; NULL: the thread's */
    bool alone;
    bool stays;      /* no resizes: they are the thread's, which has marks */
    size_t capacity; /* bytes; 0: never full */
    size_t longest;  /* largest size to ask for */
    size_t count;
    size_t bytes;
    uint32_t next_tag;
    unsigned depth;
    uint64_t random;
    mp_mark_t marks[SCOPES_DEEP];
    struct scopes_object objects[SCOPES_OBJECTS];
};

/* A pool of a kind below scopes_kinds(), and its end. */
int scopes_kinds(void);
memory_pool_t *scopes_pool(int kind);
void scopes_pool_end(memory_pool_t *mp, int kind);
bool scopes_is_shared(int kind); /* more than one thread may use it */

/* An empty shadow for a pool of that kind; to be freed. */
struct scopes *scopes_new(memory_pool_t *mp, int kind, uint64_t random);

/* A shadow of a new pool, and the end of both. */
struct scopes *scopes_start(int kind, uint64_t random);
void scopes_end(struct scopes *scopes, int kind);

/* Between these a base pool says in vain on standard error what it says. */
void scopes_capture(int kind);
void scopes_release(int kind);

/* One object more, if it fits, by any of the functions that make one; and of
 * one size by mp_allocate() or mp_handle_allocate(), which must succeed. */
void scopes_allocate(struct scopes *scopes);
unsigned char *scopes_allocate_size(struct scopes *scopes, size_t size);
void scopes_free(struct scopes *scopes, size_t i);
void scopes_resize(struct scopes *scopes, size_t i);

void scopes_mark(struct scopes *scopes);
/* To the mark number k of those open; and commits that one. */
void scopes_rewind(struct scopes *scopes, unsigned k);
void scopes_commit(struct scopes *scopes, unsigned k);
void scopes_reset(struct scopes *scopes);

/* Something of the above, at random. */
void scopes_step(struct scopes *scopes);

/* Drops every object, one by one; marks stay open. */
void scopes_clear(struct scopes *scopes);

/* Rewinds each open mark, the newest first, and expects what the shadow says
 * each time. */
void scopes_unwind(struct scopes *scopes);

/* In the child of a fork, whose thread and handle have their marks: works on,
 * ends the pool; 0, or what is wrong. */
int scopes_in_child(void *scopes);

/* Expects all that the shadow says. */
void scopes_verify(const struct scopes *scopes);

/* Expects that rewinding the handle, or the thread where it is NULL, to the
 * mark is refused. */
void scopes_refused(memory_pool_t *mp, mp_handle_t *handle, mp_mark_t mark);

#endif /* SCOPES_H */

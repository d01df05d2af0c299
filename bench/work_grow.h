/* SPDX-License-Identifier: MIT
 *
 * work_grow.h - objects that grow, and objects that begin as zero.
 *
 * Part of work.h.  A word of each new page is written: a program that grows
 * an object fills it, and memory that was never written costs nothing to copy
 * or to clear.
 *
 * Peers without a resize or a calloc of their own do not do these works.  In a
 * trace they get what stands here: a new object, a copy, a free.
 */
#ifndef WORK_GROW_H
#define WORK_GROW_H

#if !PEER_GROWS
static inline void *peer_calloc(peer_t *peer, size_t size)
{
    void *p = peer_allocate(peer, size);

    return p == NULL ? NULL : memset(p, 0, size);
}

static inline void *peer_resize(peer_t *peer, void *p, size_t old, size_t size)
{
    void *made = peer_allocate(peer, size);

    if (made != NULL) {
        memcpy(made, p, old < size ? old : size);
        peer_free(peer, p, old);
    }
    return made;
}
#endif

/* Writes a word of each page from the byte from on. */
static inline void work_touch(void *object, size_t from, size_t size)
{
    for (size_t at = from; at + 8 <= size; at += WORK_PAGE) {
        *(uint64_t *)((char *)object + at) = size;
    }
    work_keep(object);
}

static const struct work_growth {
    size_t first;
    size_t most;
    size_t step; /* 0: doubles */
} work_growths[] = {
    { 16, 4096, 16 },                            /* a string */
    { 16, 262144, 0 },                           /* a vector */
    { 65536, (size_t)64 << 20, 65536 },          /* a large buffer */
};

static double work_grow(size_t which, uint64_t operations)
{
    const struct work_growth *growth = &work_growths[which];
    peer_t *peer = work_create(growth->most);
    uint64_t done = 0;
    uint64_t start = measure_now();
    uint64_t end;

    while (done < operations) {
        size_t size = growth->first;
        void *p = work_take(peer, size);
        while (size < growth->most) {
            size_t grown = growth->step == 0 ? 2 * size : size + growth->step;
            p = peer_resize(peer, p, size, grown);
            if (p == NULL) {
                measure_fail(PEER_NAME ": no memory");
            }
            work_touch(p, size, grown);
            size = grown;
            done++;
        }
        peer_free(peer, p, size);
    }
    end = measure_now();
    peer_destroy(peer);
    return (double)(end - start) / (double)done;
}

/* Groups of objects that are zero, written, and freed in reverse. */
static double work_calloc(size_t parameter, uint64_t operations)
{
    peer_t *peer = work_create(65536);
    void *object[MEASURE_GROUP];
    uint64_t start = measure_now();
    uint64_t end;
    size_t k = 0;

    (void)parameter;
    for (uint64_t done = 0; done < operations; done += MEASURE_GROUP) {
        for (size_t i = 0; i < MEASURE_GROUP; i++) {
            object[i] = peer_calloc(peer, measure_sizes[k + i]);
            if (object[i] == NULL || *(uint64_t *)object[i] != 0) {
                measure_fail(PEER_NAME ": no memory, or not zero");
            }
            work_touch(object[i], 0, measure_sizes[k + i]);
        }
        work_keep(object);
        for (size_t i = MEASURE_GROUP; i-- > 0;) {
            peer_free(peer, object[i], measure_sizes[k + i]);
        }
        k = k + MEASURE_GROUP == MEASURE_SIZES ? 0 : k + MEASURE_GROUP;
    }
    end = measure_now();
    peer_destroy(peer);
    return (double)(end - start) / (double)operations;
}

#endif /* WORK_GROW_H */

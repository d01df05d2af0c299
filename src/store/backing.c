/* SPDX-License-Identifier: MIT
 *
 * backing.c - where the memory of pools comes from.
 *
 * A buffer serves one pool at a time, which takes all of it for itself and
 * its first block.  So there is nothing to manage in it but whether it is
 * taken, which stands in its first bytes:
 *
 *     buffer | to a granule | struct backing_buffer | room ...
 *
 *     room == size, while no pool has it; room == 0, while one has
 *
 * What it cannot do: share a buffer, or let one grow.
 */
#include "store/backing.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

#include "store/sizes.h"

#if defined(__unix__) || defined(__APPLE__)
#include <sys/mman.h>
#include <unistd.h>
#endif

/* Blocks from this on are advised to lie in huge pages: 2 MiB. */
#define BACKING_HUGE ((size_t)2 << 20)

MP_INNER_OBJECT const mp_backing_t backing_malloc = BACKING_MALLOC;

/* A pool aligns its granules within what it gets, so malloc()'s own alignment
 * is enough.  malloc() knows how long each block is; size says it again. */
void *backing_malloc_acquire(void *context, size_t size, size_t alignment)
{
    (void)context;
    (void)alignment; /* the pool aligns within what it gets */
    return malloc(size);
}

void backing_malloc_release(void *context, void *block, size_t size)
{
    (void)context;
    (void)size;
    free(block);
}

/* Blocks from here lie in pages of their own.  The system gets them back as
 * soon as a block goes, however much else the program holds. */
void *backing_mmap_acquire(void *context, size_t size, size_t alignment)
{
    (void)context;
    (void)alignment; /* pages are */
    ASSERT(size > 0);
    void *block = mmap(NULL, size, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (block == MAP_FAILED) {
        return NULL;
    }
#ifdef MADV_HUGEPAGE
    if (size >= BACKING_HUGE) {
        /* Where that fails, pages are of the usual size: no less right. */
        madvise(block, size, MADV_HUGEPAGE);
    }
#endif
    return block;
}

void backing_mmap_release(void *context, void *block, size_t size)
{
    (void)context;
    /* Where it fails the pages stay mapped.  There is nobody to be told: the
     * pool has forgotten the block. */
    munmap(block, size);
}

bool backing_is_private(const mp_backing_t *backing)
{
    ASSERT(backing != NULL);
    return backing->acquire == backing_malloc_acquire ||
           backing->acquire == backing_mmap_acquire;
}

/* It may run under a pool's lock: it calls nothing of the program's. */
size_t backing_drop(void *start, size_t bytes)
{
#ifdef MADV_DONTNEED
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t skipped = (size_t)(-(uintptr_t)start % page);
    int error = errno; /* a refusal harms nobody */
    ASSERT(start != NULL);

    bytes = bytes < skipped ? 0 : (bytes - skipped) / page * page;
    if (bytes > 0 && madvise((unsigned char *)start + skipped, bytes,
                             MADV_DONTNEED) != 0) {
        bytes = 0;
    }
    errno = error;
    return bytes;
#else
    (void)start;
    (void)bytes;
    return 0;
#endif
}

/* Nothing locks it: a buffer is one pool's alone, and a program that gives it
 * to two at once would have to lock for them anyway. */
struct backing_buffer {
    size_t room; /* bytes behind this head; 0 while a pool has them */
    size_t size; /* the same, kept */
};

/* The first request is for the pool itself, and takes the whole buffer.  Each
 * later one finds no room; the pool then lends chunks to its marks. */
static void *backing_buffer_acquire(void *context, size_t size,
                                    size_t alignment)
{
    struct backing_buffer *head = context;

    (void)alignment;
    if (head == NULL || size > head->room) {
        return NULL;
    }
    ASSERT(head->room == head->size);
    ASSERT((uintptr_t)head % SIZES_GRANULE == 0);
    head->room = 0;
    return head + 1;
}

/* The pool that had the buffer is gone, so the next one may have all of it. */
static void backing_buffer_release(void *context, void *block, size_t size)
{
    struct backing_buffer *head = context;

    (void)block;
    (void)size;
    ASSERT(head != NULL && block == head + 1 && head->room == 0);
    ASSERT(size <= head->size);
    head->room = head->size;
}

/* Where the head does not fit, the context stays NULL and each request fails.
 * So a buffer that is too short makes no pool, and is never written to.  Nor is
 * one that would end behind the last address: its size was not reckoned
 * right. */
mp_backing_t backing_of_buffer(void *buffer, size_t size)
{
    mp_backing_t backing = {backing_buffer_acquire, backing_buffer_release,
                            NULL};
    size_t shift = (size_t)(-(uintptr_t)buffer % SIZES_GRANULE);

    if (buffer != NULL && size <= UINTPTR_MAX - (uintptr_t)buffer &&
        size >= shift + sizeof(struct backing_buffer)) {
        struct backing_buffer *head =
            (struct backing_buffer *)(void *)((unsigned char *)buffer + shift);
        ASSERT((uintptr_t)head % SIZES_GRANULE == 0);
        head->size = size - shift - sizeof *head;
        head->room = head->size;
        backing.context = head;
    }
    return backing;
}

/* Any other backing gives 0: its pools ask for what they need, not for all. */
size_t backing_buffer_room(const mp_backing_t *backing)
{
    if (backing == NULL || backing->acquire != backing_buffer_acquire ||
        backing->context == NULL) {
        return 0;
    }
    return ((const struct backing_buffer *)backing->context)->room;
}

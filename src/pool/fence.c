/* SPDX-License-Identifier: MIT
 *
 * fence.c - memory for one tracked object, and what stands around it.
 *
 * Zones and freed objects are filled with bytes that programs seldom write.  As
 * a pointer, a word of such bytes is not valid; as a length, it is too large.
 * Zones and freed objects have different bytes, so that one sees in a debugger
 * which is which.
 *
 * What it cannot do: map more guard pages than the system has room for in its
 * list of mappings.  Objects beyond have zones instead.
 */
#include "pool/fence.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "memory_pool.h"
#include "store/sizes.h"

#if defined(__unix__) || defined(__APPLE__)
#include <sys/mman.h>
#include <unistd.h>
#define FENCE_PAGES 1
#else
#define FENCE_PAGES 0
#endif

/* Bytes of a zone at least: an index that is one off for elements of up to so
 * many bytes is seen. */
#define FENCE_ZONE ((size_t)64)

#define FENCE_ZONE_BYTE 0xfb
#define FENCE_FREED_BYTE 0xdb

static unsigned char *fence_base(const struct fence *fence)
{
    return (unsigned char *)~fence->hidden;
}

static size_t fence_round(size_t bytes, size_t alignment)
{
    return (bytes + alignment - 1) / alignment * alignment;
}

/* Bytes of the tag. */
static size_t fence_tag_bytes(const struct fence *fence)
{
    return fence->tag == NULL ? 0 : sizeof fence->tag;
}

void *fence_allocate(size_t bytes, size_t alignment)
{
    MP_FRAME();
    void *memory;

    /* No object is longer.  Checkers take such a number for one below 0. */
    if (bytes > PTRDIFF_MAX) {
        return NULL;
    }
    if (alignment <= _Alignof(max_align_t)) {
        return malloc(bytes);
    }
    return posix_memalign(&memory, alignment, bytes) == 0 ? memory : NULL;
}

#if FENCE_PAGES
/* Pages for an object that ends before the last of them, which cannot be
 * touched; NULL: there are none. */
static unsigned char *fence_map(struct fence *fence, size_t size,
                                size_t alignment)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t bytes = fence_round(fence_round(size, alignment), page) + page;
    unsigned char *base;

    if (alignment > page) {
        return NULL;
    }
    base = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (base == MAP_FAILED) {
        return NULL;
    }
    if (mprotect(base + bytes - page, page, PROT_NONE) != 0) {
        munmap(base, bytes);
        return NULL;
    }
    fence->guarded = true;
    fence->bytes = bytes - page;
    fence->front = fence->bytes - fence_round(size, alignment);
    return base;
}
#endif

void fence_mend(const struct fence *fence, size_t size)
{
    unsigned char *behind = fence_base(fence) + fence->front + size;
    size_t tag = fence_tag_bytes(fence);

    if (!fence->zoned) {
        return;
    }
    memset(fence_base(fence), FENCE_ZONE_BYTE, fence->front);
    memset(behind, FENCE_ZONE_BYTE, fence->bytes - fence->front - size);
    memcpy(behind, &fence->tag, tag);
}

void *fence_make(struct fence *fence, unsigned flags, bool guarded,
                 size_t size, size_t alignment, const void *tag)
{
    MP_FRAME();
    unsigned char *base = NULL;

    *fence = (struct fence){.bytes = size};
    fence->zoned = (flags & (MP_REDZONE | MP_TAGS | MP_GUARD)) != 0;
#if FENCE_PAGES
    base = guarded ? fence_map(fence, size, alignment) : NULL;
#endif
    if (base == NULL && fence->zoned) {
        /* A page behind the object leaves no room for a tag. */
        fence->tag = (flags & MP_TAGS) != 0 ? tag : NULL;
        fence->front = fence_round(FENCE_ZONE, alignment);
        fence->bytes =
            fence->front + size + fence_tag_bytes(fence) + FENCE_ZONE;
    }
    if (base == NULL) {
        base = fence_allocate(fence->bytes, alignment);
    }
    if (base == NULL) {
        return NULL;
    }
    fence->hidden = ~(uintptr_t)base;
    fence_mend(fence, size);
    ASSERT((uintptr_t)(base + fence->front) % alignment == 0 ||
           alignment <= SIZES_GRANULE);
    return base + fence->front;
}

/* The first of some bytes that is not as it was filled; NULL: all are. */
static const unsigned char *fence_find(const unsigned char *from,
                                       size_t bytes, int byte)
{
    for (size_t i = 0; i < bytes; i++) {
        if (from[i] != byte) {
            return from + i;
        }
    }
    return NULL;
}

enum fence_damage fence_check(const struct fence *fence, size_t size,
                              const void **at)
{
    const unsigned char *base = fence_base(fence);
    const unsigned char *behind = base + fence->front + size;
    size_t tag = fence_tag_bytes(fence);

    if (!fence->zoned) {
        return FENCE_WHOLE;
    }
    if (memcmp(behind, &fence->tag, tag) != 0) {
        *at = behind;
        return FENCE_TAG;
    }
    *at = fence_find(behind + tag, fence->bytes - fence->front - size - tag,
                     FENCE_ZONE_BYTE);
    if (*at != NULL) {
        return FENCE_BEHIND;
    }
    *at = fence_find(base, fence->front, FENCE_ZONE_BYTE);
    return *at != NULL ? FENCE_BEFORE : FENCE_WHOLE;
}

bool fence_fit(const struct fence *fence, size_t was, size_t size)
{
    unsigned char *object = fence_base(fence) + fence->front;
    size_t tag = fence_tag_bytes(fence);
    size_t behind = fence->zoned && !fence->guarded ? tag + FENCE_ZONE : 0;
    const void *at;

    if (size > fence->bytes - fence->front - behind ||
        (size > was && fence_check(fence, was, &at) != FENCE_WHOLE)) {
        return false;
    }
    if (fence->zoned && size != was) {
        /* A tag that was written over stays: it is no part of the zone. */
        bool whole = memcmp(object + was, &fence->tag, tag) == 0;
        if (size < was) {
            memset(object + size, FENCE_ZONE_BYTE,
                   was - size + (whole ? tag : 0));
        }
        memcpy(object + size, &fence->tag, tag);
    }
    return true;
}

void fence_close(struct fence *fence, size_t size, bool fill)
{
#if FENCE_PAGES
    if (fence->guarded) {
        /* Where it fails the pages can be touched, and nothing is found. */
        (void)mprotect(fence_base(fence), fence->bytes, PROT_NONE);
        return;
    }
#endif
    if (fill) {
        memset(fence_base(fence) + fence->front, FENCE_FREED_BYTE, size);
        fence->filled = true;
    }
}

enum fence_damage fence_check_closed(const struct fence *fence, size_t size,
                                     const void **at)
{
    if (fence->guarded) {
        return FENCE_WHOLE; /* a write would have been the program's end */
    }
    *at = !fence->filled ? NULL
                         : fence_find(fence_base(fence) + fence->front, size,
                                      FENCE_FREED_BYTE);
    return *at != NULL ? FENCE_INSIDE : fence_check(fence, size, at);
}

void fence_drop(struct fence *fence)
{
    MP_FRAME();
#if FENCE_PAGES
    if (fence->guarded) {
        size_t page = (size_t)sysconf(_SC_PAGESIZE);
        munmap(fence_base(fence), fence->bytes + page);
        return;
    }
#endif
    free(fence_base(fence));
}

// SPDX-License-Identifier: MIT
//
// pmr.cc - peers: the C++ library's memory resources.
//
// PMR_MONOTONIC: monotonic_buffer_resource on the caller's buffer, no lock
// and no free of one object.  Without it: synchronized_pool_resource.  Both
// are called through memory_resource's virtual functions, as pmr containers
// call them, and need the size at each free.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory_resource>
#include <new>

#ifdef PMR_MONOTONIC
#define PEER_NAME "pmr-monotonic"
#define PEER_FREES 0
#define PEER_ANY_ORDER 0
#define PEER_THREADS 0
#else
#define PEER_NAME "pmr-pool"
#define PEER_FREES 1
#define PEER_ANY_ORDER 1
#define PEER_THREADS 1
#endif
#define PEER_RESETS 1
#define PEER_SIZED 1
#define PEER_POOL 1
#define PEER_CAPACITY 0

#ifdef PMR_MONOTONIC
// A small pool's buffer is the caller's own, as such pools are used.
alignas(16) static char pmr_buffer[1024];
#endif

struct peer_t {
#ifdef PMR_MONOTONIC
    peer_t(void *p, size_t room) : buffer(p), resource(p, room) {}
    ~peer_t() { std::free(buffer == pmr_buffer ? nullptr : buffer); }
    void *buffer;
    std::pmr::monotonic_buffer_resource resource;
#else
    std::pmr::synchronized_pool_resource resource;
#endif
};

static inline peer_t *peer_create(size_t room)
{
#ifdef PMR_MONOTONIC
    void *p = room <= sizeof pmr_buffer ? pmr_buffer : std::malloc(room);
    return p != nullptr ? new (std::nothrow) peer_t(p, room) : nullptr;
#else
    (void)room;
    return new (std::nothrow) peer_t;
#endif
}

static inline void peer_destroy(peer_t *peer)
{
    delete peer;
}

static inline std::pmr::memory_resource *pmr_virtual(peer_t *peer)
{
    std::pmr::memory_resource *resource = &peer->resource;

    __asm__("" : "+r"(resource));
    return resource;
}

static inline void *peer_allocate(peer_t *peer, size_t size)
{
    return pmr_virtual(peer)->allocate(size, 16);
}

static inline void peer_free(peer_t *peer, void *p, size_t size)
{
    pmr_virtual(peer)->deallocate(p, size, 16);
}

static inline void peer_reset(peer_t *peer)
{
    peer->resource.release();
}

static inline void peer_thread_end(peer_t *peer)
{
    (void)peer;
}

#include "work.h"

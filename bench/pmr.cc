// SPDX-License-Identifier: MIT
//
// pmr.cc - peers: memory resources, the C++ library's and ours.
//
// PMR_MONOTONIC: monotonic_buffer_resource on the caller's buffer, no lock
// and no free of one object.  PMR_UNSYNC: unsynchronized_pool_resource, no
// lock.  PMR_NEW: new_delete_resource().  PMR_MEMPOOL: mempool::resource on a
// default pool.  Without any: synchronized_pool_resource.  All are called
// through memory_resource's virtual functions, as pmr containers call them, and
// get the size at each free.  Only these peers have the work of containers.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <list>
#include <map>
#include <memory_resource>
#include <new>
#include <string>
#include <unordered_map>

#ifdef PMR_MEMPOOL
#include <memory_pool.hpp>
#endif

#if defined(PMR_MONOTONIC)
#define PEER_NAME "pmr-monotonic"
#elif defined(PMR_UNSYNC)
#define PEER_NAME "pmr-unsync"
#elif defined(PMR_NEW)
#define PEER_NAME "pmr-new"
#elif defined(PMR_MEMPOOL)
#define PEER_NAME "mempool-pmr"
#else
#define PEER_NAME "pmr-pool"
#endif

#ifdef PMR_MONOTONIC
#define PEER_FREES 0
#define PEER_ANY_ORDER 0
#else
#define PEER_FREES 1
#define PEER_ANY_ORDER 1
#endif
#if defined(PMR_MONOTONIC) || defined(PMR_UNSYNC)
#define PEER_THREADS 0
#else
#define PEER_THREADS 1
#endif
#ifdef PMR_NEW
#define PEER_RESETS 0
#define PEER_POOL 0
#else
#define PEER_RESETS 1
#define PEER_POOL 1
#endif
#define PEER_SIZED 1
#define PEER_CAPACITY 0
#define PEER_CONTAINERS 1

#ifdef PMR_MONOTONIC
// A small pool's buffer is the caller's own, as such pools are used.
alignas(16) static char pmr_buffer[1024];
#endif

struct peer_t {
#if defined(PMR_MONOTONIC)
    peer_t(void *p, size_t room) : buffer(p), resource(p, room) {}
    ~peer_t() { std::free(buffer == pmr_buffer ? nullptr : buffer); }
    void *buffer;
    std::pmr::monotonic_buffer_resource resource;
#elif defined(PMR_UNSYNC)
    std::pmr::unsynchronized_pool_resource resource;
#elif defined(PMR_NEW)
    std::pmr::memory_resource &resource = *std::pmr::new_delete_resource();
#elif defined(PMR_MEMPOOL)
    mempool::pool pool;
    mempool::resource resource{pool};
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
#if defined(PMR_NEW)
    (void)peer;
#elif defined(PMR_MEMPOOL)
    peer->pool.reset();
#else
    peer->resource.release();
#endif
}

static inline void peer_thread_end(peer_t *peer)
{
    (void)peer;
}

// Random insertions and removals in a container of that kind; an operation is
// one of them.  Each unit has a container of its own.
#define PMR_UNIT 20000

static inline double pmr_containers(size_t kind, uint64_t operations);
#define work_containers pmr_containers

#include "work.h"

template <class Map> static void pmr_keyed(std::pmr::memory_resource *resource)
{
    static const char text[] = "the text of an entry, of several lengths, of "
                               "which few are so long";
    uint64_t random = 88172645463325252u;
    Map map(resource);

    for (unsigned i = 0; i < PMR_UNIT; i++) {
        uint64_t drawn = measure_random(&random) >> 20;
        int key = static_cast<int>(drawn % 4000);
        if (drawn % 3 == 0) {
            map.erase(key);
        } else {
            map[key].assign(text, drawn / 4000 % sizeof text);
        }
    }
}

static void pmr_listed(std::pmr::memory_resource *resource)
{
    uint64_t random = 88172645463325252u;
    std::pmr::list<uint64_t> list(resource);

    for (unsigned i = 0; i < PMR_UNIT; i++) {
        uint64_t drawn = measure_random(&random) >> 20;
        if (drawn % 3 == 0 && !list.empty()) {
            list.pop_front();
        } else {
            list.push_back(drawn);
        }
    }
}

static inline double pmr_containers(size_t kind, uint64_t operations)
{
    peer_t *peer = work_create(8u << 20);
    uint64_t start = measure_now();

    for (uint64_t done = 0; done < operations; done += PMR_UNIT) {
        std::pmr::memory_resource *resource = pmr_virtual(peer);
        switch (kind) {
        case 0:
            pmr_keyed<std::pmr::unordered_map<int, std::pmr::string>>(
                resource);
            break;
        case 1:
            pmr_keyed<std::pmr::map<int, std::pmr::string>>(resource);
            break;
        default:
            pmr_listed(resource);
            break;
        }
        peer_reset(peer);
    }
    uint64_t end = measure_now();
    peer_destroy(peer);
    return static_cast<double>(end - start) / static_cast<double>(operations);
}

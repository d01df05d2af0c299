// SPDX-License-Identifier: MIT
//
// guide_containers.cc - mempool_guide(7): C++ containers in a pool.
#include <memory_pool.h>

#include <cstdio>
#include <map>
#include <new>
#include <vector>

// An allocator of the standard library, over a pool.
template <typename T> struct pool_allocator {
    using value_type = T;
    memory_pool_t *mp;

    explicit pool_allocator(memory_pool_t *pool) : mp(pool) {}
    template <typename U>
    pool_allocator(const pool_allocator<U> &other) : mp(other.mp) {}
    T *allocate(std::size_t n)
    {
        if (void *p = mp_calloc(mp, n, sizeof(T))) {
            return static_cast<T *>(p);
        }
        throw std::bad_alloc();
    }
    void deallocate(T *p, std::size_t) { free_memory(mp, p); }
    template <typename U> bool operator==(const pool_allocator<U> &o) const
    {
        return mp == o.mp;
    }
    template <typename U> bool operator!=(const pool_allocator<U> &o) const
    {
        return mp != o.mp;
    }
};

int main()
{
    memory_pool_t *mp = mp_create(nullptr);
    {
        using pair = std::pair<const int, int>;
        std::map<int, int, std::less<int>, pool_allocator<pair>> squares{
            std::less<int>(), pool_allocator<pair>(mp)};
        std::vector<int, pool_allocator<int>> list{pool_allocator<int>(mp)};
        for (int i = 1; i <= 5; i++) {
            squares[i] = i * i;
            list.push_back(squares[i]);
        }
        for (int square : list) {
            std::printf("%d\n", square);
        }
    } // the containers free their objects one by one
    mp_stats_t stats;
    bool failed = mp_stats(mp, &stats) != 0 || stats.live_objects != 0;
    destroy_memory_pool(mp);
    return failed;
}

// SPDX-License-Identifier: MIT
//
// from_pmr.cc - mempool_porting(7): before/pmr.cc with libmempool.
#if __cplusplus >= 201703L && __has_include(<memory_resource>)
#include <memory_pool.h>

#include <cstdio>
#include <map>
#include <memory_resource>
#include <new>
#include <string>

// A resource over a pool, which it owns.
class pool_resource : public std::pmr::memory_resource {
    memory_pool_t *mp = mp_create(nullptr);

    void *do_allocate(std::size_t size, std::size_t alignment) override
    {
        void *p = mp_aligned_alloc(mp, alignment, size == 0 ? 1 : size);
        return p != nullptr ? p : throw std::bad_alloc();
    }
    void do_deallocate(void *p, std::size_t, std::size_t) override
    {
        free_memory(mp, p);
    }
    bool do_is_equal(const memory_resource &other) const noexcept override
    {
        return this == &other;
    }

  public:
    pool_resource() = default;
    pool_resource(const pool_resource &) = delete;
    pool_resource &operator=(const pool_resource &) = delete;
    ~pool_resource() override { destroy_memory_pool(mp); }
};

int main()
{
    pool_resource resource;
    std::pmr::map<int, std::pmr::string> names(&resource);
    names[2] = "two, in a string that is too long for its small buffer";
    names[1] = "one";
    for (const auto &entry : names) {
        std::printf("%d %s\n", entry.first, entry.second.c_str());
    }
    names.erase(1); // the pool uses the memory again
    std::printf("%zu left\n", names.size());
    return 0;
}
#else
int main()
{
    return 77; // the compiler is older than C++17: nothing to show
}
#endif

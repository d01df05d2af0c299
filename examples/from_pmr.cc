// SPDX-License-Identifier: MIT
//
// from_pmr.cc - mempool_porting(7): before/pmr.cc with libmempool.
#include <memory_pool.hpp>

#include <cstdio>
#include <map>
#include <string>

#if MEMPOOL_RESOURCE
int main()
{
    mempool::pool pool;
    mempool::resource resource(pool);
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

// SPDX-License-Identifier: MIT
//
// pmr.cc - mempool_porting(7): before, with a resource of std::pmr.
#include <cstdio>
#include <map>
#include <memory_resource>
#include <string>

int main()
{
    std::pmr::monotonic_buffer_resource resource;
    std::pmr::map<int, std::pmr::string> names(&resource);
    names[2] = "two, in a string that is too long for its small buffer";
    names[1] = "one";
    for (const auto &entry : names) {
        std::printf("%d %s\n", entry.first, entry.second.c_str());
    }
    names.erase(1); // the memory comes back with the resource
    std::printf("%zu left\n", names.size());
    return 0;
}

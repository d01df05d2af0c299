// SPDX-License-Identifier: MIT
//
// man_memory_pool_hpp.cc - the example of memory_pool.hpp(3).
//
// Words are counted in containers of std::pmr that live in one pool.  Without
// C++17 there are none, and there is nothing to show.
#include <memory_pool.hpp>

#include <cstdlib>
#include <iostream>
#include <sstream>
#include <string>
#include <unordered_map>

#if MEMPOOL_RESOURCE
/* The words of a text and how often each is there, all of it in one pool that
 * holds at most 1 MiB. */
static std::size_t count_words(std::istream &text)
{
    mempool::pool pool(mempool::options().capacity(1 << 20).name("words"));
    mempool::resource resource(pool);
    std::pmr::unordered_map<std::pmr::string, int> counts(&resource);
    std::pmr::string word(&resource);

    try {
        while (text >> word) {
            counts[word]++;
        }
    } catch (const mempool::error &full) {
        std::cerr << full.what() << '\n';
    }
    return counts.size();
}

int main()
{
    std::istringstream text("the cat and the hat and the bat");

    return count_words(text) == 5 ? EXIT_SUCCESS : EXIT_FAILURE;
}
#else
int main()
{
    return EXIT_SUCCESS;
}
#endif

// SPDX-License-Identifier: MIT
//
// guide_containers.cc - mempool_guide(7): C++ containers in a pool.
#include <memory_pool.hpp>

#include <iostream>
#include <sstream>
#include <string>
#include <vector>

// Answers a request with a status.  Its list and all strings are in one pool.
static int answer(memory_pool_t *server, const char *query, std::size_t limit)
{
    try {
        mempool::pool pool(mempool::options().parent(server).capacity(limit));
        mempool::resource resource(pool); // for any container of std::pmr
        std::pmr::vector<std::pmr::string> words(&resource);
        std::istringstream text(query);
        for (std::pmr::string word(&resource); text >> word;) {
            words.push_back(word);
        }
        for (const auto &word : words) {
            std::cout << word << '\n';
        }
        return 200;
    } catch (const mempool::error &error) { // the pool is gone already
        std::cout << error.what() << '\n';
        return 413;
    }
}

int main()
{
    mempool::pool server;
    const char *query = "one-word-of-thirty-two-characters and another";
    int good = answer(server, query, 4096);
    int bad = answer(server, query, 64);
    std::cout << good << ' ' << bad << '\n';
    return good != 200 || bad != 413;
} // destroys the server's pool

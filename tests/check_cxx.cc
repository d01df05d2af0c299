/* SPDX-License-Identifier: MIT
 *
 * check_cxx.cc - the header in a C++ program, linked with the C library.
 *
 * Only that it compiles, links without mangled names, and works: what the
 * functions promise is for the C tests.  Without Check, so that it needs no
 * more than a C++ compiler.
 */
#include <memory_pool.h>

#include <cstdio>
#include <cstring>

static int cxx_failures;

static void cxx_expect(bool condition, const char *what)
{
    std::printf("%s: %s\n", condition ? "ok" : "FAILED", what);
    cxx_failures += !condition;
}

int main()
{
    memory_pool_t *mp = init_memory_pool();
    cxx_expect(mp != nullptr, "init_memory_pool");
    if (mp == nullptr) {
        return 1;
    }

    void *object = mp_allocate(mp, MAX_BLOCK_SIZE);
    cxx_expect(object != nullptr, "mp_allocate");
    if (object != nullptr) {
        std::memset(object, 1, MAX_BLOCK_SIZE);
    }
    cxx_expect(is_mp_ptr(mp, object), "is_mp_ptr of a live object");
    free_memory(mp, object);
    cxx_expect(!is_mp_ptr(mp, object), "is_mp_ptr of a freed object");

    object = mp_allocate(mp, 1);
    free_all_memory(mp);
    cxx_expect(!is_mp_ptr(mp, object), "free_all_memory");
    destroy_memory_pool(mp);
    return cxx_failures != 0;
}

/* SPDX-License-Identifier: MIT
 *
 * header_use.cc - what a C++ program writes with the inline header.
 *
 * As tests/header_use.c for C: members, namespaces and templates that have the
 * functions' names or commas in them, and the short way, counted.
 */
#include <memory_pool_inline.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <unistd.h>

#define USE_PAIRS 1000u

#define USE_EXPECT(condition)                                               \
    do {                                                                    \
        if (!(condition)) {                                                 \
            std::printf("header_use: line %d: %s\n", __LINE__, #condition); \
            std::exit(1);                                                   \
        }                                                                   \
    } while (0)

static unsigned use_calls;

extern "C" {
void *__wrap_mp_allocate(memory_pool_t *mp, size_t m_size);
void __wrap_free_memory(memory_pool_t *mp, const void *ptr);
void *__real_mp_allocate(memory_pool_t *mp, size_t m_size);
void __real_free_memory(memory_pool_t *mp, const void *ptr);

void *__wrap_mp_allocate(memory_pool_t *mp, size_t m_size)
{
    use_calls++;
    return __real_mp_allocate(mp, m_size);
}

void __wrap_free_memory(memory_pool_t *mp, const void *ptr)
{
    use_calls++;
    __real_free_memory(mp, ptr);
}

void __cyg_profile_func_enter(void *, void *)
    __attribute__((__no_instrument_function__));
void __cyg_profile_func_exit(void *, void *)
    __attribute__((__no_instrument_function__));
void __cyg_profile_func_enter(void *, void *) {}
void __cyg_profile_func_exit(void *, void *) {}
}

/* Two parameters, so that a use of it has a comma. */
template <typename T, unsigned N> struct use_sizes {
    static size_t total() { return sizeof(T) * N; }
    static mp_options_t *options()
    {
        static mp_options_t made = mp_options_t();
        made.capacity = total();
        return &made;
    }
};

namespace own {
inline int mp_allocate(int value)
{
    return value + 1;
}
inline int mp_create()
{
    return 7;
}
}

class use_arena {
public:
    use_arena() : pool(::mp_create(use_sizes<int, 25>::options())) {}
    ~use_arena() { destroy_memory_pool(pool); }
    memory_pool_t *mp_create() { return pool; }
    int mp_stats() const
    {
        mp_stats_t stats;
        return ::mp_stats(pool, &stats);
    }
    void *mp_allocate(size_t size) { return ::mp_allocate(pool, size); }
    void free_memory(void *object) { ::free_memory(pool, object); }
    int mp_handle_allocate = 3;
    int mp_handle_free() { return 4; }

private:
    memory_pool_t *pool;
};

static void use_names()
{
    use_arena arena;

    USE_EXPECT(arena.mp_create() != nullptr && arena.mp_stats() == 0);
    USE_EXPECT(arena.mp_allocate(101) == nullptr);
    void *object = arena.mp_allocate(use_sizes<char, 100>::total());
    USE_EXPECT(object != nullptr);
    arena.free_memory(object);
    object = mp_allocate(arena.mp_create(), use_sizes<char, 100>::total());
    USE_EXPECT(object != nullptr);
    USE_EXPECT(arena.mp_handle_allocate + arena.mp_handle_free() == 7);
    USE_EXPECT(own::mp_allocate(own::mp_create()) == 8);
}

struct use_delete {
    memory_pool_t *mp;
    void operator()(void *object) const { free_memory(mp, object); }
};

/* A template over the function itself: the library's. */
template <void *(*Allocate)(memory_pool_t *, size_t)>
static void *use_through(memory_pool_t *mp, size_t size)
{
    return Allocate(mp, size);
}

static void use_pairs(memory_pool_t *mp)
{
    for (unsigned i = 0; i < USE_PAIRS; i++) {
        std::unique_ptr<void, use_delete> object(mp_allocate(mp, 24),
                                                 use_delete{mp});
        USE_EXPECT(is_mp_ptr(mp, object.get()));
    }
}

static void use_short_way()
{
    std::unique_ptr<memory_pool_t, void (*)(memory_pool_t *)> pool(
        mp_create(nullptr), destroy_memory_pool);
    memory_pool_t *mp = pool.get();
    mp_stats_t stats;

    USE_EXPECT(mp != nullptr);
    use_pairs(mp);
    use_calls = 0;
    use_pairs(mp);
    USE_EXPECT(mp_stats(mp, &stats) == 0);
    USE_EXPECT(MP_INLINE && stats.cached_bytes != 0
                   ? use_calls <= USE_PAIRS / 10
                   : use_calls == 2 * USE_PAIRS);
    use_calls = 0;
    void *object = use_through<mp_allocate>(mp, 10);
    void (*give)(memory_pool_t *, const void *) = &::free_memory;
    give(mp, object);
    USE_EXPECT(!is_mp_ptr(mp, object));
    USE_EXPECT(mp_check(mp) == 0);
}

int main()
{
    alarm(60); /* a function that is compiled into itself never ends */
    use_names();
    use_short_way();
    return 0;
}

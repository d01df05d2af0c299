/* SPDX-License-Identifier: MIT
 *
 * header_use.c - what a program writes with the inline header, and what runs.
 *
 * tests/header-run.sh compiles it by each compiler in several ways, and links
 * it so that it counts the calls of the library's mp_allocate() and
 * free_memory(): so it knows that the short way is compiled in, and that a call
 * through a pointer is the library's.
 *
 * What it cannot do: tell of the short way where pools have no caches.
 */
#include <memory_pool_inline.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define USE_PAIRS 1000u

#define USE_EXPECT(condition)                                            \
    do {                                                                 \
        if (!(condition)) {                                              \
            printf("header_use: line %d: %s\n", __LINE__, #condition);   \
            exit(1);                                                     \
        }                                                                \
    } while (0)

static unsigned use_calls;

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

/* Options and statistics that are made where they are used. */
static void use_literals(void)
{
    memory_pool_t *mp =
        mp_create(&(mp_options_t){.capacity = 100, .name = "literal"});

    USE_EXPECT(mp != NULL);
    USE_EXPECT(mp_allocate(mp, (size_t[]){99, 100}[1]) != NULL);
    USE_EXPECT(mp_allocate(mp, 1) == NULL);
    USE_EXPECT(mp_stats(mp, &(mp_stats_t){.blocks = 0, .children = 0}) == 0);
    destroy_memory_pool(mp);
}

/* A structure may have members of these names, and a block may hide them. */
static void use_names(void)
{
    struct arena {
        memory_pool_t *(*mp_create)(const mp_options_t *options);
        int (*mp_stats)(memory_pool_t *mp, mp_stats_t *stats);
        void *(*mp_allocate)(memory_pool_t *mp, size_t size);
        void (*free_memory)(memory_pool_t *mp, const void *ptr);
    } arena = {mp_create, mp_stats, mp_allocate, free_memory};
    mp_stats_t stats;
    memory_pool_t *mp = arena.mp_create(NULL);

    USE_EXPECT(mp != NULL && arena.mp_stats(mp, &stats) == 0);
    use_calls = 0;
    void *object = arena.mp_allocate(mp, 10);
    USE_EXPECT(is_mp_ptr(mp, object) && use_calls == 1);
    arena.free_memory(mp, object);
    USE_EXPECT(!is_mp_ptr(mp, object) && use_calls == 2);
    destroy_memory_pool(mp);
}

static void use_pairs(memory_pool_t *mp, mp_handle_t *handle)
{
    for (unsigned i = 0; i < USE_PAIRS; i++) {
        void *object = mp_allocate(mp, 24);
        void *another = mp_handle_allocate(handle, 24);
        USE_EXPECT(is_mp_ptr(mp, object) && is_mp_ptr(mp, another));
        memset(object, 1, mp_usable_size(mp, object));
        free_memory(mp, object);
        mp_handle_free(handle, another);
        USE_EXPECT(!is_mp_ptr(mp, object) && !is_mp_ptr(mp, another));
    }
}

/* Few calls, but for a pool without caches, of which each makes one. */
static void use_short_way(void)
{
    memory_pool_t *mp = mp_create(NULL);
    mp_handle_t *handle = mp_attach(mp);
    mp_stats_t stats;

    USE_EXPECT(mp != NULL && handle != NULL);
    use_pairs(mp, handle);
    use_calls = 0;
    use_pairs(mp, handle);
    USE_EXPECT(mp_stats(mp, &stats) == 0);
    USE_EXPECT(MP_INLINE && stats.cached_bytes != 0
                   ? use_calls <= USE_PAIRS / 10
                   : use_calls == 2 * USE_PAIRS);
    USE_EXPECT(mp_check(mp) == 0);
    destroy_memory_pool(mp);
}

#define USE_FILL(call)                                  \
    do {                                                \
        char *object = (call);                          \
        USE_EXPECT(mp_usable_size(mp, object) >= 20);   \
        memset(object, 0, mp_usable_size(mp, object));  \
    } while (0)

/* All that mp_usable_size() tells may be written, whatever a compiler checks;
 * by each function that makes an object. */
static void use_usable(void)
{
    memory_pool_t *mp = mp_create(NULL);
    mp_handle_t *handle = mp_attach(mp);

    USE_EXPECT(mp != NULL && handle != NULL);
    USE_FILL(mp_allocate(mp, 20));
    USE_FILL(mp_calloc(mp, 4, 5));
    USE_FILL(mp_realloc(mp, NULL, 20));
    USE_FILL(mp_aligned_alloc(mp, 64, 20));
    USE_FILL(mp_strdup(mp, "nineteen characters"));
    USE_FILL(mp_strndup(mp, "nineteen characters", 19));
    USE_FILL(mp_memdup(mp, "nineteen characters", 20));
    USE_FILL(mp_asprintf(mp, "nineteen %s", "characters"));
    USE_FILL(mp_handle_allocate(handle, 20));
    USE_EXPECT(mp_check(mp) == 0);
    destroy_memory_pool(mp);
}

/* Instrumented functions, which a compiler calls where these are defined. */
void __cyg_profile_func_enter(void *function, void *caller)
    __attribute__((__no_instrument_function__));
void __cyg_profile_func_exit(void *function, void *caller)
    __attribute__((__no_instrument_function__));
void __cyg_profile_func_enter(void *function, void *caller)
{
    (void)function;
    (void)caller;
}
void __cyg_profile_func_exit(void *function, void *caller)
{
    (void)function;
    (void)caller;
}

int main(void)
{
    alarm(60); /* a function that is compiled into itself never ends */
    use_literals();
    use_names();
    use_short_way();
    use_usable();
    return 0;
}

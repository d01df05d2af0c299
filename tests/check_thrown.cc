/* SPDX-License-Identifier: MIT
 *
 * check_thrown.cc - C++ exceptions out of the program's own functions.
 *
 * Each function that a pool of each kind calls throws once: the caller gets the
 * exception, and the pool is as it was before the call.  A cleanup is the one
 * that is gone, and the next call that ends the pool comes from any depth of
 * the stack.
 *
 * What it cannot do: have the release of a backing throw, or a visit of
 * mp_each_pool(), which must return.
 */
#include <memory_pool.h>

#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>

struct thrown_error {
};

static int thrown_failures;
static const char *thrown_kind;
static unsigned thrown_throws; // calls until one throws; 0: none does
static unsigned thrown_calls;

static void thrown_expect(bool condition, const char *what)
{
    if (!condition) {
        std::printf("FAILED: %s: %s\n", thrown_kind, what);
        thrown_failures++;
    }
}

static void thrown_throw()
{
    thrown_calls++;
    if (thrown_throws != 0 && --thrown_throws == 0) {
        throw thrown_error();
    }
}

// The call throws, once; and the pool is whole.
template <typename call_type>
static void thrown_once(memory_pool_t *mp, const char *what, call_type call)
{
    bool caught = false;

    thrown_throws = 1;
    try {
        call();
    } catch (const thrown_error &) {
        caught = true;
    }
    thrown_throws = 0;
    thrown_expect(caught, what);
    thrown_expect(mp_check(mp) == 0, "the pool is whole");
}

static void thrown_cleanup(void *)
{
    thrown_throw();
}

static int thrown_visit(void *, std::size_t, void *)
{
    thrown_throw();
    return 0;
}

static void thrown_report(memory_pool_t *, mp_event_t, const char *,
                          const void *, void *)
{
    thrown_throw();
}

static bool thrown_failure(memory_pool_t *, std::size_t, int, void *)
{
    thrown_throw();
    return false;
}

static void *thrown_acquire(void *, std::size_t bytes, std::size_t)
{
    thrown_throw();
    return std::malloc(bytes);
}

static void thrown_release(void *, void *memory, std::size_t)
{
    std::free(memory);
}

static const mp_backing_t thrown_backing = {thrown_acquire, thrown_release,
                                            nullptr};

static std::size_t thrown_live(memory_pool_t *mp)
{
    mp_stats_t stats;

    return mp_stats(mp, &stats) == 0 ? stats.live_bytes : ~std::size_t();
}

// Deeper in the stack than any other call here.
static void thrown_deep(memory_pool_t *mp, bool destroys)
{
    volatile char deep[100000];

    deep[0] = deep[sizeof deep - 1] = 0;
    errno = 0;
    if (destroys) {
        destroy_memory_pool(mp);
    } else {
        free_all_memory(mp);
    }
    thrown_expect(errno == 0, "what was left is ended from a deeper call");
    thrown_expect(deep[0] == 0, "the stack");
}

// Cleanups of a tree: that of the child, and then one of the pool's, throw.
static void thrown_in_cleanups(memory_pool_t *mp, bool destroys)
{
    mp_options_t options = mp_options_t();

    options.parent = mp;
    memory_pool_t *child = mp_create(&options);
    options.parent = child;
    memory_pool_t *below = mp_create(&options);
    thrown_expect(child != nullptr && below != nullptr, "mp_create of a child");
    for (int i = 0; i < 2; i++) {
        thrown_expect(mp_add_cleanup(mp, thrown_cleanup, nullptr) == 0 &&
                          mp_add_cleanup(below, thrown_cleanup, nullptr) == 0,
                      "mp_add_cleanup");
    }
    thrown_calls = 0;
    thrown_once(mp, "a child's cleanup", [=] {
        destroys ? destroy_memory_pool(mp) : free_all_memory(mp);
    });
    thrown_expect(thrown_calls == 1, "the exception ends the call");
    thrown_once(mp, "the next one", [=] { free_all_memory(child); });
    thrown_once(mp, "the pool's own", [=] { free_all_memory(mp); });
    thrown_deep(mp, destroys);
    thrown_expect(thrown_calls == 4, "each cleanup is called once");
}

static void thrown_in_marks(memory_pool_t *mp)
{
    mp_mark_t mark = mp_mark(mp);

    for (int i = 0; i < 2; i++) {
        thrown_expect(mp_allocate(mp, 1000) != nullptr &&
                          mp_add_mark_cleanup(mp, mark, thrown_cleanup,
                                              nullptr) == 0,
                      "mp_add_mark_cleanup");
    }
    thrown_calls = 0;
    thrown_once(mp, "a mark's cleanup", [=] { (void)mp_rewind(mp, mark); });
    thrown_expect(mp_rewind(mp, mark) == 0 && thrown_calls == 2,
                  "the mark is open yet");
}

static void thrown_in_calls(memory_pool_t *mp)
{
    static char foreign;
    std::size_t live = thrown_live(mp);

    thrown_once(mp, "a visit",
                [=] { (void)mp_walk(mp, thrown_visit, nullptr); });
    thrown_once(mp, "a report", [=] { free_memory(mp, &foreign); });
    thrown_expect(mp_set_failure(mp, thrown_failure, nullptr) == 0,
                  "mp_set_failure");
    thrown_once(mp, "a failure function", [=] {
        void *object = mp_allocate(mp, static_cast<std::size_t>(1) << 50);
        thrown_expect(object == nullptr, "an object that nothing holds");
    });
    (void)mp_set_failure(mp, nullptr, nullptr);
    thrown_expect(thrown_live(mp) == live, "nothing more is live");
}

// Of a request that takes a block; then the same request is served.
static void thrown_in_backing(memory_pool_t *mp)
{
    std::size_t live = thrown_live(mp);

    thrown_once(mp, "the backing", [=] {
        for (int i = 0; i < 1000; i++) {
            void *object = mp_allocate(mp, 3000);
            thrown_expect(object != nullptr, "mp_allocate");
            free_memory(mp, object);
            object = mp_allocate(mp, 300000);
            thrown_expect(object == nullptr, "an object without its block");
        }
    });
    thrown_expect(thrown_live(mp) == live, "nothing of it is live");
    void *object = mp_allocate(mp, 300000);
    thrown_expect(object != nullptr, "the same again");
    free_memory(mp, object);
    mp_options_t options = mp_options_t();
    options.parent = mp;
    options.backing = &thrown_backing;
    thrown_once(mp, "the backing of a new child", [=] {
        thrown_expect(mp_create(&options) == nullptr, "a pool without memory");
    });
    mp_stats_t stats;
    thrown_expect(mp_stats(mp, &stats) == 0 && stats.children == 0,
                  "no child is left");
}

static void thrown_live_once(const char *kind, mp_options_t options,
                             bool destroys)
{
    thrown_kind = kind;
    options.report = thrown_report;
    memory_pool_t *mp = mp_create(&options);
    thrown_expect(mp != nullptr, "mp_create");
    if (mp == nullptr) {
        return;
    }
    for (std::size_t size = 10; size < 20000; size *= 3) {
        thrown_expect(mp_allocate(mp, size) != nullptr, "mp_allocate");
    }
    thrown_in_calls(mp);
    thrown_in_marks(mp);
    if (options.backing == &thrown_backing && options.flags == 0) {
        thrown_in_backing(mp);
    }
    thrown_in_cleanups(mp, destroys);
    if (!destroys) {
        thrown_expect(thrown_live(mp) == 0, "the reset");
        destroy_memory_pool(mp);
    }
}

int main()
{
    static const struct {
        const char *name;
        std::size_t capacity;
        mp_threads_t threads;
        const mp_backing_t *backing;
        unsigned flags;
    } kinds[] = {
        {"default", 0, MP_THREADS_CACHED, nullptr, 0},
        {"capacity", 10000000, MP_THREADS_CACHED, nullptr, 0},
        {"locked", 0, MP_THREADS_LOCKED, nullptr, 0},
        {"zero", 0, MP_THREADS_CACHED, nullptr, MP_ZERO_ON_FREE},
        {"own", 0, MP_THREADS_CACHED, &thrown_backing, 0},
        {"own, capacity", 10000000, MP_THREADS_CACHED, &thrown_backing, 0},
        {"own, none", 0, MP_THREADS_NONE, &thrown_backing, 0},
        {"mmap", 0, MP_THREADS_CACHED, &mp_backing_mmap, 0},
        {"tracked", 0, MP_THREADS_CACHED, nullptr, MP_PASSTHROUGH},
        {"poison", 10000000, MP_THREADS_CACHED, &thrown_backing,
         MP_REDZONE | MP_POISON},
    };

    for (const auto &kind : kinds) {
        mp_options_t options = mp_options_t();
        options.capacity = kind.capacity;
        options.threads = kind.threads;
        options.backing = kind.backing;
        options.flags = kind.flags;
        thrown_live_once(kind.name, options, true);
        thrown_live_once(kind.name, options, false);
    }
    return thrown_failures != 0;
}

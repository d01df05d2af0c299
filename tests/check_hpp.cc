// SPDX-License-Identifier: MIT
//
// check_hpp.cc - memory_pool.hpp in a C++ program.
//
// Containers live in pools of every kind and give all of it back, beside
// threads too; failures are what the call asked for; owners end what they own
// once.  What C++17 alone has is left out of a build for C++11.  Without
// Check, so that it needs no more than a C++ compiler.
#include <memory_pool.hpp>

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <functional>
#include <list>
#include <map>
#include <set>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

static int hpp_failures;

// Prints what is wrong alone: loops call it often.
static void hpp_fail(const char *what, int line)
{
    std::printf("FAILED, line %d: %s\n", line, what);
    hpp_failures++;
}

#define HPP_EXPECT(what)               \
    do {                               \
        if (!(what)) {                 \
            hpp_fail(#what, __LINE__); \
        }                              \
    } while (0)

// The call throws a mempool::error with that code.
#define HPP_THROWS(wanted, call)                   \
    do {                                           \
        bool thrown_ = false;                      \
        try {                                      \
            [&] { return call; }();                \
        } catch (const mempool::error &e_) {       \
            thrown_ = e_.code() == (wanted) &&     \
                      std::strlen(e_.what()) > 10; \
        }                                          \
        if (!thrown_) {                            \
            hpp_fail(#call, __LINE__);             \
        }                                          \
    } while (0)

static const mempool::options hpp_kinds[] = {
    mempool::options(),
    mempool::options().threads(MP_THREADS_LOCKED),
    mempool::options().capacity(std::size_t(64) << 20).name("capacity"),
    mempool::options().backing(mp_backing_mmap),
    mempool::options().zero_on_free().leak_check(),
};

static bool hpp_is_empty(const mempool::pool &pool)
{
    return pool.stats().live_objects == 0 && pool.check();
}

struct hpp_random {
    std::uint64_t state;

    std::size_t below(std::size_t bound)
    {
        state = state * 6364136223846793005u + 1442695040888963407u;
        std::size_t high = state >> 33;
        return high % bound;
    }
};

// Random work on containers in a pool and on the same of the C++ library.
template <class Map, class String, class Make>
static void hpp_compare(Make make, std::uint64_t seed, int rounds)
{
    std::map<int, std::string> right;
    Map map = make();
    hpp_random random = {seed};

    for (int i = 0; i < rounds; i++) {
        int key = static_cast<int>(random.below(200));
        if (random.below(3) == 0) {
            right.erase(key);
            map.erase(key);
        } else {
            std::string text(random.below(100), 'x');
            right[key] = text;
            auto at = map.find(key);
            if (at == map.end()) {
                map.emplace(key, String(text.begin(), text.end(),
                                        map.get_allocator()));
            } else {
                at->second.assign(text.begin(), text.end());
            }
        }
    }
    bool same = map.size() == right.size();
    for (const auto &each : right) {
        auto at = map.find(each.first);
        same = same && at != map.end() &&
               at->second.compare(0, at->second.npos, each.second.c_str()) == 0;
    }
    HPP_EXPECT(same);
}

typedef std::basic_string<char, std::char_traits<char>,
                          mempool::allocator<char> >
    hpp_string;
typedef std::pair<const int, hpp_string> hpp_pair;
typedef std::map<int, hpp_string, std::less<int>,
                 mempool::allocator<hpp_pair> >
    hpp_map;
typedef std::unordered_map<int, hpp_string, std::hash<int>,
                           std::equal_to<int>, mempool::allocator<hpp_pair> >
    hpp_table;

static void containers_live_in_a_pool_and_leave_nothing()
{
    for (const mempool::options &kind : hpp_kinds) {
        mempool::pool pool(kind);
        hpp_compare<hpp_map, hpp_string>(
            [&] { return hpp_map(std::less<int>(), pool); }, 1, 3000);
        hpp_compare<hpp_table, hpp_string>(
            [&] {
                return hpp_table(7, std::hash<int>(), std::equal_to<int>(),
                                 pool);
            },
            2, 3000);
        HPP_EXPECT(hpp_is_empty(pool));
        std::vector<double, mempool::allocator<double> > vector(pool);
        std::list<int, mempool::allocator<int> > list(pool);
        std::deque<short, mempool::allocator<short> > deque(pool);
        std::set<int, std::less<int>, mempool::allocator<int> > set(
            std::less<int>(), pool);
        for (int i = 0; i < 5000; i++) {
            vector.push_back(i);
            list.push_front(i);
            deque.push_back(static_cast<short>(i));
            set.insert(i % 77);
        }
        list.sort();
        HPP_EXPECT(vector[4999] == 4999.0 && list.front() == 0);
        HPP_EXPECT(deque[17] == 17 && set.size() == 77);
        HPP_EXPECT(pool.owns(vector.data()));
    }
}

static void containers_copy_move_and_swap_between_pools()
{
    mempool::pool one, two;
    typedef std::vector<int, mempool::allocator<int> > numbers;
    numbers a(100, 1, one), b(200, 2, two);
    const int *data = a.data();

    b = a; // keeps its own pool
    HPP_EXPECT(two.owns(b.data()) && b.size() == 100);
    b.assign(200, 2);
    a.swap(b); // each takes its pool along
    HPP_EXPECT(two.owns(a.data()) && b.data() == data && one.owns(data));
    a = std::move(b);
    HPP_EXPECT(a.data() == data);
    numbers c(a);
    HPP_EXPECT(c.get_allocator() == a.get_allocator() && one.owns(c.data()));
    HPP_EXPECT(a.get_allocator() != mempool::allocator<char>(two));
    HPP_EXPECT(!(a.get_allocator() == mempool::allocator<char>(two)));
    HPP_EXPECT(!mempool::allocator<int>::is_always_equal::value);
    a = numbers(two);
    c = numbers(two);
    b = numbers(one);
    HPP_EXPECT(hpp_is_empty(one) && hpp_is_empty(two));
}

#if MEMPOOL_RESOURCE
static void pmr_containers_live_in_a_pool_and_leave_nothing()
{
    for (const mempool::options &kind : hpp_kinds) {
        mempool::pool pool(kind);
        mempool::resource resource(pool);
        typedef std::pmr::unordered_map<int, std::pmr::string> table;
        typedef std::pmr::map<int, std::pmr::string> map;
        hpp_compare<table, std::pmr::string>([&] { return table(&resource); },
                                             3, 3000);
        hpp_compare<map, std::pmr::string>([&] { return map(&resource); }, 4,
                                           3000);
        HPP_EXPECT(hpp_is_empty(pool));
        {
            std::pmr::list<std::pmr::string> list(&resource);
            std::pmr::vector<std::pmr::string> vector(&resource);
            for (int i = 0; i < 2000; i++) {
                list.emplace_back("a string that is too long to be short");
                vector.push_back(list.back());
            }
            HPP_EXPECT(pool.owns(vector[1999].data()));
            HPP_EXPECT(pool.owns(list.front().data()));
        }
        HPP_EXPECT(hpp_is_empty(pool));
    }
}

static void a_resource_gives_what_is_asked_for()
{
    for (const mempool::options &kind : hpp_kinds) {
        mempool::pool pool(kind);
        mempool::resource resource(pool), same(pool.get());
        mempool::pool other;
        mempool::resource different(other);
        for (std::size_t align = 1; align <= 65536; align *= 2) {
            for (std::size_t size : {0u, 1u, 3u, 16u, 100u, 5000u}) {
                void *at = resource.allocate(size, align);
                HPP_EXPECT(pool.owns(at));
                HPP_EXPECT(reinterpret_cast<std::uintptr_t>(at) % align == 0);
                std::memset(at, 1, size);
                same.deallocate(at, size, align);
            }
        }
        HPP_EXPECT(resource == same && resource != different);
        HPP_EXPECT(resource != *std::pmr::new_delete_resource());
        HPP_EXPECT(resource.get() == pool.get());
        HPP_THROWS(std::errc::invalid_argument, resource.allocate(1, 131072));
        HPP_EXPECT(hpp_is_empty(pool));
    }
}

static std::atomic<int> hpp_wrong;

static void hpp_thread(std::pmr::memory_resource *resource, int number)
{
    std::pmr::unordered_map<int, std::pmr::string> map(resource);
    hpp_random random = {static_cast<std::uint64_t>(number)};

    for (int i = 0; i < 5000; i++) {
        int key = static_cast<int>(random.below(100));
        map[key].assign(static_cast<std::size_t>(key), 'y');
        map.erase(static_cast<int>(random.below(100)));
    }
    for (const auto &each : map) {
        if (each.second.size() != static_cast<std::size_t>(each.first)) {
            hpp_wrong++;
        }
    }
}

static void threads_share_a_resource()
{
    for (const mempool::options &kind : hpp_kinds) {
        mempool::pool pool(kind);
        mempool::resource resource(pool);
        std::vector<std::thread> threads;
        for (int i = 1; i <= 4; i++) {
            threads.emplace_back(hpp_thread, &resource, i);
        }
        for (std::thread &thread : threads) {
            thread.join();
        }
        HPP_EXPECT(hpp_wrong == 0);
        HPP_EXPECT(hpp_is_empty(pool));
    }
}
#endif

static void failures_come_as_the_call_asks()
{
    mempool::pool pool(mempool::options().capacity(1000).max_object(600));
    std::errc failed = std::errc();
    void *most = pool.allocate(600);
    HPP_EXPECT(most != nullptr);

    HPP_THROWS(std::errc::no_buffer_space, pool.allocate(500));
    HPP_THROWS(std::errc::invalid_argument, pool.allocate(601));
    HPP_THROWS(std::errc::invalid_argument, pool.allocate(16, 48));
    HPP_EXPECT(pool.allocate(500, failed) == nullptr);
    HPP_EXPECT(failed == std::errc::no_buffer_space);
    HPP_EXPECT(pool.allocate(16, 48, failed) == nullptr);
    HPP_EXPECT(failed == std::errc::invalid_argument);
    void *aligned = pool.allocate(64, 64, failed);
    HPP_EXPECT(aligned != nullptr && failed == std::errc());
    pool.free(aligned);
    pool.free(most);
    pool.free(nullptr);
    mempool::allocator<long> longs(pool);
    HPP_THROWS(std::errc::invalid_argument, longs.allocate(SIZE_MAX / 4));
    // A product that is no number, and would be a short object's size.
    HPP_THROWS(std::errc::invalid_argument,
               longs.allocate(SIZE_MAX / sizeof(long) + 2));
    typedef std::vector<char, mempool::allocator<char> > bytes;
    bytes held(600, 'a', pool);
    HPP_THROWS(std::errc::no_buffer_space, bytes(500, 'b', pool));
    HPP_THROWS(std::errc::invalid_argument, held.push_back('c'));
    HPP_EXPECT(held.size() == 600 && held[599] == 'a');
    held = bytes(pool);
    // As what it is, a std::bad_alloc, it is caught where that is expected.
    bool caught = false;
    try {
        bytes(601, 'a', pool);
    } catch (const std::bad_alloc &) {
        caught = true;
    }
    HPP_EXPECT(caught);
    HPP_EXPECT(hpp_is_empty(pool));
}

static void options_that_cannot_be_make_no_pool()
{
    std::errc failed = std::errc();
    mempool::options wrong;

    wrong.capacity(10).max_object(20);
    HPP_THROWS(std::errc::invalid_argument, mempool::pool(wrong));
    mempool::pool none(wrong, failed);
    HPP_EXPECT(failed == std::errc::invalid_argument);
    HPP_EXPECT(none.get() == nullptr && !none.owns(&failed));
    HPP_EXPECT(none.allocate(1, failed) == nullptr);
    HPP_EXPECT(failed == std::errc::invalid_argument);
    HPP_THROWS(std::errc::invalid_argument, mempool::mark(none));
    mempool::mark no_mark(none, failed);
    HPP_EXPECT(failed == std::errc::invalid_argument && !no_mark);
    mempool::pool some(mempool::options().capacity(10), failed);
    HPP_EXPECT(failed == std::errc() && some.get() != nullptr);
    failed = std::errc::invalid_argument;
    mempool::mark some_mark(some, failed);
    HPP_EXPECT(failed == std::errc() && some_mark);
}

static int hpp_ended;

static void hpp_end(void *)
{
    hpp_ended++;
}

static void a_pool_ends_once_whoever_has_it()
{
    hpp_ended = 0;
    {
        mempool::pool first;
        mp_add_cleanup(first, hpp_end, nullptr);
        memory_pool_t *mp = first.get();
        mempool::pool second(std::move(first));
        HPP_EXPECT(first.get() == nullptr && second.get() == mp);
        mempool::pool third;
        mp_add_cleanup(third, hpp_end, nullptr);
        third = std::move(second); // its own ends now
        HPP_EXPECT(hpp_ended == 1 && third.get() == mp);
        mempool::pool &self = third;
        third = std::move(self);
        HPP_EXPECT(third.get() == mp && hpp_ended == 1);
        swap(first, third);
        HPP_EXPECT(first.get() == mp && third.get() == nullptr);
        mempool::pool taken(first.release());
        HPP_EXPECT(taken.get() == mp && hpp_ended == 1);
    }
    HPP_EXPECT(hpp_ended == 2);
    mempool::pool parent;
    {
        mempool::pool child(mempool::options().parent(parent));
        HPP_EXPECT(parent.stats().children == 1);
    }
    HPP_EXPECT(parent.stats().children == 0);
}

static void a_capacity_changes()
{
    mempool::pool pool(mempool::options().capacity(1000));
    std::errc failed;

    void *object = pool.allocate(1000);
    pool.set_capacity(2000);
    HPP_EXPECT(pool.allocate(1000) != nullptr);
    HPP_THROWS(std::errc::no_buffer_space, pool.set_capacity(1999));
    pool.free(object);
    pool.set_capacity(999, failed);
    HPP_EXPECT(failed == std::errc::no_buffer_space);
    pool.set_capacity(1000, failed);
    HPP_EXPECT(failed == std::errc());
    mempool::pool unlimited;
    HPP_THROWS(std::errc::invalid_argument, unlimited.set_capacity(1000));
}

static void a_pool_gets_another_parent()
{
    mempool::pool top(mempool::options().capacity(1000));
    mempool::pool child(mempool::options().capacity(2000));
    std::errc failed;

    void *object = child.allocate(1001);
    HPP_THROWS(std::errc::no_buffer_space, child.set_parent(top.get()));
    child.set_parent(top.get(), failed);
    HPP_EXPECT(failed == std::errc::no_buffer_space);
    HPP_EXPECT(child.parent() == nullptr);
    child.free(object);
    child.set_parent(top.get());
    HPP_EXPECT(child.parent() == top.get());
    HPP_THROWS(std::errc::invalid_argument, top.set_parent(child.get()));
    child.set_parent(nullptr, failed);
    HPP_EXPECT(failed == std::errc() && child.parent() == nullptr);
}

struct hpp_near {};

static void hpp_throw_near(memory_pool_t *, std::size_t, void *)
{
    throw hpp_near();
}

static void a_near_limit_function_may_throw()
{
    mempool::pool pool(mempool::options().capacity(1000000));
    bool caught = false;

    pool.set_near_limit(500000, hpp_throw_near);
    try {
        static_cast<void>(pool.allocate(600000));
    } catch (const hpp_near &) {
        caught = true;
    }
    HPP_EXPECT(caught && pool.check() && pool.stats().live_objects == 1);
    HPP_EXPECT(pool.allocate(100) != nullptr);
    HPP_THROWS(std::errc::invalid_argument,
               pool.set_near_limit(0, hpp_throw_near));
    pool.reset();
    pool.set_near_limit(0, nullptr);
    HPP_EXPECT(pool.allocate(600000) != nullptr);
}

static void a_committed_mark_keeps_what_came_after_it()
{
    mempool::pool pool;
    void *kept = nullptr;

    {
        mempool::mark mark(pool);
        kept = pool.allocate(100);
        HPP_EXPECT(mark.commit() && !mark && !mark.commit());
    }
    HPP_EXPECT(pool.owns(kept));
    mempool::mark outer(pool);
    {
        mempool::mark inner(pool);
        kept = pool.allocate(100);
        HPP_EXPECT(inner.commit());
    }
    HPP_EXPECT(pool.owns(kept) && outer.rewind() && !pool.owns(kept));
    mempool::mark ended(pool);
    pool.reset();
    HPP_EXPECT(!ended.commit());
}

static void a_mark_takes_what_came_after_it()
{
    for (const mempool::options &kind : hpp_kinds) {
        mempool::pool pool(kind);
        void *before = pool.allocate(10);
        void *inner = nullptr;
        {
            mempool::mark mark(pool);
            void *after = pool.allocate(10);
            {
                mempool::mark nested(pool);
                inner = pool.allocate(10);
                mempool::mark moved(std::move(nested));
                HPP_EXPECT(!nested && moved && pool.owns(inner));
            }
            HPP_EXPECT(!pool.owns(inner) && pool.owns(after));
            HPP_EXPECT(mark.rewind() && !mark);
            HPP_EXPECT(!pool.owns(after) && !mark.rewind());
        }
        {
            mempool::mark mark(pool);
            inner = pool.allocate(10);
            mark.forget();
        }
        HPP_EXPECT(pool.owns(before) && pool.owns(inner));
    }
}

struct hpp_object {
    hpp_object(int number, bool throws) : number_(number)
    {
        if (throws) {
            throw 7;
        }
        alive++;
    }
    ~hpp_object() { alive--; }

    int number_;
    static int alive;
};
int hpp_object::alive;

struct alignas(64) hpp_aligned {
    char bytes[100];
};

static void owners_end_their_objects_and_failed_ones_leave_nothing()
{
    for (const mempool::options &kind : hpp_kinds) {
        mempool::pool pool(kind);
        {
            auto unique = mempool::make_unique<hpp_object>(pool, 5, false);
            auto shared = mempool::make_shared<hpp_object>(pool, 6, false);
            std::shared_ptr<hpp_object> again = shared;
            HPP_EXPECT(unique->number_ == 5 && again->number_ == 6);
            HPP_EXPECT(pool.owns(unique.get()) && hpp_object::alive == 2);
            HPP_EXPECT(unique.get_deleter().get() == pool.get());
            mempool::unique_ptr<hpp_object> other;
            other = std::move(unique);
            HPP_EXPECT(hpp_object::alive == 2);
            auto aligned = mempool::make_unique<hpp_aligned>(pool);
            HPP_EXPECT(
                reinterpret_cast<std::uintptr_t>(aligned.get()) % 64 == 0);
        }
        HPP_EXPECT(hpp_object::alive == 0);
        bool caught = false;
        try {
            (void)mempool::make_unique<hpp_object>(pool, 5, true);
        } catch (int number) {
            caught = number == 7;
        }
        HPP_EXPECT(caught && hpp_is_empty(pool));
    }
}

// What the program's own function throws is what the caller of the pool gets.
static bool hpp_throw(memory_pool_t *, std::size_t size, int, void *)
{
    throw size;
}

static void an_exception_passes_through_the_library()
{
    for (mp_threads_t kind : {MP_THREADS_CACHED, MP_THREADS_LOCKED}) {
        mempool::pool pool(mempool::options().capacity(500).threads(kind));
        mp_set_failure(pool, hpp_throw, nullptr);
        std::vector<char, mempool::allocator<char> > bytes(300, 'a', pool);
        std::size_t caught = 0;
        try {
            (void)pool.allocate(400);
        } catch (std::size_t size) {
            caught = size;
        }
        HPP_EXPECT(caught == 400);
        try {
            bytes.reserve(310);
        } catch (std::size_t size) {
            caught = size;
        }
        HPP_EXPECT(caught == 310 && bytes.size() == 300 && bytes[299] == 'a');
        HPP_EXPECT(pool.stats().live_objects == 1 && pool.check());
        HPP_EXPECT(pool.allocate(200) != nullptr);
    }
}

// The report function is told of what a destructor or a free cannot throw.
static void hpp_report(memory_pool_t *, mp_event_t event, const char *,
                       const void *, void *context)
{
    *static_cast<mp_event_t *>(context) = event;
}

static void misuse_of_what_throws_nothing_is_reported()
{
    mp_event_t event = MP_EVENT_FULL;
    mempool::pool pool(mempool::options().report(hpp_report, &event));
    int local = 0;

    pool.free(&local);
    HPP_EXPECT(event == MP_EVENT_NOT_IN_POOL);
    {
        mempool::mark mark(pool);
        pool.reset(); // which uses the mark up
    }
    HPP_EXPECT(event == MP_EVENT_MARK);
    HPP_EXPECT(pool.usable_size(&local) == 0);
    void *object = pool.allocate(100);
    HPP_EXPECT(pool.usable_size(object) >= 100);
    pool.free(object);
    (void)pool.trim();
    HPP_EXPECT(hpp_is_empty(pool));
}

static void each_option_sets_its_member()
{
    mempool::pool above;
    mp_event_t event = MP_EVENT_FULL;
    mempool::options wanted;

    wanted.capacity(1000).max_object(100).threads(MP_THREADS_NONE);
    HPP_EXPECT(wanted.raw().flags == 0);
    HPP_EXPECT(wanted.debug("redzone").raw().debug[0] == 'r');
    HPP_EXPECT(wanted.zero_on_free().raw().flags == MP_ZERO_ON_FREE);
    wanted.leak_check().backing(mp_backing_malloc).name("some");
    wanted.report(hpp_report, &event).parent(above);
    const mp_options_t &raw = wanted.raw();
    HPP_EXPECT(raw.capacity == 1000 && raw.max_object == 100);
    HPP_EXPECT(raw.threads == MP_THREADS_NONE);
    HPP_EXPECT(raw.flags == (MP_ZERO_ON_FREE | MP_LEAK_CHECK));
    HPP_EXPECT(raw.backing == &mp_backing_malloc);
    HPP_EXPECT(std::strcmp(raw.name, "some") == 0);
    HPP_EXPECT(raw.report == hpp_report && raw.report_context == &event);
    HPP_EXPECT(raw.parent == above.get());
}

static void a_mark_calls_its_cleanups_and_takes_another_ones_place()
{
    mempool::pool one, two;

    hpp_ended = 0;
    {
        mempool::mark mark(one);
        mark.add_cleanup(hpp_end, nullptr);
        HPP_EXPECT(hpp_ended == 0);
    }
    HPP_EXPECT(hpp_ended == 1);
    mempool::mark first(one), second(two);
    void *of_first = one.allocate(10);
    void *of_second = two.allocate(10);
    HPP_EXPECT(first.get().number != 0);
    first = std::move(second); // its own is rewound now
    HPP_EXPECT(!one.owns(of_first) && two.owns(of_second));
    HPP_EXPECT(first && !second);
    HPP_THROWS(std::errc::invalid_argument,
               second.add_cleanup(hpp_end, nullptr));
    HPP_EXPECT(first.rewind() && !two.owns(of_second) && hpp_ended == 1);
}

static void every_pool_is_visited_until_an_exception()
{
    mempool::pool above(mempool::options().name("above").capacity(10000));
    mempool::pool below(mempool::options().parent(above));
    int seen = 0, all = 0;
    const char *why = nullptr;

    HPP_EXPECT(std::strcmp(above.name(), "above") == 0 && !below.name());
    HPP_EXPECT(below.parent() == above.get() && !above.parent());
    HPP_EXPECT(above.kind(&why) == above.kind() && why != nullptr);
    mempool::each_pool([&](memory_pool_t *mp) {
        seen += mp == above.get() || mp == below.get();
    });
    HPP_EXPECT(seen == 2);
    for (int i = 0; i < 2; i++) { // an exception leaves nothing behind
        bool caught = false;
        try {
            mempool::each_pool([&](memory_pool_t *) {
                all++;
                throw 5;
            });
        } catch (int thrown) {
            caught = thrown == 5;
        }
        HPP_EXPECT(caught && all == i + 1);
    }
    std::errc failed = std::errc();
    mempool::each_pool(
        [&](memory_pool_t *) {
            std::errc inner = std::errc();
            mempool::each_pool([](memory_pool_t *) {}, inner);
            HPP_EXPECT(inner == std::errc::device_or_resource_busy);
            HPP_THROWS(std::errc::device_or_resource_busy,
                       mempool::each_pool([](memory_pool_t *) {}));
        },
        failed);
    HPP_EXPECT(failed == std::errc());
}

int main()
{
    containers_live_in_a_pool_and_leave_nothing();
    containers_copy_move_and_swap_between_pools();
#if MEMPOOL_RESOURCE
    pmr_containers_live_in_a_pool_and_leave_nothing();
    a_resource_gives_what_is_asked_for();
    threads_share_a_resource();
#else
    std::printf("mempool::resource left out: no std::pmr\n");
#endif
    failures_come_as_the_call_asks();
    options_that_cannot_be_make_no_pool();
    a_pool_ends_once_whoever_has_it();
    a_capacity_changes();
    a_pool_gets_another_parent();
    a_near_limit_function_may_throw();
    a_committed_mark_keeps_what_came_after_it();
    a_mark_takes_what_came_after_it();
    owners_end_their_objects_and_failed_ones_leave_nothing();
    an_exception_passes_through_the_library();
    misuse_of_what_throws_nothing_is_reported();
    each_option_sets_its_member();
    a_mark_calls_its_cleanups_and_takes_another_ones_place();
    every_pool_is_visited_until_an_exception();
    std::printf("%d failures\n", hpp_failures);
    return hpp_failures != 0;
}

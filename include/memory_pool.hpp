// SPDX-License-Identifier: MIT
//
// memory_pool.hpp - libmempool for C++ programs: owners, marks, allocators.
//
// This header includes <memory_pool_inline.h> and has everything else itself.
// All its names but macros are in the namespace mempool.  A C++11 program gets
// all of them but mempool::resource, a std::pmr::memory_resource, which needs
// C++17.  Marks, allocators and the functions of the C interface take a
// mempool::pool as well as a memory_pool_t pointer.  memory_pool.hpp(3) says
// more.
//
// The last argument of a call says how it fails.  Without a std::errc there, it
// throws mempool::error, a std::bad_alloc that has a std::errc.  With a
// std::errc there, it throws nothing.  It sets that argument, to std::errc() on
// success, and on failure it returns nothing or an empty object.  An exception
// that a failure function throws, see mp_set_failure(), passes through a call
// of the first kind.  In a program without exceptions, a call of the first kind
// ends the program when it fails.
//
// Destructors and functions that free throw nothing.  Misuse there is reported
// as the pool's options say, see options::report().
//
// What it cannot do: call the destructors of objects that go with a reset, a
// rewind or the pool.  A program that needs them keeps a unique_ptr or a
// container, or uses mp_add_cleanup().
#ifndef MEMORY_POOL_HPP
#define MEMORY_POOL_HPP

#include <memory_pool_inline.h>

#include <cerrno>
#include <cstddef>
#include <exception>
#include <limits>
#include <memory>
#include <new>
#include <system_error>
#include <type_traits>
#include <utility>

#if defined(__GLIBCXX__)
#include <cxxabi.h> // abi::__forced_unwind
#endif

#if __cplusplus >= 201703L && defined(__has_include)
#if __has_include(<memory_resource>)
#include <memory_resource>
#endif
#endif

// 1 if mempool::resource is there, else 0.
#if defined(__cpp_lib_memory_resource)
#define MEMPOOL_RESOURCE 1
#else
#define MEMPOOL_RESOURCE 0
#endif

#if __cplusplus >= 201703L
#define MEMPOOL_NODISCARD [[nodiscard]]
#else
#define MEMPOOL_NODISCARD
#endif

namespace mempool {

// Says why a call failed: not_enough_memory (the system has no memory),
// no_buffer_space (the pool's capacity is used), invalid_argument, or any other
// errno of the C function of the same name.
class error : public std::bad_alloc {
public:
    explicit error(std::errc code) noexcept : code_(code) {}

    std::errc code() const noexcept { return code_; }

    const char *what() const noexcept override
    {
        switch (code_) {
        case std::errc::not_enough_memory:
            return "mempool: the system has no memory";
        case std::errc::no_buffer_space:
            return "mempool: the memory pool is full";
        case std::errc::invalid_argument:
            return "mempool: invalid argument";
        case std::errc::device_or_resource_busy:
            return "mempool: the memory pool is being reset or destroyed";
        default:
            return "mempool: error";
        }
    }

private:
    std::errc code_;
};

namespace detail {

// The errno of the call that failed last.
inline std::errc last_error() noexcept
{
    return static_cast<std::errc>(errno);
}

[[noreturn]] inline void fail(std::errc code)
{
#if defined(__cpp_exceptions) || defined(__EXCEPTIONS)
    throw error(code);
#else
    static_cast<void>(code);
    std::terminate();
#endif
}

// Every object of 16 bytes or more is aligned to 16, and a shorter one to the
// largest power of two in its size.
constexpr std::size_t granule = 16;

// At least 1: C++ may ask for 0 bytes, and has to get an address for them.
inline void *allocate(memory_pool_t *mp, std::size_t size,
                      std::size_t alignment)
{
    if (alignment <= granule) {
        std::size_t least = alignment > 1 ? alignment : 1;
        return mp_allocate(mp, size < least ? least : size);
    }
    return mp_aligned_alloc(mp, alignment, size > 0 ? size : 1);
}

} // namespace detail

// Options of a pool, by name:
//
//     mempool::pool pool(mempool::options().capacity(1 << 20).name("cache"));
//
// raw() is the mp_options_t, for members that no function here sets.
class options {
public:
    options() noexcept : raw_() {}

    options &capacity(std::size_t bytes) noexcept
    {
        raw_.capacity = bytes;
        return *this;
    }
    options &max_object(std::size_t bytes) noexcept
    {
        raw_.max_object = bytes;
        return *this;
    }
    options &threads(mp_threads_t which) noexcept
    {
        raw_.threads = which;
        return *this;
    }
    options &zero_on_free() noexcept
    {
        raw_.flags |= MP_ZERO_ON_FREE;
        return *this;
    }
    options &leak_check() noexcept
    {
        raw_.flags |= MP_LEAK_CHECK;
        return *this;
    }
    options &backing(const mp_backing_t &source) noexcept
    {
        raw_.backing = &source; // copied as the pool is made
        return *this;
    }
    options &name(const char *text) noexcept
    {
        raw_.name = text; // copied as the pool is made
        return *this;
    }
    options &report(mp_report_fn *told, void *context = nullptr) noexcept
    {
        raw_.report = told;
        raw_.report_context = context;
        return *this;
    }
    options &debug(const char *words) noexcept
    {
        raw_.debug = words; // read as the pool is made
        return *this;
    }
    options &parent(memory_pool_t *above) noexcept
    {
        raw_.parent = above;
        return *this;
    }

    mp_options_t &raw() noexcept { return raw_; }
    const mp_options_t &raw() const noexcept { return raw_; }

private:
    mp_options_t raw_;
};

// Owns a pool, and destroys it.  It can be moved and not copied.  After a move
// the source owns no pool, and may be assigned to or destroyed.  Any thread may
// call functions for the pool, as in the C interface.  But while a thread
// moves, assigns or destroys the owner, no other thread may use it.
class pool {
public:
    explicit pool(const options &wanted = options())
        : mp_(mp_create(&wanted.raw()))
    {
        if (mp_ == nullptr) {
            detail::fail(detail::last_error());
        }
    }
    pool(const options &wanted, std::errc &failed) noexcept
        : mp_(mp_create(&wanted.raw()))
    {
        failed = mp_ != nullptr ? std::errc() : detail::last_error();
    }
    // Owns a pool that the C interface made, or none if it is nullptr.
    explicit pool(memory_pool_t *mp) noexcept : mp_(mp) {}

    pool(const pool &) = delete;
    pool &operator=(const pool &) = delete;
    pool(pool &&other) noexcept : mp_(other.release()) {}
    pool &operator=(pool &&other) noexcept
    {
        if (this != &other) {
            destroy_now();
            mp_ = other.release();
        }
        return *this;
    }
    ~pool() { destroy_now(); }

    void swap(pool &other) noexcept { std::swap(mp_, other.mp_); }

    // Return the pool, for calls of the C interface.  After release() this
    // object no longer owns the pool.
    memory_pool_t *get() const noexcept { return mp_; }
    operator memory_pool_t *() const &noexcept { return mp_; }
    operator memory_pool_t *() const && = delete; // it would end at once
    memory_pool_t *release() noexcept
    {
        memory_pool_t *mp = mp_;
        mp_ = nullptr;
        return mp;
    }

    // Allocate size bytes, aligned to 16 or to the power of two that is given,
    // up to 65536.  Size 0 is as 1.
    MEMPOOL_NODISCARD void *
    allocate(std::size_t size, std::size_t alignment = detail::granule)
    {
        void *object = detail::allocate(mp_, size, alignment);
        if (object == nullptr) {
            detail::fail(detail::last_error());
        }
        return object;
    }
    MEMPOOL_NODISCARD void *allocate(std::size_t size, std::errc &failed) const
        noexcept
    {
        return allocate(size, detail::granule, failed);
    }
    MEMPOOL_NODISCARD void *allocate(std::size_t size, std::size_t alignment,
                                     std::errc &failed) const noexcept
    {
        void *object = detail::allocate(mp_, size, alignment);
        failed = object != nullptr ? std::errc() : detail::last_error();
        return object;
    }

    // What mp_free(), mp_owns(), mp_usable_size(), mp_trim() and mp_check()
    // do.
    void free(const void *object) const noexcept { mp_free(mp_, object); }
    bool owns(const void *object) const noexcept
    {
        return mp_owns(mp_, object);
    }
    std::size_t usable_size(const void *object) const noexcept
    {
        return mp_usable_size(mp_, object);
    }
    std::size_t trim(std::size_t keep_bytes = 0) const noexcept
    {
        return mp_trim(mp_, keep_bytes);
    }
    bool check() const noexcept { return mp_check(mp_) == 0; }

    // Changes the capacity of a pool that was made with one; 0: no limit.
    void set_capacity(std::size_t bytes) const
    {
        if (mp_set_capacity(mp_, bytes) != 0) {
            detail::fail(detail::last_error());
        }
    }
    void set_capacity(std::size_t bytes, std::errc &failed) const noexcept
    {
        failed = mp_set_capacity(mp_, bytes) == 0 ? std::errc()
                                                  : detail::last_error();
    }

    // Has told(pool, used, context) called when the pool comes to hold bytes or
    // more; nullptr: nothing is called any more.  See mp_set_near_limit().
    void set_near_limit(std::size_t bytes, mp_near_limit_fn *told,
                        void *context = nullptr) const
    {
        if (mp_set_near_limit(mp_, bytes, told, context) != 0) {
            detail::fail(detail::last_error());
        }
    }

    // Moves the pool below another one; nullptr: below none.  A pool that has a
    // parent goes with that.  So it is to be released, or ends before.
    void set_parent(memory_pool_t *parent) const
    {
        if (mp_set_parent(mp_, parent) != 0) {
            detail::fail(detail::last_error());
        }
    }
    void set_parent(memory_pool_t *parent, std::errc &failed) const noexcept
    {
        failed = mp_set_parent(mp_, parent) == 0 ? std::errc()
                                                 : detail::last_error();
    }

    // Drops every object, without its destructor, and calls the cleanups.
    void reset() const noexcept { mp_reset(mp_); }

    // What mp_name(), mp_parent() and mp_kind() say.
    const char *name() const noexcept { return mp_name(mp_); }
    memory_pool_t *parent() const noexcept { return mp_parent(mp_); }
    mp_kind_t kind(const char **why = nullptr) const noexcept
    {
        return mp_kind(mp_, why);
    }

    mp_stats_t stats() const noexcept
    {
        mp_stats_t all = mp_stats_t();
        mp_stats(mp_, &all);
        return all;
    }

private:
    void destroy_now() noexcept
    {
        if (mp_ != nullptr) {
            mp_destroy(mp_);
        }
    }

    memory_pool_t *mp_;
};

inline void swap(pool &a, pool &b) noexcept
{
    a.swap(b);
}

namespace detail {

// An exception must not leave the C function, so it is kept, and thrown on once
// that has returned.  The end of a thread that is cancelled is no exception.
template <class F> struct visitor {
    F &visit;
    std::exception_ptr thrown;

    static int call(memory_pool_t *mp, void *self)
    {
        visitor *of = static_cast<visitor *>(self);
#if defined(__cpp_exceptions) || defined(__EXCEPTIONS)
        try {
            of->visit(mp);
        }
#if defined(__GLIBCXX__)
        catch (abi::__forced_unwind &) {
            throw;
        }
#endif
        catch (...) {
            of->thrown = std::current_exception();
            return 1;
        }
#else
        of->visit(mp);
#endif
        return 0;
    }
};

// The errno of the call, or 0.
template <class F> std::errc each_pool(F &visit)
{
    visitor<F> of = {visit, std::exception_ptr()};
    int answer = mp_each_pool(visitor<F>::call, &of);
#if defined(__cpp_exceptions) || defined(__EXCEPTIONS)
    if (answer > 0) {
        std::rethrow_exception(of.thrown);
    }
#endif
    return answer == 0 ? std::errc() : last_error();
}

} // namespace detail

// Calls visit(mp) for every pool of the process, as mp_each_pool() does.  An
// exception of visit ends that, and passes through both.
template <class F> void each_pool(F visit)
{
    std::errc failed = detail::each_pool(visit);
    if (failed != std::errc()) {
        detail::fail(failed);
    }
}
template <class F> void each_pool(F visit, std::errc &failed)
{
    failed = detail::each_pool(visit);
}

// A mark of the calling thread, which is rewound as its scope ends.  All that
// the thread allocated in the pool since the mark is freed, without calls of
// destructors.  Containers that use the pool have to end before the mark, so
// declare the mark before them.  Call forget() if the mark has ended otherwise,
// by another rewind or by a reset of the pool.  A mark belongs to one thread.
class mark {
public:
    explicit mark(memory_pool_t *mp) : mp_(mp), mark_(mp_mark(mp))
    {
        if (mark_.number == 0) {
            detail::fail(detail::last_error());
        }
    }
    mark(memory_pool_t *mp, std::errc &failed) noexcept
        : mp_(mp), mark_(mp_mark(mp))
    {
        failed = mark_.number != 0 ? std::errc() : detail::last_error();
    }
    mark(const mark &) = delete;
    mark &operator=(const mark &) = delete;
    mark(mark &&other) noexcept : mp_(other.mp_), mark_(other.mark_)
    {
        other.forget();
    }
    mark &operator=(mark &&other) noexcept
    {
        if (this != &other) {
            rewind();
            mp_ = other.mp_;
            mark_ = other.mark_;
            other.forget();
        }
        return *this;
    }
    ~mark() { rewind(); }

    // Rewinds now, and not at the end of the scope.  Returns false if the mark
    // has ended already, which is reported, or was forgotten, which is not.
    bool rewind() noexcept
    {
        mp_mark_t open = mark_;
        forget();
        return open.number != 0 && mp_rewind(mp_, open) == 0;
    }

    // Ends the mark and keeps what was allocated since, for an older mark of
    // the thread or for the pool.  Returns as rewind() does.
    bool commit() noexcept
    {
        mp_mark_t open = mark_;
        forget();
        return open.number != 0 && mp_commit(mp_, open) == 0;
    }

    // The end of the scope no longer rewinds the mark.  It stays open until an
    // earlier mark, a reset or the pool's end frees its objects.
    void forget() noexcept { mark_.number = 0; }

    // Adds a cleanup: whatever ends the mark, a rewind, a reset or the end of
    // the pool, calls fn(arg) first.
    void add_cleanup(void (*fn)(void *), void *arg)
    {
        if (mp_add_mark_cleanup(mp_, mark_, fn, arg) != 0) {
            detail::fail(detail::last_error());
        }
    }

    explicit operator bool() const noexcept { return mark_.number != 0; }
    mp_mark_t get() const noexcept { return mark_; }

private:
    memory_pool_t *mp_;
    mp_mark_t mark_;
};

// An allocator for containers.  Two allocators are equal if they have the same
// pool.  When a container is moved or swapped, its allocator goes with it.  A
// container that is assigned a copy of another keeps its own allocator.
template <class T> class allocator {
public:
    typedef T value_type;
    typedef std::true_type propagate_on_container_move_assignment;
    typedef std::true_type propagate_on_container_swap;
    typedef std::false_type propagate_on_container_copy_assignment;
    typedef std::false_type is_always_equal;

    // Not explicit, so that a pool can be passed to a container directly.
    allocator(memory_pool_t *mp) noexcept : mp_(mp) {}
    allocator(const pool &owner) noexcept : mp_(owner.get()) {}
    template <class U>
    allocator(const allocator<U> &other) noexcept : mp_(other.get())
    {
    }

    MEMPOOL_NODISCARD T *allocate(std::size_t n)
    {
        if (n > std::numeric_limits<std::size_t>::max() / sizeof(T)) {
            detail::fail(std::errc::invalid_argument);
        }
        void *objects = detail::allocate(mp_, n * sizeof(T), alignof(T));
        if (objects == nullptr) {
            detail::fail(detail::last_error());
        }
        return static_cast<T *>(objects);
    }
    void deallocate(T *objects, std::size_t) noexcept
    {
        mp_free(mp_, objects);
    }

    memory_pool_t *get() const noexcept { return mp_; }

private:
    memory_pool_t *mp_;
};

template <class T, class U>
bool operator==(const allocator<T> &a, const allocator<U> &b) noexcept
{
    return a.get() == b.get();
}

template <class T, class U>
bool operator!=(const allocator<T> &a, const allocator<U> &b) noexcept
{
    return a.get() != b.get();
}

// Ends an object of a pool: calls its destructor, then frees its memory.
template <class T> class deleter {
public:
    deleter() noexcept : mp_(nullptr) {}
    explicit deleter(memory_pool_t *mp) noexcept : mp_(mp) {}

    void operator()(T *object) const noexcept
    {
        object->~T();
        mp_free(mp_, object);
    }

    memory_pool_t *get() const noexcept { return mp_; }

private:
    memory_pool_t *mp_;
};

template <class T> using unique_ptr = std::unique_ptr<T, deleter<T> >;

// Makes an object in a pool, and an owner that ends it.  For arrays use
// std::vector<T, mempool::allocator<T>>.
template <class T, class... Arguments>
MEMPOOL_NODISCARD unique_ptr<T> make_unique(memory_pool_t *mp,
                                            Arguments &&...arguments)
{
    static_assert(!std::is_array<T>::value, "no arrays");
    allocator<T> place(mp);
    // Frees the memory if the constructor throws.
    struct guard {
        allocator<T> &place;
        T *memory;
        ~guard()
        {
            if (memory != nullptr) {
                place.deallocate(memory, 1);
            }
        }
    } held = {place, place.allocate(1)};
    T *object = ::new (static_cast<void *>(held.memory))
        T(std::forward<Arguments>(arguments)...);
    held.memory = nullptr;
    return unique_ptr<T>(object, deleter<T>(mp));
}

// Makes a shared_ptr; the object and its counts are one object of the pool.
template <class T, class... Arguments>
MEMPOOL_NODISCARD std::shared_ptr<T> make_shared(memory_pool_t *mp,
                                                 Arguments &&...arguments)
{
    return std::allocate_shared<T>(allocator<T>(mp),
                                   std::forward<Arguments>(arguments)...);
}

#if MEMPOOL_RESOURCE
// A memory resource for the containers of std::pmr.  It does not own the
// pool, which has to outlive it.  Any thread may use it, as any may use the
// pool.  Two resources are equal if they have the same pool.
class resource : public std::pmr::memory_resource {
public:
    explicit resource(memory_pool_t *mp) noexcept : mp_(mp) {}
    explicit resource(const pool &owner) noexcept : mp_(owner.get()) {}

    memory_pool_t *get() const noexcept { return mp_; }

protected:
    void *do_allocate(std::size_t size, std::size_t alignment) override
    {
        void *object = detail::allocate(mp_, size, alignment);
        if (object == nullptr) {
            detail::fail(detail::last_error());
        }
        return object;
    }
    void do_deallocate(void *object, std::size_t, std::size_t) override
    {
        mp_free(mp_, object);
    }
    bool do_is_equal(const std::pmr::memory_resource &other) const
        noexcept override
    {
        if (this == &other) {
            return true;
        }
#if defined(__cpp_rtti) || defined(__GXX_RTTI)
        const resource *same = dynamic_cast<const resource *>(&other);
        return same != nullptr && same->mp_ == mp_;
#else
        return false;
#endif
    }

private:
    memory_pool_t *mp_;
};
#endif // MEMPOOL_RESOURCE

} // namespace mempool

#endif // MEMORY_POOL_HPP

/* SPDX-License-Identifier: MIT
 *
 * memory_pool_hooks.h - pools for libraries that take allocators.
 *
 * Each such library has a table of functions, or a call that takes some.  For
 * the libraries named below there is a macro with what it wants, so that a few
 * lines put all that a library allocates into a pool.  None of their headers is
 * needed here.
 *
 * Where the library hands a pointer of the program's own to these functions,
 * that is the pool: each parser, stream or state has its own one.  Where it
 * does not, the pool is the calling thread's current one, see mp_use().
 *
 * Most of the calls without such a pointer are for the whole process, and come
 * before anything else of that library: it says so at each.  The C library
 * serves threads that use no pool.  memory_pool_hooks(7) has an example of
 * each.
 *
 * What it cannot do: give a pool to json-c, which takes no allocator.
 */
#ifndef MEMORY_POOL_HOOKS_H
#define MEMORY_POOL_HOOKS_H

#include <memory_pool.h>

#include <stdlib.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Makes a pool the calling thread's current one, or, with NULL, none; returns
 * the one that was.  Uses nest:
 *
 *     memory_pool_t *outer = mp_use(mp);
 *     ...
 *     mp_use(outer);
 *
 * A pool must not be current in any thread when it is destroyed. */
MP_API memory_pool_t *mp_use(memory_pool_t *mp);

/* The calling thread's current pool; NULL: none. */
MP_API memory_pool_t *mp_used(void);

/* As the C library's functions of these names, in the current pool; the C
 * library's own where the thread has none.  An object is resized and freed
 * where it is, whichever pool is current by then: each of these functions
 * takes any live object of any pool, and any of malloc(3)'s.  Size 0 is as 1.
 * On failure NULL, with errno and a report as mp_allocate(). */
MP_API void *mp_hook_malloc(size_t size) MP_ATTRIBUTE_USE_RESULT;
MP_API void *mp_hook_calloc(size_t count, size_t size) MP_ATTRIBUTE_USE_RESULT;
MP_API void *mp_hook_realloc(void *ptr, size_t size) MP_ATTRIBUTE_USE_RESULT;
MP_API void mp_hook_free(void *ptr);
MP_API char *mp_hook_strdup(const char *string) MP_ATTRIBUTE_USE_RESULT;

/*
 * Libraries that hand a pool to their functions.
 */

#ifdef __cplusplus
#define MP_HOOKS_POOL(context) static_cast<memory_pool_t *>(context)
#define MP_HOOKS_BYTES(object) static_cast<char *>(object)
#else
#define MP_HOOKS_POOL(context) ((memory_pool_t *)(context))
#define MP_HOOKS_BYTES(object) ((char *)(object))
#endif
#if defined(__cplusplus) && __cplusplus >= 201103L
#define MP_HOOKS_NULL nullptr
#else
#define MP_HOOKS_NULL NULL
#endif

/* Each source file has functions of its own, since a table wants addresses. */
#if defined(__GNUC__)
#define MP_HOOKS_INLINE static __inline__
#elif defined(__cplusplus) || \
    (defined(__STDC_VERSION__) && __STDC_VERSION__ >= 199901L)
#define MP_HOOKS_INLINE static inline
#else
#define MP_HOOKS_INLINE static
#endif

/* The pool comes first: zstd. */
MP_HOOKS_INLINE void *mp_hooks_first_malloc(void *mp, size_t size)
{
    return mp_allocate(MP_HOOKS_POOL(mp), size == 0 ? 1 : size);
}

MP_HOOKS_INLINE void mp_hooks_first_free(void *mp, void *ptr)
{
    mp_free(MP_HOOKS_POOL(mp), ptr);
}

/* The pool comes last: PCRE2, nghttp2. */
MP_HOOKS_INLINE void *mp_hooks_last_malloc(size_t size, void *mp)
{
    return mp_allocate(MP_HOOKS_POOL(mp), size == 0 ? 1 : size);
}

MP_HOOKS_INLINE void *mp_hooks_last_calloc(size_t count, size_t size, void *mp)
{
    return count == 0 || size == 0 ? mp_calloc(MP_HOOKS_POOL(mp), 1, 1)
                                   : mp_calloc(MP_HOOKS_POOL(mp), count, size);
}

MP_HOOKS_INLINE void *mp_hooks_last_realloc(void *ptr, size_t size, void *mp)
{
    return mp_realloc(MP_HOOKS_POOL(mp), ptr, size == 0 ? 1 : size);
}

MP_HOOKS_INLINE void mp_hooks_last_free(void *ptr, void *mp)
{
    mp_free(MP_HOOKS_POOL(mp), ptr);
}

/* zlib counts in unsigned int, and multiplies. */
MP_HOOKS_INLINE void *mp_hooks_zlib_malloc(void *mp, unsigned count,
                                         unsigned size)
{
    return mp_hooks_last_calloc(count, size, mp);
}

/* Lua has one function for all.  Of a new object old says what it is, and is
 * no size.  A block that becomes shorter must not fail. */
MP_HOOKS_INLINE void *mp_hooks_lua(void *mp, void *ptr, size_t old, size_t size)
{
    void *object;

    if (size == 0) {
        mp_free(MP_HOOKS_POOL(mp), ptr);
        return MP_HOOKS_NULL;
    }
    object = mp_realloc(MP_HOOKS_POOL(mp), ptr, size);
    return object == MP_HOOKS_NULL && ptr != MP_HOOKS_NULL && size <= old
               ? ptr
               : object;
}

/* lua_State *L = lua_newstate(MP_HOOKS_LUA(mp)); */
#define MP_HOOKS_LUA(mp) mp_hooks_lua, (mp)

/* z_stream stream = {0};
 * MP_HOOKS_ZLIB(&stream, mp);
 * deflateInit(&stream, level); */
#define MP_HOOKS_ZLIB(stream, mp)                 \
    ((stream)->zalloc = mp_hooks_zlib_malloc,     \
     (stream)->zfree = mp_hooks_first_free,       \
     (stream)->opaque = (mp), (void)0)

/* ZSTD_customMem memory = MP_HOOKS_ZSTD(mp);
 * ZSTD_CCtx *context = ZSTD_createCCtx_advanced(memory);
 * (with ZSTD_STATIC_LINKING_ONLY) */
#define MP_HOOKS_ZSTD(mp) {mp_hooks_first_malloc, mp_hooks_first_free, (mp)}

/* pcre2_general_context *general =
 *     pcre2_general_context_create(MP_HOOKS_PCRE2(mp)); */
#define MP_HOOKS_PCRE2(mp) mp_hooks_last_malloc, mp_hooks_last_free, (mp)

/* nghttp2_mem memory = MP_HOOKS_NGHTTP2(mp);
 * nghttp2_session_client_new3(&session, callbacks, user, NULL, &memory); */
#define MP_HOOKS_NGHTTP2(mp)                                     \
    {(mp), mp_hooks_last_malloc, mp_hooks_last_free,             \
     mp_hooks_last_calloc, mp_hooks_last_realloc}

/*
 * Libraries whose functions find the pool by mp_use().
 */

/* A parser keeps its functions, and so may have them alone:
 * XML_Memory_Handling_Suite memory = MP_HOOKS_EXPAT;
 * XML_Parser parser = XML_ParserCreate_MM(NULL, &memory, NULL); */
#define MP_HOOKS_EXPAT {mp_hook_malloc, mp_hook_realloc, mp_hook_free}

/* The whole process, before anything else of libxml2:
 * xmlMemSetup(MP_HOOKS_LIBXML2);
 * Its tables for all threads have to be made while no pool is current:
 * xmlInitParser(); */
#define MP_HOOKS_LIBXML2 \
    mp_hook_free, mp_hook_malloc, mp_hook_realloc, mp_hook_strdup

/* The whole process: json_set_alloc_funcs(MP_HOOKS_JANSSON); */
#define MP_HOOKS_JANSSON mp_hook_malloc, mp_hook_free

/* The whole process:
 * cJSON_Hooks hooks = MP_HOOKS_CJSON;
 * cJSON_InitHooks(&hooks); */
#define MP_HOOKS_CJSON {mp_hook_malloc, mp_hook_free}

/* The whole process, in place of curl_global_init():
 * curl_global_init_mem(CURL_GLOBAL_DEFAULT, MP_HOOKS_CURL);
 * libcurl calls other libraries, which have functions of their own. */
#define MP_HOOKS_CURL                                              \
    mp_hook_malloc, mp_hook_free, mp_hook_realloc, mp_hook_strdup, \
        mp_hook_calloc

/* The whole process, before anything else of libuv:
 * uv_replace_allocator(MP_HOOKS_LIBUV);
 * Its threads use no pool, unless the work that they are given says so. */
#define MP_HOOKS_LIBUV \
    mp_hook_malloc, mp_hook_realloc, mp_hook_calloc, mp_hook_free

/* GMP cannot go on without memory, and asks its functions to end the program
 * then, as its own do. */
MP_HOOKS_INLINE void *mp_hooks_gmp_malloc(size_t size)
{
    void *object = mp_hook_malloc(size);

    if (object == MP_HOOKS_NULL) {
        abort();
    }
    return object;
}

MP_HOOKS_INLINE void *mp_hooks_gmp_realloc(void *ptr, size_t old, size_t size)
{
    void *object = mp_hook_realloc(ptr, size);

    (void)old;
    if (object == MP_HOOKS_NULL) {
        abort();
    }
    return object;
}

MP_HOOKS_INLINE void mp_hooks_gmp_free(void *ptr, size_t size)
{
    (void)size;
    mp_hook_free(ptr);
}

/* The whole process: mp_set_memory_functions(MP_HOOKS_GMP);
 * (which is GMP's, as its other names with mp_) */
#define MP_HOOKS_GMP \
    mp_hooks_gmp_malloc, mp_hooks_gmp_realloc, mp_hooks_gmp_free

/* SQLite asks for the size of an object, which malloc(3) does not tell: it
 * stands in front, in as many bytes as SQLite wants of alignment. */
#define MP_HOOKS_SQLITE_FRONT 8

MP_HOOKS_INLINE void *mp_hooks_sqlite_put(void *front, int size)
{
    if (front == MP_HOOKS_NULL) {
        return MP_HOOKS_NULL;
    }
    memcpy(front, &size, sizeof size);
    return MP_HOOKS_BYTES(front) + MP_HOOKS_SQLITE_FRONT;
}

MP_HOOKS_INLINE void *mp_hooks_sqlite_front(void *ptr)
{
    return MP_HOOKS_BYTES(ptr) - MP_HOOKS_SQLITE_FRONT;
}

MP_HOOKS_INLINE size_t mp_hooks_sqlite_bytes(int size)
{
#ifdef __cplusplus
    return static_cast<size_t>(size) + MP_HOOKS_SQLITE_FRONT;
#else
    return (size_t)size + MP_HOOKS_SQLITE_FRONT;
#endif
}

MP_HOOKS_INLINE void *mp_hooks_sqlite_malloc(int size)
{
    return mp_hooks_sqlite_put(mp_hook_malloc(mp_hooks_sqlite_bytes(size)),
                               size);
}

MP_HOOKS_INLINE void mp_hooks_sqlite_free(void *ptr)
{
    if (ptr != MP_HOOKS_NULL) {
        mp_hook_free(mp_hooks_sqlite_front(ptr));
    }
}

MP_HOOKS_INLINE void *mp_hooks_sqlite_realloc(void *ptr, int size)
{
    return mp_hooks_sqlite_put(mp_hook_realloc(mp_hooks_sqlite_front(ptr),
                                               mp_hooks_sqlite_bytes(size)),
                               size);
}

MP_HOOKS_INLINE int mp_hooks_sqlite_size(void *ptr)
{
    int size = 0;

    if (ptr != MP_HOOKS_NULL) {
        memcpy(&size, mp_hooks_sqlite_front(ptr), sizeof size);
    }
    return size;
}

MP_HOOKS_INLINE int mp_hooks_sqlite_roundup(int size)
{
    return (size + 7) & ~7;
}

MP_HOOKS_INLINE int mp_hooks_sqlite_init(void *context)
{
    (void)context;
    return 0; /* SQLITE_OK */
}

MP_HOOKS_INLINE void mp_hooks_sqlite_shutdown(void *context)
{
    (void)context;
}

/* The whole process, before anything else of SQLite:
 * sqlite3_mem_methods memory = MP_HOOKS_SQLITE;
 * sqlite3_config(SQLITE_CONFIG_MALLOC, &memory);
 * What it makes for all connections has to be made while no pool is current:
 * sqlite3_initialize(); */
#define MP_HOOKS_SQLITE                                        \
    {mp_hooks_sqlite_malloc,  mp_hooks_sqlite_free,            \
     mp_hooks_sqlite_realloc, mp_hooks_sqlite_size,            \
     mp_hooks_sqlite_roundup, mp_hooks_sqlite_init,            \
     mp_hooks_sqlite_shutdown, MP_HOOKS_NULL}

/* OpenSSL says where each call is from. */
MP_HOOKS_INLINE void *mp_hooks_openssl_malloc(size_t size, const char *file,
                                            int line)
{
    (void)file;
    (void)line;
    return size == 0 ? MP_HOOKS_NULL : mp_hook_malloc(size);
}

MP_HOOKS_INLINE void mp_hooks_openssl_free(void *ptr, const char *file, int line)
{
    (void)file;
    (void)line;
    mp_hook_free(ptr);
}

/* Size 0 frees. */
MP_HOOKS_INLINE void *mp_hooks_openssl_realloc(void *ptr, size_t size,
                                             const char *file, int line)
{
    if (size == 0) {
        mp_hooks_openssl_free(ptr, file, line);
        return MP_HOOKS_NULL;
    }
    return mp_hook_realloc(ptr, size);
}

/* The whole process, before anything else of OpenSSL:
 * CRYPTO_set_mem_functions(MP_HOOKS_OPENSSL);
 * What it makes for all threads has to be made while no pool is current:
 * OPENSSL_init_crypto(OPENSSL_INIT_LOAD_CRYPTO_STRINGS, NULL); */
#define MP_HOOKS_OPENSSL                                \
    mp_hooks_openssl_malloc, mp_hooks_openssl_realloc,  \
        mp_hooks_openssl_free

#ifdef __cplusplus
}
#endif

#endif /* MEMORY_POOL_HOOKS_H */

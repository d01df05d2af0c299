/* SPDX-License-Identifier: MIT
 *
 * memory_pool_hooks.h - pools for libraries that take allocators.
 *
 * Many libraries take allocation functions from the program, in a table or as
 * arguments of a call.  This file has a macro with these functions for each
 * library that is named below.  With a few lines, all that the library
 * allocates comes from a pool.  This file includes none of their headers.
 *
 * Some libraries pass a pointer of the program to these functions.  There that
 * pointer is the pool, and each parser, stream or state may have its own.
 * Where a library passes none, the pool is the calling thread's current one,
 * see mp_use().
 *
 * Most libraries of the second kind take functions only for the whole process,
 * and before any other call of the library: the comment at the macro says so.
 * In a thread that has no current pool, the C library allocates.
 * memory_pool_hooks(7) has an example of each.
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

/* Makes mp the calling thread's current pool; with NULL the thread has none.
 * Returns the pool that was current before, so that uses nest:
 *
 *     memory_pool_t *outer = mp_use(mp);
 *     ...
 *     mp_use(outer);
 *
 * A pool must not be current in any thread when it is destroyed. */
MP_API memory_pool_t *mp_use(memory_pool_t *mp);

/* The calling thread's current pool; NULL: none. */
MP_API memory_pool_t *mp_used(void);

/* These do what the C library's functions of these names do, in the current
 * pool.  If the thread has none, they call the C library's.  An object is
 * resized and freed in the pool that it belongs to, whichever pool is current:
 * mp_hook_realloc() and mp_hook_free() take any live object of any pool, and
 * any of malloc(3).  Size 0 is as 1.  On failure they return NULL, with errno
 * and a report as those of mp_allocate(). */
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

/* The functions are static: a table needs their addresses, so each source file
 * gets its own. */
#if defined(__GNUC__)
#define MP_HOOKS_INLINE static __inline__
#elif defined(__cplusplus) || \
    (defined(__STDC_VERSION__) && __STDC_VERSION__ >= 199901L)
#define MP_HOOKS_INLINE static inline
#else
#define MP_HOOKS_INLINE static
#endif

/* The pool is the first argument: zstd. */
MP_HOOKS_INLINE void *mp_hooks_first_malloc(void *mp, size_t size)
{
    return mp_allocate(MP_HOOKS_POOL(mp), size == 0 ? 1 : size);
}

MP_HOOKS_INLINE void mp_hooks_first_free(void *mp, void *ptr)
{
    mp_free(MP_HOOKS_POOL(mp), ptr);
}

/* The pool is the last argument: PCRE2, nghttp2. */
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

/* zlib passes a count and a size, as unsigned int. */
MP_HOOKS_INLINE void *mp_hooks_zlib_malloc(void *mp, unsigned count,
                                         unsigned size)
{
    return mp_hooks_last_calloc(count, size, mp);
}

/* Lua has one function for all.  For a new object old is not a size, but says
 * of which type the object is.  Shortening an object must not fail. */
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

/* Each parser has its own functions, so these may be for one parser only:
 * XML_Memory_Handling_Suite memory = MP_HOOKS_EXPAT;
 * XML_Parser parser = XML_ParserCreate_MM(NULL, &memory, NULL); */
#define MP_HOOKS_EXPAT {mp_hook_malloc, mp_hook_realloc, mp_hook_free}

/* For the whole process, before any other call of libxml2:
 * xmlMemSetup(MP_HOOKS_LIBXML2);
 * The tables that its threads share have to be made while no pool is current:
 * xmlInitParser(); */
#define MP_HOOKS_LIBXML2 \
    mp_hook_free, mp_hook_malloc, mp_hook_realloc, mp_hook_strdup

/* For the whole process: json_set_alloc_funcs(MP_HOOKS_JANSSON); */
#define MP_HOOKS_JANSSON mp_hook_malloc, mp_hook_free

/* For the whole process:
 * cJSON_Hooks hooks = MP_HOOKS_CJSON;
 * cJSON_InitHooks(&hooks); */
#define MP_HOOKS_CJSON {mp_hook_malloc, mp_hook_free}

/* For the whole process, in place of curl_global_init():
 * curl_global_init_mem(CURL_GLOBAL_DEFAULT, MP_HOOKS_CURL);
 * The libraries that libcurl calls do not use these functions. */
#define MP_HOOKS_CURL                                              \
    mp_hook_malloc, mp_hook_free, mp_hook_realloc, mp_hook_strdup, \
        mp_hook_calloc

/* For the whole process, before any other call of libuv:
 * uv_replace_allocator(MP_HOOKS_LIBUV);
 * libuv's own threads have no current pool, unless the work that the program
 * gives them calls mp_use(). */
#define MP_HOOKS_LIBUV \
    mp_hook_malloc, mp_hook_realloc, mp_hook_calloc, mp_hook_free

/* GMP cannot go on without memory.  So these functions end the program if there
 * is none, as GMP's own do. */
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

/* For the whole process: mp_set_memory_functions(MP_HOOKS_GMP);
 * This function is GMP's, some names of which begin with mp_, too. */
#define MP_HOOKS_GMP \
    mp_hooks_gmp_malloc, mp_hooks_gmp_realloc, mp_hooks_gmp_free

/* SQLite asks for the size of an object, which malloc(3) does not tell.  So the
 * size stands in front of the object, in 8 bytes, which is the alignment that
 * SQLite needs. */
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

/* For the whole process, before any other call of SQLite:
 * sqlite3_mem_methods memory = MP_HOOKS_SQLITE;
 * sqlite3_config(SQLITE_CONFIG_MALLOC, &memory);
 * What its connections share has to be made while no pool is current:
 * sqlite3_initialize(); */
#define MP_HOOKS_SQLITE                                        \
    {mp_hooks_sqlite_malloc,  mp_hooks_sqlite_free,            \
     mp_hooks_sqlite_realloc, mp_hooks_sqlite_size,            \
     mp_hooks_sqlite_roundup, mp_hooks_sqlite_init,            \
     mp_hooks_sqlite_shutdown, MP_HOOKS_NULL}

/* OpenSSL passes the file and the line of each call. */
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

/* For the whole process, before any other call of OpenSSL:
 * CRYPTO_set_mem_functions(MP_HOOKS_OPENSSL);
 * What its threads share has to be made while no pool is current:
 * OPENSSL_init_crypto(OPENSSL_INIT_LOAD_CRYPTO_STRINGS, NULL); */
#define MP_HOOKS_OPENSSL                                \
    mp_hooks_openssl_malloc, mp_hooks_openssl_realloc,  \
        mp_hooks_openssl_free

#ifdef __cplusplus
}
#endif

#endif /* MEMORY_POOL_HOOKS_H */

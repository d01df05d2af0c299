/* SPDX-License-Identifier: MIT
 *
 * zstd.c - zstd in a pool.
 *
 * Each context has a pool.  Its authors call this part of its interface
 * experimental, which the macro before the header asks for.
 */
#define ZSTD_STATIC_LINKING_ONLY
#include <memory_pool_hooks.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

int main(void)
{
    static unsigned char text[100000], packed[200000], again[100000];
    memory_pool_t *mp = mp_create(NULL);
    mp_stats_t full, empty;

    for (size_t i = 0; i < sizeof text; i++) {
        text[i] = (unsigned char)(i * i % 251);
    }
    ZSTD_customMem memory = MP_HOOKS_ZSTD(mp);
    ZSTD_CCtx *out = ZSTD_createCCtx_advanced(memory);
    ZSTD_DCtx *in = ZSTD_createDCtx_advanced(memory);

    size_t bytes = ZSTD_compressCCtx(out, packed, sizeof packed, text,
                                     sizeof text, 3);
    bool right = !ZSTD_isError(bytes) &&
                 ZSTD_decompressDCtx(in, again, sizeof again, packed,
                                     bytes) == sizeof text;
    mp_stats(mp, &full);
    ZSTD_freeCCtx(out);
    ZSTD_freeDCtx(in);
    mp_stats(mp, &empty);
    mp_destroy(mp);
    return right && memcmp(text, again, sizeof text) == 0 &&
                   full.live_objects >= 2 && empty.live_objects == 0
               ? EXIT_SUCCESS
               : EXIT_FAILURE;
}

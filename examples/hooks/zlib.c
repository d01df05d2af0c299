/* SPDX-License-Identifier: MIT
 *
 * zlib.c - zlib in a pool.
 *
 * Each stream has a pool.
 */
#include <memory_pool_hooks.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

int main(void)
{
    static unsigned char text[100000], packed[100000], again[100000];
    memory_pool_t *mp = mp_create(NULL);
    mp_stats_t full, empty;

    for (size_t i = 0; i < sizeof text; i++) {
        text[i] = (unsigned char)(i * i % 251);
    }
    z_stream out = {.next_in = text, .avail_in = sizeof text,
                    .next_out = packed, .avail_out = sizeof packed};
    MP_HOOKS_ZLIB(&out, mp);
    deflateInit(&out, 6);
    bool right = deflate(&out, Z_FINISH) == Z_STREAM_END;

    z_stream in = {.next_in = packed, .avail_in = (uInt)out.total_out,
                   .next_out = again, .avail_out = sizeof again};
    MP_HOOKS_ZLIB(&in, mp);
    inflateInit(&in);
    right = inflate(&in, Z_FINISH) == Z_STREAM_END && right;
    mp_stats(mp, &full);
    deflateEnd(&out);
    inflateEnd(&in);
    mp_stats(mp, &empty);
    mp_destroy(mp);
    return right && memcmp(text, again, sizeof text) == 0 &&
                   full.live_objects >= 5 && empty.live_objects == 0
               ? EXIT_SUCCESS
               : EXIT_FAILURE;
}

/* SPDX-License-Identifier: MIT
 *
 * nghttp2.c - nghttp2 in a pool.
 *
 * Each session has a pool.
 */
#include <memory_pool_hooks.h>
#include <nghttp2/nghttp2.h>
#include <stdlib.h>
#include <string.h>

int main(void)
{
    memory_pool_t *mp = mp_create(NULL);
    mp_stats_t full, empty;
    nghttp2_session_callbacks *callbacks;
    nghttp2_session *session;
    const uint8_t *out;

    nghttp2_session_callbacks_new(&callbacks);
    nghttp2_mem memory = MP_HOOKS_NGHTTP2(mp);
    nghttp2_session_client_new3(&session, callbacks, NULL, NULL, &memory);
    nghttp2_session_callbacks_del(callbacks);

    nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, NULL, 0);
    ssize_t length = nghttp2_session_mem_send(session, &out);
    bool right = length >= 24 && memcmp(out, "PRI * HTTP/2.0", 14) == 0;
    mp_stats(mp, &full);
    nghttp2_session_del(session);
    mp_stats(mp, &empty);
    mp_destroy(mp);
    return right && full.live_objects > 2 && empty.live_objects == 0
               ? EXIT_SUCCESS
               : EXIT_FAILURE;
}

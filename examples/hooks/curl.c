/* SPDX-License-Identifier: MIT
 *
 * curl.c - libcurl in a pool.
 *
 * Its functions are the whole process's, in place of curl_global_init().  The
 * libraries that it calls have functions of their own.
 */
#include <curl/curl.h>
#include <memory_pool_hooks.h>
#include <stdlib.h>
#include <string.h>

int main(void)
{
    memory_pool_t *mp = mp_create(NULL);
    mp_stats_t full, empty;
    char *host = NULL;

    curl_global_init_mem(CURL_GLOBAL_DEFAULT, MP_HOOKS_CURL);
    memory_pool_t *outer = mp_use(mp);
    CURL *easy = curl_easy_init();
    CURLU *url = curl_url();

    curl_easy_setopt(easy, CURLOPT_URL, "http://example.org/a");
    curl_url_set(url, CURLUPART_URL, "http://example.org:8080/a?b", 0);
    curl_url_get(url, CURLUPART_HOST, &host, 0);
    bool right = host != NULL && strcmp(host, "example.org") == 0;
    mp_stats(mp, &full);
    curl_free(host);
    curl_url_cleanup(url);
    curl_easy_cleanup(easy);
    mp_use(outer);
    mp_stats(mp, &empty);
    curl_global_cleanup();
    mp_destroy(mp);
    return right && full.live_objects > 4 && empty.live_objects == 0
               ? EXIT_SUCCESS
               : EXIT_FAILURE;
}

/* SPDX-License-Identifier: MIT
 *
 * pcre2.c - PCRE2 in a pool.
 *
 * Each context has a pool, and what is made with it.
 */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <memory_pool_hooks.h>
#include <pcre2.h>
#include <stdlib.h>

int main(void)
{
    static const unsigned char pattern[] = "([a-z]+)@([a-z.]+)";
    static const unsigned char text[] = "write to someone@example.org";
    memory_pool_t *mp = mp_create(NULL);
    mp_stats_t full, empty;
    int error;
    PCRE2_SIZE offset;

    pcre2_general_context *general =
        pcre2_general_context_create(MP_HOOKS_PCRE2(mp));
    pcre2_compile_context *context = pcre2_compile_context_create(general);
    pcre2_code *code = pcre2_compile(pattern, PCRE2_ZERO_TERMINATED, 0,
                                     &error, &offset, context);
    pcre2_match_data *found = pcre2_match_data_create(3, general);

    int count = pcre2_match(code, text, PCRE2_ZERO_TERMINATED, 0, 0, found,
                            NULL);
    bool right = count == 3 && pcre2_get_ovector_pointer(found)[2] == 9;
    mp_stats(mp, &full);
    pcre2_match_data_free(found);
    pcre2_code_free(code);
    pcre2_compile_context_free(context);
    pcre2_general_context_free(general);
    mp_stats(mp, &empty);
    mp_destroy(mp);
    return right && full.live_objects >= 4 && empty.live_objects == 0
               ? EXIT_SUCCESS
               : EXIT_FAILURE;
}

/* SPDX-License-Identifier: MIT
 *
 * gmp.c - GMP in a pool.
 *
 * Its functions are the whole process's.  GMP cannot go on without memory, so
 * these end the program then.
 */
#include <gmp.h>
#include <memory_pool_hooks.h>
#include <stdlib.h>
#include <string.h>

int main(void)
{
    memory_pool_t *mp = mp_create(NULL);
    mp_stats_t full, empty;
    mpz_t factorial;

    mp_set_memory_functions(MP_HOOKS_GMP);
    memory_pool_t *outer = mp_use(mp);
    mpz_init(factorial);
    mpz_fac_ui(factorial, 1000);
    char *digits = mpz_get_str(NULL, 10, factorial);
    mp_use(outer);

    bool right = strlen(digits) == 2568 && strncmp(digits, "40238", 5) == 0;
    mp_stats(mp, &full);
    mp_hook_free(digits);
    mpz_clear(factorial);
    mp_stats(mp, &empty);
    mp_destroy(mp);
    return right && full.live_objects >= 2 && empty.live_objects == 0
               ? EXIT_SUCCESS
               : EXIT_FAILURE;
}

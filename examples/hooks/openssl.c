/* SPDX-License-Identifier: MIT
 *
 * openssl.c - OpenSSL in a pool.
 *
 * Its functions are the whole process's, and are set before anything else of it.
 * What all threads share is made while no pool is current.
 */
#include <memory_pool_hooks.h>
#include <openssl/bn.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

int main(void)
{
    memory_pool_t *mp = mp_create(NULL);
    mp_stats_t full, empty;
    BIGNUM *number = NULL;

    CRYPTO_set_mem_functions(MP_HOOKS_OPENSSL);
    OPENSSL_init_crypto(OPENSSL_INIT_LOAD_CRYPTO_STRINGS, NULL);
    memory_pool_t *outer = mp_use(mp);
    BN_dec2bn(&number, "123456789012345678901234567890");
    char *digits = BN_bn2hex(number);
    mp_use(outer);

    bool right = strcmp(digits, "018EE90FF6C373E0EE4E3F0AD2") == 0;
    mp_stats(mp, &full);
    OPENSSL_free(digits);
    BN_free(number);
    mp_stats(mp, &empty);
    mp_destroy(mp);
    return right && full.live_objects >= 3 && empty.live_objects == 0
               ? EXIT_SUCCESS
               : EXIT_FAILURE;
}

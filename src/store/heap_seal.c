/* SPDX-License-Identifier: MIT
 *
 * heap_seal.c - the key that links of free chunks are sealed with.
 *
 * What it cannot do: draw a key that nobody could guess where the system gives
 * a process no random bytes.
 */
#include "store/heap_seal.h"

#include <time.h>

#ifdef __linux__
#include <sys/auxv.h>
#endif

/* Atomic; relaxed, since nothing else is read by it.  0: nobody needed it. */
MP_INNER_OBJECT uintptr_t heap_seal_secret;

/* Spreads what differs over all bits, as the finish of MurmurHash3 does. */
static uint64_t heap_seal_mix(uint64_t word)
{
    word = (word ^ word >> 33) * UINT64_C(0xff51afd7ed558ccd);
    word = (word ^ word >> 33) * UINT64_C(0xc4ceb9fe1a85ec53);
    return word ^ word >> 33;
}

/* Of what differs from process to process, without a call that a sandbox may
 * refuse: random bytes that the system gave the process, the time, and where
 * things are. */
static uint64_t heap_seal_draw(void)
{
    struct timespec now = {0, 0};

    (void)clock_gettime(CLOCK_REALTIME, &now);
    uint64_t word = heap_seal_mix((uint64_t)now.tv_nsec << 32 ^
                                  (uint64_t)now.tv_sec);
    word = heap_seal_mix(word ^ (uintptr_t)&now);
    word = heap_seal_mix(word ^ (uintptr_t)&heap_seal_secret);
#if defined(__linux__) && defined(AT_RANDOM)
    const void *random = (const void *)(uintptr_t)getauxval(AT_RANDOM);
    if (random != NULL) {
        uint64_t words[2];
        memcpy(words, random, sizeof words);
        word = heap_seal_mix(heap_seal_mix(word ^ words[0]) ^ words[1]);
    }
#endif
    return word;
}

/* Threads may draw at once: then the first one's key is all of theirs. */
uint64_t heap_seal_key(void)
{
    uintptr_t secret = sync_get(&heap_seal_secret);

    if (MP_UNLIKELY(secret == 0)) {
        uintptr_t drawn = (uintptr_t)heap_seal_draw() | 1;
        if (sync_claim(&heap_seal_secret, &secret, drawn)) {
            secret = drawn;
        }
    }
    /* Spread again, for a word of 32 bits. */
    return (uint64_t)secret * HEAP_SEAL_INVERSE;
}

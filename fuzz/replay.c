/* SPDX-License-Identifier: MIT
 *
 * replay.c - runs sequences of calls without a fuzzer.
 *
 *     replay                                     some seeds, for make check
 *     replay FILE...                             inputs that the fuzzer found
 *     replay -n COUNT [-s FIRST] [-w DIRECTORY]  COUNT seeds, from FIRST on
 *
 * The input of a seed is made of random numbers.  With -w it is written to a
 * file of that directory and not run: the fuzzer begins with such files.  A
 * sequence that goes wrong is the last one that was named, and aborts.
 *
 * What it cannot do: prefer inputs that reach new code.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "support.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REPLAY_MOST 65536
#define REPLAY_SEEDS 80 /* of make check */

static unsigned char replay_input[REPLAY_MOST];

static void replay_file(const char *name)
{
    FILE *file = fopen(name, "rb");

    if (file == NULL) {
        perror(name);
        exit(EXIT_FAILURE);
    }
    size_t n = fread(replay_input, 1, sizeof replay_input, file);
    fclose(file);
    printf("%s\n", name);
    fflush(stdout);
    LLVMFuzzerTestOneInput(replay_input, n);
}

/* Makes the input of a seed; its length. */
static size_t replay_make(uint64_t seed)
{
    uint64_t random = seed;
    size_t n = 200 + support_below(&random, 3000);

    for (size_t i = 0; i < n; i++) {
        replay_input[i] = (unsigned char)support_below(&random, 256);
    }
    return n;
}

static void replay_seed(uint64_t seed)
{
    size_t n = replay_make(seed);

    printf("seed %llu\n", (unsigned long long)seed);
    fflush(stdout);
    LLVMFuzzerTestOneInput(replay_input, n);
}

static void replay_write(uint64_t seed, const char *directory)
{
    char name[4096];
    size_t n = replay_make(seed);

    snprintf(name, sizeof name, "%s/seed-%llu", directory,
             (unsigned long long)seed);
    FILE *file = fopen(name, "wb");
    if (file == NULL || fwrite(replay_input, 1, n, file) != n ||
        fclose(file) != 0) {
        perror(name);
        exit(EXIT_FAILURE);
    }
}

int main(int argc, char **argv)
{
    uint64_t first = 1;
    uint64_t count = argc == 1 ? support_times(REPLAY_SEEDS, 10) : 0;
    const char *directory = NULL;
    int option;

    while ((option = getopt(argc, argv, "n:s:w:")) != -1) {
        switch (option) {
        case 'n':
            count = strtoull(optarg, NULL, 10);
            break;
        case 's':
            first = strtoull(optarg, NULL, 10);
            break;
        case 'w':
            directory = optarg;
            break;
        default:
            return 2;
        }
    }
    LLVMFuzzerInitialize(&argc, &argv);
    for (int i = optind; i < argc; i++) {
        replay_file(argv[i]);
    }
    for (uint64_t seed = first; seed < first + count; seed++) {
        if (directory != NULL) {
            replay_write(seed, directory);
        } else {
            replay_seed(seed);
        }
    }
    return EXIT_SUCCESS;
}

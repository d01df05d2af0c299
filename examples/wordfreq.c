/* SPDX-License-Identifier: MIT
 *
 * wordfreq.c - counts the words of a file, with every byte in pools.
 *
 *     wordfreq [-n COUNT | --all] [--threads N] [--malloc | --compare] FILE
 *
 * prints the COUNT (10) most frequent words and what the memory was used
 * for; --all prints every word's count and nothing else.  A word is a run of
 * ASCII letters, digits and bytes from 128 on, so that words in UTF-8 stay
 * whole; capital ASCII letters count as small ones, and every other byte,
 * NUL too, separates words.  The counts are those of
 *
 *     export LC_ALL=C
 *     tr A-Z a-z <FILE | tr -cs 'a-z0-9\200-\377' '\n' | sed '/^$/d' |
 *         sort | uniq -c | sort -k1,1nr -k2
 *
 * Two kinds of pools do the work.  The words of a line live in a small base
 * pool until the line ends; then they are counted, and it is reset.  A base
 * pool does not grow: when the next word is refused, those before it are
 * counted at once and the line goes on in an empty pool, so a line of any
 * length is done in parts.  A word that is larger than a pool is counted
 * from where it was gathered.  The index, words with their counts, lives in
 * one pool that grows, whichever thread adds to it, and goes with that pool.
 *
 * --threads gives N threads a part of the file each, from one start of a
 * line to another.  Each has a table of its own, all in the one pool; at the
 * end the tables become one, and entries that two had are freed one by one.
 * A file that has no size, a pipe say, is read by one thread.  --malloc does
 * the same without pools, and --compare both in turn, pools first: of a small
 * file they pay for what the process has not touched yet.  What can be read
 * only once, a pipe again, is counted with pools alone.
 *
 * It cannot tell the letters of UTF-8 from its other characters, and what it
 * keeps grows with the number of different words.
 */
#include <memory_pool.h>

#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "wordfreq_index.h"

enum { WORDFREQ_THREADS = 64 };

/* A word of the line that is being read. */
struct wordfreq_word {
    struct wordfreq_word *next;
    char text[]; /* ends with NUL */
};

/* A thread's part of the work. */
struct wordfreq {
    const char *name;
    uintmax_t position; /* in the file */
    uintmax_t end;      /* a line that begins here or later is another's */
    pthread_t thread;
    bool done;

    memory_pool_t *pool; /* the scratch pool; NULL: malloc() */
    struct wordfreq_word *words; /* of the line, as far as kept */
    struct wordfreq_index index;

    char *gathered; /* the word being read, which may span two buffers */
    size_t length;
    size_t room;

    bool skipping; /* the end of a line that another thread reads */
    bool in_line;  /* something was read since the last newline */
    bool in_parts; /* the line did not fit */
    uintmax_t held;   /* bytes in words */

    uintmax_t lines, words_read, parts;
    uintmax_t objects, bytes, resets, refused, too_long;
    uintmax_t high_water;
};

/* Counts the words that were kept and frees them all. */
static bool wordfreq_count_words(struct wordfreq *self)
{
    bool done = true;

    while (self->words != NULL) {
        struct wordfreq_word *word = self->words;
        self->words = word->next;
        done = done && wordfreq_index_add(&self->index, word->text,
                                          strlen(word->text));
        if (self->pool == NULL) {
            free(word);
        }
    }
    self->held = 0;
    self->resets++;
    if (self->pool != NULL) {
        free_all_memory(self->pool);
    }
    return done;
}

/* Keeps the gathered word until its line ends.  False, with errno: refused. */
static bool wordfreq_keep(struct wordfreq *self)
{
    size_t size = offsetof(struct wordfreq_word, text) + self->length + 1;
    struct wordfreq_word *word =
        self->pool != NULL ? mp_allocate(self->pool, size) : malloc(size);

    if (word == NULL) {
        self->refused++;
        return false;
    }
    memcpy(word->text, self->gathered, self->length);
    word->text[self->length] = '\0';
    word->next = self->words;
    self->words = word;
    self->objects++;
    self->bytes += size;
    self->held += size;
    if (self->held > self->high_water) {
        self->high_water = self->held;
    }
    return true;
}

/* The gathered word is whole. */
static bool wordfreq_end_word(struct wordfreq *self)
{
    bool done = true;

    self->words_read++;
    if (self->pool != NULL &&
        self->length >=
            MAX_BLOCK_SIZE - offsetof(struct wordfreq_word, text)) {
        self->in_parts = true;
        self->too_long++;
        done = wordfreq_index_add(&self->index, self->gathered, self->length);
    } else if (!wordfreq_keep(self)) {
        self->in_parts = true;
        done = errno == ENOBUFS && wordfreq_count_words(self) &&
               wordfreq_keep(self);
    }
    self->length = 0;
    return done;
}

static bool wordfreq_end_line(struct wordfreq *self)
{
    self->lines++;
    self->parts += self->in_parts;
    self->in_line = false;
    self->in_parts = false;
    return self->words == NULL || wordfreq_count_words(self);
}

/* The byte as it stands in a word; 0: it separates words. */
static char wordfreq_fold(unsigned char byte)
{
    if (byte >= 'A' && byte <= 'Z') {
        return (char)(byte - 'A' + 'a');
    }
    if ((byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9') ||
        byte >= 128) {
        return (char)byte;
    }
    return 0;
}

static bool wordfreq_gather(struct wordfreq *self, char letter)
{
    if (self->length == self->room) {
        size_t room = self->room == 0 ? 256 : self->room * 2;
        char *gathered = realloc(self->gathered, room);
        if (gathered == NULL) {
            return wordfreq_index_no_memory();
        }
        self->gathered = gathered;
        self->room = room;
    }
    self->gathered[self->length++] = letter;
    return true;
}

/* False: an error, or the end of the thread's part; done tells which. */
static bool wordfreq_take(struct wordfreq *self, const unsigned char *bytes,
                          size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char letter = self->skipping ? 0 : wordfreq_fold(bytes[i]);
        if (letter != 0) {
            self->done = wordfreq_gather(self, letter);
        } else if (self->length != 0) {
            self->done = wordfreq_end_word(self);
        }
        self->position++;
        self->in_line = !self->skipping;
        if (self->done && bytes[i] == '\n') {
            self->done = self->skipping || wordfreq_end_line(self);
            self->skipping = false;
            if (self->position >= self->end) {
                return false;
            }
        }
        if (!self->done) {
            return false;
        }
    }
    return true;
}

/* Reads the lines that begin in the thread's part, into its own table. */
static void *wordfreq_read(void *arg)
{
    struct wordfreq *self = arg;
    unsigned char buffer[16384];
    FILE *file = fopen(self->name, "rb");
    size_t count = 0;

    self->done = file != NULL;
    if (self->done && self->position > 0) {
        /* The line that is under way is the thread's before, unless it ends
         * right here. */
        self->position--;
        self->skipping = true;
        self->done = fseeko(file, (off_t)self->position, SEEK_SET) == 0;
    }
    if (self->done) {
        do {
            count = fread(buffer, 1, sizeof buffer, file);
            self->done = !ferror(file);
        } while (self->done && count > 0 && wordfreq_take(self, buffer, count));
    }
    if (file == NULL || ferror(file)) {
        fprintf(stderr, "wordfreq: %s: %s\n", self->name, strerror(errno));
    }
    if (file != NULL) {
        fclose(file);
    }
    /* The last line may lack its newline. */
    if (self->done && self->length != 0) {
        self->done = wordfreq_end_word(self);
    }
    if (self->done && self->in_line) {
        self->done = wordfreq_end_line(self);
    }
    free(self->gathered);
    return NULL;
}

/* Shares the file out; returns the number of parts. */
static size_t wordfreq_share(struct wordfreq parts[], size_t threads,
                             const char *name)
{
    struct stat about;
    uintmax_t size = 0;

    if (stat(name, &about) == 0 && S_ISREG(about.st_mode)) {
        size = (uintmax_t)about.st_size;
    }
    if (size < threads) {
        threads = 1;
    }
    for (size_t i = 0; i < threads; i++) {
        parts[i] = (struct wordfreq){.name = name};
        parts[i].position = size / threads * i;
        parts[i].end = i + 1 < threads ? size / threads * (i + 1)
                                       : UINTMAX_MAX;
    }
    return threads;
}

struct wordfreq_result {
    struct wordfreq all; /* the sums, and the table of all words */
    struct wordfreq_count **sorted;
    uintmax_t count_us, drop_us;
    bool done;
};

static uintmax_t wordfreq_microseconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uintmax_t)now.tv_sec * 1000000 + (uintmax_t)now.tv_nsec / 1000;
}

static bool wordfreq_sort(struct wordfreq_result *result)
{
    const struct wordfreq_index *index = &result->all.index;
    size_t count = 0;

    result->sorted = malloc((index->used + 1) * sizeof *result->sorted);
    if (result->sorted == NULL) {
        return wordfreq_index_no_memory();
    }
    for (size_t i = 0; i < index->size; i++) {
        struct wordfreq_count *entry = index->buckets[i];
        for (; entry != NULL; entry = entry->next) {
            result->sorted[count++] = entry;
        }
    }
    qsort(result->sorted, count, sizeof result->sorted[0],
          wordfreq_index_order);
    return true;
}

/* Adds a thread's part to the whole. */
static bool wordfreq_join(struct wordfreq *all, struct wordfreq *part)
{
    all->name = part->name;
    all->lines += part->lines;
    all->words_read += part->words_read;
    all->parts += part->parts;
    all->objects += part->objects;
    all->bytes += part->bytes;
    all->resets += part->resets;
    all->refused += part->refused;
    all->too_long += part->too_long;
    if (part->high_water > all->high_water) {
        all->high_water = part->high_water;
    }
    if (all->index.size == 0) {
        all->index = part->index;
        part->index = (struct wordfreq_index){0};
        return part->done;
    }
    bool done = part->done &&
                wordfreq_index_join(&all->index, &part->index);
    if (part->index.pool == NULL) {
        wordfreq_index_drop(&part->index);
    } else {
        wordfreq_index_free(&part->index, part->index.buckets);
    }
    return done;
}

/* Starts a part; the first is done later, by the thread that asks. */
static bool wordfreq_start(struct wordfreq *part, memory_pool_t *index,
                           bool first)
{
    part->index.pool = index;
    if (index != NULL) {
        part->pool = init_memory_pool();
        if (part->pool == NULL) {
            return false;
        }
    }
    if (first ||
        pthread_create(&part->thread, NULL, wordfreq_read, part) == 0) {
        return true;
    }
    fputs("wordfreq: no more threads\n", stderr);
    if (part->pool != NULL) {
        destroy_memory_pool(part->pool);
    }
    return false;
}

/* Counts the file with so many threads; index NULL: with malloc() alone. */
static void wordfreq_count(struct wordfreq_result *result, const char *name,
                           size_t threads, memory_pool_t *index)
{
    struct wordfreq parts[WORDFREQ_THREADS];
    size_t started = 0;
    uintmax_t start = wordfreq_microseconds();

    threads = wordfreq_share(parts, threads, name);
    while (started < threads &&
           wordfreq_start(&parts[started], index, started == 0)) {
        started++;
    }
    result->done = started == threads;
    for (size_t i = 0; i < started; i++) {
        if (i == 0) {
            wordfreq_read(&parts[i]);
        } else {
            pthread_join(parts[i].thread, NULL);
        }
        if (parts[i].pool != NULL) {
            destroy_memory_pool(parts[i].pool);
        }
    }
    for (size_t i = 0; i < started; i++) {
        bool joined = wordfreq_join(&result->all, &parts[i]);
        result->done = result->done && joined;
    }
    result->done = result->done && wordfreq_sort(result);
    result->count_us = wordfreq_microseconds() - start;
}

static void wordfreq_drop(struct wordfreq_result *result,
                          memory_pool_t *index)
{
    uintmax_t start = wordfreq_microseconds();

    if (index != NULL) {
        destroy_memory_pool(index);
    } else {
        wordfreq_index_drop(&result->all.index);
    }
    result->drop_us = wordfreq_microseconds() - start;
    free(result->sorted);
}

static void wordfreq_print_counts(const struct wordfreq_result *result,
                                  size_t most)
{
    for (size_t i = 0; i < result->all.index.used && i < most; i++) {
        printf("%7ju %s\n", result->sorted[i]->count,
               result->sorted[i]->text);
    }
}

static bool wordfreq_same(const struct wordfreq_result *a,
                          const struct wordfreq_result *b)
{
    size_t count = a->all.index.used;

    if (count != b->all.index.used) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (a->sorted[i]->count != b->sorted[i]->count ||
            strcmp(a->sorted[i]->text, b->sorted[i]->text) != 0) {
            return false;
        }
    }
    return true;
}

/* A line of the table; NULL: there is no such column. */
static void wordfreq_print_row(const char *what, const uintmax_t *pools,
                               const uintmax_t *plain)
{
    if (pools != NULL) {
        printf("%12ju", *pools);
    }
    if (plain != NULL) {
        printf("%12ju", *plain);
    }
    printf("  %s\n", what);
}

/* What the memory was used for, by pools and by malloc(), side by side; any
 * is one of them. */
static void wordfreq_print_memory(const struct wordfreq_result *any,
                                  const struct wordfreq_result *pools,
                                  const struct wordfreq_result *plain)
{
    printf("\n%s: %ju lines, %ju words, %zu different ones\n\n%s%s\n",
           any->all.name, any->all.lines, any->all.words_read,
           any->all.index.used, pools != NULL ? "       pools" : "",
           plain != NULL ? "      malloc" : "");
#define WORDFREQ_ROW(what, member)                                  \
    wordfreq_print_row(what, pools != NULL ? &pools->member : NULL, \
                       plain != NULL ? &plain->member : NULL)
    WORDFREQ_ROW("words kept until their line ends", all.objects);
    WORDFREQ_ROW("bytes in them", all.bytes);
    WORDFREQ_ROW("bytes at once at most", all.high_water);
    WORDFREQ_ROW("times all of them freed", all.resets);
    WORDFREQ_ROW("allocations refused", all.refused);
    WORDFREQ_ROW("lines worked in parts", all.parts);
    WORDFREQ_ROW("words too long for a pool", all.too_long);
    WORDFREQ_ROW("microseconds to count", count_us);
    WORDFREQ_ROW("microseconds to drop the index", drop_us);
#undef WORDFREQ_ROW
}

struct wordfreq_command {
    const char *name;
    size_t most;
    size_t threads;
    bool all, pools, plain;
};

static bool wordfreq_number(const char *text, size_t *number)
{
    char *end;

    errno = 0;
    unsigned long long value = text != NULL ? strtoull(text, &end, 10) : 0;
    if (text == NULL || text[0] < '0' || text[0] > '9' || *end != '\0' ||
        errno != 0 || value > SIZE_MAX) {
        return false;
    }
    *number = (size_t)value;
    return true;
}

static bool wordfreq_arguments(char **argv, struct wordfreq_command *command)
{
    char **arg = argv + 1;

    for (; *arg != NULL && (*arg)[0] == '-'; arg++) {
        if (strcmp(*arg, "--all") == 0) {
            command->all = true;
            command->most = SIZE_MAX;
        } else if (strcmp(*arg, "--malloc") == 0) {
            command->pools = false;
            command->plain = true;
        } else if (strcmp(*arg, "--compare") == 0) {
            command->pools = true;
            command->plain = true;
        } else if (strcmp(*arg, "-n") == 0) {
            if (!wordfreq_number(*++arg, &command->most)) {
                return false;
            }
        } else if (strcmp(*arg, "--threads") == 0) {
            if (!wordfreq_number(*++arg, &command->threads) ||
                command->threads - 1 >= WORDFREQ_THREADS) {
                return false;
            }
        } else if (strcmp(*arg, "--") == 0) {
            arg++;
            break;
        } else {
            return false;
        }
    }
    command->name = *arg;
    return *arg != NULL && arg[1] == NULL;
}

/* A pipe or a terminal has no second reading to compare with. */
static void wordfreq_compare_if_possible(struct wordfreq_command *command)
{
    struct stat about;

    if (command->pools && command->plain &&
        stat(command->name, &about) == 0 && !S_ISREG(about.st_mode) &&
        !S_ISDIR(about.st_mode)) {
        command->plain = false;
        fprintf(stderr, "wordfreq: %s can be read only once: not compared"
                " with malloc\n", command->name);
    }
}

/* Counts once or twice and prints. */
static bool wordfreq_work(const struct wordfreq_command *command,
                          memory_pool_t *index)
{
    struct wordfreq_result pools = {.done = true};
    struct wordfreq_result plain = {.done = true};

    if (command->pools) {
        wordfreq_count(&pools, command->name, command->threads, index);
    }
    if (command->plain && pools.done) {
        wordfreq_count(&plain, command->name, command->threads, NULL);
    }
    bool done = pools.done && plain.done;
    if (done && command->pools && command->plain &&
        !wordfreq_same(&pools, &plain)) {
        fputs("wordfreq: pools and malloc gave different counts\n", stderr);
        done = false;
    }
    if (done) {
        wordfreq_print_counts(command->pools ? &pools : &plain,
                              command->most);
    }
    wordfreq_drop(&pools, index);
    wordfreq_drop(&plain, NULL);
    if (done && !command->all) {
        wordfreq_print_memory(command->pools ? &pools : &plain,
                              command->pools ? &pools : NULL,
                              command->plain ? &plain : NULL);
    }
    return done;
}

int main(int argc, char **argv)
{
    struct wordfreq_command command = {
        .most = 10, .threads = 1, .pools = true};
    memory_pool_t *index = NULL;

    if (argc < 2 || !wordfreq_arguments(argv, &command)) {
        fputs("usage: wordfreq [-n COUNT | --all] [--threads N]"
              " [--malloc | --compare] FILE\n", stderr);
        return 2;
    }
    wordfreq_compare_if_possible(&command);
    if (command.pools) {
        index = mp_create(NULL);
        if (index == NULL) {
            perror("wordfreq: mp_create");
            return 1;
        }
    }
    bool done = wordfreq_work(&command, index);
    if (done && (fflush(stdout) != 0 || ferror(stdout))) {
        perror("wordfreq: standard output");
        done = false;
    }
    return done ? 0 : 1;
}

/* SPDX-License-Identifier: MIT
 *
 * wordfreq.c - counts the words of a file, with a pool as scratch memory.
 *
 *     wordfreq [-n COUNT | --all] FILE
 *
 * prints the COUNT (10) most frequent words and what the pool did; --all
 * prints every word's count and nothing else.  A word is a run of ASCII
 * letters, digits and bytes from 128 on, so that words in UTF-8 stay whole;
 * capital ASCII letters count as small ones, and every other byte, NUL too,
 * separates words.  The counts are those of
 *
 *     export LC_ALL=C
 *     tr A-Z a-z <FILE | tr -cs 'a-z0-9\200-\377' '\n' | sed '/^$/d' |
 *         sort | uniq -c | sort -k1,1nr -k2
 *
 * The words of a line live in the pool until the line ends; then they are
 * counted, and the pool is reset.  A base pool does not grow: when the next
 * word is refused, those before it are counted at once and the line goes on
 * in an empty pool, so a line of any length is done in parts.  A word that
 * is larger than a pool is counted from where it was gathered.  The counts
 * outlive the lines, so they are kept outside, with malloc().
 *
 * It cannot tell the letters of UTF-8 from its other characters, and what it
 * keeps grows with the number of different words.
 */
#include <memory_pool.h>

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A word's count: its place is found by hash, and it stays for good. */
struct wordfreq_count {
    struct wordfreq_count *next; /* of the same bucket */
    uintmax_t count;
    size_t length;
    char text[];
};

struct wordfreq_index {
    struct wordfreq_count **buckets;
    size_t size; /* of buckets: a power of two */
    size_t used; /* different words */
};

/* A word of the line that is being read; lies in the pool. */
struct wordfreq_word {
    struct wordfreq_word *next;
    char text[]; /* ends with NUL */
};

struct wordfreq {
    memory_pool_t *pool;
    struct wordfreq_word *words; /* of the line, as far as in the pool */
    struct wordfreq_index index;

    char *gathered; /* the word being read, which may span two buffers */
    size_t length;
    size_t room;

    bool in_line;  /* something was read since the last newline */
    bool in_parts; /* the line did not fit */
    size_t held;   /* bytes in the pool */

    uintmax_t lines, words_read, parts;
    uintmax_t objects, bytes, resets, refused, too_long;
    size_t high_water;
};

static bool wordfreq_no_memory(void)
{
    fprintf(stderr, "wordfreq: %s\n", strerror(ENOMEM));
    return false;
}

/* FNV-1a: short, and good enough for words. */
static size_t wordfreq_hash(const char *text, size_t length)
{
    uint64_t hash = 14695981039346656037u;

    for (size_t i = 0; i < length; i++) {
        hash = (hash ^ (unsigned char)text[i]) * 1099511628211u;
    }
    return (size_t)(hash ^ hash >> 32);
}

static bool wordfreq_index_grow(struct wordfreq_index *index)
{
    size_t size = index->size == 0 ? 1024 : index->size * 2;
    struct wordfreq_count **buckets = calloc(size, sizeof *buckets);

    if (buckets == NULL) {
        return wordfreq_no_memory();
    }
    for (size_t i = 0; i < index->size; i++) {
        struct wordfreq_count *entry = index->buckets[i];
        while (entry != NULL) {
            struct wordfreq_count *next = entry->next;
            size_t at = wordfreq_hash(entry->text, entry->length) & (size - 1);
            entry->next = buckets[at];
            buckets[at] = entry;
            entry = next;
        }
    }
    free(index->buckets);
    index->buckets = buckets;
    index->size = size;
    return true;
}

static bool wordfreq_index_add(struct wordfreq_index *index, const char *text,
                               size_t length)
{
    if (index->used >= index->size && !wordfreq_index_grow(index)) {
        return false;
    }
    size_t at = wordfreq_hash(text, length) & (index->size - 1);
    struct wordfreq_count *entry = index->buckets[at];
    while (entry != NULL && (entry->length != length ||
                             memcmp(entry->text, text, length) != 0)) {
        entry = entry->next;
    }
    if (entry == NULL) {
        entry = malloc(sizeof *entry + length + 1);
        if (entry == NULL) {
            return wordfreq_no_memory();
        }
        memcpy(entry->text, text, length);
        entry->text[length] = '\0';
        entry->length = length;
        entry->count = 0;
        entry->next = index->buckets[at];
        index->buckets[at] = entry;
        index->used++;
    }
    entry->count++;
    return true;
}

static void wordfreq_index_drop(struct wordfreq_index *index)
{
    for (size_t i = 0; i < index->size; i++) {
        while (index->buckets[i] != NULL) {
            struct wordfreq_count *entry = index->buckets[i];
            index->buckets[i] = entry->next;
            free(entry);
        }
    }
    free(index->buckets);
}

/* Counts the words that are in the pool and empties it. */
static bool wordfreq_count_pool(struct wordfreq *self)
{
    const struct wordfreq_word *word = self->words;

    for (; word != NULL; word = word->next) {
        if (!wordfreq_index_add(&self->index, word->text,
                                strlen(word->text))) {
            return false;
        }
    }
    self->words = NULL;
    self->held = 0;
    self->resets++;
    free_all_memory(self->pool);
    return true;
}

/* Puts the gathered word into the pool.  False, with errno: refused. */
static bool wordfreq_keep(struct wordfreq *self)
{
    size_t size = offsetof(struct wordfreq_word, text) + self->length + 1;
    struct wordfreq_word *word = mp_allocate(self->pool, size);

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
    if (self->length >= MAX_BLOCK_SIZE - offsetof(struct wordfreq_word,
                                                  text)) {
        self->in_parts = true;
        self->too_long++;
        done = wordfreq_index_add(&self->index, self->gathered, self->length);
    } else if (!wordfreq_keep(self)) {
        self->in_parts = true;
        done = errno == ENOBUFS && wordfreq_count_pool(self) &&
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
    return self->words == NULL || wordfreq_count_pool(self);
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
            return wordfreq_no_memory();
        }
        self->gathered = gathered;
        self->room = room;
    }
    self->gathered[self->length++] = letter;
    return true;
}

static bool wordfreq_take(struct wordfreq *self, const unsigned char *bytes,
                          size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char letter = wordfreq_fold(bytes[i]);
        if (letter != 0) {
            if (!wordfreq_gather(self, letter)) {
                return false;
            }
        } else if (self->length != 0 && !wordfreq_end_word(self)) {
            return false;
        }
        self->in_line = true;
        if (bytes[i] == '\n' && !wordfreq_end_line(self)) {
            return false;
        }
    }
    return true;
}

static bool wordfreq_read(struct wordfreq *self, const char *name)
{
    static unsigned char buffer[65536];
    FILE *file = fopen(name, "rb");
    bool done = file != NULL;
    size_t count = 1;

    while (done && count > 0) {
        count = fread(buffer, 1, sizeof buffer, file);
        if (ferror(file)) {
            break;
        }
        done = wordfreq_take(self, buffer, count);
    }
    if (file == NULL || ferror(file)) {
        fprintf(stderr, "wordfreq: %s: %s\n", name, strerror(errno));
        done = false;
    }
    if (file != NULL) {
        fclose(file);
    }
    /* The last line may lack its newline. */
    done = done && (self->length == 0 || wordfreq_end_word(self));
    return done && (!self->in_line || wordfreq_end_line(self));
}

/* The most frequent first, words of one count by their bytes. */
static int wordfreq_order(const void *left, const void *right)
{
    const struct wordfreq_count *a = *(struct wordfreq_count *const *)left;
    const struct wordfreq_count *b = *(struct wordfreq_count *const *)right;

    if (a->count != b->count) {
        return a->count < b->count ? 1 : -1;
    }
    return strcmp(a->text, b->text);
}

static bool wordfreq_print_counts(const struct wordfreq_index *index,
                                  size_t most)
{
    struct wordfreq_count **sorted =
        malloc((index->used + 1) * sizeof *sorted);
    size_t count = 0;

    if (sorted == NULL) {
        return wordfreq_no_memory();
    }
    for (size_t i = 0; i < index->size; i++) {
        struct wordfreq_count *entry = index->buckets[i];
        for (; entry != NULL; entry = entry->next) {
            sorted[count++] = entry;
        }
    }
    qsort(sorted, count, sizeof sorted[0], wordfreq_order);
    for (size_t i = 0; i < count && i < most; i++) {
        printf("%7ju %s\n", sorted[i]->count, sorted[i]->text);
    }
    free(sorted);
    return true;
}

static void wordfreq_print_pool(const struct wordfreq *self, const char *name)
{
    printf("\n%s: %ju lines, %ju words, %zu different ones\n", name,
           self->lines, self->words_read, self->index.used);
    printf("The pool of %d bytes:\n", MAX_BLOCK_SIZE);
    printf("%10ju objects allocated\n", self->objects);
    printf("%10ju bytes in them\n", self->bytes);
    printf("%10zu bytes at once at most\n", self->high_water);
    printf("%10ju resets\n", self->resets);
    printf("%10ju allocations refused\n", self->refused);
    printf("%10ju lines worked in parts\n", self->parts);
    printf("%10ju words too long for it\n", self->too_long);
}

/* Reads the command line; NULL: it is wrong. */
static const char *wordfreq_arguments(int argc, char **argv, bool *all,
                                      size_t *most)
{
    int i = 1;

    if (argc > 1 && strcmp(argv[1], "--all") == 0) {
        *all = true;
        *most = SIZE_MAX;
        i = 2;
    } else if (argc > 2 && strcmp(argv[1], "-n") == 0) {
        char *end;
        errno = 0;
        unsigned long long number = strtoull(argv[2], &end, 10);
        if (argv[2][0] < '0' || argv[2][0] > '9' || *end != '\0' ||
            errno != 0 || number > SIZE_MAX) {
            return NULL;
        }
        *most = (size_t)number;
        i = 3;
    }
    if (argc > i && strcmp(argv[i], "--") == 0) {
        i++;
    } else if (argc > i && argv[i][0] == '-') {
        return NULL;
    }
    return argc == i + 1 ? argv[i] : NULL;
}

int main(int argc, char **argv)
{
    struct wordfreq self = {0};
    bool all = false;
    size_t most = 10;
    const char *name = wordfreq_arguments(argc, argv, &all, &most);

    if (name == NULL) {
        fputs("usage: wordfreq [-n COUNT | --all] FILE\n", stderr);
        return 2;
    }
    self.pool = init_memory_pool();
    if (self.pool == NULL) {
        return 1;
    }
    bool done = wordfreq_read(&self, name) &&
                wordfreq_print_counts(&self.index, most);
    if (done && !all) {
        wordfreq_print_pool(&self, name);
    }
    if (done && (fflush(stdout) != 0 || ferror(stdout))) {
        perror("wordfreq: standard output");
        done = false;
    }
    destroy_memory_pool(self.pool);
    wordfreq_index_drop(&self.index);
    free(self.gathered);
    return done ? 0 : 1;
}

/* SPDX-License-Identifier: MIT
 *
 * picture.c - a pool's blocks drawn as an SVG image.
 *
 * Each block is a strip of cells that goes on in further rows.  A cell stands
 * for one granule, or for as many as it takes to keep the file small; then it
 * has the colour of what most of it is.  All is copied while the pool is
 * paused, into memory that was got before, and written with no lock held,
 * since a stream may be slow.
 *
 * The colours are told apart by people who do not see red or green as others
 * do, and by their lightness alone.
 *
 * What it cannot do: show every block of a pool with more of them than there
 * are rows; those at the end are counted in the figures and named in a line.
 */
#include "view/picture.h"

#include <errno.h>
#include <stdlib.h>

#include "cache/pause.h"
#include "pool/track.h"
#include "view/text.h"

/* What a cell is, after walk.h's kinds; and where a chunk begins. */
enum { PICTURE_BEYOND = WALK_KINDS, PICTURE_KINDS };
#define PICTURE_START 0x80u
#define PICTURE_KIND 0x7fu

/* Measures, in pixels. */
enum {
    PICTURE_CELL = 8,
    PICTURE_LINE = 12,
    PICTURE_LEFT = 20,
    PICTURE_LABEL = 18,
    PICTURE_GAP = 8,
    PICTURE_HEAD = 132,
    PICTURE_WIDTH = 2 * PICTURE_LEFT + PICTURE_CELL * (int)PICTURE_ROW
};

static const struct {
    const char *class;
    const char *colour;
    const char *label;
} picture_kinds[PICTURE_KINDS] = {
    [WALK_LIVE] = {"l", "#0072b2", "live"},
    [WALK_CACHED] = {"c", "#e69f00", "freed, in a cache"},
    [WALK_RUN] = {"r", "#f0e442", "run of cache 1, 2, ..."},
    [WALK_FREE] = {"f", "#cc79a7", "free"},
    [WALK_LENT] = {"h", "#4d4d4d", "a mark's block"},
    [PICTURE_BEYOND] = {"b", "#e8e8e8", "beyond the top"},
};

struct picture_block {
    uint64_t mark; /* 0: none, the pool's own */
    uint64_t owner;
    uintptr_t base;
    size_t granules;
    size_t first; /* of its cells */
    size_t cells;
};

/* The run of a cache that is long enough for its number to be seen. */
struct picture_run {
    size_t cell;
    size_t cells;
    unsigned cache;
};
#define PICTURE_RUNS ((size_t)1 << 10)

struct picture {
    const struct memory_pool *mp;
    size_t scale; /* granules to a cell */
    size_t total; /* granules in all blocks */
    size_t blocks;
    size_t live_objects;
    size_t live_bytes;
    size_t granules[WALK_KINDS];
    size_t used;  /* granules below the tops */
    size_t drawn; /* blocks */
    size_t cells;
    size_t runs;
    size_t current; /* cell that is being filled */
    size_t parts[PICTURE_KINDS]; /* granules of it */
    struct picture_block block[PICTURE_BLOCKS];
    struct picture_run run[PICTURE_RUNS];
    unsigned char cell[PICTURE_CELLS];
};

/* The first round: how large all is. */
static void picture_measure(struct block *block, const struct mark *mark,
                            void *arg)
{
    struct picture *picture = arg;

    /* All blocks count, whether or not they will have a row: the scale must
     * not depend on which of them have one. */
    (void)mark;
    ASSERT(pool_is_entered(picture->mp) && block->granules > 0);
    picture->total += block->granules;
    picture->blocks++;
}

/* A power of two such that all blocks that have a row fit; each may have a
 * cell that is not full. */
static size_t picture_scale(const struct picture *picture)
{
    size_t scale = 1;
    ASSERT(picture->blocks > 0 && picture->total >= picture->blocks);

    /* Doubling keeps the loop short: a pool may have more than 2^32
     * granules. */
    while (picture->total / scale > PICTURE_CELLS - PICTURE_BLOCKS) {
        scale *= 2;
    }
    /* So much for each block that has a row, and one cell more. */
    ASSERT(picture->total / scale <= PICTURE_CELLS - PICTURE_BLOCKS);
    ASSERT((scale & (scale - 1)) == 0);
    return scale;
}

/* The cell that is done gets the colour of most of it. */
static void picture_finish_cell(struct picture *picture)
{
    unsigned most = 0;

    ASSERT(picture->current < picture->cells);
    /* Where two kinds have as much, the lower one wins, and live is the
     * lowest: a picture that hid an object would mislead more than one that
     * hides room. */
    for (unsigned kind = 1; kind < PICTURE_KINDS; kind++) {
        if (picture->parts[kind] > picture->parts[most]) {
            most = kind;
        }
    }
    ASSERT(picture->parts[most] > 0 && picture->parts[most] <= picture->scale);
    ASSERT((picture->cell[picture->current] & PICTURE_KIND) == 0);
    /* The bit for a chunk's start may be set already, and stays. */
    picture->cell[picture->current++] |= (unsigned char)most;
    memset(picture->parts, 0, sizeof picture->parts);
}

static void picture_fill(struct picture *picture, size_t from, size_t granules,
                         unsigned kind)
{
    ASSERT(kind < PICTURE_KINDS && picture->scale > 0);
    /* A block without a row has no cells, and a write here would change the
     * cells of the block that comes next. */
    ASSERT(picture->current < picture->cells);
    /* Only a piece that begins with a cell gives that cell a gap.  With a
     * scale above 1 a cell may hold several starts, and no gap is drawn. */
    if (from % picture->scale == 0) {
        picture->cell[picture->current] = PICTURE_START;
    }
    /* A piece is added cell by cell and not granule by granule: a block may
     * have millions of granules, and other threads wait for the lock
     * meanwhile. */
    for (size_t i = from, end = from + granules; i < end;) {
        size_t part = picture->scale - i % picture->scale;
        if (part > end - i) {
            part = end - i;
        }
        picture->parts[kind] += part;
        i += part;
        if (i % picture->scale == 0) {
            picture_finish_cell(picture);
        }
    }
}

/* The numbers of a piece, and its cells if its block has any.  The numbers are
 * those of all blocks, also of those that have no row. */
static void picture_add_piece(const struct walk_piece *piece, void *arg)
{
    struct picture *picture = arg;
    struct heap_chunk chunk = {piece->block, piece->granule};
    ASSERT(piece->kind < WALK_KINDS && piece->granules > 0);
    ASSERT(piece->granule < piece->block->granules &&
           piece->granules <= piece->block->granules - piece->granule);
    ASSERT(picture->current <= picture->cells);

    picture->granules[piece->kind] += piece->granules;
    picture->used += piece->granules;
    if (piece->kind == WALK_LIVE) {
        picture->live_objects++;
        picture->live_bytes += pool_size_of(chunk);
    }
    /* The block has no row, so its pieces are numbers and nothing else. */
    if (picture->cells == picture->current) {
        return;
    }
    /* A number is wider than a short run, and would cover what is beside it. */
    if (piece->kind == WALK_RUN && picture->runs < PICTURE_RUNS &&
        piece->granules >= picture->scale) {
        ASSERT(piece->cache != 0);
        struct picture_run *run = &picture->run[picture->runs++];
        run->cell = picture->current;
        run->cells = piece->granules / picture->scale;
        run->cache = piece->cache;
    }
    picture_fill(picture, piece->granule, piece->granules, piece->kind);
}

/* A block with a row gets its cells first; then its pieces fill them.  What is
 * behind the top is no piece, and is filled in here. */
static void picture_add_block(struct block *block, const struct mark *mark,
                              void *arg)
{
    struct picture *picture = arg;
    ASSERT(pool_is_entered(picture->mp) && block->granules > 0);
    ASSERT(mark == NULL || mark->number != 0);
    ASSERT(picture->scale > 0);
    size_t cells =
        (block->granules + picture->scale - 1) / picture->scale;
    size_t used = picture->used;

    ASSERT(picture->drawn <= PICTURE_BLOCKS);
    /* A large block may leave no room, and a smaller one behind it may fit
     * again: so each block is asked, also after one that did not fit. */
    picture->current = picture->cells;
    if (picture->drawn < PICTURE_BLOCKS &&
        cells <= PICTURE_CELLS - picture->cells) {
        struct picture_block *drawn = &picture->block[picture->drawn++];
        drawn->mark = mark == NULL ? 0 : mark->number;
        drawn->owner = mark == NULL ? 0 : mark->owner;
        drawn->base = (uintptr_t)block->base;
        drawn->granules = block->granules;
        drawn->first = picture->cells;
        drawn->cells = cells;
        picture->cells += cells;
        ASSERT(picture->cells <= PICTURE_CELLS);
    }
    walk_block(picture->mp, block, picture_add_piece, picture);
    ASSERT(picture->used - used <= block->granules);
    if (picture->current < picture->cells) {
        /* What the walk added is the top of this block. */
        used = picture->used - used;
        picture_fill(picture, used, block->granules - used, PICTURE_BEYOND);
        /* The last cell is not full where the scale does not divide the
         * block. */
        if (picture->current < picture->cells) {
            picture_finish_cell(picture);
        }
    }
    /* The next block's cells begin where these end, so none may be left. */
    ASSERT(picture->current == picture->cells);
}

/* Twice over the blocks, in one hold of the lock: the scale depends on how many
 * granules there are in all. */
static void picture_gather(struct picture *picture, struct memory_pool *mp)
{
    ASSERT(picture->mp == NULL && lock_none_is_held());
    bool taken = pool_enter(mp);

    picture->mp = mp;
    pause_begin(&mp->caches);
    walk_blocks(mp, picture_measure, picture);
    picture->scale = picture_scale(picture);
    walk_blocks(mp, picture_add_block, picture);
    ASSERT(picture->cells <= PICTURE_CELLS);
    ASSERT(picture->drawn <= picture->blocks);
    ASSERT(picture->used <= picture->total && picture->runs <= PICTURE_RUNS);
    ASSERT(picture->live_objects <= picture->granules[WALK_LIVE]);
    if (pool_is_tracked(mp)) {
        /* They lie in no block, and are in the figures alone. */
        picture->live_objects += track_count(mp);
        picture->live_bytes += quota_held(&mp->quota);
    }
    pause_end(&mp->caches);
    lock_leave(&mp->lock, taken);
}

/* Rows of cells; the last may not be full. */
static size_t picture_rows(const struct picture_block *block)
{
    ASSERT(block->cells > 0);
    ASSERT(block->first + block->cells <= PICTURE_CELLS);
    return (block->cells + PICTURE_ROW - 1) / PICTURE_ROW;
}

/* In the title, which readers speak, and as the heading. */
static void picture_put_name(struct text *text, const struct picture *picture)
{
    /* The name is fixed, so that no lock is needed to read it. */
    const char *name = picture->mp->settings.name;

    text_put_xml(text, name == NULL ? "a memory pool" : name);
}

static void picture_put_head(struct text *text, const struct picture *picture)
{
    size_t height = PICTURE_HEAD + PICTURE_LABEL;
    ASSERT(picture->drawn <= PICTURE_BLOCKS);

    /* The height stands at the head of the file, before any row, and a stream
     * cannot be gone back in. */
    for (size_t i = 0; i < picture->drawn; i++) {
        height += PICTURE_LABEL + PICTURE_GAP +
                  PICTURE_LINE * picture_rows(&picture->block[i]);
    }
    text_print(text, "<?xml version='1.0' encoding='UTF-8'?>\n"
               "<svg xmlns='http://www.w3.org/2000/svg' width='%d' "
               "height='%zu' viewBox='0 0 %d %zu' "
               "font-family='sans-serif' font-size='12'>\n<title>",
               PICTURE_WIDTH, height, PICTURE_WIDTH, height);
    picture_put_name(text, picture);
    text_print(text, "</title>\n<style>\n");
    /* A class for each colour: a user can give the file other colours in one
     * place. */
    for (unsigned kind = 0; kind < PICTURE_KINDS; kind++) {
        text_print(text, ".%s{fill:%s}\n", picture_kinds[kind].class,
                   picture_kinds[kind].colour);
    }
    text_print(text, "</style>\n"
               "<rect width='100%%' height='100%%' fill='#ffffff'/>\n");
}

static void picture_put_figures(struct text *text,
                                const struct picture *picture)
{
    size_t unused = picture->granules[WALK_FREE];
    ASSERT(unused <= picture->used);
    /* Not in floating point, whose decimal sign is another one in some
     * locales. */
    /* In thousandths; without a product that might be too large. */
    size_t part = picture->used == 0 ? 0
                  : picture->used < SIZE_MAX / 1000
                      ? unused * 1000 / picture->used
                      : unused / (picture->used / 1000);

    text_print(text, "<text x='%d' y='28' font-size='18'>", PICTURE_LEFT);
    picture_put_name(text, picture);
    text_print(text, "</text>\n<text x='%d' y='50'>live: %zu bytes in %zu "
               "object%s; blocks: %zu, of %zu bytes</text>\n", PICTURE_LEFT,
               picture->live_bytes, picture->live_objects,
               picture->live_objects == 1 ? "" : "s", picture->blocks,
               picture->total * SIZES_GRANULE);
    text_print(text, "<text x='%d' y='68'>below the tops: %zu bytes, of them "
               "cached %zu, in runs %zu, free %zu; fragmentation (free / "
               "below the tops): %zu.%zu %%</text>\n", PICTURE_LEFT,
               picture->used * SIZES_GRANULE,
               picture->granules[WALK_CACHED] * SIZES_GRANULE,
               picture->granules[WALK_RUN] * SIZES_GRANULE,
               unused * SIZES_GRANULE, part / 10, part % 10);
}

/* Each colour with its word, so that the picture needs no other explanation. */
static void picture_put_legend(struct text *text,
                               const struct picture *picture)
{
    int x = PICTURE_LEFT;
    ASSERT(picture->scale > 0);

    for (unsigned kind = 0; kind < PICTURE_KINDS; kind++) {
        ASSERT(picture_kinds[kind].label != NULL);
        text_print(text, "<rect class='%s' x='%d' y='82' width='14' "
                   "height='12'/><text x='%d' y='93'>%s</text>\n",
                   picture_kinds[kind].class, x, x + 20,
                   picture_kinds[kind].label);
        x += 150;
    }
    text_print(text, "<text x='%d' y='113'>a cell is %zu bytes%s</text>\n",
               PICTURE_LEFT, picture->scale * SIZES_GRANULE,
               picture->scale == 1
                   ? "; each chunk begins with a gap"
                   : ", coloured as most of it is");
}

/* Where a row's rectangle begins and ends: cells of one kind, of one chunk
 * if chunks can be seen. */
static size_t picture_stretch(const struct picture *picture, size_t i,
                              size_t end)
{
    unsigned kind = picture->cell[i] & PICTURE_KIND;
    size_t next = i + 1;
    ASSERT(i < end && end <= picture->cells);
    ASSERT(kind < PICTURE_KINDS);

    /* With a scale above 1 a start is one of many in its cell, and to split
     * the rectangle there would make the file longer and say nothing. */
    while (next < end && (picture->cell[next] & PICTURE_KIND) == kind &&
           (picture->scale > 1 ||
            (picture->cell[next] & PICTURE_START) == 0)) {
        next++;
    }
    ASSERT(next > i && next <= end);
    return next;
}

/* One path for each kind, since that takes the fewest bytes. */
static void picture_put_cells(struct text *text, const struct picture *picture,
                              const struct picture_block *block, size_t y)
{
    ASSERT(block->first + block->cells <= picture->cells);
    for (unsigned kind = 0; kind < PICTURE_KINDS; kind++) {
        const char *open = "";
        for (size_t i = 0, next; i < block->cells; i = next) {
            /* A rectangle ends with its row at the latest. */
            size_t column = i % PICTURE_ROW;
            size_t end = i - column + PICTURE_ROW;
            if (end > block->cells) {
                end = block->cells;
            }
            next = picture_stretch(picture, block->first + i,
                                   block->first + end) - block->first;
            if ((picture->cell[block->first + i] & PICTURE_KIND) != kind) {
                continue;
            }
            /* A kind that the block has not gets no path. */
            if (*open == '\0') {
                text_print(text, "<path class='%s' d='",
                           picture_kinds[kind].class);
                open = "'/>\n";
            }
            /* One pixel less, so that neighbours have a gap between them. */
            size_t width = (next - i) * PICTURE_CELL - 1;
            text_print(text, "M%zu %zuh%zuv%dh-%zuz",
                       PICTURE_LEFT + column * PICTURE_CELL,
                       y + i / PICTURE_ROW * PICTURE_LINE, width,
                       PICTURE_LINE - 2, width);
        }
        text_print(text, "%s", open);
    }
}

/* The number of the cache whose a run is, on the run's beginning. */
static void picture_put_runs(struct text *text, const struct picture *picture,
                             const struct picture_block *block, size_t y)
{
    ASSERT(picture->runs <= PICTURE_RUNS);
    for (size_t i = 0; i < picture->runs; i++) {
        const struct picture_run *run = &picture->run[i];
        ASSERT(run->cache != 0 && run->cell < picture->cells);
        size_t cell = run->cell - block->first;
        /* A run of fewer than three cells has no room for a number. */
        if (run->cell >= block->first && cell < block->cells &&
            run->cells >= 3) {
            text_print(text, "<text x='%zu' y='%zu' font-size='9'>%u</text>\n",
                       PICTURE_LEFT + cell % PICTURE_ROW * PICTURE_CELL + 2,
                       y + cell / PICTURE_ROW * PICTURE_LINE + 8, run->cache);
        }
    }
}

/* A mark's block has a bar at its left, and says whose it is. */
static void picture_put_blocks(struct text *text,
                               const struct picture *picture)
{
    size_t y = PICTURE_HEAD;

    for (size_t i = 0; i < picture->drawn && text->error == 0; i++) {
        const struct picture_block *block = &picture->block[i];
        ASSERT(block->granules <= block->cells * picture->scale);
        text_print(text, "<text x='%d' y='%zu'>block at 0x%llx, %zu bytes",
                   PICTURE_LEFT, y + 10, (unsigned long long)block->base,
                   block->granules * SIZES_GRANULE);
        if (block->mark != 0) {
            text_print(text, ", of mark %llu, owner %llu",
                       (unsigned long long)block->mark,
                       (unsigned long long)block->owner);
        }
        /* The numbers come after the cells: SVG paints in the file's order. */
        text_print(text, "</text>\n");
        y += PICTURE_LABEL;
        picture_put_cells(text, picture, block, y);
        picture_put_runs(text, picture, block, y);
        if (block->mark != 0) {
            text_print(text, "<path fill='#009e73' d='M%d %zuh4v%zuh-4z'/>\n",
                       PICTURE_LEFT - 8, y,
                       picture_rows(block) * PICTURE_LINE - 2);
        }
        y += PICTURE_LINE * picture_rows(block) + PICTURE_GAP;
    }
    /* A picture that leaves something out has to say so. */
    if (picture->drawn < picture->blocks) {
        text_print(text, "<text x='%d' y='%zu'>and %zu more blocks</text>\n",
                   PICTURE_LEFT, y + 12, picture->blocks - picture->drawn);
    }
}

int picture_draw(struct memory_pool *mp, FILE *stream)
{
    ASSERT(mp != NULL && stream != NULL && lock_none_is_held());
    struct text text = {stream, 0};
    /* Too large for a thread's stack.  It is got before the pool is locked,
     * since malloc() may be the program's own, and may use the pool. */
    struct picture *picture = calloc(1, sizeof *picture);

    if (picture == NULL) {
        return ENOMEM;
    }
    picture_gather(picture, mp);
    picture_put_head(&text, picture);
    picture_put_figures(&text, picture);
    picture_put_legend(&text, picture);
    picture_put_blocks(&text, picture);
    text_print(&text, "</svg>\n");
    free(picture);
    return text_end(&text);
}

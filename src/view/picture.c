/* SPDX-License-Identifier: MIT
 *
 * picture.c - what a picture of a pool shows.
 *
 * Each block is a strip of cells that goes on in further rows.  A cell stands
 * for one granule, or for as many as it takes to keep the file small.  Then it
 * says how much of it is what, so that holes among the objects of a large pool
 * are seen, too.  All is copied while the pool is paused, into memory that was
 * got before, and written with no lock held, since a stream may be slow.
 *
 * What it cannot do: show every block of a pool with more of them than there
 * are rows; those at the end are counted in the figures and named in a line.
 */
#include "view/picture.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "cache/pause.h"
#include "pool/track.h"
#include "view/picture_svg.h"

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

/* The class of a live chunk's size: up to 64 and 256 bytes, 1, 8 and 64 KiB,
 * and more. */
static unsigned picture_class(size_t granules)
{
    static const size_t most[PICTURE_CLASSES - 1] = {4, 16, 64, 512, 4096};
    unsigned class = 0;

    while (class < PICTURE_CLASSES - 1 && granules > most[class]) {
        class++;
    }
    return class;
}

/* Levels that add up to a whole cell.  What is there at all has one: a free
 * piece that is not seen would be no help against fragmentation. */
static void picture_level(struct picture_cell *cell,
                          const size_t parts[PICTURE_KINDS])
{
    unsigned most = 0;
    size_t whole = 0;
    int sum = 0;

    for (unsigned kind = 0; kind < PICTURE_KINDS; kind++) {
        whole += parts[kind];
        most = parts[kind] > parts[most] ? kind : most;
    }
    ASSERT(whole > 0);
    for (unsigned kind = 0; kind < PICTURE_KINDS; kind++) {
        size_t level = parts[kind] * PICTURE_UNITS / whole;
        cell->level[kind] =
            (unsigned char)(level == 0 && parts[kind] != 0 ? 1 : level);
        sum += cell->level[kind];
    }
    /* The largest has the rest, and has at least twice what it may lose. */
    ASSERT(cell->level[most] + PICTURE_UNITS > sum);
    cell->level[most] =
        (unsigned char)(cell->level[most] + PICTURE_UNITS - sum);
}

/* The cell that is done. */
static void picture_finish_cell(struct picture *picture)
{
    ASSERT(picture->current < picture->cells);
    struct picture_cell *cell = &picture->cell[picture->current++];
    unsigned most = 0;

    for (unsigned class = 1; class < PICTURE_CLASSES; class++) {
        if (picture->classes[class] > picture->classes[most]) {
            most = class;
        }
    }
    picture_level(cell, picture->parts);
    cell->class = (unsigned char)most;
    memset(picture->parts, 0, sizeof picture->parts);
    memset(picture->classes, 0, sizeof picture->classes);
}

/* The row of the cell that is being filled. */
static struct picture_row *picture_row(struct picture *picture)
{
    ASSERT(picture->drawn > 0 && picture->current < picture->cells);
    const struct picture_block *block = &picture->block[picture->drawn - 1];
    size_t row = block->row + (block->offset % PICTURE_ROW +
                               picture->current - block->first) / PICTURE_ROW;

    ASSERT(picture->current >= block->first && row < picture->rows);
    return &picture->row[row];
}

static void picture_fill(struct picture *picture, size_t from, size_t granules,
                         unsigned kind)
{
    ASSERT(kind < PICTURE_KINDS && picture->scale > 0);
    /* A block without a row has no cells, and a write here would change the
     * cells of the block that comes next. */
    ASSERT(picture->current < picture->cells);
    unsigned class = picture_class(granules);

    picture_row(picture)->objects += kind == WALK_LIVE;
    /* Only a piece that begins with a cell gives that cell a gap.  With a
     * scale above 1 a cell may hold several starts, and no gap is drawn. */
    if (from % picture->scale == 0) {
        picture->cell[picture->current].start = true;
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
        if (kind == WALK_LIVE) {
            picture->classes[class] += part;
        }
        picture_row(picture)->granules[kind] += part;
        i += part;
        if (i % picture->scale == 0) {
            picture_finish_cell(picture);
        }
    }
}

/* Counts a piece in the column of its length. */
static void picture_count(struct picture_column columns[PICTURE_COLUMNS],
                          size_t granules)
{
    unsigned column = 0;

    for (size_t rest = granules; rest > 1 && column < PICTURE_COLUMNS - 1;
         rest /= 2) {
        column++;
    }
    columns[column].granules += granules;
    columns[column].pieces++;
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
        picture_count(picture->live, piece->granules);
    } else if (piece->kind == WALK_FREE) {
        picture_count(picture->free, piece->granules);
        if (piece->granules > picture->longest) {
            picture->longest = piece->granules;
        }
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
        drawn->offset = picture->offset;
        drawn->row = picture->rows;
        picture->cells += cells;
        picture->rows += picture_rows(drawn);
        if (!picture_is_labelled(picture)) {
            picture->offset += cells + 1;
        }
        ASSERT(picture->rows <= PICTURE_ROWS);
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

static void picture_free(void *picture)
{
    free(picture);
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
    pthread_cleanup_push(picture_free, picture); /* writing may be cancelled */
    picture_write(&text, picture);
    pthread_cleanup_pop(1);
    return text_end(&text);
}

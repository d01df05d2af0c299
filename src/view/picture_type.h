/* SPDX-License-Identifier: MIT
 *
 * picture_type.h - what a picture shows, copied from the pool.
 *
 * picture.c fills it while the pool is paused, and picture_svg.c writes it with
 * no lock held.
 *
 * What it cannot do: show more than PICTURE_BLOCKS blocks.
 */
#ifndef MP_PICTURE_TYPE_H
#define MP_PICTURE_TYPE_H

#include "pool/walk.h"

/* Cells of a picture, and blocks that have a row of their own, at most: so
 * that no picture is longer than 2 MB. */
#define PICTURE_CELLS ((size_t)3 << 13)
#define PICTURE_BLOCKS ((size_t)1 << 10)

/* Cells in a row, and rows of blocks at most: each block may begin and end
 * within one. */
#define PICTURE_ROW 128u
#define PICTURE_ROWS (PICTURE_CELLS / PICTURE_ROW + 2 * PICTURE_BLOCKS)

/* More blocks than that have no line of their own.  They stand one behind the
 * other, with an empty cell between. */
#define PICTURE_LABELLED 24u

/* Runs of caches that have a number. */
#define PICTURE_RUNS ((size_t)1 << 10)

/* What a part of a cell is, after walk.h's kinds. */
enum { PICTURE_BEYOND = WALK_KINDS, PICTURE_KINDS };

/* Classes of the sizes of live chunks, each with a colour. */
#define PICTURE_CLASSES 6

/* Columns of the chart: one for each doubling of a piece's length, from one
 * granule on. */
#define PICTURE_COLUMNS 28

/* A cell is so many units high. */
#define PICTURE_UNITS 10

struct picture_block {
    uint64_t mark; /* 0: none, the pool's own */
    uint64_t owner;
    uintptr_t base;
    size_t granules;
    size_t first; /* of its cells */
    size_t cells;
    size_t offset; /* of its first cell, from the place where its rows begin */
    size_t row;    /* its first, among those of all blocks */
};

/* How much of a cell is what: the levels add up to PICTURE_UNITS. */
struct picture_cell {
    unsigned char level[PICTURE_KINDS];
    unsigned char class; /* of most of the live part */
    bool start;          /* a piece starts just here */
};

/* Granules in a row of a block's cells, and the live objects that start
 * there. */
struct picture_row {
    size_t granules[PICTURE_KINDS];
    size_t objects;
};

/* The run of a cache that is long enough for its number to be seen. */
struct picture_run {
    size_t cell;
    size_t cells;
    unsigned cache;
};

/* Pieces of similar length. */
struct picture_column {
    size_t granules;
    size_t pieces;
};

struct picture {
    const struct memory_pool *mp;
    size_t scale; /* granules to a cell */
    size_t total; /* granules in all blocks */
    size_t blocks;
    size_t live_objects;
    size_t live_bytes;
    size_t longest; /* granules of the longest free piece */
    size_t granules[WALK_KINDS];
    size_t used;  /* granules below the tops */
    size_t drawn; /* blocks */
    size_t cells;
    size_t rows;
    size_t offset; /* of the next block */
    size_t runs;
    size_t current; /* cell that is being filled */
    size_t parts[PICTURE_KINDS]; /* granules of it */
    size_t classes[PICTURE_CLASSES]; /* of its live part */
    struct picture_column live[PICTURE_COLUMNS];
    struct picture_column free[PICTURE_COLUMNS];
    struct picture_block block[PICTURE_BLOCKS];
    struct picture_row row[PICTURE_ROWS];
    struct picture_run run[PICTURE_RUNS];
    struct picture_cell cell[PICTURE_CELLS];
};

static inline bool picture_is_labelled(const struct picture *picture)
{
    return picture->blocks <= PICTURE_LABELLED;
}

/* Rows of cells in which the block stands, among those of others too. */
static inline size_t picture_rows(const struct picture_block *block)
{
    ASSERT(block->cells > 0);
    return (block->offset % PICTURE_ROW + block->cells + PICTURE_ROW - 1) /
           PICTURE_ROW;
}

#endif /* MP_PICTURE_TYPE_H */

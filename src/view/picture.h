/* SPDX-License-Identifier: MIT
 *
 * picture.h - a pool's blocks drawn as an SVG image.
 *
 * What it cannot do: show more than PICTURE_BLOCKS blocks.
 */
#ifndef MP_PICTURE_H
#define MP_PICTURE_H

#include <stdio.h>

#include "pool/walk.h"

/* Cells of a picture, and blocks that have a row of their own, at most: so
 * that no picture is longer than 2 MB. */
#define PICTURE_CELLS ((size_t)1 << 16)
#define PICTURE_BLOCKS ((size_t)1 << 10)

/* Cells in a row. */
#define PICTURE_ROW 128u

/* 0, or an error number.  No lock held. */
MP_INNER int picture_draw(struct memory_pool *mp, FILE *stream);

#endif /* MP_PICTURE_H */

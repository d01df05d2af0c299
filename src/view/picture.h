/* SPDX-License-Identifier: MIT
 *
 * picture.h - a pool's blocks drawn as an SVG image.
 *
 * What it cannot do: show more than PICTURE_BLOCKS blocks.
 */
#ifndef MP_PICTURE_H
#define MP_PICTURE_H

#include <stdio.h>

#include "base/compiler.h"
#include "memory_pool.h"

/* 0, or an error number.  No lock held. */
MP_INNER int picture_draw(struct memory_pool *mp, FILE *stream);

#endif /* MP_PICTURE_H */

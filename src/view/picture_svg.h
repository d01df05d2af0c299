/* SPDX-License-Identifier: MIT
 *
 * picture_svg.h - a picture as an SVG image.
 *
 * What it cannot do: look at the pool.
 */
#ifndef MP_PICTURE_SVG_H
#define MP_PICTURE_SVG_H

#include "view/picture_type.h"
#include "view/text.h"

/* No lock held. */
MP_INNER void picture_write(struct text *text, const struct picture *picture);

#endif /* MP_PICTURE_SVG_H */

/* SPDX-License-Identifier: MIT
 *
 * picture_svg.c - a picture as an SVG image.
 *
 *     name, figures
 *     chart: bytes of live and of free pieces, by length
 *     legend: what each colour and word means
 *     blocks: rows of cells
 *
 * Each colour has a contrast of 3 to 1 or more with the ground, in a light and
 * in a dark scheme.  What is not live is also told by its shape, for people who
 * do not see colours as others do.  A row of cells, a column of the chart and a
 * part of the legend has a title, which browsers show as a tooltip.
 *
 * What it cannot do: know what scheme a viewer has that knows no media queries.
 * Such a viewer shows the light one.
 */
#include "view/picture_svg.h"

/* Measures, in pixels. */
enum {
    PICTURE_CELL = 8,
    PICTURE_LINE = 12,
    PICTURE_LEFT = 20,
    PICTURE_LABEL = 18,
    PICTURE_GAP = 8,
    PICTURE_CHART = 116,  /* the top of the chart */
    PICTURE_BAR = 60,     /* its highest bar */
    PICTURE_COLUMN = 37,  /* its columns */
    PICTURE_LEGEND = 230, /* the top of the legend */
    PICTURE_STEP = 146,   /* between two of its parts */
    PICTURE_HEAD = 324,   /* the top of the first block */
    PICTURE_WIDTH = 2 * PICTURE_LEFT + PICTURE_CELL * (int)PICTURE_ROW
};

/* Two colours a class: on a light and on a dark ground.  Of the classes of live
 * objects every other one is near the ground, so that neighbours differ also
 * for an eye that sees no hues. */
static const struct {
    const char *rule;
    const char *light;
    const char *dark;
} picture_colours[] = {
    {"svg{background", "#ffffff", "#14161a"},
    {".g{fill", "#ffffff", "#14161a"},
    {"text{fill", "#1a1a1a", "#e8e8e8"},
    {".l0{fill", "#08306b", "#c4e2ff"},
    {".l1{fill", "#3f8fe0", "#2f74cf"},
    {".l2{fill", "#00403f", "#86ecdf"},
    {".l3{fill", "#3f9a50", "#2f8a45"},
    {".l4{fill", "#4a3500", "#eaf29a"},
    {".l5{fill", "#a87be0", "#8f5ad8"},
    {".pc{stroke", "#b45309", "#ffa94d"},
    {".pr{stroke", "#8a6d00", "#e3c341"},
    {".f{fill:none;stroke", "#c2255c", "#ff7fab"},
    {".h{fill", "#4d4d4d", "#b0b0b0"},
    {".b{fill", "#767676", "#8a8a8a"},
};
#define PICTURE_COLOURS (sizeof picture_colours / sizeof picture_colours[0])

/* What each kind is called.  Live cells have the class of their size. */
static const struct {
    const char *class;
    const char *label;
    const char *meaning;
} picture_kinds[PICTURE_KINDS] = {
    [WALK_LIVE] = {"l", "live", "an object of the program"},
    [WALK_CACHED] = {"c", "in a cache",
                     "freed, and kept for the next object of that size"},
    [WALK_RUN] = {"r", "run of a cache",
                  "a cache cuts its next objects from it"},
    [WALK_FREE] = {"f", "free", "a hole: any object that fits may go there"},
    [WALK_LENT] = {"h", "a mark's block", "it holds a block of a mark"},
    [PICTURE_BEYOND] = {"b", "beyond the top",
                        "not used since the pool was made or reset"},
};

static const char *const picture_classes[PICTURE_CLASSES] = {
    "live, up to 64 bytes", "up to 256 bytes", "up to 1 KiB",
    "up to 8 KiB", "up to 64 KiB", "longer",
};

/* The order of the parts of a cell, from its bottom up. */
static const unsigned char picture_order[PICTURE_KINDS] = {
    WALK_LIVE, WALK_LENT, WALK_CACHED, WALK_RUN, WALK_FREE, PICTURE_BEYOND,
};

/* Where cell i of a block stands, if its rows begin at y. */
static size_t picture_x(const struct picture_block *block, size_t i)
{
    ASSERT(i < block->cells && block->first + i < PICTURE_CELLS);
    return PICTURE_LEFT + (block->offset + i) % PICTURE_ROW * PICTURE_CELL;
}

static size_t picture_y(const struct picture_block *block, size_t i, size_t y)
{
    return y + (block->offset + i) / PICTURE_ROW * PICTURE_LINE;
}

/* In the title, which readers speak, and as the heading. */
static void picture_put_name(struct text *text, const struct picture *picture)
{
    /* The name is fixed, so that no lock is needed to read it. */
    const char *name = picture->mp->settings.name;

    text_put_xml(text, name == NULL ? "a memory pool" : name);
}

/* A class for each colour: a user can give the file other colours in one
 * place. */
static void picture_put_style(struct text *text)
{
    text_print(text, "<style>\n");
    for (size_t i = 0; i < PICTURE_COLOURS; i++) {
        text_print(text, "%s:%s}\n", picture_colours[i].rule,
                   picture_colours[i].light);
    }
    text_print(text, ".c{fill:url(#hc)}\n.r{fill:url(#hr)}\n"
               ".t{fill:none;pointer-events:all}\n"
               "@media (prefers-color-scheme:dark){\n");
    for (size_t i = 0; i < PICTURE_COLOURS; i++) {
        text_print(text, "%s:%s}\n", picture_colours[i].rule,
                   picture_colours[i].dark);
    }
    /* Slanted lines and upright ones, both on the ground. */
    text_print(text, "}\n</style>\n<defs>\n"
               "<pattern id='hc' width='4' height='4' "
               "patternUnits='userSpaceOnUse'><path class='pc' "
               "d='M-1 1l2-2M0 4l4-4M3 5l2-2' stroke-width='1.6'/></pattern>\n"
               "<pattern id='hr' width='4' height='4' "
               "patternUnits='userSpaceOnUse'><path class='pr' d='M1 0v4' "
               "stroke-width='2'/></pattern>\n</defs>\n");
}

static void picture_put_head(struct text *text, const struct picture *picture)
{
    size_t height = PICTURE_HEAD + PICTURE_LABEL;
    ASSERT(picture->drawn <= PICTURE_BLOCKS);

    /* The height stands at the head of the file, before any row, and a stream
     * cannot be gone back in. */
    for (size_t i = 0; picture_is_labelled(picture) && i < picture->drawn;
         i++) {
        height += PICTURE_LABEL + PICTURE_GAP +
                  PICTURE_LINE * picture_rows(&picture->block[i]);
    }
    if (!picture_is_labelled(picture)) {
        height += PICTURE_LABEL + PICTURE_GAP +
                  PICTURE_LINE * (picture->offset / PICTURE_ROW + 1);
    }
    text_print(text, "<?xml version='1.0' encoding='UTF-8'?>\n"
               "<svg xmlns='http://www.w3.org/2000/svg' width='%d' "
               "height='%zu' viewBox='0 0 %d %zu' "
               "font-family='sans-serif' font-size='12'>\n<title>",
               PICTURE_WIDTH, height, PICTURE_WIDTH, height);
    picture_put_name(text, picture);
    text_print(text, "</title>\n");
    picture_put_style(text);
    text_print(text, "<rect class='g' width='100%%' height='100%%'/>\n");
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
               "cached %zu, in runs %zu, free %zu</text>\n", PICTURE_LEFT,
               picture->used * SIZES_GRANULE,
               picture->granules[WALK_CACHED] * SIZES_GRANULE,
               picture->granules[WALK_RUN] * SIZES_GRANULE,
               unused * SIZES_GRANULE);
    text_print(text, "<text x='%d' y='86'>fragmentation (free / below the "
               "tops): %zu.%zu %%; longest free piece: %zu bytes</text>\n",
               PICTURE_LEFT, part / 10, part % 10,
               picture->longest * SIZES_GRANULE);
}

/* "16", "1K", "2M": bytes of the shortest piece in a column. */
static void picture_put_length(struct text *text, unsigned column)
{
    static const char *const units[] = {"", "K", "M", "G"};
    unsigned power = column + 4;

    text_print(text, "%u%s", 1u << power % 10, units[power / 10]);
}

/* A bar; nothing of it is too low to be seen. */
static void picture_put_bar(struct text *text, unsigned column, bool free,
                            const struct picture_column *piece, size_t most)
{
    /* Divided first where the product might be too large. */
    size_t height = most < SIZE_MAX / PICTURE_BAR
                        ? piece->granules * PICTURE_BAR / most
                        : piece->granules / (most / PICTURE_BAR);
    unsigned inset = free ? 1 : 0; /* half of the outline is outside */

    if (piece->granules == 0) {
        return;
    }
    height = height < 3 ? 3 : height;
    text_print(text, "<rect class='%s' x='%u.%u' y='%zu.%u' width='%u' "
               "height='%zu'><title>%zu %s piece%s of ", free ? "f" : "l1",
               PICTURE_LEFT + column * PICTURE_COLUMN + (free ? 17 : 1),
               inset * 5, (size_t)PICTURE_CHART + PICTURE_BAR - height,
               inset * 5, 15 - inset, height - inset, piece->pieces,
               free ? "free" : "live", piece->pieces == 1 ? "" : "s");
    picture_put_length(text, column);
    text_print(text, " bytes and more: %zu bytes</title></rect>\n",
               piece->granules * SIZES_GRANULE);
}

/* How long the live and the free pieces are: the same scale for a pool of any
 * size. */
static void picture_put_chart(struct text *text,
                              const struct picture *picture)
{
    int base = PICTURE_CHART + PICTURE_BAR;
    size_t most = 1;

    for (unsigned i = 0; i < PICTURE_COLUMNS; i++) {
        size_t live = picture->live[i].granules;
        size_t unused = picture->free[i].granules;
        most = live > most ? live : most;
        most = unused > most ? unused : most;
    }
    text_print(text, "<text x='%d' y='%d'>bytes in live pieces (full bars) "
               "and in free ones (hollow bars), by the length of the piece; "
               "the highest bar is %zu bytes</text>\n", PICTURE_LEFT,
               PICTURE_CHART - 8, most * SIZES_GRANULE);
    text_print(text, "<path class='b' d='M%d %dh%dv1h-%dz'/>\n", PICTURE_LEFT,
               base, PICTURE_COLUMNS * PICTURE_COLUMN - 8,
               PICTURE_COLUMNS * PICTURE_COLUMN - 8);
    for (unsigned i = 0; i < PICTURE_COLUMNS; i++) {
        picture_put_bar(text, i, false, &picture->live[i], most);
        picture_put_bar(text, i, true, &picture->free[i], most);
        text_print(text, "<text x='%u' y='%d' font-size='10'>",
                   PICTURE_LEFT + i * PICTURE_COLUMN, base + 12);
        picture_put_length(text, i);
        text_print(text, "</text>\n");
    }
    text_print(text, "<text x='%d' y='%d'>Fragmentation: hollow bars that are "
               "high at the left mean many short holes, which no longer "
               "object fits.</text>\n", PICTURE_LEFT, base + 30);
}

/* A square of a class, or of a kind, with its words beside it. */
static void picture_put_sample(struct text *text, int x, int y,
                               const char *class, unsigned number,
                               const char *label, const char *meaning)
{
    text_print(text, "<g><title>%s: %s</title><rect class='%s", label,
               meaning, class);
    if (number < PICTURE_CLASSES) {
        text_print(text, "%u", number);
    }
    /* An outline is drawn around the middle of its line. */
    bool hollow = class[0] == 'f';
    bool low = class[0] == 'b'; /* as its cells are */
    text_print(text, "' x='%d%s' y='%d%s' width='%d' height='%d'/>"
               "<text x='%d' y='%d'>%s</text></g>\n", x, hollow ? ".5" : "",
               low ? y + 11 : y, hollow ? ".5" : "", hollow ? 13 : 14,
               low ? 1 : hollow ? 11 : 12, x + 20, y + 11, label);
}

/* Each colour with its word, so that the picture needs no other explanation. */
static void picture_put_legend(struct text *text,
                               const struct picture *picture)
{
    int x = PICTURE_LEFT;
    int y = PICTURE_LEGEND;
    ASSERT(picture->scale > 0);

    for (unsigned class = 0; class < PICTURE_CLASSES; class++) {
        picture_put_sample(text, x, y, "l", class, picture_classes[class],
                           picture_kinds[WALK_LIVE].meaning);
        x += PICTURE_STEP;
    }
    x = PICTURE_LEFT;
    y += PICTURE_LABEL + 2;
    for (unsigned kind = WALK_LIVE + 1; kind < PICTURE_KINDS; kind++) {
        ASSERT(picture_kinds[kind].label != NULL);
        picture_put_sample(text, x, y, picture_kinds[kind].class,
                           PICTURE_CLASSES, picture_kinds[kind].label,
                           picture_kinds[kind].meaning);
        x += PICTURE_STEP;
    }
    text_print(text, "<text x='%d' y='%d'>in a cache: freed, and kept for the "
               "next object of that size. run: a cache cuts its next objects "
               "from it. free: a hole, for any object that fits.</text>\n",
               PICTURE_LEFT, y + 32);
    text_print(text, "<text x='%d' y='%d'>a cell is %zu bytes%s</text>\n",
               PICTURE_LEFT, y + 50, picture->scale * SIZES_GRANULE,
               picture->scale == 1
                   ? "; each chunk begins with a gap"
                   : ", filled from its bottom by how much of it is what; live "
                     "parts have the colour of most of them");
}

/* Units of a cell below the part of that kind. */
static unsigned picture_below(const struct picture_cell *cell, unsigned kind)
{
    unsigned units = 0;

    for (unsigned i = 0; picture_order[i] != kind; i++) {
        units += cell->level[picture_order[i]];
    }
    return units;
}

/* Two cells are drawn as one, as far as that kind goes. */
static bool picture_joins(const struct picture *picture, size_t i, size_t next,
                          unsigned kind)
{
    const struct picture_cell *a = &picture->cell[i];
    const struct picture_cell *b = &picture->cell[next];

    /* With a scale above 1 a start is one of many in its cell, and to split
     * the rectangle there would make the file longer and say nothing. */
    return a->level[kind] == b->level[kind] &&
           picture_below(a, kind) == picture_below(b, kind) &&
           (kind != WALK_LIVE || a->class == b->class) &&
           (picture->scale > 1 || !b->start);
}

/* A rectangle of a path.  An outline is half a pixel further in; what is beyond
 * the top is a line. */
static void picture_put_part(struct text *text, unsigned kind, size_t x,
                             size_t y, size_t width, unsigned height)
{
    if (kind == PICTURE_BEYOND) {
        text_print(text, "M%zu %zuh%zuv1h-%zuz", x, y + height - 1, width,
                   width);
    } else if (kind == WALK_FREE && height > 2) {
        text_print(text, "M%zu.5 %zu.5h%zuv%uh-%zuz", x, y, width - 1,
                   height - 1, width - 1);
    } else if (kind == WALK_FREE) {
        text_print(text, "M%zu %zu.5h%zu", x, y, width);
    } else {
        text_print(text, "M%zu %zuh%zuv%uh-%zuz", x, y, width, height, width);
    }
}

/* One path for each kind and class, since that takes the fewest bytes. */
static void picture_put_path(struct text *text, const struct picture *picture,
                             const struct picture_block *block, size_t y,
                             unsigned kind, unsigned class)
{
    bool open = false;

    for (size_t i = 0, next; i < block->cells; i = next) {
        /* A rectangle ends with its row at the latest. */
        size_t column = (block->offset + i) % PICTURE_ROW;
        size_t end = i - column + PICTURE_ROW; /* wraps, and back again */
        const struct picture_cell *cell = &picture->cell[block->first + i];
        next = i + 1;
        if (cell->level[kind] == 0 ||
            (kind == WALK_LIVE && cell->class != class)) {
            continue;
        }
        end = end > block->cells ? block->cells : end;
        while (next < end && picture_joins(picture, block->first + i,
                                           block->first + next, kind)) {
            next++;
        }
        /* A kind that the block has not gets no path. */
        if (!open && kind == WALK_LIVE) {
            text_print(text, "<path class='l%u' d='", class);
        } else if (!open) {
            text_print(text, "<path class='%s' d='",
                       picture_kinds[kind].class);
        }
        open = true;
        unsigned top = PICTURE_UNITS - picture_below(cell, kind) -
                       cell->level[kind];
        /* One pixel less, so that neighbours have a gap between them. */
        picture_put_part(text, kind, picture_x(block, i),
                         picture_y(block, i, y) + top,
                         (next - i) * PICTURE_CELL - 1, cell->level[kind]);
    }
    text_print(text, "%s", open ? "'/>\n" : "");
}

static void picture_put_cells(struct text *text, const struct picture *picture,
                              const struct picture_block *block, size_t y)
{
    ASSERT(block->first + block->cells <= picture->cells);
    for (unsigned class = 0; class < PICTURE_CLASSES; class++) {
        picture_put_path(text, picture, block, y, WALK_LIVE, class);
    }
    for (unsigned kind = WALK_LIVE + 1; kind < PICTURE_KINDS; kind++) {
        picture_put_path(text, picture, block, y, kind, 0);
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
            size_t x = picture_x(block, cell);
            size_t top = picture_y(block, cell, y);
            text_print(text, "<rect class='g' x='%zu' y='%zu' width='%d' "
                       "height='%d'/><text x='%zu' y='%zu' font-size='9'>%u"
                       "</text>\n", x, top, run->cache < 10 ? 8 : 14,
                       PICTURE_LINE - 2, x + 1, top + 8, run->cache);
        }
    }
}

static void picture_put_label(struct text *text,
                              const struct picture_block *block)
{
    text_print(text, "block at 0x%llx, %zu bytes",
               (unsigned long long)block->base,
               block->granules * SIZES_GRANULE);
    if (block->mark != 0) {
        text_print(text, ", of mark %llu, owner %llu",
                   (unsigned long long)block->mark,
                   (unsigned long long)block->owner);
    }
}

/* What a row has, as its tooltip; first: its first cell, of the block. */
static void picture_put_tip(struct text *text, const struct picture *picture,
                            const struct picture_block *block, size_t first,
                            const struct picture_row *row)
{
    text_print(text, "from 0x%llx: %zu object%s",
               (unsigned long long)(block->base + first * picture->scale *
                                                      SIZES_GRANULE),
               row->objects, row->objects == 1 ? "" : "s");
    for (unsigned kind = 0; kind < PICTURE_KINDS; kind++) {
        if (row->granules[kind] != 0) {
            text_print(text, "; %s: %zu bytes", picture_kinds[kind].label,
                       row->granules[kind] * SIZES_GRANULE);
        }
    }
}

static void picture_put_tips(struct text *text, const struct picture *picture,
                             const struct picture_block *block, size_t y)
{
    for (size_t i = 0, row = block->row; i < block->cells; row++) {
        size_t cells =
            PICTURE_ROW - (block->offset + i) % PICTURE_ROW; /* to its end */
        cells = cells > block->cells - i ? block->cells - i : cells;
        text_print(text, "<rect class='t' x='%zu' y='%zu' width='%zu' "
                   "height='%d'><title>", picture_x(block, i),
                   picture_y(block, i, y), cells * PICTURE_CELL,
                   PICTURE_LINE - 2);
        if (i == 0 && !picture_is_labelled(picture)) {
            picture_put_label(text, block);
            text_print(text, "; ");
        }
        picture_put_tip(text, picture, block, i, &picture->row[row]);
        text_print(text, "</title></rect>\n");
        i += cells;
    }
}

/* The bar of a mark's block, at the left of it, or before its first cell. */
static void picture_put_bar_of_mark(struct text *text,
                                    const struct picture *picture,
                                    const struct picture_block *block,
                                    size_t y)
{
    bool labelled = picture_is_labelled(picture);

    if (block->mark != 0) {
        text_print(text, "<path class='h' d='M%zu %zuh4v%zuh-4z'/>\n",
                   picture_x(block, 0) - (labelled ? 8 : 6),
                   picture_y(block, 0, y),
                   (labelled ? picture_rows(block) : 1) * PICTURE_LINE - 2);
    }
}

static void picture_put_block(struct text *text, const struct picture *picture,
                              const struct picture_block *block, size_t y)
{
    ASSERT(block->granules <= block->cells * picture->scale);
    picture_put_cells(text, picture, block, y);
    /* The numbers come after the cells: SVG paints in the file's order. */
    picture_put_runs(text, picture, block, y);
    picture_put_bar_of_mark(text, picture, block, y);
    picture_put_tips(text, picture, block, y);
}

static void picture_put_blocks(struct text *text,
                               const struct picture *picture)
{
    size_t y = PICTURE_HEAD;
    bool labelled = picture_is_labelled(picture);

    if (!labelled) {
        text_print(text, "<text x='%d' y='%zu'>%zu blocks, one behind the "
                   "other, with an empty cell between; a tooltip tells the "
                   "address of each</text>\n", PICTURE_LEFT, y + 10,
                   picture->drawn);
        y += PICTURE_LABEL;
    }
    for (size_t i = 0; i < picture->drawn && text->error == 0; i++) {
        const struct picture_block *block = &picture->block[i];
        if (labelled) {
            text_print(text, "<text x='%d' y='%zu'>", PICTURE_LEFT, y + 10);
            picture_put_label(text, block);
            text_print(text, "</text>\n");
            y += PICTURE_LABEL;
        }
        picture_put_block(text, picture, block, y);
        if (labelled) {
            y += PICTURE_LINE * picture_rows(block) + PICTURE_GAP;
        }
    }
    if (!labelled) {
        y += PICTURE_LINE * (picture->offset / PICTURE_ROW + 1) + PICTURE_GAP;
    }
    /* A picture that leaves something out has to say so. */
    if (picture->drawn < picture->blocks) {
        text_print(text, "<text x='%d' y='%zu'>and %zu more blocks</text>\n",
                   PICTURE_LEFT, y + 12, picture->blocks - picture->drawn);
    }
}

void picture_write(struct text *text, const struct picture *picture)
{
    ASSERT(lock_none_is_held());
    picture_put_head(text, picture);
    picture_put_figures(text, picture);
    picture_put_chart(text, picture);
    picture_put_legend(text, picture);
    picture_put_blocks(text, picture);
    text_print(text, "</svg>\n");
}

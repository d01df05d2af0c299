#!/bin/sh
# SPDX-License-Identifier: MIT
#
# man-types.sh - the types in a page's SYNOPSIS are the header's.
#
# A structure is declared once more under another name, and the compiler
# compares: its size, and the place and the type of each member.  Other types
# are declared again below the real header, where one that differs is a
# conflict.
. "${top_srcdir:-.}/tests/man.sh"
count=0

for page in $(pages 3); do
    section "$page" SYNOPSIS | sed -n '/^\.Bd/,/^\.Ed/{/^\./!p;}' \
        >"$dir/block"
    test -s "$dir/block" || continue
    count=$((count + 1))
    {
        cat <<'END'
#include <memory_pool.h>
#include <stddef.h>
#define SIZE(type) \
    _Static_assert(sizeof(page_##type) == sizeof(type), #type)
#define PART(type, name) \
    _Static_assert(offsetof(page_##type, name) == offsetof(type, name) && \
                   __builtin_types_compatible_p( \
                       __typeof__(((page_##type *)0)->name), \
                       __typeof__(((type *)0)->name)), #type "." #name)
END
        sed -e 's/^typedef struct \([a-z_]*\) {/typedef struct page_\1 {/' \
            -e 's/^} \([a-z_]*\);/} page_\1;/' "$dir/block"
        type=$(sed -n 's/^} \([a-z_]*\);/\1/p' "$dir/block")
        # A member's name stands before its ";", "[" or ")(".
        sed -n -e 's/)(.*/;/' -e 's/\[.*/;/' \
            -e "s/^    .*[ *]\([a-z_]*\);/PART($type, \1);/p" "$dir/block"
        test -z "$type" || echo "SIZE($type);"
    } >"$dir/types.c"
    # Without CFLAGS, as in man-prototypes.sh.
    # shellcheck disable=SC2086 # the flags are lists
    $CC ${CPPFLAGS-} -I"$top_builddir/include" -c -o "$dir/types.o" \
        "$dir/types.c" || complain "$page: is not what the header says"
done
test $count -gt 0 || complain 'no type was found'
exit $status

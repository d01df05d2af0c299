#!/bin/sh
# SPDX-License-Identifier: MIT
#
# man-constants.sh - the constants that the pages name are the header's.
#
# That is each .Dv that begins with M, the library's prefix; others are the C
# library's.  The compiler names the line of the page.
. "${top_srcdir:-.}/tests/man.sh"

{
    echo '#include <memory_pool_inline.h>'
    echo 'void uses(void); void uses(void) {'
    $AWK '/^\.(It )?Dv M/ {
              printf "#line %d \"%s\"\n(void)%s;\n", FNR, FILENAME,
                     $(1 + ($1 == ".It") + 1)
          }' "$man"/*.[0-9]
    echo '}'
} >"$dir/constants.c"
grep -q '^(void)' "$dir/constants.c" || complain 'no constant was found'
# shellcheck disable=SC2086 # the flags are lists
$CC ${CPPFLAGS-} -I"$top_builddir/include" -I"$top_srcdir/include" -c \
    -o "$dir/constants.o" "$dir/constants.c" ||
    complain 'a page names what the header has not'
exit $status

#!/bin/sh
# SPDX-License-Identifier: MIT
#
# man-examples.sh - the code in the pages is that of programs that work.
#
# Each page has an example, whose lines follow one another in the program
# examples/man_PAGE.c, or in the one that the page names before it.  Those
# programs are tests of their own: each fails when the library does not do what
# its page says.
. "${top_srcdir:-.}/tests/man.sh"

for page in $(pages); do
    blocks "$page"
    ls "$dir"/block.*.c >/dev/null 2>&1 ||
        complain "$page: has no example"
    for block in "$dir"/block.*.c; do
        source=$top_srcdir/examples/$(cat "${block%.c}.of")
        $AWK 'FNR == NR { block = block $0 "\n"; next }
              { program = program $0 "\n" }
              END { exit !index("\n" program, "\n" block) }' \
            "$block" "$source" || {
            complain "$page: not in $source:"
            cat "$block"
        }
    done
done
exit $status

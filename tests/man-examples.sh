#!/bin/sh
# SPDX-License-Identifier: MIT
#
# man-examples.sh - the code in the pages is that of programs that work.
#
# Each page has an example, whose lines follow one another in the program
# examples/man_PAGE.c, or in the one that the page names before it.  A page may
# show the inside of a function without its indentation.  Those programs are
# tests of their own: each fails when the library does not do what its page
# says.
#
# Each pattern of the guide is a program that is read at a glance: it has 20 to
# 40 lines that are not empty.
. "${top_srcdir:-.}/tests/man.sh"

for page in $(pages); do
    blocks "$page"
    ls "$dir"/block.*.c >/dev/null 2>&1 ||
        complain "$page: has no example"
    for block in "$dir"/block.*.c; do
        source=$top_srcdir/examples/$(cat "${block%.c}.of")
        $AWK 'FNR == NR {
                  block = block $0 "\n"
                  inside = inside ($0 == "" ? "" : "    ") $0 "\n"
                  next
              }
              { program = program $0 "\n" }
              END {
                  exit !(index("\n" program, "\n" block) ||
                      index("\n" program, "\n" inside))
              }' \
            "$block" "$source" || {
            complain "$page: not in $source:"
            cat "$block"
        }
    done
done
for source in "$top_srcdir"/examples/guide_*.c*; do
    test "${source##*/}" != guide_kinds.c || continue
    lines=$(sed -n '/^#include/,$p' "$source" | grep -c .)
    test "$lines" -ge 20 && test "$lines" -le 40 ||
        complain "$source: has $lines lines, not 20 to 40"
done
exit $status

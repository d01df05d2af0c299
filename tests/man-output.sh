#!/bin/sh
# SPDX-License-Identifier: MIT
#
# man-output.sh - an example prints what its page says that it prints.
#
# That is a block with the comment OUTPUT before it, for examples/man_PAGE.c or
# for the program that the comment names.
. "${top_srcdir:-.}/tests/man.sh"
count=0

for page in $(pages); do
    blocks "$page"
    for block in "$dir"/block.*.out; do
        test -f "$block" || continue
        count=$((count + 1))
        source=$(cat "${block%.out}.of")
        program=$top_builddir/examples/${source%.c*}
        case $source in
        *.cc) test -x "$program" || continue ;; # there is no C++17
        esac
        "$program" >"$dir/output" || complain "$page: its program fails"
        same "$page: what it says (<) and what its program prints (>)" \
            "$block" "$dir/output"
    done
done
test $count -gt 0 || complain 'no page has an output'
exit $status

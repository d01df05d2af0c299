#!/bin/sh
# SPDX-License-Identifier: MIT
#
# examples-wordfreq.sh - wordfreq counts as tr, sort and uniq do.
#
# It does so however many threads count, and with malloc in place of pools;
# it also says how many lines there were.
. "${top_srcdir:-.}/tests/wordfreq.sh"

for text in $texts; do
    counts "$text" >"$dir/expected"
    lines=$(lines_of "$text")
    for options in '' '--threads 2' '--threads 7' '--threads 64' '--malloc' \
        '--malloc --threads 3' '--compare --threads 3'; do
        # shellcheck disable=SC2086 # the options are a list
        run $options --all "$text"
        sed 's/^ *//' "$dir/out" >"$dir/seen"
        cmp "$dir/expected" "$dir/seen" ||
            complain "$text: $options: other counts"
        # shellcheck disable=SC2086
        run $options "$text"
        grep -F "$text: ${lines:-0} lines, " "$dir/out" >/dev/null ||
            complain "$text: $options: not ${lines:-0} lines"
    done
done
exit $status

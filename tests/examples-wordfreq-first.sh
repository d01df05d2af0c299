#!/bin/sh
# SPDX-License-Identifier: MIT
#
# examples-wordfreq-first.sh - "wordfreq -n 3" prints the three most frequent
# words, and how many words there were.
. "${top_srcdir:-.}/tests/wordfreq.sh"

for text in $texts; do
    counts "$text" >"$dir/expected"
    run -n 3 "$text"
    sed 3q "$dir/expected" >"$dir/first"
    sed -e '/^$/,$d' -e 's/^ *//' "$dir/out" >"$dir/seen"
    cmp "$dir/first" "$dir/seen" || complain "$text: not the three first"

    lines=$(lines_of "$text")
    total=$(words "$text" | grep -c .)
    different=$(wc -l <"$dir/expected")
    grep -F "$text: ${lines:-0} lines, $total words, $((different))" \
        "$dir/out" >/dev/null ||
        complain "$text: other totals: $(cat "$dir/out")"
done
exit $status

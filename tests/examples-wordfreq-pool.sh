#!/bin/sh
# SPDX-License-Identifier: MIT
#
# examples-wordfreq-pool.sh - wordfreq's account of its pool is true.
#
# It is held against the text's own numbers where they determine it, and
# against what the pool printed.
. "${top_srcdir:-.}/tests/wordfreq.sh"

for text in $texts; do
    run -n 3 "$text"
    total=$(words "$text" | grep -c .)
    objects=$(number 'words kept until their line ends' "$dir/out")
    long=$(number 'words too long for a pool' "$dir/out")
    test $((objects + long)) -eq "$total" ||
        complain "$text: $objects objects and $long long words, not $total"
    held=$(number 'bytes at once at most' "$dir/out")
    test "$held" -le "$max" && test "$((held > 0))" -eq "$((objects > 0))" ||
        complain "$text: $held bytes in a pool of $max"
    full=$(grep -c . "$dir/err")
    test "$(number 'allocations refused' "$dir/out")" -eq "$full" ||
        complain "$text: the pool was full $full times"
    test $status -eq 0 || cat "$dir/out"
done

# As many resets as there are lines with a word, if each of them fits.
if test "$max" -ge 1024; then
    run "$dir/text"
    filled=$(grep -c '[A-Za-z0-9]' "$dir/text")
    test "$(number 'times all of them freed' "$dir/out")" -eq "$filled" &&
        test "$(number 'lines worked in parts' "$dir/out")" -eq 0 ||
        complain "$dir/text: not one reset for each of $filled lines"
fi
# See wordfreq.awk for the bound.
if test "$max" -le 1000000; then
    run "$dir/hard"
    for count in 'lines worked in parts' 'allocations refused' \
        'words too long for a pool'; do
        test "$(number "$count" "$dir/out")" -gt 0 ||
            complain "$dir/hard: no $count"
    done
fi
exit $status

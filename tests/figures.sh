#!/bin/sh
# SPDX-License-Identifier: MIT
#
# figures.sh - every figure of time in README and the manual is measured.
#
# The rows of README and of the guide are those that bench/figures.awk makes of
# doc/figures, and the guide has all rows.  No figure stands outside of these
# tables, in no page.
#
# What it cannot do: say whether the figures are right.  make figures measures
# them.
. "${top_srcdir:-.}/tests/shell.sh"

readme=$top_srcdir/README.md
guide=$top_srcdir/man/mempool_guide.7
figures=$top_srcdir/doc/figures

for page in "$readme" "$guide"; do
    $AWK -f "$top_srcdir/bench/figures.awk" "$figures" "$page" >"$dir/page"
    same "$page (<) and what doc/figures says (>)" "$page" "$dir/page"
done
for page in "$readme" "$top_srcdir"/man/*.[37]; do
    if grep -nE '[0-9] ?(ns|nanoseconds)([^a-z]|$)' "$page"; then
        complain "$page: a figure of time outside of a table"
    fi
done
grep -v '^#' "$figures" >"$dir/rows"
test -s "$dir/rows" || complain 'doc/figures is empty'
while read -r row; do
    label=${row%% |*}
    grep -q "^\.It $label Ta" "$guide" || complain "$guide: no row '$label'"
done <"$dir/rows"
grep -c '^    one .*  [0-9.-]*$' "$readme" >"$dir/count"
test "$(cat "$dir/count")" -ge 3 || complain "$readme: has no three figures"
exit $status

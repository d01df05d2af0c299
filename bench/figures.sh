#!/bin/sh
# SPDX-License-Identifier: MIT
#
# figures.sh - measures the figures that README and the manual show.
#
# usage: figures.sh [-m] srcdir [bench-directory]
#
# With -m it measures and writes doc/figures.  Then, in either case, it writes
# the rows of the tables in README and in the guide anew from doc/figures, so
# that no figure is ever typed.  tests/figures.sh finds a row that differs.
#
# What it cannot do: give the same figures on another machine, or on a busy
# one.  Each figure is the median of the rounds, the loop around it included.
set -eu
here=$(dirname "$0")
awk=${AWK:-awk}
measure=no
if [ "${1-}" = -m ]; then
    measure=yes
    shift
fi
srcdir=$1
figures=$srcdir/doc/figures
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

if [ $measure = yes ]; then
    AWK=$awk sh "$here/run.sh" -b "${2:-bench}" -o "$dir/raw" \
        -p mempool,mempool-inline,glibc,apr \
        -w lifo,replace-10000,threads-2,fill-1000,life \
        -r "${ROUNDS:-9}" >"$dir/report"
    cat "$dir/report"
    $awk -v make=1 -f "$here/figures.awk" "$dir/raw" >"$dir/figures"
    cp "$dir/figures" "$figures"
fi

for page in README README.md man/mempool_guide.7; do
    [ -f "$srcdir/$page" ] || continue
    $awk -f "$here/figures.awk" "$figures" "$srcdir/$page" >"$dir/page"
    cmp -s "$dir/page" "$srcdir/$page" || cp "$dir/page" "$srcdir/$page"
done

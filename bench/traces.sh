#!/bin/sh
# SPDX-License-Identifier: MIT
#
# traces.sh - records what real programs ask malloc for and replays it with
# each peer: time, and memory at the most per byte live at the most.
#
# Run by `make bench-traces` in the build tree.  Programs that are not there
# are named and left out; fewer than three are no comparison.  The traces are
# made anew each time, in a temporary directory, and hold some ten megabytes
# each at most.  Of a program that starts others the largest trace counts:
# the compiler behind the compiler's driver.  A program with few events shows
# what its first touch of large blocks costs, and little else.
set -u
top_srcdir=${top_srcdir:-.}
PEERS=${PEERS:-}
ROUNDS=${ROUNDS:-5}
AWK=${AWK:-awk}
CC=${CC:-cc}
dir=$(mktemp -d) || exit 99
trap 'rm -rf "$dir"' EXIT
record=$(pwd)/bench/record.so
recorded=

# record NAME COMMAND...: recorded in $dir/NAME.trace
record()
{
    name=$1
    shift
    if ! command -v "$1" >/dev/null; then
        echo "$name: $1 is not here, left out"
        return
    fi
    if ! LD_PRELOAD=$record RECORD_FILE=$dir/$name "$@" \
        >"$dir/out" 2>&1 </dev/null; then
        echo "$name: failed, left out:"
        tail -n 3 "$dir/out"
        return
    fi
    largest=$(ls -S "$dir/$name".[0-9]* 2>/dev/null | head -n 1)
    if [ -z "$largest" ]; then
        echo "$name: wrote no trace, left out"
        return
    fi
    mv "$largest" "$dir/$name.trace"
    rm -f "$dir/$name".[0-9]*
    recorded="$recorded $name"
}

# The same text each time: words of a skewed choice out of many.
$AWK 'BEGIN {
    srand(1)
    for (line = 0; line < 20000; line++) {
        for (word = 0; word < 8; word++)
            printf "word%d ", int(30000 * rand() * rand() * rand())
        print ""
    }
}' >"$dir/text"
{
    echo 'CREATE TABLE word (text TEXT, place INTEGER);'
    echo 'BEGIN;'
    $AWK 'NR <= 4000 {
        printf "INSERT INTO word VALUES (\"%s\", %d);\n", $1, NR
    }' "$dir/text"
    echo 'COMMIT; CREATE INDEX by_text ON word (text);'
    echo 'SELECT text, count(*) FROM word GROUP BY text ORDER BY 2, 1;'
} >"$dir/words.sql"

record cc $CC -O2 $CPPFLAGS -I"$top_srcdir/src" -S -o "$dir/out.s" \
    "$top_srcdir/examples/wordfreq.c"
record perl perl -e 'open F, $ARGV[0]; while (<F>) { $n{$_}++ for split }
    print "$_ $n{$_}\n" for sort { $n{$a} <=> $n{$b} } keys %n' "$dir/text"
record awk awk '{ for (i = 1; i <= NF; i++) n[$i]++ }
    END { for (w in n) print n[w], w }' "$dir/text"
record sqlite3 sqlite3 :memory: ".read $dir/words.sql"
# Its status says that they differ.
record git sh -c 'git diff --no-index --histogram "$1" "$2"; test $? -le 1' \
    sh "$dir/text" "$dir/words.sql"
record jq jq -R 'split(" ") | map({word: ., length: length})' "$dir/text"
record xz xz -k -6 -c "$dir/text"

count=0
for name in $recorded; do
    count=$((count + 1))
done
if [ $count -lt 3 ]; then
    echo "bench-traces: $count programs recorded, three are the least"
    exit 1
fi
status=0
for name in $recorded; do
    printf '\n=== %s: %d events\n' "$name" \
        $(($(wc -c <"$dir/$name.trace") / 24))
    BENCH_TRACE=$dir/$name.trace sh "$top_srcdir/bench/run.sh" \
        -b bench -r "$ROUNDS" -w trace,memory-trace ${PEERS:+-p "$PEERS"} \
        -o "bench/trace-$name.raw" ||
        status=1
done
exit $status

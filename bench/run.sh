#!/bin/sh
# SPDX-License-Identifier: MIT
#
# run.sh - runs the peers' programs in turn and reports.
#
# Every figure comes from a process of its own.  The peers do one work after
# each other before the next work begins, and the whole is done again for
# each round, in the opposite order every other time: what slows the machine
# for a while slows neighbours alike.  Memory and instructions hardly vary
# and are measured in the first round alone, but for a trace's memory: where
# the system puts things tells in a small one.
#
# Instructions are counted by valgrind's callgrind: those of 2n operations
# less those of n, so that start and end fall out; the report takes the
# loop's off.

usage()
{
    cat >&2 <<'EOT'
usage: run.sh [-b dir] [-p peer,...] [-w work,...] [-r rounds]
              [-t milliseconds] [-o file] [-l]
  -b  where the bench-* programs are (bench)
  -p  peers; all that are built
  -w  works: name, or name@size for one size in place of the mix; all
  -r  rounds (7)
  -t  milliseconds per measurement (20)
  -o  keeps the raw figures: round, peer, work, figure
  -l  lists peers and works
EOT
    exit 2
}

dir=bench peers= works= rounds=7 time=20 out= list=no
while getopts b:p:w:r:t:o:l option; do
    case $option in
    b) dir=$OPTARG ;;
    p) peers=$OPTARG ;;
    w) works=$OPTARG ;;
    r) rounds=$OPTARG ;;
    t) time=$OPTARG ;;
    o) out=$OPTARG ;;
    l) list=yes ;;
    *) usage ;;
    esac
done
shift $((OPTIND - 1))
[ $# -eq 0 ] || usage

here=$(dirname "$0")
awk=${AWK:-awk}
all_peers="loop call bump locked glibc jemalloc arena mimalloc tcmalloc apr \
slice obstack talloc pmr-monotonic pmr-new pmr-unsync pmr-pool mempool-pmr mempool-base mempool \
mempool-handle mempool-inline mempool-handle-inline"
timed="lifo lifo@16 lifo@64 lifo@200 lifo@1000 fill-1000 fill-1000@16 \
fill-1000@64 fill-1000@200 fill-100000 replace-500 replace-500@64 \
replace-10000 replace-10000@16 replace-10000@64 replace-10000@200 threads-1 \
threads-2 threads-4 threads-8 produce containers-table containers-map \
containers-list life base base-idle"
once="memory memory@16 memory@64 memory@200 memory-idle memory-used \
instructions-lifo instructions-replace-10000 instructions-base"

words()
{
    echo "$1" | tr ',' ' '
}

whole=1
[ -z "$peers$works" ] || whole=0
peers=$(words "${peers:-$all_peers}")
works=$(words "${works:-$timed $once}")
present=
for peer in $peers; do
    if [ -x "$dir/bench-$peer" ]; then
        present="$present $peer"
    else
        missing="$missing $peer"
    fi
done
if [ $list = yes ]; then
    echo "peers:$present"
    echo "not built:$missing"
    echo "works: $timed $once"
    echo "works of a trace that BENCH_TRACE names: trace memory-trace"
    exit 0
fi
[ -z "$missing" ] || echo "left out, not installed or not built:$missing"
[ -n "$present" ] || { echo "run.sh: nothing to run in $dir" >&2; exit 1; }

valgrind=yes
case " $works" in
*" instructions-"*)
    if ! command -v valgrind >/dev/null; then
        valgrind=no
        echo "no valgrind, instructions left out"
    fi
    # The loop's own are taken off each figure.
    case " $present " in
    *" loop "*) ;;
    *) [ ! -x "$dir/bench-loop" ] || present="loop$present" ;;
    esac ;;
esac

reversed=
for peer in $present; do
    reversed="$peer $reversed"
done

raw=$out
if [ -z "$raw" ]; then
    raw=$(mktemp) || exit 1
    trap 'rm -f "$raw"' EXIT
fi
: >"$raw" || exit 1

# collected PROGRAM WORK OPERATIONS: instructions of the whole process.
collected()
{
    valgrind --tool=callgrind --callgrind-out-file=/dev/null \
        "$1" -n "$3" "$2" 2>&1 >/dev/null |
        sed -n 's/.*Collected : \([0-9]*\).*/\1/p'
}

instructions()
{
    program=$1 work=$2 n=102000
    [ -n "$("$program" -n 1020 "$work")" ] || return 0
    once_more=$(collected "$program" "$work" $((2 * n)))
    first=$(collected "$program" "$work" $n)
    if [ -z "$once_more" ] || [ -z "$first" ]; then
        return 1
    fi
    printf 'instructions-%s\t%s\n' "$work" \
        "$(echo "$once_more $first $n" | $awk '{ print ($1 - $2) / $3 }')"
}

# one ROUND PEER WORK
one()
{
    program=$dir/bench-$2
    case $3 in
    instructions-*)
        [ "$1" -eq 1 ] && [ $valgrind = yes ] || return 0
        line=$(instructions "$program" "${3#instructions-}") ;;
    memory-trace) line=$("$program" "$3") ;;
    memory*)
        [ "$1" -eq 1 ] || return 0
        line=$("$program" "$3") ;;
    *)
        line=$("$program" -t "$time" "$3") ;;
    esac || { echo "run.sh: $2 failed at $3" >&2; status=1; return 0; }
    [ -z "$line" ] || printf '%s\t%s\t%s\n' "$1" "$2" "$line" >>"$raw"
}

round=1 status=0
while [ "$round" -le "$rounds" ]; do
    [ ! -t 2 ] || printf 'round %s of %s\r' "$round" "$rounds" >&2
    order=$present
    [ $((round % 2)) -eq 1 ] || order=$reversed
    for work in $works; do
        for peer in $order; do
            one "$round" "$peer" "$work"
        done
    done
    round=$((round + 1))
done

$awk -v whole=$whole -f "$here/report.awk" "$here/goals" "$raw" || status=1
exit $status

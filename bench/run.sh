#!/bin/sh
# SPDX-License-Identifier: MIT
#
# run.sh - runs the peers' programs in turn and reports.
#
# Every figure comes from a process of its own.  The peers do one work after
# each other before the next work begins, and the whole is done again for
# each round, in the opposite order every other time: what slows the machine
# for a while slows neighbours alike.  Memory and instructions hardly vary:
# memory is measured in three rounds, instructions in the first alone.
#
# A goal's figure is the median of the ratios of two peers within a round; of
# several peers beside ours that one counts beside which ours is slowest.  On a
# machine with two cores and a load of 11, six runs of eleven rounds gave twelve
# such figures a standard deviation of 21 %.  The ratio of the least figures of
# all rounds had 28 %, since the least of a bimodal work is luck, and the ratio
# of the medians 33 %.
#
# Instructions are counted by valgrind's callgrind: those of 2n operations
# less those of n, so that start and end fall out; the report takes the
# loop's off.

usage()
{
    cat >&2 <<'EOT'
usage: run.sh [-b dir] [-p peer,...] [-w work,...] [-r rounds]
              [-t milliseconds] [-o file] [-T name,...] [-l]
  -b  where the bench-* programs are (bench)
  -p  peers; all that are built
  -w  works: name, or name@size for one size in place of the mix; all
  -r  rounds (11)
  -t  milliseconds per measurement (20)
  -o  keeps the raw figures: round, peer, work, figure
  -T  the works name:program of these recorded programs, whose traces are in
      the directory that BENCH_TRACES names, and the goals for them
  -l  lists works, and the peers of each
EOT
    exit 2
}

dir=bench peers= works= rounds=11 time=20 out= list=no traces=
while getopts b:p:w:r:t:o:T:l option; do
    case $option in
    b) dir=$OPTARG ;;
    p) peers=$OPTARG ;;
    w) works=$OPTARG ;;
    r) rounds=$OPTARG ;;
    t) time=$OPTARG ;;
    o) out=$OPTARG ;;
    T) traces=$OPTARG ;;
    l) list=yes ;;
    *) usage ;;
    esac
done
shift $((OPTIND - 1))
[ $# -eq 0 ] || usage

here=$(dirname "$0")
awk=${AWK:-awk}
general="loop call bump locked glibc jemalloc arena mimalloc tcmalloc apr \
slice obstack talloc pmr-monotonic pmr-new pmr-unsync pmr-pool mempool-pmr \
mempool-base mempool mempool-handle mempool-inline mempool-handle-inline"
shown="lifo fill-1000 fill-100000 replace-500 replace-10000 threads-1 \
threads-2 threads-4 threads-8 produce life base"

words()
{
    echo "$1" | tr ',' ' '
}

whole=
if [ -z "$peers$works" ]; then
    whole=bench
    [ -z "$traces" ] || whole=traces
fi

# All works of a trace, where -w does not name them; those with threads are
# for programs that have several.
trace_works()
{
    for name in $(words "$traces"); do
        for work in $(words "${works:-trace-first,trace,trace-threads-first,\
trace-threads,memory-trace}"); do
            case $work in
            trace-threads*)
                test -e "$BENCH_TRACES/$name.threads" || continue ;;
            esac
            echo "$work:$name"
        done
    done
}
if [ -n "$traces" ]; then
    all_works=$(trace_works | tr '\n' ' ')
else
    all_works=$(words "$works")
fi

scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT
$awk -v shown="$shown" -v general="$general" -v works="$all_works" \
    -v peers="$(words "$peers")" -v traces="${traces:+1}" \
    -f "$here/goals.awk" -f "$here/cells.awk" "$here/goals" >"$scratch/cells"

# program PEER: which one it is, and its kind of pool if that is an option.
program()
{
    kind=
    program=$dir/bench-$1
    [ ! -x "$program" ] || return 0
    case $1 in
    mempool-*-inline) kind=${1#mempool-} kind=${kind%-inline}
        program=$dir/bench-mempool-inline
        case $kind in capacity | bounded | request | zero)
            program=$dir/bench-mempool-counted-inline ;;
        esac ;;
    mempool-*) kind=${1#mempool-} program=$dir/bench-mempool ;;
    esac
    [ -x "$program" ]
}

# Without the peers that are not here.
present= missing=
for peer in $(cut -d ' ' -f 2- "$scratch/cells" | tr ' ' '\n' | sort -u); do
    if program "$peer"; then
        present="$present $peer"
    else
        missing="$missing $peer"
    fi
done
$awk -v present="$present" '
    BEGIN { n = split(present, list, " "); for (i = 1; i <= n; i++) p[list[i]] }
    {
        line = back = ""
        for (i = 2; i <= NF; i++) {
            if ($i in p) { line = line " " $i; back = " " $i back }
        }
        if (line != "") { print $1 line; print $1 back >reversed }
    }' reversed="$scratch/reversed" "$scratch/cells" >"$scratch/order"
[ -z "$missing" ] || echo "left out, not installed or not built:$missing"
if [ $list = yes ]; then
    cat "$scratch/order"
    exit 0
fi
if [ ! -s "$scratch/order" ]; then
    echo "run.sh: nothing to run in $dir" >&2
    exit 1
fi

valgrind=yes
if ! command -v valgrind >/dev/null; then
    valgrind=no
    echo "no valgrind: instructions and memcheck left out"
fi

raw=${out:-$scratch/raw}
: >"$raw" || exit 1

# collected WORK OPERATIONS: instructions of the whole process.
collected()
{
    valgrind --tool=callgrind --callgrind-out-file=/dev/null \
        "$program" ${kind:+-k $kind} -n "$2" "$1" 2>&1 >/dev/null |
        sed -n 's/.*Collected : \([0-9]*\).*/\1/p'
}

instructions()
{
    work=$1 n=102000
    once_more=$(collected "$work" $((2 * n)))
    first=$(collected "$work" $n)
    if [ -z "$once_more" ] || [ -z "$first" ]; then
        return 1
    fi
    printf 'instructions-%s\t%s\n' "$work" \
        "$(echo "$once_more $first $n" | $awk '{ print ($1 - $2) / $3 }')"
}

# one ROUND PEER WORK
one()
{
    program "$2"
    case $3 in
    instructions-*)
        [ "$1" -eq 1 ] && [ $valgrind = yes ] || return 0
        line=$(instructions "${3#instructions-}") ;;
    pauses)
        [ "$1" -eq 1 ] || return 0
        line=$("$program" -r "${PAUSES_MIB:-1024}" 3) ;;
    memcheck-*)
        [ "$1" -le 3 ] && [ $valgrind = yes ] || return 0
        line=$("$program" "$3") ;;
    memory*)
        [ "$1" -le 3 ] || return 0
        line=$("$program" ${kind:+-k $kind} "$3") ;;
    *)
        line=$("$program" ${kind:+-k $kind} -t "$time" "$3") ;;
    esac || { echo "run.sh: $2 failed at $3" >&2; status=1; return 0; }
    [ -z "$line" ] || echo "$line" | sed "s/^/$1	$2	/" >>"$raw"
}

round=1 status=0
while [ "$round" -le "$rounds" ]; do
    [ ! -t 2 ] || printf 'round %s of %s\r' "$round" "$rounds" >&2
    order=$scratch/order
    [ $((round % 2)) -eq 1 ] || order=$scratch/reversed
    while read -r work line; do
        for peer in $line; do
            one "$round" "$peer" "$work" </dev/null
        done
    done <"$order"
    round=$((round + 1))
done

$awk -v whole="$whole" -f "$here/goals.awk" -f "$here/ratios.awk" \
    -f "$here/report.awk" "$here/goals" "$raw" || status=1
exit $status

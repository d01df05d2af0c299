#!/bin/sh
# SPDX-License-Identifier: MIT
#
# bench.sh - each goal of bench/goals finds its figure.
#
# The driver, the report and what is kept for the site run with programs that
# only say that a work took so long.  They know the works and kinds that the
# real programs know, and refuse others, so a goal for a work that is gone does
# not go unnoticed.  A goal without a figure is an error of a full run.
#
# What it cannot do: measure anything.  make bench does.
. "${top_srcdir:-.}/tests/shell.sh"

bench=$top_srcdir/bench
programs=$dir/programs
mkdir "$programs" "$dir/bin" "$dir/recorded"

# The works that there are, and the kinds, as patterns of the shell.
works=$(sed -n 's/^    { "\([a-z0-9-]*\)", work_.*/\1/p' \
    "$bench/work_main.h" | tr '\n' '|')
kinds=$(sed -n 's/^    {"\([a-z]*\)", .*/\1/p' "$bench/mempool_kind.h" |
    tr '\n' '|')
pauses=$(sed -n 's/^    {".*", "\(pause-[a-z-]*\)", .*/\1/p' \
    "$bench/pauses.c" | tr '\n' ' ')
case $works:$kinds:$pauses in
*lifo\|*:*capacity\|*:*pause-reset*) ;;
*) complain "found works $works, kinds $kinds, pauses $pauses" ;;
esac

cat >"$programs/bench-glibc" <<EOT
#!/bin/sh
while :; do
    case \$1 in
    -k) case \$2 in ${kinds}nothing) ;; *) exit 1 ;; esac
        shift 2 ;;
    -t | -n) shift 2 ;;
    *) break ;;
    esac
done
case \${1%%[@:]*} in ${works}nothing) ;; *) exit 1 ;; esac
printf '%s\t1.5\n' "\$1"
EOT
cat >"$programs/bench-pauses" <<EOT
#!/bin/sh
for work in $pauses; do
    printf '%s\t1.5\n' "\$work"
done
EOT
cat >"$dir/bin/valgrind" <<'EOT'
#!/bin/sh
for n; do
    test "$last" != -n || echo "== Collected : ${n}0" >&2
    last=$n
done
EOT
chmod +x "$programs"/* "$dir/bin/valgrind"
for peer in loop jemalloc mimalloc tcmalloc apr locked pmr-new pmr-unsync \
    pmr-pool mempool mempool-inline mempool-base mempool-handle \
    mempool-handle-inline mempool-counted-inline mempool-pmr; do
    cp "$programs/bench-glibc" "$programs/bench-$peer"
done
PATH=$dir/bin:$PATH
export PATH

# run NAME ARGUMENT...: the driver; what it says is in $dir/NAME.
run()
{
    name=$1
    shift
    AWK=$AWK sh "$bench/run.sh" -b "$programs" -r 1 -o "$dir/$name.raw" "$@" \
        >"$dir/$name" 2>&1
}

run bench || complain "a whole run: $(tail -n 5 "$dir/bench")"
: >"$dir/recorded/one.threads"
BENCH_TRACES=$dir/recorded
export BENCH_TRACES
run traces -T one,two ||
    complain "a run of traces: $(tail -n 5 "$dir/traces")"
grep -q ' goals are met$' "$dir/bench" || complain 'no sum of goals'
grep -q 'MISSED' "$dir/bench" || complain 'no ratio of 1 misses its goal'

# All goals, and all figures, are kept.
$AWK -f "$bench/goals.awk" -f "$bench/ratios.awk" -f "$bench/keep.awk" \
    "$bench/goals" "$dir/bench.raw" "$dir/traces.raw" >"$dir/report"
printf '%s\n' '{ goal_line($0) }' 'END { print goals }' >"$dir/count.awk"
goals=$($AWK -f "$bench/goals.awk" -f "$dir/count.awk" "$bench/goals")
kept=$(grep -c '^goal	' "$dir/report")
test "$kept" -eq "$goals" || complain "$kept goals are kept of $goals"
test "$goals" -gt 200 || complain "only $goals goals"
grep -q '^mempool	memory-trace:two	1.50$' "$dir/report" ||
    complain 'a median of a trace is not kept'
grep -q '^goal	LIFO pair	mempool-zero-inline	lifo	0.65	1.00$' \
    "$dir/report" || complain 'a goal is not kept'

# The goal whose figure is missing is named.
sed 's/lifo|/no-lifo|/' "$programs/bench-mempool" >"$dir/bench-mempool"
cp "$dir/bench-mempool" "$programs/bench-mempool"
if run failed -w lifo,base -p mempool,glibc; then
    complain 'a program that fails goes unnoticed'
fi
cp "$programs/bench-glibc" "$programs/bench-mempool"
mv "$programs/bench-mempool-inline" "$dir/bench-mempool-inline"
if run missing -T two; then
    complain 'a missing peer goes unnoticed'
fi
mv "$dir/bench-mempool-inline" "$programs/bench-mempool-inline"
grep -q '^    mempool-inline mean:trace$' "$dir/missing" ||
    complain 'a goal that was not measured is not named'

# Figures of the documents.
mkdir -p "$dir/source/doc"
AWK=$AWK ROUNDS=1 sh "$bench/figures.sh" -m "$dir/source" "$programs" \
    >"$dir/figures" 2>&1 || complain "figures: $(cat "$dir/figures")"
grep -v '^#' "$top_srcdir/doc/figures" | cut -d '|' -f 1 >"$dir/wanted"
grep -v '^#' "$dir/source/doc/figures" | cut -d '|' -f 1 >"$dir/got"
same 'rows of doc/figures (<) and of a run (>)' "$dir/wanted" "$dir/got"
if grep -v '^#' "$dir/source/doc/figures" | grep -v '| 1\.5 | 1\.5 | 1\.5 |'
then
    complain 'a row of figures lacks one'
fi
exit $status

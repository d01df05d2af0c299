#!/bin/sh
# SPDX-License-Identifier: MIT
#
# probes.sh - the library has the probes that mempool_debug(7) lists.
#
# Each is one nop with as many arguments as the page says, and none is in a
# function that has the fast path.  In gdb each is met, with its pool.
. "${top_srcdir:-.}/tests/tools.sh"
library=$top_builddir/.libs/libmempool.so

# With and without probes, an argument of another type is refused.
for flag in -UMP_PROBES -DMP_PROBES; do
    test "$flag:${PROBES:-no}" != -DMP_PROBES:no || continue
    for call in 'probe_slow(&x, 1)' 'probe_slow(1, "x")' 'probe_slow(&x)'; do
        printf '#include "base/probe.h"\nvoid f(int x);\n%s\n' \
            "void f(int x) { (void)x; $call; }" >"$dir/call.c"
        $CC $flag -Werror -I"$top_srcdir/src" -c -o "$dir/call.o" \
            "$dir/call.c" 2>"$dir/said" && taken=yes || taken=no
        case $call:$taken in
        'probe_slow(&x, 1):yes' | 'probe_slow(1, "x"):no' | \
            'probe_slow(&x):no') ;;
        *) complain "$flag: $call: taken: $taken: $(cat "$dir/said")" ;;
        esac
    done
done
test "${PROBES:-no}" = yes || { test $status = 1 || skip 'there are none'; }
test -f "$library" || { test $status = 1 || skip 'no shared library'; }
command -v readelf >/dev/null 2>&1 || skip 'no readelf'

# name, place, semaphore, number of arguments
LC_ALL=C readelf -n "$library" | $AWK '
    $1 == "Provider:" { provider = $2 }
    $1 == "Name:" { name = $2 }
    $1 == "Location:" { place = $2; semaphore = $6; sub(/,/, "", place) }
    $1 == "Arguments:" && provider == "mempool" {
        print name, place, semaphore, NF - 1 }' >"$dir/found"
table probes | $AWK 'NR > 1 { print $1, split($2, part, ",") }' |
    sort >"$dir/page"
test -s "$dir/page" || complain 'the page has no table of probes'
$AWK '{ print $1, $4 }' "$dir/found" | sort -u >"$dir/there"
same 'the probes of the page and those of the library' \
    "$dir/page" "$dir/there"
$AWK '$3 !~ /^0x0*$/' "$dir/found" >"$dir/wrong"
test ! -s "$dir/wrong" || complain "has a semaphore: $(cat "$dir/wrong")"

while read -r name place semaphore count; do
    LC_ALL=C objdump -d --no-show-raw-insn --start-address="$place" \
        --stop-address=$((place + 16)) "$library" |
        $AWK '/^ *[0-9a-f]+:\t/ { print $2; exit }' >"$dir/code"
    grep '^nop' "$dir/code" >/dev/null ||
        complain "$name at $place is $(cat "$dir/code")"
done <"$dir/found"

LC_ALL=C $NM -D -P "$library" | $AWK '{ sub(/@.*/, "", $1); print }' |
    grep -E '^(mp_allocate|mp_free|free_memory|mp_handle_(allocate|free)) T' \
        >"$dir/fast"
test "$(wc -l <"$dir/fast")" = 5 || complain "not five: $(cat "$dir/fast")"
while read -r function type at size; do
    while read -r name place rest; do
        test $((place)) -lt $((0x$at)) ||
            test $((place)) -ge $((0x$at + 0x$size)) ||
            complain "$name is in $function"
    done <"$dir/found"
done <"$dir/fast"

# Each is met by a program, in which gdb can read its pool.
if ! command -v gdb >/dev/null 2>&1 || test "${SANITIZERS:-none}" != none ||
    test -n "${EMULATOR:-}" ||
    ! gdb -nx -batch -ex starti "$(command -v true)" 2>&1 |
        grep 'Program stopped' >/dev/null; then
    echo 'probes.sh: left out: gdb, which would meet each'
    exit $status
fi
libs=$(cd "$top_builddir/.libs" && pwd -P)
DEBUGINFOD_URLS=
export DEBUGINFOD_URLS
# shellcheck disable=SC2086 # flags
$CC -g -I"$top_builddir/include" -I"$top_srcdir/include" \
    -o "$dir/pools" "$top_srcdir/tests/gdb/pools.c" "$library" \
    -Wl,-rpath,"$libs" $PTHREAD_FLAGS || exit 99
{
    echo 'set breakpoint pending on'
    echo 'set auto-load python-scripts off'
    for name in $(cut -d ' ' -f 1 "$dir/page"); do
        printf 'break -probe-stap mempool:%s\ncommands\nsilent\n' "$name"
        printf 'printf "%s %%d %%d\\n", $_probe_argc, ' "$name"
        printf '(void *)$_probe_arg0 == (void *)told.request\n'
        printf 'continue\nend\n'
    done
    echo run
} >"$dir/commands"
gdb -nx -batch -x "$dir/commands" "$dir/pools" >"$dir/met" 2>&1 </dev/null
$AWK 'NR == FNR { count[$1] = $2; next }
      $1 in count && $2 == count[$1] { met[$1]; if ($3) own[$1] }
      END { for (name in count) if (!(name in met)) print name, "is not met"
            if (!("refuse" in own)) print "request is not refused" }' \
    "$dir/page" "$dir/met" >"$dir/missed"
test ! -s "$dir/missed" ||
    complain "$(cat "$dir/missed"): $(cat "$dir/met")"
exit $status

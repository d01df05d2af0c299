#!/bin/sh
# SPDX-License-Identifier: MIT
#
# debug-output.sh - a fault prints what mempool_debug(7) shows for its symptom.
#
# A comment "RUN WORDS FAULT KIND" stands before each output in the page.  Lines
# that begin with blanks go on the line before.  Addresses differ from run to
# run, and of the callers only that there are some is compared.
. "${top_srcdir:-.}/tests/tools.sh"
test "${SANITIZERS:-none}" = none ||
    skip "built for a sanitizer, which says more"
bugs=$top_builddir/tests/planted/bugs

# What does not differ.
same_each_time()
{
    sed -e 's/ by [^;]*/ by/g' -e 's/0x[0-9a-f]*/0x/g'
}

$AWK -v dir="$dir" '
    /^\.\\" RUN / { print $3, $4, $5; file = dir "/page." ++n }
    /^\.Bd -literal/ && file != "" { on = 1; next }
    /^\.Ed/ {
        if (on) { print line > file; close(file) }
        on = 0; file = ""; line = ""
    }
    on {
        if (/^ /) { sub(/^ +/, " "); line = line $0; next }
        line = line == "" ? $0 : line "\n" $0
    }' "$page" >"$dir/runs"
test "$(grep -c . "$dir/runs")" -gt 5 || complain "$page: has no outputs"
named=$(echo '#include <stdio.h>' | $CC -E -dM - | grep -c '__GLIBC__ ')
n=0
while read -r words fault kind; do
    n=$((n + 1))
    # Only some C libraries name callers.
    case $words in
    *callers*)
        if test -n "$EMULATOR" || test "$named" = 0; then
            echo "debug-output.sh: left out: $words: no names here"
            continue
        fi ;;
    esac
    MEMPOOL_OPTIONS=$words $EMULATOR "$bugs" "$fault" "$kind" 2>&1 </dev/null |
        same_each_time >"$dir/said"
    same_each_time <"$dir/page.$n" | diff - "$dir/said" >"$dir/differs" ||
        complain "$words $fault $kind: $page (<) and what is said (>):" \
            "$(cat "$dir/differs")"
done <"$dir/runs"
exit $status

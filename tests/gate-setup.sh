# SPDX-License-Identifier: MIT
#
# gate-setup.sh - what the tests of the gate share, which lets a change of the
# binary interface through or stops it: packaging/abi-now.sh, abi-since.sh and
# abi-baseline.sh.  They source it.
#
# A library of two functions gets a baseline, then changes, one at a time.
# Left out where there is no abidw, and on machines for which there is no
# baseline.
set -u
top_srcdir=${top_srcdir:-.}
: "${CC:=cc}"
dir=$(mktemp -d) || exit 99
trap 'rm -rf "$dir"' EXIT
status=0

command -v abidw >/dev/null 2>&1 || {
    echo 'gate: abidw is missing: package abigail-tools'
    exit 77
}
case $($CC -dumpmachine) in
x86_64-*) ;;
*)
    echo 'gate: the gate knows x86_64 alone'
    exit 77
    ;;
esac

one='int second(int);'
one_body='int second(int a) { return a; }'
one_map='NODE_1 { global: first; second; local: *; };'

# A header, a source and a map for the lines given: the whole library anew.
library()
{
    mkdir -p "$dir/include"
    printf '%s\n' '#define MP_ONE 1' 'int first(int);' "$1" \
        >"$dir/include/memory_pool.h"
    printf '%s\n' '#include "memory_pool.h"' \
        'int first(int a) { return a; }' "$2" >"$dir/library.c"
    printf '%s\n' "$3" >"$dir/library.map"
    $CC -g -shared -fPIC -I"$dir/include" -o "$dir/library.so" \
        "$dir/library.c" -Wl,-soname,library.so.0 \
        -Wl,--version-script="$dir/library.map" || exit 99
}

# gate SCRIPT VERSION VERSION-INFO: the script is now, since or baseline.
gate()
{
    CC=$CC headers=$dir/include/memory_pool.h library=$dir/library.so \
        news=$dir/NEWS baselines=$dir/abi version=$2 version_info=$3 \
        sh "$top_srcdir/packaging/abi-$1.sh" >"$dir/log" 2>&1
}

# passes WHAT SCRIPT VERSION VERSION-INFO
passes()
{
    what=$1
    shift
    gate "$@" && return
    echo "gate: $what: stopped:"
    cat "$dir/log"
    status=1
}

# stops WHAT WORDS SCRIPT VERSION VERSION-INFO: the words are the script's own.
stops()
{
    what=$1
    words=$2
    shift 2
    if gate "$@"; then
        echo "gate: $what: went through"
        status=1
    elif ! grep -F -e "$words" "$dir/log" >/dev/null; then
        echo "gate: $what: stopped for another reason:"
        cat "$dir/log"
        status=1
    fi
}

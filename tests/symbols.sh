#!/bin/sh
# SPDX-License-Identifier: MIT
#
# symbols.sh - the library exports what the header declares, and no more.
#
# Three lists must be one: the names that the headers declare, the names
# in the version script, and the symbols of the shared library.  The static
# archive is one unit with static inner functions, so it shows no other name
# either: a program's own names would clash with it.
# ELF only: where nm -D does not read the library, that part is left out.
set -eu
LC_ALL=C
export LC_ALL
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
status=0

differ() {
    if ! cmp -s "$dir/$1" "$dir/$2"; then
        echo "symbols: $1 (<) and $2 (>) differ:"
        diff "$dir/$1" "$dir/$2" || :
        status=1
    fi
}

# A declaration ends at its semicolon; the name stands before the first "(",
# or before the attributes.  What programs find on some machines alone is
# asked for as the library itself does.
printf '#include <%s>\n' memory_pool_inline.h memory_pool_hooks.h >"$dir/header.c"
$CC -E -P -DMP_API=SYMBOLS_API -DMP_INLINE_LIBRARY -I"$top_builddir/include" \
    -I"$top_srcdir/include" "$dir/header.c" |
    tr '\n' ' ' | tr ';' '\n' | sed -n '/SYMBOLS_API/{
        s/.*SYMBOLS_API//
        s/__attribute__.*//
        s/(.*//
        s/.*[^A-Za-z0-9_]\([A-Za-z0-9_][A-Za-z0-9_]*\) *$/\1/p
    }' | sort >"$dir/header"

sed -n 's/^ *\([a-z_][a-z_0-9]*\);.*/\1/p' \
    "$top_srcdir/src/libmempool.map" | sort >"$dir/map"
[ -s "$dir/map" ] || { echo 'symbols: no names in the map'; exit 1; }
differ header map

# What an emulated thread-local variable is found by, and what it starts with.
emulated='s/^__emutls_v\.//; /^__emutls_t\./d'

# libtool says which files it made.
dlname= old_library=
. "$top_builddir/libmempool.la"

shared=$top_builddir/.libs/$dlname
if [ -n "$dlname" ] && $NM -D --defined-only "$shared" >"$dir/nm" 2>&1; then
    # The version nodes themselves are absolute symbols.
    $AWK '$2 != "A" { sub(/@.*/, "", $3); print $3 }' "$dir/nm" |
        sed "$emulated" | sort >"$dir/shared"
    differ map shared
fi

# __odr_asan and the like are the sanitizers' own, and __x86.get_pc_thunk the
# compiler's on 32-bit x86; DW.ref.* is where unwind tables find a routine of
# the compiler's; _.stapsdt.base is hidden, and where probes begin.
archive=$top_builddir/.libs/$old_library
if [ -n "$old_library" ]; then
    $NM -g "$archive" | $AWK 'NF == 3 && $2 != "U" { print $3 }' |
        sed "$emulated; /^__odr_asan/d; /^__x86\\./d; /^DW\\.ref\\./d
            /^_\\.stapsdt\\.base$/d" | sort -u >"$dir/archive"
    comm -12 "$dir/map" "$dir/archive" >"$dir/in-archive"
    differ map in-archive
    comm -13 "$dir/map" "$dir/archive" >"$dir/stray"
    if [ -s "$dir/stray" ]; then
        echo 'symbols: the archive shows names that are not public:'
        cat "$dir/stray"
        status=1
    fi
fi
exit $status

#!/bin/sh
# SPDX-License-Identifier: MIT
#
# abi-now.sh - library, headers, map and version-info are as the baseline of
# the coming release says.
#
# Run by `make check-abi`.  What memory_pool_inline.h compiles into programs is
# in the baseline, too: a thread's variable and all that it leads to.  Whoever
# changes any of this on purpose renews the baseline in the same commit.
. "$(dirname "$0")/abi-setup.sh"
base=$baselines/$version
if [ ! -e "$base.abi" ]; then
    echo "abi: $version has no baseline: make abi-baseline"
    exit 1
fi
. "$(dirname "$0")/abi-dump.sh"

# Dump against dump: beside a library abidiff takes every type of the dump,
# which tells no place, for a private one.
if differ "$base.abi" "$dir/now/abi"; then
    complain "the interface is not that of $base.abi:"
    cat "$dir/report"
fi

if ! diff "$base.info" "$dir/now/info" >"$dir/report"; then
    complain "symbols, nodes or version-info are not those of $base.info (<):"
    cat "$dir/report"
fi

# The headers of a directory as a compiler reads them.
read_headers() {
    header=memory_pool_inline.h
    [ -e "$1/$header" ] || header=memory_pool.h
    echo "#include <$header>" | $CC -E -P -dD -I"$1" -x c - |
        macros_of_interface
}
mkdir "$dir/base"
cp "$base.h" "$dir/base/memory_pool.h"
[ ! -e "$base.inline.h" ] ||
    cp "$base.inline.h" "$dir/base/memory_pool_inline.h"
read_headers "$dir/base" >"$dir/old"
read_headers "$dir/include" >"$dir/new"
if ! diff "$dir/old" "$dir/new" >"$dir/report"; then
    complain "the headers say other than $base.h and $base.inline.h (<):"
    cat "$dir/report"
fi

if [ $status = 0 ]; then
    echo "abi: as the baseline of $version says"
else
    echo 'abi: where that is meant: a new symbol goes into the coming' \
        "version's node of the map, NEWS gets a line, version-info moves by" \
        'the rule in configure.ac, and make abi-baseline renews the baseline'
fi
exit $status

#!/bin/sh
# SPDX-License-Identifier: MIT
#
# release-check.sh - walks through the list of what a release needs and prints
# what is missing.
#
# Run by `make release-check`, in the build directory of a clone; as root,
# since packages are installed in a tree of their own.  HACKING has the list
# with what each item asks; the functions here and in release-items.sh have its
# names and order.
# Nothing stops it: the end tells what is missing.  ITEMS="news version" looks
# at these alone.  The whole takes more than half an hour on two processors.
set -u
LC_ALL=C
export LC_ALL
source=$(cd "$top_srcdir" && pwd)
items='clean news version interface ci reproducible debian cross subproject tag'
mkdir -p release
missing=

# Run in an item's subshell: says why it is missing.
lacks() {
    echo "  $*"
    lacking=yes
}

# A make target whose log is kept.
passes() {
    $MAKE -s "$1" >"release/$1.log" 2>&1 || {
        tail -n 15 "release/$1.log" | sed 's/^/    /'
        lacks "make $1 fails; release/$1.log has it all"
    }
}

# It holds distcheck, check-dist, check-abi, check-musl, and the packages.
item_ci() {
    "$source/.ci/run" >release/ci.log 2>&1 || {
        tail -n 15 release/ci.log | sed 's/^/    /'
        lacks '.ci/run fails; release/ci.log has it all'
    }
}

item_reproducible() {
    passes check-reproducible
}

item_debian() {
    passes check-debian
}

item_cross() {
    passes check-cross
}

item_subproject() {
    passes check-subproject
}

. "$source/packaging/release-items.sh"
for item in ${ITEMS:-$items}; do
    echo "$item"
    lacking=
    "item_$item"
    [ -z "$lacking" ] || missing="$missing $item"
done
if [ -n "$missing" ]; then
    echo "release-check: $version is not ready; missing:$missing"
    exit 1
fi
echo "release-check: $version has all of: ${ITEMS:-$items}"

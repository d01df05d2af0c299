#!/bin/sh
# SPDX-License-Identifier: MIT
#
# debian-use.sh - uses the Debian packages that are installed as a user would.
#
# debian-use.sh TESTS README: builds the program that README shows in the way
# that it shows, reads a page of the manual, and runs TESTS, debian/tests.
# Needs gcc, pkg-config and man.
set -eu
LC_ALL=C
# With a width of its own, man keeps no formatted page in its cache, as it
# does when root reads.
MANWIDTH=79
export LC_ALL MANWIDTH
tests=$(cd "$1" && pwd)
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

sed -n '/^Write .hello\.c.:$/,/^    }$/s/^    //p' "$2" >"$dir/hello.c"
command=$(sed -n 's/^    \(cc hello\.c .*\)/\1/p' "$2")
said=$(cd "$dir" && sh -ec "$command")
[ "$said" = hello ] || { echo "debian-use: hello.c says '$said'"; exit 1; }
echo 'debian-use: hello.c says hello'

MANPAGER=cat man mp_allocate >"$dir/page"
grep -q 'mp_allocate' "$dir/page"
echo "debian-use: man mp_allocate: $(wc -l <"$dir/page") lines"

# Where gdb looks for it.
library=$(readlink -f /usr/lib/*/libmempool.so.0)
test -f "/usr/share/gdb/auto-load$library-gdb.py"

for test in examples manual; do
    mkdir "$dir/$test"
    AUTOPKGTEST_TMP=$dir/$test "$tests/$test"
done

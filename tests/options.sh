#!/bin/sh
# SPDX-License-Identifier: MIT
#
# options.sh - configure refuses a wrong option with a sentence.
#
# configure stops at a wrong value before it makes a file, so a refusal is
# quick; the values that are taken are seen in the header that is made.  It
# runs in a copy of what it reads, since a tree that was itself configured
# cannot be built from elsewhere.
set -eu
dir=$(mktemp -d)
trap 'chmod -R u+w "$dir"; rm -rf "$dir"' EXIT
mkdir "$dir/include" "$dir/src"
cp "$top_srcdir/configure" "$top_srcdir/Makefile.in" "$dir"
cp -R "$top_srcdir/build-aux" "$dir"
cp "$top_srcdir/include/memory_pool.h.in" "$dir/include"
cp "$top_srcdir"/src/*.in "$dir/src"
chmod -R u+w "$dir"
cd "$dir"
unset CONFIG_SITE MAKEFLAGS MFLAGS || :
# Nothing is compiled here, so make need not look after dependencies.
set -- -q --disable-dependency-tracking CC="$CC"

for size in '' yes no abc 12x 0 63 0100 0x400 -5 +64 ' 64' '64 ' 6.4e1 \
    1073741825 9999999999 18446744073709551680 \
    100000000000000000000000000000000; do
    if ./configure "$@" --with-max-block-size="$size" >out 2>&1; then
        echo "options: --with-max-block-size='$size' was taken"
        exit 1
    fi
    if ! grep -- '--with-max-block-size takes a decimal' out >/dev/null; then
        echo "options: no sentence for --with-max-block-size='$size':"
        cat out
        exit 1
    fi
done

# What is taken shows in the header, or in what is missed next.
for size in 64 1073741824; do
    ./configure "$@" --with-max-block-size=$size CC=false >out 2>&1 || :
    if ! grep 'C compiler cannot create executables' out >/dev/null; then
        echo "options: --with-max-block-size=$size was not taken:"
        cat out
        exit 1
    fi
done
size=4096
./configure "$@" --with-max-block-size=$size >out 2>&1 || {
    cat out
    exit 1
}
if ! grep "^#define MP_MAX_BLOCK_SIZE $size\$" include/memory_pool.h; then
    echo "options: the header does not say $size"
    exit 1
fi

#!/bin/sh
# SPDX-License-Identifier: MIT
#
# plugin.sh - the archive can be linked into a plug-in, which works beside a
# program that has the shared library.
#
# The plug-in hides the archive's names, or it would be given the program's
# copy for them.  It must stay when it is closed, as the shared library does,
# since a thread that used it may end later.  Left out where one of the two
# libraries was not built, and where the linker has no such options.
set -u
dir=$(mktemp -d) || exit 99
trap 'rm -rf "$dir"' EXIT

dlname= old_library=
. "$top_builddir/libmempool.la"
archive=$top_builddir/.libs/$old_library
if [ -z "$dlname" ] || [ -z "$old_library" ]; then
    echo 'plugin: needs both the shared library and the archive'
    exit 77
fi
set -- $SANITIZE_CFLAGS -I"$top_builddir/include" -I"$top_srcdir/include"
options='-Wl,--exclude-libs,libmempool.a -Wl,-z,nodelete'
if ! $CC "$@" -shared -fPIC -o "$dir/empty.so" -xc /dev/null $options; then
    echo 'plugin: the linker does not know how to hide an archive'
    exit 77
fi

$CC "$@" -shared -fPIC -o "$dir/plugin.so" "$top_srcdir/tests/plugin.c" \
    "$archive" $PTHREAD_FLAGS $options &&
    $CC "$@" -o "$dir/host" "$top_srcdir/tests/plugin_host.c" \
        -L"$top_builddir/.libs" -lmempool $PTHREAD_FLAGS -ldl || {
    echo 'plugin: does not build'
    exit 1
}
# Two copies of a variable of one name are meant here.
ASAN_OPTIONS=${ASAN_OPTIONS:-}:detect_odr_violation=0
LD_LIBRARY_PATH=$top_builddir/.libs
export ASAN_OPTIONS LD_LIBRARY_PATH
${EMULATOR:-} "$dir/host" "$dir/plugin.so"

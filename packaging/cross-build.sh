#!/bin/sh
# SPDX-License-Identifier: MIT
#
# cross-build.sh - builds with another compiler and runs the tests.
#
# cross-build.sh NAME HOST ARGUMENT...: $CC is the compiler, HOST the machine
# for which it compiles, $EMULATOR what runs the programs, or empty; the
# arguments are configure's.  The build is in the directory cross-NAME.  Check
# is built first, in cross-check.
#
# Left out are the tests that run no code of the library; those with Lua and
# libmicrohttpd, which are not there for those machines; and what qemu's user
# mode cannot do, which the tests say for themselves.  Emulated tests are slow,
# so MP_TEST_SCALE divides their rounds, where a test has rounds.
set -eu
LC_ALL=C
export LC_ALL
unset MAKEFLAGS MFLAGS MAKELEVEL CFLAGS CXXFLAGS CPPFLAGS || :
name=$1
host=$2
shift 2
top_srcdir=$(cd "$top_srcdir" && pwd)
jobs=${JOBS:-$(getconf _NPROCESSORS_ONLN)}
check=$PWD/cross-check/$name

[ -e "$check/lib/libcheck.a" ] ||
    sh "$top_srcdir/packaging/check-library.sh" "$check" "$host"
rm -rf "cross-$name"
mkdir "cross-$name"
cd "cross-$name"
"$top_srcdir/configure" -q "$@" --enable-werror PKG_CONFIG=/bin/false \
    CHECK_CFLAGS="-I$check/include" \
    CHECK_LIBS="-L$check/lib -lcheck -lm -pthread"
if grep '^HAVE_CHECK_TRUE=.#' config.log; then
    echo 'cross: configure does not find the Check that was built' >&2
    exit 1
fi
make -s -j"$jobs" all
make -s -j"$jobs" check TESTS=
if [ -n "$EMULATOR" ]; then
    sh "$top_srcdir/packaging/emulate.sh"
    EMULATOR=$PWD/emulator
    : "${MP_TEST_SCALE:=50}" "${CK_TIMEOUT_MULTIPLIER:=10}"
    export MP_TEST_SCALE CK_TIMEOUT_MULTIPLIER
fi
make -s run
make -s -j"$jobs" check-programs EMULATOR="$EMULATOR"
echo "cross: $name: passed"

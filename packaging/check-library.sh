#!/bin/sh
# SPDX-License-Identifier: MIT
#
# check-library.sh - builds Check, which the unit tests need, for a compiler
# whose system has no package of it here.
#
# check-library.sh PREFIX HOST: $CC is the compiler, HOST what configure's
# --host gets.  The source is Debian's, fetched by apt-get through lists of
# its own, so that this machine's stay as they are; it is kept in the
# directory check-source for the next call.  The library is static, and
# without subunit, which no test needs.
set -eu
LC_ALL=C
export LC_ALL
unset MAKEFLAGS MFLAGS MAKELEVEL CFLAGS CXXFLAGS CPPFLAGS LDFLAGS || :
prefix=$1
host=$2

if ! ls check-source/check_*.orig.tar.* >/dev/null 2>&1; then
    . /etc/os-release
    mkdir -p check-source/lists/partial
    cd check-source
    mirror=${MIRROR:-$(apt-get indextargets --format '$(SITE)' \
        "Codename: $VERSION_CODENAME" "Created-By: Packages" | head -n 1)}
    echo "deb-src $mirror $VERSION_CODENAME main" >sources.list
    set -- -qq -o Dir::Etc::SourceList="$PWD/sources.list" \
        -o Dir::Etc::SourceParts=/dev/null -o Dir::State::Lists="$PWD/lists" \
        -o Dir::Cache="$PWD/cache" -o APT::Sandbox::User=root
    apt-get "$@" update
    apt-get "$@" source --download-only --only-source check
    cd ..
fi

rm -rf "$prefix.build"
mkdir -p "$prefix.build"
tar -xf check-source/check_*.orig.tar.* -C "$prefix.build" \
    --strip-components=1
cd "$prefix.build"
# What configure would find out by running a program.
ac_cv_func_malloc_0_nonnull=yes ac_cv_func_realloc_0_nonnull=yes \
    ./configure -q --host="$host" --prefix="$prefix" --disable-shared \
    --disable-subunit CC="$CC" CFLAGS='-g -O1 -w' >log 2>&1 ||
    { tail -n 40 log; exit 1; }
{ make -s -C lib && make -s -C src && make -s -C src install; } >log 2>&1 ||
    { tail -n 40 log; exit 1; }
cp check_stdint.h "$prefix/include"
rm -rf "$prefix.build"

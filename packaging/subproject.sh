#!/bin/sh
# SPDX-License-Identifier: MIT
#
# subproject.sh - a program takes libmempool the ways that other build systems
# know: installed, through pkg-config; or as the tarball, which they build.
#
# Run by `make check-subproject`, in the build directory, where the tarball
# is.  The programs in packaging/subproject/ are built by CMake and by Meson
# and run.  There is no CMake package to install, since CMake reads
# libmempool.pc.
set -eu
LC_ALL=C
export LC_ALL
unset MAKEFLAGS MFLAGS MAKELEVEL CFLAGS CXXFLAGS CPPFLAGS LDFLAGS || :
tarball=$PWD/libmempool-$version.tar.xz
source=$(cd "$top_srcdir/packaging/subproject" && pwd)
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
wanted="libmempool $version, $(echo "$version" | cut -d - -f 1)"

run() {
    echo "subproject: $1"
    cp -R "$source" "$dir/$1"
    cd "$dir/$1/$1"
    "build_$(echo "$1" | tr - _)" >log 2>&1 || {
        tail -n 60 log
        echo "subproject: $1 failed"
        exit 1
    }
    # Meson has what it built for the program somewhere below build.
    libraries=$(find "$PWD/build" -name 'libmempool.so.0' -path '*/dist/*' \
        -exec dirname {} ';')
    found=$(LD_LIBRARY_PATH=${libraries:-$2} build/program)
    if [ "$found" != "$wanted" ]; then
        echo "subproject: $1: says '$found', not '$wanted'"
        exit 1
    fi
}

build_cmake_installed() {
    cmake -S . -B build && cmake --build build
}

build_cmake_external() {
    cmake -S . -B build -DTARBALL="$tarball" && cmake --build build
}

build_meson_installed() {
    meson setup build && meson compile -C build
}

build_meson_external() {
    mkdir subprojects
    tar -xf "$tarball" -C subprojects
    mv "subprojects/libmempool-$version" subprojects/libmempool
    cp libmempool.build subprojects/libmempool/meson.build
    cp ../program.c .
    meson setup build && meson compile -C build
}

tar -xf "$tarball" -C "$dir"
mkdir "$dir/build"
cd "$dir/build"
{ "../libmempool-$version/configure" -q --prefix="$dir/prefix" CC="$CC" &&
    make -s && make -s install; } >log 2>&1 || { tail -n 60 log; exit 1; }
PKG_CONFIG_PATH=$dir/prefix/lib/pkgconfig
export PKG_CONFIG_PATH
for kind in cmake meson; do
    if ! command -v $kind >/dev/null 2>&1; then
        echo "subproject: $kind is missing, and not tried"
        continue
    fi
    run $kind-installed "$dir/prefix/lib"
done
unset PKG_CONFIG_PATH
for kind in cmake meson; do
    command -v $kind >/dev/null 2>&1 || continue
    run $kind-external ''
done
echo 'subproject: all built and ran'

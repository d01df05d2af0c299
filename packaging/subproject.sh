#!/bin/sh
# SPDX-License-Identifier: MIT
#
# subproject.sh - one program takes libmempool in each way that CMake and
# Meson know: installed, or as the tarball that they build with their own.
#
# Run by `make check-subproject` in the build directory, where the tarball is.
# The library is installed three times, by configure, by CMake and by Meson;
# each time programs of both build systems find it, the shared library and
# the archive.  A program of the archive must run where there is no other, and
# one of the shared library must name it.  What is not tried, because a tool
# is missing, is said.
set -eu
LC_ALL=C
export LC_ALL
unset MAKEFLAGS MFLAGS MAKELEVEL CFLAGS CXXFLAGS CPPFLAGS LDFLAGS || :
unset LD_LIBRARY_PATH PKG_CONFIG_PATH CMAKE_PREFIX_PATH || :
export CC
name=libmempool-$version
tarball=$PWD/$name.tar.xz
sources=$(cd "$top_srcdir/packaging" && pwd)
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
wanted="libmempool $version, $(echo "$version" | cut -d - -f 1)"
sha256=$(sha256sum "$tarball" | cut -d ' ' -f 1)
count=0

have() {
    command -v "$1" >/dev/null 2>&1
}

fail() {
    tail -n 60 "$dir/log"
    echo "subproject: $*"
    exit 1
}

# quietly WHAT COMMAND...: shows what the command printed only if it fails.
quietly() {
    what=$1
    shift
    "$@" >"$dir/log" 2>&1 || fail "$what failed"
}

# The programs, each in a directory of its own; $1 is the kind of library,
# $2 the prefix of an installed one.
program_cmake_installed() {
    cmake -S cmake-installed -B build -DKIND="$1" -DCMAKE_PREFIX_PATH="$2" &&
        cmake --build build
}

program_cmake_fetch() {
    shared=OFF
    [ "$1" = static ] || shared=ON
    cmake -S cmake-fetch -B build -DBUILD_SHARED_LIBS=$shared \
        -DTARBALL="$tarball" -DSHA256="$sha256" && cmake --build build
}

program_meson_installed() {
    archive=false
    [ "$1" = shared ] || archive=true
    PKG_CONFIG_PATH=$2/lib/pkgconfig meson setup -Darchive=$archive \
        -Dmethod="${3:-pkg-config}" --cmake-prefix-path="$2" \
        build meson-installed && meson compile -C build
}

# By the CMake package, as where there is no pkg-config.  Meson gives the
# program no path to a library that it found so.
program_meson_cmake() {
    LDFLAGS=-Wl,-rpath,$2/lib program_meson_installed "$1" "$2" cmake
}

program_meson_wrap() {
    cp program.c meson-wrap
    mkdir -p meson-wrap/subprojects/packagecache
    cp "$tarball" meson-wrap/subprojects/packagecache
    sed -e "s/@VERSION@/$version/" -e "s/@SHA256@/$sha256/" \
        -e 's|@RELEASES@|file:///nowhere|' \
        "$sources/libmempool.wrap.in" >meson-wrap/subprojects/libmempool.wrap
    meson setup -Ddefault_library="$1" build meson-wrap &&
        meson compile -C build
}

# try WAY KIND WHAT [PREFIX]
try() {
    echo "subproject: $1, $2, $3"
    rm -rf "$dir/program"
    cp -R "$sources/subproject" "$dir/program"
    cd "$dir/program"
    quietly "$1" "program_$1" "$2" "${4:-}"
    named=static
    ! readelf -d build/program | grep 'libmempool\.so\.0' >/dev/null ||
        named=shared
    [ "$named" = "$2" ] || fail "$1: the program is of the $named library"
    found=$(build/program) || fail "$1: the program does not run"
    [ "$found" = "$wanted" ] || fail "$1: says '$found', not '$wanted'"
    count=$((count + 1))
    cd "$dir"
}

# install_... PREFIX
install_configure() {
    mkdir build-configure
    cd build-configure
    "../$name/configure" -q --prefix="$1" && make -s && make -s install
}

install_cmake() {
    for shared in ON OFF; do
        cmake -S "$name" -B build-cmake-$shared -DBUILD_SHARED_LIBS=$shared \
            -DCMAKE_INSTALL_PREFIX="$1" -DCMAKE_INSTALL_LIBDIR=lib &&
            cmake --build build-cmake-$shared &&
            cmake --install build-cmake-$shared || return
    done
}

install_meson() {
    meson setup build-meson "$name" -Ddefault_library=both --prefix="$1" \
        --libdir=lib && meson install -C build-meson
}

# The names that a program may use of each of the installed libraries.
compare_symbols() {
    for by in configure cmake meson; do
        [ -e "$dir/$by" ] || continue
        nm -D --defined-only "$dir/$by/lib/libmempool.so" |
            sed 's/^[0-9a-f]* //' | sort >"$dir/symbols-$by"
        cmp -s "$dir/symbols-configure" "$dir/symbols-$by" || {
            diff "$dir/symbols-configure" "$dir/symbols-$by" >"$dir/log"
            fail "configure's library and that of $by export different names"
        }
    done
}

tar -xf "$tarball" -C "$dir"
cd "$dir"
ways=
for way in cmake meson; do
    if have $way; then
        ways="$ways $way"
    else
        echo "subproject: $way is missing, and not tried"
    fi
done
for by in configure $ways; do
    (quietly "install by $by" install_$by "$dir/$by")
    # The package goes with the tree, wherever it is moved.
    prefix=$dir/$by-moved
    mv "$dir/$by" "$prefix"
    for kind in shared static; do
        case $ways in
        *cmake*) try cmake_installed $kind "moved, installed by $by" "$prefix" ;;
        esac
    done
    mv "$prefix" "$dir/$by"
    for kind in shared static; do
        case $ways in
        *meson*) try meson_installed $kind "installed by $by" "$dir/$by" ;;
        esac
    done
    case $ways in
    *cmake*meson*) try meson_cmake shared "installed by $by" "$dir/$by" ;;
    esac
done
compare_symbols
for kind in shared static; do
    case $ways in *cmake*) try cmake_fetch $kind tarball ;; esac
    case $ways in *meson*) try meson_wrap $kind tarball ;; esac
done
echo "subproject: $count programs built and ran"

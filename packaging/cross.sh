#!/bin/sh
# SPDX-License-Identifier: MIT
#
# cross.sh - builds for another machine and runs the tests there, emulated.
#
#   cross.sh TRIPLET...     as aarch64-linux-gnu; also "musl", which is this
#                           machine with another C library
#
# Run by `make check-cross` and `make check-musl`.  Debian's cross compiler
# of the triplet makes the programs, and qemu's user mode runs each: after the
# build a program's place is taken by a script that starts qemu with it, so
# that every test runs it without knowing.  Check is built for the machine
# first.  Each gets a directory of its own, cross-TRIPLET.
#
# i686 takes no emulator, and a machine that is an x86-64: its programs are
# linked to find the cross compiler's C library.
#
# Left out are the tests that run no code of the library; Lua, which is not
# there for those machines; and what qemu's user mode cannot do, which the
# tests say for themselves.  Emulated tests are slow, so MP_TEST_SCALE divides
# their rounds, where a test has rounds.
set -eu
LC_ALL=C
export LC_ALL
unset MAKEFLAGS MFLAGS MAKELEVEL CFLAGS CXXFLAGS CPPFLAGS LDFLAGS || :
top_srcdir=$(cd "$top_srcdir" && pwd)
top=$PWD
jobs=${JOBS:-$(getconf _NPROCESSORS_ONLN)}

# The emulator of a triplet, with the place of its libraries.
emulator() {
    case $1 in
    aarch64-*) echo "qemu-aarch64 -L /usr/$1" ;;
    arm-*) echo "qemu-arm -L /usr/$1" ;;
    riscv64-*) echo "qemu-riscv64 -L /usr/$1" ;;
    s390x-*) echo "qemu-s390x -L /usr/$1" ;;
    i686-* | musl) ;;
    *)
        echo "cross: no emulator is known for $1" >&2
        exit 1
        ;;
    esac
}

# In the place of each program that was built, a script that emulates it.
emulate() {
    find . -type f -perm -u+x ! -name '*.so*' ! -name '*.emulated' |
        while read -r file; do
            case $(head -c 4 "$file" | od -An -tx1 | tr -d ' \n') in
            7f454c46) ;;
            *) continue ;;
            esac
            mv "$file" "$file.emulated"
            {
                echo '#!/bin/sh'
                echo "exec $EMULATOR -0 \"\$0\" \"$PWD/$file.emulated\" \"\$@\""
            } >"$file"
            chmod +x "$file"
        done
}

one() {
    machine=$1
    EMULATOR=$(emulator "$machine")
    export EMULATOR
    case $machine in
    musl)
        host=$($BUILD_CC -dumpmachine)
        # The wrapper has no C++, and its own headers alone.
        set -- CC=musl-gcc CXX=no
        CC=musl-gcc
        ;;
    *)
        host=$machine
        set -- --host="$machine" CXX="$machine-g++"
        CC=$machine-gcc
        ;;
    esac
    export CC
    case $machine in
    i686-*)
        # The loader and libc, where no i686 system is installed.
        root=/usr/$machine/lib
        LDFLAGS="-Wl,--dynamic-linker=$root/ld-linux.so.2 -Wl,-rpath,$root"
        export LDFLAGS
        ;;
    esac
    if [ ! -e "cross-check/$machine/lib/libcheck.a" ]; then
        sh "$top_srcdir/packaging/check-library.sh" \
            "$top/cross-check/$machine" "$host"
    fi
    rm -rf "cross-$machine"
    mkdir "cross-$machine"
    cd "cross-$machine"
    "$top_srcdir/configure" -q "$@" --enable-werror PKG_CONFIG=/bin/false \
        CHECK_CFLAGS="-I$top/cross-check/$machine/include" \
        CHECK_LIBS="-L$top/cross-check/$machine/lib -lcheck -lm -pthread"
    grep '^HAVE_CHECK_TRUE=.#' config.log && {
        echo 'cross: configure does not find the Check that was built' >&2
        exit 1
    }
    make -s -j"$jobs" all
    make -s -j"$jobs" check TESTS=
    if [ -n "$EMULATOR" ]; then
        emulate
        : "${MP_TEST_SCALE:=50}" "${CK_TIMEOUT_MULTIPLIER:=10}"
        export MP_TEST_SCALE CK_TIMEOUT_MULTIPLIER
    fi
    make -s run
    make -s -j"$jobs" check-programs EMULATOR="$EMULATOR"
    cd "$top"
    echo "cross: $machine: passed"
}

for machine; do
    echo "cross: $machine"
    (one "$machine")
done

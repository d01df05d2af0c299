#!/bin/sh
# SPDX-License-Identifier: MIT
#
# cross.sh TRIPLET... - builds for other machines, such as aarch64-linux-gnu,
# and runs the tests there, emulated.
#
# Run by `make check-cross`.  Debian's cross compiler of the triplet makes the
# programs, and qemu's user mode runs each.  i686 takes no emulator, and a
# machine that is an x86-64: its programs are linked to find the cross
# compiler's C library.
set -eu
unset LDFLAGS || :
here=$(dirname "$0")

for machine; do
    echo "cross: $machine"
    EMULATOR=
    flags=
    case $machine in
    aarch64-* | riscv64-* | s390x-*)
        EMULATOR="qemu-${machine%%-*} -L /usr/$machine"
        ;;
    powerpc64le-*) EMULATOR="qemu-ppc64le -L /usr/$machine" ;;
    arm-*) EMULATOR="qemu-arm -L /usr/$machine" ;;
    i686-*)
        # The loader and libc, where no i686 system is installed.
        root=/usr/$machine/lib
        flags="-Wl,--dynamic-linker=$root/ld-linux.so.2 -Wl,-rpath,$root"
        ;;
    *)
        echo "cross: no emulator is known for $machine" >&2
        exit 1
        ;;
    esac
    CC=$machine-gcc
    export CC EMULATOR
    LDFLAGS=$flags sh "$here/cross-build.sh" "$machine" "$machine" \
        --host="$machine" CXX="$machine-g++"
done

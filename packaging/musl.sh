#!/bin/sh
# SPDX-License-Identifier: MIT
#
# musl.sh - builds with musl, on this machine, and runs the tests.
#
# Run by `make check-musl`.  musl-gcc knows its own headers alone, and no C++.
set -eu
unset LDFLAGS || :
host=$($CC -dumpmachine)
CC=musl-gcc
EMULATOR=
export CC EMULATOR
exec sh "$(dirname "$0")/cross-build.sh" musl "$host" CC=musl-gcc CXX=no

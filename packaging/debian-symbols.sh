#!/bin/sh
# SPDX-License-Identifier: MIT
#
# debian-symbols.sh - writes debian/libmempool0.symbols from the symbol map.
#
# debian-symbols.sh MAP: one line for each node and for each symbol, with the
# first release that has it, which the name of its node says.  Run by `make
# debian-symbols`; `make check-abi` tells when the file is out of date.
set -eu
LC_ALL=C
export LC_ALL

echo 'libmempool.so.0 libmempool0 #MINVER#'
echo '* Build-Depends-Package: libmempool-dev'
awk '
    $1 ~ /^LIBMEMPOOL_/ {
        node = $1
        version = node
        sub(/^LIBMEMPOOL_/, "", version)
        print " " node "@" node " " version ".0"
    }
    $1 ~ /^[a-z_][a-z_0-9]*;$/ {
        sub(/;/, "", $1)
        print " " $1 "@" node " " version ".0"
    }' "$1" | sort

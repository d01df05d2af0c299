#!/bin/sh
# SPDX-License-Identifier: MIT
#
# abi-baseline.sh - writes the baseline of the coming release.
#
# Run by `make abi-baseline`.  A change of the interface that is meant renews
# the baseline, and so is seen in the commit.  That of a release, which NEWS
# gives a date, is never written again.
. "$(dirname "$0")/abi-setup.sh"
if released "$version" && [ -e "$baselines/$version.abi" ]; then
    echo "abi: $version is released; give configure.ac and NEWS the" \
        "coming version first"
    exit 1
fi
. "$(dirname "$0")/abi-dump.sh"
mkdir -p "$baselines"
for file in "$dir"/now/*; do
    cp "$file" "$baselines/$version.$(basename "$file")"
done
echo "abi: wrote $baselines/$version.abi, .info, .h and .inline.h"

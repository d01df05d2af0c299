# SPDX-License-Identifier: MIT
#
# abi-setup.sh - what the scripts that keep the binary interface share.  They
# source it; packaging/local.mk says what they are given.
#
# The directory $baselines holds four files for each release, and for the
# coming one: VERSION.abi, what abidw sees of the public headers in the
# library; VERSION.h and VERSION.inline.h, the headers; VERSION.info, the
# version-info and, for each symbol, its version node and kind.
#
# The baseline is of x86-64 and says nothing of other machines, where the
# scripts say so and end.  The library must have been built with -g and without
# sanitizers.
set -eu
LC_ALL=C
export LC_ALL
: "${CC:=cc}"
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
status=0

complain() {
    echo "abi: $*"
    status=1
}

for tool in abidw abidiff; do
    if ! command -v $tool >/dev/null 2>&1; then
        echo "abi: $tool is missing: package abigail-tools, libabigail-tools" \
            "or libabigail; ./bootstrap --deps --package installs it"
        exit 1
    fi
done
# On another machine everything differs that has a pointer in it.
case $($CC -dumpmachine) in
x86_64-*) ;;
*)
    echo "abi: the baseline is of x86_64, not of $($CC -dumpmachine)"
    exit 77
    ;;
esac

# The value of an attribute of an XML element, for awk -F "'": abidw writes
# each element on a line of its own.
attribute='
    function attribute(name,    i) {
        for (i = 1; i < NF; i += 2)
            if ($i ~ (" " name "=$"))
                return $(i + 1)
    }'

# Succeeds where abidiff finds a difference.  It tells by bits of its exit
# status: 1 and 2 mean that it could not compare.
differ() {
    bits=0
    abidiff "$@" >"$dir/report" 2>&1 || bits=$?
    if [ $((bits & 3)) != 0 ]; then
        cat "$dir/report"
        exit 1
    fi
    [ $bits != 0 ]
}

# Of what the preprocessor tells, the macros that are part of the interface,
# and all else that is no macro.  Not part of it are those that configure and
# the version set.
macros_of_interface() {
    sed -e '/^#undef /d' -e '/^#define /{
        /^#define \(MP_\|mp_\)/!d
        /^#define MP_\(VERSION_\|ATTRIBUTE_\|API\|MAX_BLOCK_SIZE\)/d
    }'
}

# Succeeds for a version that NEWS gives a date.
released() {
    sed -n 's/^\([0-9][0-9.]*\) (20[0-9-]*)$/\1/p' "$news" | grep -qFx "$1"
}

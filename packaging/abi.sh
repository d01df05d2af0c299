#!/bin/sh
# SPDX-License-Identifier: MIT
#
# abi.sh - keeps the binary interface, and how it may change.
#
#   abi.sh check       by `make check-abi`
#   abi.sh baseline    by `make abi-baseline`, which writes what check reads
#
# The directory $baselines holds four files for each release, and for the
# coming one: VERSION.abi, what abidw sees of the public headers in the
# library; VERSION.h and VERSION.inline.h, the headers; VERSION.info, the
# version-info and, for each symbol, its version node and kind.  Those of a
# release that NEWS gives a date are never written again.  check stops
#   - when library, headers, map or version-info are not as the coming release's
#     baseline says: whoever changes one of them renews it, and sees it in the
#     commit;
#   - when that baseline, against the last release's, has moved without what
#     belongs to it: version-info by the rule in configure.ac, each new symbol
#     in a node that no release has, no old one in another, and NEWS naming
#     each symbol that came or went.
#
# What memory_pool_inline.h compiles into programs is in the baseline, too: a
# thread's variable and all that it leads to.  Such a layout never changes; a
# new one gets a new variable.  Structures that programs fill in or have filled
# may grow at their ends: the library is told how long a program's is.
#
# The baseline is of x86-64 and says nothing of other machines, where check
# says so and ends.  abidw does not see macros; the preprocessor does, but for
# those that configure and the version set.  The library must have been built
# with -g and without sanitizers.
set -eu
LC_ALL=C
export LC_ALL
: "${NM:=nm}" "${CC:=cc}"
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
status=0
# One directory for all public headers, which a build may have in two.
mkdir "$dir/include"
cp $headers "$dir/include"
headers=$dir/include

complain() {
    echo "abi: $*"
    status=1
}

# The dump of the library as it is, without where it was built.
dump() {
    abidw --headers-dir "$headers" --drop-private-types \
        --drop-undefined-syms --no-comp-dir-path --no-corpus-path \
        --no-show-locs --type-id-style hash "$library" |
        sed "s|path='[^']*/\([^/']*\)'|path='\1'|"
}

# Version-info, and each symbol with its node; of an object, or one of each
# thread, which has that in its name, also its size, in words of this machine.
info() {
    echo "version-info $version_info"
    $NM -D -S --defined-only "$library" | sed 's/@@*/ /' | awk '
        function decimal(hex,    i, n) {
            for (i = 1; i <= length(hex); i++)
                n = n * 16 + index("0123456789abcdef", substr(hex, i, 1)) - 1
            return n
        }
        $3 ~ /^[TtWi]$/ { print $4, $5, "function" }
        $3 ~ /^[BDR]$/ {
            print $4, $5, $4 ~ /_thread_/ ? "thread" : "object",
                decimal($2) / 8 }' | sort
}

# Of what the preprocessor tells, the macros that are part of the interface,
# and all else that is no macro.
macros_of_interface() {
    sed -e '/^#undef /d' -e '/^#define /{
        /^#define \(MP_\|mp_\)/!d
        /^#define MP_\(VERSION_\|ATTRIBUTE_\|API\)/d
    }'
}

# Of the header for all programs alone: what is compiled in may change, with
# the variable that it is for.
macros() {
    $CC -E -dM "$1" | macros_of_interface | sort
}

# The headers of a directory as a compiler reads them.
read_headers() {
    header=memory_pool_inline.h
    [ -e "$1/$header" ] || header=memory_pool.h
    echo "#include <$header>" | $CC -E -P -dD -I"$1" -x c - |
        macros_of_interface
}

# Succeeds for a version that NEWS gives a date.
released() {
    sed -n 's/^\([0-9][0-9.]*\) (20[0-9-]*)$/\1/p' "$news" | grep -qFx "$1"
}

# The newest release before this version that has a baseline.
last_release() {
    for file in "$baselines"/*.info; do
        name=$(basename "$file" .info)
        ! released "$name" || [ "$name" = "$version" ] || echo "$name"
    done | sort -V | {
        last=
        while read -r name; do
            newer=$(printf '%s\n' "$name" "$version" | sort -V | tail -n 1)
            [ "$newer" = "$name" ] || last=$name
        done
        echo "$last"
    }
}

baseline() {
    if released "$version" && [ -e "$baselines/$version.abi" ]; then
        echo "abi: $version is released; give configure.ac and NEWS the" \
            "coming version first"
        exit 1
    fi
    mkdir -p "$baselines"
    dump >"$baselines/$version.abi"
    info >"$baselines/$version.info"
    cp "$headers/memory_pool.h" "$baselines/$version.h"
    [ ! -e "$headers/memory_pool_inline.h" ] ||
        cp "$headers/memory_pool_inline.h" "$baselines/$version.inline.h"
    echo "abi: wrote $baselines/$version.abi, .info, .h and .inline.h"
}

# The interface as it is against the baseline of the coming release.
check_now() {
    base=$baselines/$version
    # Dump against dump: beside a library abidiff takes every type of the dump,
    # which tells no place, for a private one.
    dump >"$dir/now.abi"
    abidiff "$base.abi" "$dir/now.abi" >"$dir/report" 2>&1 || {
        complain "the interface is not that of $base.abi:"
        cat "$dir/report"
    }
    info >"$dir/info"
    if ! diff "$base.info" "$dir/info" >"$dir/report"; then
        complain "symbols, nodes or version-info are not those of" \
            "$base.info (<):"
        cat "$dir/report"
    fi
    mkdir "$dir/base"
    cp "$base.h" "$dir/base/memory_pool.h"
    [ ! -e "$base.inline.h" ] ||
        cp "$base.inline.h" "$dir/base/memory_pool_inline.h"
    read_headers "$dir/base" >"$dir/old"
    read_headers "$headers" >"$dir/new"
    if ! diff "$dir/old" "$dir/new" >"$dir/report"; then
        complain "the headers say other than $base.h and $base.inline.h (<):"
        cat "$dir/report"
    fi
    [ $status = 0 ] || echo 'abi: where that is meant: a new symbol goes' \
        'into the coming version'"'"'s node of the map, NEWS gets a line,' \
        'version-info moves by the rule in configure.ac, and make' \
        'abi-baseline renews the baseline'
}

# Succeeds where, new symbols aside, the one difference is more members at the
# end of a structure whose length mp_create() or mp_stats() is told.  The length
# must have grown with them: from a member that went into padding it would not
# be seen which of the two structures a program has.
grown() {
    abidiff --leaf-changes-only --no-added-syms "$1" "$2" >"$dir/report" 2>&1
    awk '
        function finish() { if (inside && !(longer && more)) wrong = 1 }
        /^ *$/ { next }
        /^(Functions|Variables) changes summary: 0 Removed, 0 Changed/ { next }
        /^(Leaf changes|Changed leaf types) summary:/ { next }
        /^Removed\/Changed\/Added .* summary: 0 Removed, 0 Changed/ { next }
        /^.struct mp_(options|stats)[ \047].* changed:$/ {
            finish(); inside = 1; longer = more = 0; structures++; next }
        inside && /^  type size changed from [0-9]+ to [0-9]+/ &&
            $7 + 0 > $5 + 0 { longer = 1; next }
        inside && /^  [0-9]+ data member insertions?:$/ { more = 1; next }
        inside && more && /^    .*, at offset [0-9]+ / { next }
        inside && /^  [0-9]+ impacted interfaces?/ { next }
        { wrong = 1 }
        END { finish(); exit wrong || !structures }' "$dir/report"
}

# same, added or changed: what the coming baseline is to the old one.
kind_of_change() {
    macros "$2.h" >"$dir/now"
    macros "$1.h" | comm -23 - "$dir/now" >"$dir/gone"
    if [ -s "$dir/gone" ] || {
        ! abidiff --no-added-syms "$1.abi" "$2.abi" >"$dir/report" 2>&1 &&
            ! grown "$1.abi" "$2.abi"
    }; then
        echo changed
    elif ! abidiff "$1.abi" "$2.abi" >"$dir/report" 2>&1; then
        echo added
    else
        echo same
    fi
}

# The coming baseline against the last release's.
check_since() {
    last=$baselines/$1
    base=$baselines/$version
    kind=$(kind_of_change "$last" "$base")
    old=$(sed -n 's/^version-info //p' "$last.info")
    new=$(sed -n 's/^version-info //p' "$base.info")
    echo "abi: since $1: $kind; version-info $old, now $new"
    current=${old%%:*}
    age=${old##*:}
    case $kind in
    same) wanted="$current:*:$age" ;;
    added) wanted="$((current + 1)):0:$((age + 1))" ;;
    changed) wanted="$((current + 1)):0:0" ;;
    esac
    case $new in
    $wanted) ;;
    *) complain "version-info is $new, not $wanted" ;;
    esac

    sed 1d "$last.info" >"$dir/old"
    sed 1d "$base.info" >"$dir/new"
    awk 'NR == FNR { node[$1] = $2; frozen[$2]; next }
        $1 in node && node[$1] != $2 {
            print $1 " moved from node " node[$1] " to " $2 }
        !($1 in node) && $2 in frozen {
            print $1 " is new in " $2 ", which a release has" }
        ' "$dir/old" "$dir/new" >"$dir/report"
    [ ! -s "$dir/report" ] || complain "$(cat "$dir/report")"
    sed -n "/^$version (/,/^[0-9]/p" "$news" >"$dir/news"
    {
        awk '{ print $1 }' "$dir/old" "$dir/new" | sort | uniq -u
    } | while read -r name; do
        grep -qw "$name" "$dir/news" || echo "$name"
    done >"$dir/report"
    [ ! -s "$dir/report" ] ||
        complain "NEWS of $version does not name:" $(cat "$dir/report")
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
if ! readelf -SW "$library" | grep '\.debug_info' >/dev/null; then
    echo "abi: $library was built without -g"
    exit 1
fi

case $1 in
baseline) baseline ;;
check)
    if [ ! -e "$baselines/$version.abi" ]; then
        echo "abi: $version has no baseline: make abi-baseline"
        exit 1
    fi
    check_now
    last=$(last_release)
    [ -z "$last" ] || check_since "$last"
    [ $status != 0 ] || echo "abi: as the baseline of $version says"
    exit $status
    ;;
esac

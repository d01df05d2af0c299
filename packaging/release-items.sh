# SPDX-License-Identifier: MIT
#
# release-items.sh - what a release needs of the tree itself: the items of
# packaging/release-check.sh that look at files and at git.  Sourced by it,
# which has lacks() and passes().

dated() {
    sed -n "s/^$version (\(20[0-9][0-9]-[01][0-9]-[0-3][0-9]\))\$/\1/p" \
        "$source/NEWS"
}

item_clean() {
    git -C "$source" status --porcelain >release/status 2>&1 ||
        lacks 'this is no clone of git'
    [ ! -s release/status ] || lacks "not committed: $(tr '\n' ' ' \
        <release/status)"
}

item_news() {
    [ -n "$(dated)" ] ||
        lacks "NEWS has no line '$version (YEAR-MONTH-DAY)' for this version"
    top=$(sed -n '/^[0-9]/{s/ .*//p;q;}' "$source/NEWS")
    [ "$top" = "$version" ] || lacks "NEWS begins with $top"
}

item_version() {
    minor=${version%.*}
    grep -q "^LIBMEMPOOL_$minor {" "$source/src/libmempool.map" || {
        git -C "$source" tag -l "v$minor.*" | grep . >/dev/null ||
            lacks "the map has no node LIBMEMPOOL_$minor; right only if" \
                "$minor adds no symbol"
    }
    packaged=$(sed -n '1s/^[^(]*(\([^)]*\)-[^-)]*).*/\1/p' \
        "$source/debian/changelog")
    [ "$packaged" = "$version" ] || lacks "debian/changelog is of $packaged"
    [ -e "$source/packaging/abi/$version.abi" ] ||
        lacks "packaging/abi has no $version.abi"
    grep -q "\"$version\"" "$source/include/memory_pool.h.in" ||
        lacks 'the header describes mp_version() with another version'
    # What the manual says of history must have happened, or happen now.
    history='s/.*first appeared .*\(libmempool\|version\)'
    history="$history "'\([0-9][0-9.]*[0-9]\).*/\2/p'
    for said in $(sed -n "$history" "$source"/man/*.[37] | sort -u); do
        grep -q "^$said\(\.[0-9]*\)* (" "$source/NEWS" ||
            lacks "a page says that something appeared in $said"
    done
}

item_interface() {
    passes check-abi
    last=$(git -C "$source" tag -l 'v*' --merged HEAD --sort=-v:refname |
        grep -vFx "v$version" | head -n 1)
    [ -n "$last" ] || return 0
    old=$(git -C "$source" show "$last:configure.ac" |
        sed -n 's/^AC_SUBST(\[MP_VERSION_INFO\], \[\(.*\)\])/\1/p')
    if ! git -C "$source" diff --quiet "$last" -- src include &&
        [ "$old" = "$version_info" ]; then
        lacks "the sources changed since $last, version-info did not"
    fi
}

# Before the tag this is the next thing to do, and not missing.
item_tag() {
    tagged=$(git -C "$source" rev-parse -q --verify \
        "refs/tags/v$version^{commit}") || {
        echo "  next: git tag -s v$version, then make dist there, and sign" \
            'the tarballs'
        return 0
    }
    [ "$tagged" = "$(git -C "$source" rev-parse HEAD)" ] ||
        lacks "v$version is another commit than this"
    git -C "$source" cat-file tag "v$version" 2>/dev/null |
        grep '^-----BEGIN .* SIGNATURE-----' >/dev/null ||
        lacks "v$version is not signed"
}

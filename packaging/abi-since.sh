#!/bin/sh
# SPDX-License-Identifier: MIT
#
# abi-since.sh - since the last release, the interface moved with all that
# belongs to it.
#
# Run by `make check-abi`: compares the baseline of the coming release with
# that of the last one.  version-info must have moved by the rule in
# configure.ac; each new symbol is in a node that no release has, and no old
# one in another; NEWS names each symbol that came or went.
. "$(dirname "$0")/abi-setup.sh"
. "$(dirname "$0")/abi-kind.sh"

# The newest release before this version that has a baseline.
last_release() {
    for file in "$baselines"/*.info; do
        name=$(basename "$file" .info)
        ! released "$name" || [ "$name" = "$version" ] || echo "$name"
    done | sort -V | while read -r name; do
        newer=$(printf '%s\n' "$name" "$version" | sort -V | tail -n 1)
        [ "$newer" = "$name" ] || echo "$name"
    done | tail -n 1
}

release=$(last_release)
if [ -z "$release" ]; then
    echo "abi: no release before $version"
    exit 0
fi
last=$baselines/$release
base=$baselines/$version
kind_of_change "$last" "$base"
old=$(sed -n 's/^version-info //p' "$last.info")
new=$(sed -n 's/^version-info //p' "$base.info")
echo "abi: since $release: $kind; version-info $old, now $new"
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
awk '{ print $1 }' "$dir/old" "$dir/new" | sort | uniq -u |
    while read -r name; do
        grep -qw "$name" "$dir/news" || echo "$name"
    done >"$dir/report"
[ ! -s "$dir/report" ] ||
    complain "NEWS of $version does not name:" $(cat "$dir/report")
exit $status

#!/bin/sh
# SPDX-License-Identifier: MIT
#
# site.sh - the pages of make html lead where they say.
#
# Each link to a page of the site leads to a file and a place that are there;
# no place has its name twice; nothing is loaded from elsewhere, and nothing
# needs a script.  Each page of the manual is on the site.  Links to other
# sites are not followed.
. "${top_srcdir:-.}/tests/man.sh"
command -v mandoc >/dev/null 2>&1 || skip 'no mandoc: the site was not made'
site=$dir/site

AWK=$AWK sh "$top_srcdir/doc/site/build.sh" "$top_srcdir" "$site" 0 \
    >"$dir/said" 2>&1 || complain "make html: $(cat "$dir/said")"
for page in $(pages); do
    test -f "$site/${page##*/}.html" || complain "no page for $page"
done

# Each recorded program, and the goals, have their bars.
count=$(grep -c '^goal	' "$top_srcdir/doc/report")
shown=$(grep -c 'of [0-9.]*</span>$' "$site/bench.html")
test "$shown" -eq "$count" || complain "$shown bars of $count goals"
sed -n 's/^.*[	 ]trace:\([^	 ]*\).*/\1/p' "$top_srcdir/doc/report" |
    sort -u >"$dir/programs"
test -s "$dir/programs" || complain 'doc/report has no program'
while read -r program; do
    grep -q "id=\"program-$program\"" "$site/bench.html" ||
        complain "bench.html: no bars of $program"
done <"$dir/programs"

# Places and links, one on a line: kind, page, what.
(cd "$site" && for page in *.html; do
    tr '\n' ' ' <"$page" | sed 's/</\n</g' | $AWK -v page="$page" '
        function value(name) {
            if (!match($0, " " name "=\"[^\"]*\""))
                return ""
            return substr($0, RSTART + length(name) + 3,
                          RLENGTH - length(name) - 4)
        }
        {
            if (value("id") != "")
                print "place", page, page "#" value("id")
            if (value("src") != "")
                print "loads", page, value("src")
            if (value("href") != "")
                print (/^<link/ ? "loads" : "link"), page, value("href")
        }
        /^<script/ || / on[a-z]*="/ { print "script", page }'
done) >"$dir/all"
grep '^place' "$dir/all" | cut -d' ' -f3 | sort >"$dir/places"
uniq -d "$dir/places" >"$dir/twice"
test ! -s "$dir/twice" || complain "places twice: $(cat "$dir/twice")"
if grep '^script' "$dir/all"; then
    complain 'pages with scripts'
fi

count=0
while read -r kind page to; do
    case $kind:$to in
    place:* | link:https://*) continue ;;
    *:*://*) complain "$page: $kind $to" ;;
    link:'#'*) to=$page$to ;;
    esac
    count=$((count + 1))
    test -f "$site/${to%%#*}" || complain "$page: no file for $to"
    case $to in
    *'#'*) grep -Fqx "$to" "$dir/places" || complain "$page: no place $to" ;;
    esac
done <"$dir/all"
test $count -gt 500 || complain "only $count links were found"
exit $status

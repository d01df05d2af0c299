#!/bin/sh
# SPDX-License-Identifier: MIT
#
# build.sh - makes the site: static pages that work from disk.
#
# usage: build.sh srcdir outdir version [picture-program]
#
# README, the manual, doc/ and the figures of doc/report become pages with one
# style sheet and without scripts.  A page of the manual that is only another
# name for one has no page: links to it lead to the page that it names.  Links
# to the system's pages lead to manpages.debian.org.
#
# What it cannot do: run without mandoc.  Pages link to one another by names in
# one directory, so nothing needs a server.
set -eu
LC_ALL=C
export LC_ALL
srcdir=$(cd "$1" && pwd)
version=$3
picture=${4-}
here=$(cd "$(dirname "$0")" && pwd)
awk=${AWK:-awk}
mkdir -p "$2"
out=$(cd "$2" && pwd)
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
command -v mandoc >/dev/null || {
    echo 'make html needs mandoc' >&2
    exit 1
}

# The manual: each page as PAGE=FILE for links, aliases as what they name.
manual=
for page in "$srcdir"/man/*.[0-9]; do
    name=${page##*/}
    target=$(sed -n 's/^\.so  *man[0-9]\///p' "$page")
    manual="$manual $name=${target:-$name}.html"
done
site='README=index.html design=design.html INSTALL=index.html NEWS=news.html
    PACKAGERS=packagers.html HACKING=hacking.html'

markdown()
{
    $awk -v manual_pages="$manual" -v site_pages="$site" \
        -v plain="${2-0}" -f "$here/markdown.awk" "$1"
}

# The places of a page for the list beside it.
contents()
{
    sed -n 's/^.*<h\([23]\)[^>]* id="\([^"]*\)"[^>]*><a[^>]*>\(.*\)<\/a><\/h[23]>.*$/\1 \2 \3/p' "$1" |
        $awk '{
            level = $1; id = $2
            sub(/^[^ ]+ [^ ]+ /, "")
            if ($0 == toupper($0)) {
                $0 = substr($0, 1, 1) tolower(substr($0, 2))
            }
            printf "<li%s><a href=\"#%s\">%s</a></li>\n",
                (level == 3 ? " class=\"deep\"" : ""), id, $0
        }'
}

# The bar at the top, with the part that a page belongs to marked.
navigation()
{
    cat "$here/top.html"
    while read -r file text; do
        mark=
        [ "$1" != "$file" ] || mark=' aria-current="page"'
        echo "<a href=\"$file\"$mark>$text</a>"
    done <<'END'
mempool_guide.7.html Guide
manual.html Manual
mempool_porting.7.html Porting
bench.html Benchmarks
design.html Design
news.html News
END
    echo '</nav></header>'
}

# page FILE TITLE PART BODY [BESIDE]: writes a page.
page()
{
    {
        cat <<END
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>$2</title>
<link rel="stylesheet" href="style.css">
<link rel="icon" href="icon.svg">
</head>
END
        if [ -n "${5-}" ]; then
            echo '<body>'
        else
            echo '<body class="first">'
        fi
        navigation "$3"
        if [ -n "${5-}" ]; then
            # Beside the text where there is room, else folded above it.
            echo '<div class="frame with-aside"><nav class="aside">'
            cat "$5"
            echo '</nav><details class="folded"><summary>Contents</summary>'
            cat "$5"
            echo '</details>'
        else
            echo '<div class="frame">'
        fi
        echo '<main id="text">'
        cat "$4"
        echo "<p class=\"foot-note\">libmempool $version</p>"
        echo '</main></div></body></html>'
    } >"$out/$1"
}

# Lists beside a page: its own places, and, in the manual, all pages.
beside()
{
    contents "$1" >"$dir/contents"
    {
        if [ "$(wc -l <"$dir/contents")" -gt 1 ]; then
            echo '<p>On this page</p><ul>'
            cat "$dir/contents"
            echo '</ul>'
        fi
        if [ -n "${2-}" ]; then
            echo '<p>Manual</p><ul>'
            sed "s|<a href=\"$2\"|& aria-current=\"page\"|" "$dir/all"
            echo '</ul>'
        fi
    } >"$dir/beside"
}

# A page of the manual, from mandoc's, with the links and headings of the site.
manual_page()
{
    (cd "$dir/names" && mandoc -T html -O \
        'fragment,man=%N.%S.html;https://manpages.debian.org/%N.%S' \
        "$srcdir/man/$1") |
        $awk -v pages="$manual" -f "$here/manual.awk" |
        $awk -f "$here/code.awk" >"$dir/body"
    beside "$dir/body" "$1.html"
    title=${1%.*}
    part=manual.html
    case $1 in mempool_guide.7 | mempool_porting.7) part=$1.html ;; esac
    page "$1.html" "$title - libmempool" "$part" "$dir/body" "$dir/beside"
}

# NAME and description of each page, by section.
manual_list()
{
    for section in 7 3; do
        for page in "$srcdir"/man/*.$section; do
            name=${page##*/}
            grep -q '^\.so ' "$page" && continue
            description=$(sed -n 's/^\.Nd //p' "$page")
            echo "$section $name $description"
        done
    done
}

mkdir "$dir/names"
for name in $manual; do
    : >"$dir/names/${name%%=*}.html"
done
manual_list >"$dir/list"
while read -r section name description; do
    echo "<li><a href=\"$name.html\">${name%.*}</a></li>"
done <"$dir/list" >"$dir/all"
cut -d' ' -f2 "$dir/list" >"$dir/pages"
while read -r name; do
    manual_page "$name"
done <"$dir/pages"

# The list of the manual.
{
    echo '<h1>Manual</h1>'
    echo '<p class="lead">Start with the guide; libmempool(7) has the rules.'
    echo 'The other pages describe one call or one type each.</p>'
    last=
    while read -r section name description; do
        if [ "$section" != "$last" ]; then
            [ -z "$last" ] || echo '</tbody></table></div>'
            case $section in
            7) echo '<h2 id="overviews">Overviews</h2>' ;;
            3) echo '<h2 id="calls">Calls and types</h2>' ;;
            esac
            echo '<div class="scroll"><table><tbody>'
            last=$section
        fi
        echo "<tr><td><a href=\"$name.html\"><code>${name%.*}</code></a></td>"
        echo "<td>$description</td></tr>"
    done <"$dir/list"
    echo '</tbody></table></div>'
} >"$dir/body"
page manual.html 'Manual - libmempool' manual.html "$dir/body"

# The first page: what README begins with, where to go, and the rest of it.
markdown "$srcdir/README.md" 0 | $awk -f "$here/code.awk" >"$dir/readme"
if [ -n "$picture" ] && [ -x "$picture" ] &&
    "$picture" "$srcdir/COPYING" >"$dir/pool.svg" 2>/dev/null; then
    cp "$dir/pool.svg" "$out/pool.svg"
fi
$awk -v cards="$here/cards.html" -v picture="$out/pool.svg" \
    -f "$here/first.awk" "$dir/readme" >"$dir/body"
page index.html 'libmempool - thread-safe memory pools' index.html "$dir/body"

# The other texts.
text()
{
    # What stands at the margin of NEWS is a heading.
    case $1 in
    NEWS) sed -e 1d -e 's/^[A-Za-z0-9]/## &/' "$srcdir/$1" >"$dir/text" ;;
    *) cp "$srcdir/$1" "$dir/text" ;;
    esac
    {
        echo "<h1>$3</h1>"
        markdown "$dir/text" "$4" | sed '/<h1/d' | $awk -f "$here/code.awk"
    } >"$dir/body"
    beside "$dir/body"
    page "$2" "$3 - libmempool" "$2" "$dir/body" "$dir/beside"
}
text doc/design.md design.html 'How it works, and why' 0
text NEWS news.html News 1
text HACKING hacking.html 'Working on libmempool' 1
text PACKAGERS packagers.html 'Packaging libmempool' 1

$awk -f "$here/bench.awk" "$srcdir/doc/report" >"$dir/body"
beside "$dir/body"
page bench.html 'Benchmarks - libmempool' bench.html "$dir/body" "$dir/beside"

cp "$here/style.css" "$here/icon.svg" "$out/"
echo "make html: $out/index.html"

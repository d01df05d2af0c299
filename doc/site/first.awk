# SPDX-License-Identifier: MIT
#
# first.awk - the first page: README's first paragraph is set large, then come
# the ways on, then the rest; the picture of a pool stands before what a pool
# costs, whose rows become a table.

BEGIN { print "<div class=\"hero\"><h1>Thread-safe memory pools</h1>" }

/<h1/ { next }

!lead && sub(/^<p>/, "<p class=\"lead\">") {
    if (/libmempool - /) {
        next
    }
    lead = 1
    print
    print "</div>"
    while ((getline line <cards) > 0) {
        print line
    }
    next
}

/<h2 id="what-it-costs"/ {
    if ((getline line <picture) > 0) {
        print "<figure><a href=\"pool.svg\"><img src=\"pool.svg\" alt=\"The blocks of a pool as " \
            "strips of cells: live objects, free memory, the run of a cache\">" \
            "</a>"
        print "<figcaption>A pool at work, drawn by " \
            "<a href=\"mp_map.3.html\">mp_map</a>: each cell is 16 bytes." \
            "</figcaption></figure>"
    }
}

/<h2/ { costs = /id="what-it-costs"/ }

costs && /<pre>/ {
    sub(/^.*<pre>/, "")
    inside = 1
    print "<div class=\"scroll\"><table class=\"figures\"><thead>"
    row("th", "  " $0)
    print "</thead><tbody>"
    next
}

inside && /<\/pre>/ {
    inside = 0
    print "</tbody></table></div>"
    next
}

inside { row("td", $0); next }

{ print }

# Columns are apart by two spaces or more.
function row(tag, text,    n, i, cell) {
    n = split(text, cell, /   */)
    printf "<tr>"
    for (i = 1; i <= n; i++) {
        printf "<%s>%s</%s>", tag, cell[i], tag
    }
    print "</tr>"
}

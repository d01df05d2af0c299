# SPDX-License-Identifier: MIT
#
# markdown.awk - a text of this tree becomes HTML.
#
# It knows what the texts use: headings with "#", or, with plain=1, a short
# line that stands alone; paragraphs, lists of one level, tables, code that is
# indented or fenced, and in a line `code`, **strong** and [a link](to it).
#
# What it cannot do: the rest of Markdown.  A text that needs it looks wrong.

function escape(text) {
    gsub(/&/, "\\&amp;", text)
    gsub(/</, "\\&lt;", text)
    gsub(/>/, "\\&gt;", text)
    return text
}

# A name for a heading's place: letters, digits and "-".
function slug(text) {
    text = tolower(text)
    gsub(/[^a-z0-9]+/, "-", text)
    gsub(/^-|-$/, "", text)
    if (text in slugs) {
        text = text "-" ++slugs[text]
    }
    slugs[text] = 1
    return text
}

# Parts between backquotes are code; links and strong text only outside.
function inline(text,    n, i, part, out) {
    n = split(text, part, "`")
    for (i = 1; i <= n; i++) {
        out = out (i % 2 ? links(escape(part[i])) \
                         : "<code>" escape(part[i]) "</code>")
    }
    return out
}

function links(text,    at, head, label, rest, to) {
    while (match(text, /\[[^]]*\]\([^) ]*\)/)) {
        head = substr(text, 1, RSTART - 1)
        label = substr(text, RSTART + 1, RLENGTH - 2)
        text = substr(text, RSTART + RLENGTH)
        at = index(label, "](")
        to = substr(label, at + 2)
        out_links = out_links head "<a href=\"" place(to) "\">" \
            substr(label, 1, at - 1) "</a>"
    }
    text = out_links text
    out_links = ""
    while (match(text, /\*\*[^*]+\*\*/)) {
        text = substr(text, 1, RSTART - 1) "<strong>" \
            substr(text, RSTART + 2, RLENGTH - 4) "</strong>" \
            substr(text, RSTART + RLENGTH)
    }
    return pages(text)
}

# Where a link to a file of the tree leads on the site.
function place(to) {
    if (to ~ /^(https?:|#)/) {
        return to
    }
    sub(/^.*\//, "", to)
    sub(/\.md$/, "", to)
    return (to in site) ? site[to] : "index.html"
}

# name(3) and name(7) become links to the page.
function pages(text,    head, name, out) {
    while (match(text, /[a-z_]+\([37]\)/)) {
        name = substr(text, RSTART, RLENGTH)
        head = substr(text, 1, RSTART - 1)
        text = substr(text, RSTART + RLENGTH)
        file = name
        sub(/\(/, ".", file)
        sub(/\)/, "", file)
        out = out head ((file in manual) \
            ? "<a href=\"" manual[file] "\">" name "</a>" : name)
    }
    return out text
}

function close_all() {
    if (para != "") {
        print "<p>" inline(para) "</p>"
        para = ""
    }
    if (item != "") {
        print "<li>" inline(item) "</li>"
        item = ""
    }
    if (list != "") {
        print "</" list ">"
        list = ""
    }
    if (table) {
        end_table()
    }
}

function heading(level, text,    id) {
    close_all()
    id = slug(text)
    printf "<h%d id=\"%s\"><a class=\"permalink\" href=\"#%s\">%s</a></h%d>\n",
        level, id, id, inline(text), level
}

function code_line(text) {
    if (!code) {
        close_all()
        printf "<pre>"
        code = 1
    } else if (blank) {
        print ""
    }
    blank = 0
    print escape(text)
}

function end_code() {
    if (code) {
        print "</pre>"
        code = blank = 0
    }
}

# A row is kept until its table ends, since a table with long rows is set in
# another way on a phone, where each cell has its column's name.
function row(text) {
    sub(/^\| */, "", text)
    sub(/ *\|$/, "", text)
    if (!table) {
        close_all()
    }
    rows[++table] = text
    if (length(text) > 120) {
        wide = 1
    }
}

function end_table(    r, n, i, cell, name, named, columns) {
    columns = split(rows[1], name, / *\| */)
    wide = wide && columns > 2
    printf "<div class=\"scroll\"><table%s><thead>\n<tr>",
        (wide ? " class=\"wide\"" : "")
    for (i = 1; i <= columns; i++) {
        printf "<th>%s</th>", inline(name[i])
    }
    print "</tr>\n</thead><tbody>"
    for (r = 2; r <= table; r++) {
        n = split(rows[r], cell, / *\| */)
        printf "<tr>"
        for (i = 1; i <= n; i++) {
            named = wide && i > 2 ? " data-name=\"" escape(name[i]) "\"" : ""
            printf "<td%s>%s</td>", named, inline(cell[i])
        }
        print "</tr>"
    }
    print "</tbody></table></div>"
    table = wide = 0
}

BEGIN {
    n = split(manual_pages, name, " ")
    for (i = 1; i <= n; i++) {
        split(name[i], part, "=")
        manual[part[1]] = part[2]
    }
    n = split(site_pages, name, " ")
    for (i = 1; i <= n; i++) {
        split(name[i], part, "=")
        site[part[1]] = part[2]
    }
}

# A plain text's heading is known by the empty lines around it.
{ line[NR] = $0 }

END {
    for (at = 1; at <= NR; at++) {
        one(line[at], line[at - 1], line[at + 1])
    }
    end_code()
    close_all()
}

function one(text, before, after) {
    if (text ~ /^<!--.*-->$/ || text ~ /^SPDX-License/) {
        return
    }
    if (text ~ /^```/) {
        if (fence) {
            fence = 0
            end_code()
        } else {
            fence = 1
            close_all()
            printf "<pre>"
            code = 1
        }
        return
    }
    if (fence) {
        print escape(text)
        return
    }
    if (text ~ /^ *$/) {
        if (code) {
            blank = 1
        } else if (list == "" || after !~ /^ *(-|[0-9]+\.) |^  /) {
            close_all()
        }
        return
    }
    if (text ~ /^    / && (item == "" || code)) {
        code_line(substr(text, 5))
        return
    }
    end_code()
    if (match(text, /^#+ /)) {
        heading(RLENGTH - 1 > 3 ? 3 : RLENGTH - 1, substr(text, RLENGTH + 1))
    } else if (plain && (text ~ /^=+$/ || after ~ /^=+$/)) {
        return
    } else if (plain && before ~ /^ *$/ && length(text) < 60 &&
               text ~ /^[A-Z0-9][^.:;]*[^.:;]$/ && after !~ /^[A-Za-z(]/) {
        heading(2, text)
    } else if (text ~ /^\|[- |:]+\|$/) {
        return
    } else if (text ~ /^\|/) {
        row(text)
    } else if (match(text, /^ *(-|[0-9]+\.) /)) {
        start_item(text, RLENGTH)
    } else if (item != "" && match(text, /^ */) && RLENGTH >= item_mark) {
        sub(/^ */, "", text)
        item = item " " text
    } else {
        if (list != "" || table) {
            close_all()
        }
        sub(/^ */, "", text)
        para = para (para == "" ? "" : " ") text
    }
}

function start_item(text, mark,    kind) {
    kind = text ~ /^ *-/ ? "ul" : "ol"
    if (item != "") {
        print "<li>" inline(item) "</li>"
        item = ""
    }
    if (list != kind) {
        close_all()
        print "<" kind ">"
        list = kind
    }
    item = substr(text, mark + 1)
    item_mark = mark
}

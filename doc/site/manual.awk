# SPDX-License-Identifier: MIT
#
# manual.awk - mandoc's HTML becomes the text of a page of the site.
#
# The page's name is its first heading, so the others go down a level.  NAME is
# set large below it, without a heading, and LIBRARY, which is the same for all
# pages, is left out, as is what mandoc puts above and below the text.  A link
# to an alias leads to the page that it names.  Code has no quotation marks
# around it, since it has a ground of its own.  A table of figures has them in
# line, and long names in a table can be broken on a phone.

BEGIN {
    n = split(pages, name, " ")
    for (i = 1; i <= n; i++) {
        split(name[i], part, "=")
        target[part[1] ".html"] = part[2]
    }
}

/<table class="(head|foot)">/ { skip = 1 }
skip {
    if (/<td class="head-ltitle">/) {
        title = $0
        gsub(/<[^>]*>|^ *| *$/, "", title)
        at = index(title, "(")
        print "<h1>" tolower(substr(title, 1, at - 1)) \
            "<small>" substr(title, at) "</small></h1>"
    }
    if (/<\/table>/) {
        skip = 0
    }
    next
}

# A heading, a name or a link may go over two lines: those are joined, so that
# each can be looked at as a whole.
{
    text = text == "" ? $0 : text " " trim($0)
    if (text ~ /<h[12][^>]*>/ && text !~ /<\/h[12]>/) {
        next
    }
    one(text)
    text = ""
}

function trim(line) {
    sub(/^ */, "", line)
    return line
}

function one(line,    out, link) {
    while (match(line, /href="[^"#]*\.html/)) {
        link = substr(line, RSTART + 6, RLENGTH - 6)
        out = out substr(line, 1, RSTART + 5) \
            ((link in target) ? target[link] : link)
        line = substr(line, RSTART + RLENGTH)
    }
    line = out line
    gsub(/<\/?section[^>]*>/, "", line)
    if (line ~ /<h1 class="Sh"/) {
        end_section()
        if (line ~ /id="NAME"/) {
            in_name = 1
            return
        }
        if (line ~ /id="LIBRARY"/) {
            in_library = 1
            return
        }
    }
    if (in_name) {
        names = names " " trim(line)
        return
    }
    if (in_library) {
        return
    }
    gsub(/<h2/, "<h3", line)
    gsub(/<\/h2>/, "</h3>", line)
    gsub(/<h1 class="Sh"/, "<h2 class=\"Sh\"", line)
    gsub(/<\/h1>/, "</h2>", line)
    gsub(/&#x2018;<code class="Li">/, "<code class=\"Li\">", line)
    gsub(/<\/code>&#x2019;/, "</code>", line)
    if (line ~ /<table class="Bl-column/) {
        in_table = 1
    }
    if (in_table) {
        table_line(line)
        return
    }
    print line
    if (line ~ /id="SYNOPSIS"/) {
        print "<div class=\"synopsis\">"
        in_synopsis = 1
    }
}

# A table is one of figures if all cells are but those of the first row and of
# the first column.
function table_line(line) {
    table = table breakable(line) "\n"
    if (line ~ /<tr/) {
        rows++
        cells = 0
    }
    if (line ~ /<td/ && ++cells > 1 && rows > 1) {
        if (line ~ /<td>([0-9.]+|-)<\/td>/) {
            figures++
        } else {
            words++
        }
    }
    if (line ~ /<\/table>/) {
        if (figures > 0 && words == 0) {
            sub(/class="Bl-column/, "& figures", table)
        }
        sub(/<table/, "<div class=\"scroll\">&", table)
        sub(/<\/table>/, "&</div>", table)
        printf "%s", table
        table = ""
        in_table = rows = figures = words = 0
    }
}

# Allows a break behind "_" and "::", before "(", and within a name such as
# aName, in text but not in tags.  A section in parentheses stays with its name.
function breakable(line,    out, tag, text) {
    while (match(line, /<[^>]*>/)) {
        text = substr(line, 1, RSTART - 1)
        tag = substr(line, RSTART, RLENGTH)
        line = substr(line, RSTART + RLENGTH)
        out = out with_breaks(text) tag
    }
    return out with_breaks(line)
}

function with_breaks(text,    out) {
    while (match(text, /[a-z][A-Z]/)) {
        out = out substr(text, 1, RSTART) "<wbr>"
        text = substr(text, RSTART + 1)
    }
    text = out text
    gsub(/_/, "&<wbr>", text)
    gsub(/::/, "&<wbr>", text)
    gsub(/\(/, "<wbr>&", text)
    gsub(/<wbr>\(3/, "(3", text)
    gsub(/<wbr>\(7/, "(7", text)
    gsub(/<wbr>\(\)/, "()", text)
    return text
}

# The names of a page are shown only where there are several.
function end_section(    n) {
    if (in_name) {
        n = gsub(/<code class="Nm">/, "&", names)
        if (n == 1) {
            sub(/^.*&#x2014; */, "", names)
            sub(/<p[^>]*>/, "", names)
            names = "<p>" names
        }
        sub(/<p/, "<p class=\"lead\"", names)
        sub(/<p class="lead" class="Pp"/, "<p class=\"lead\"", names)
        print names
    }
    if (in_synopsis) {
        print "</div>"
    }
    in_name = in_library = in_synopsis = 0
}

# SPDX-License-Identifier: MIT
#
# manual.awk - mandoc's HTML becomes the text of a page of the site.
#
# The page's name is its first heading, so the others go down a level.  NAME is
# set large below it, without a heading, and LIBRARY, which is the same for all
# pages, is left out, as is what mandoc puts above and below the text.  A link
# to an alias leads to the page that it names.  Tables can be moved sideways on
# a phone.

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
    gsub(/<table class="Bl-column[^"]*">/, "<div class=\"scroll\">&", line)
    gsub(/<\/table>/, "&</div>", line)
    print line
    if (line ~ /id="SYNOPSIS"/) {
        print "<div class=\"synopsis\">"
        in_synopsis = 1
    }
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

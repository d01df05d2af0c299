# SPDX-License-Identifier: MIT
#
# bench.awk - the figures of doc/report as bars.
#
# usage: awk -f bench.awk doc/report
#
# doc/report has a line for each peer and work: peer, work, median.  A work
# "trace:NAME" or "memory-trace:NAME" is that of a recorded program.  A line
# that begins with "goal" has a goal's name, peer, work, limit and figure.

BEGIN {
    FS = "\t"
    title["lifo"] = "One object allocated and freed"
    title["replace-500"] = "One of 500 objects replaced at random"
    title["replace-10000"] = "One of 10,000 objects replaced at random"
    title["fill-1000"] = "1,000 objects, freed at once"
    title["fill-100000"] = "100,000 objects, freed at once"
    title["threads-1"] = "One thread on one pool"
    title["threads-2"] = "Two threads on one pool"
    title["threads-4"] = "Four threads on one pool"
    title["threads-8"] = "Eight threads on one pool"
    title["produce"] = "One thread allocates, another frees"
    title["life"] = "A pool with ten objects, made and destroyed"
    title["base"] = "Ten objects in 1024 bytes, as a base pool has them"
    shown = split("lifo replace-500 replace-10000 fill-1000 fill-100000 " \
        "threads-1 threads-2 threads-4 threads-8 produce life base",
        order, " ")
    label["mempool"] = "libmempool"
    label["mempool-inline"] = "libmempool, inline"
    label["mempool-handle"] = "libmempool, handle"
    label["mempool-handle-inline"] = "handle, inline"
    label["mempool-base"] = "base pool"
    label["glibc"] = "glibc malloc"
    label["jemalloc"] = "jemalloc"
    label["mimalloc"] = "mimalloc"
    label["tcmalloc"] = "tcmalloc"
    label["arena"] = "jemalloc arena"
    label["apr"] = "APR pool"
    label["slice"] = "GLib slices"
    label["obstack"] = "obstack"
    label["talloc"] = "talloc"
    label["pmr-pool"] = "std::pmr pool"
    label["pmr-monotonic"] = "std::pmr monotonic"
    label["locked"] = "mutex and bump"
    hidden["loop"] = hidden["call"] = hidden["bump"] = 1
}

/^#/ || /^$/ { next }

$1 == "goal" {
    goals++
    goal_name[goals] = $2
    goal_peer[goals] = $3
    goal_work[goals] = $4
    goal_limit[goals] = $5
    goal_figure[goals] = $6
    next
}

{
    median[$1, $2] = $3
    if (!($1 in seen)) {
        seen[$1] = 1
        peers[++peer_count] = $1
    }
    if ($2 ~ /^trace:/) {
        name = substr($2, 7)
        if (!(name in traced)) {
            traced[name] = 1
            traces[++trace_count] = name
        }
    }
}

function escape(text) {
    gsub(/&/, "\\&amp;", text)
    gsub(/</, "\\&lt;", text)
    return text
}

function is_ours(peer) {
    return peer ~ /^mempool/
}

# Kinds of pool have no label of their own.
function name_of(peer,    name) {
    if (peer in label) {
        return label[peer]
    }
    name = peer
    if (sub(/^mempool-/, "", name)) {
        sub(/-inline$/, ", inline", name)
    }
    return name
}

# One row: its class, its name, the share of the width, a goal's share, text.
function bar(class, name, share, goal, text) {
    printf "<span class=\"name\">%s</span>", name
    if (share > 1) {
        share = 1
        class = class " over"
    }
    printf "<span class=\"bar %s\"><i style=\"width:%.1f%%\"></i>", class,
        100 * share
    if (goal != "") {
        printf "<s style=\"left:%.1f%%\"></s>", 100 * goal
    }
    printf "</span><span class=\"value\">%s</span>\n", text
}

# The peers of a work, the best first, below a caption.
function work(key, unit, caption,    i, k, n, list, most, value) {
    n = 0
    for (i = 1; i <= peer_count; i++) {
        if (!(peers[i] in hidden) && ((peers[i], key) in median)) {
            list[++n] = peers[i]
            for (k = n; k > 1 && median[list[k - 1], key] + 0 > \
                    median[peers[i], key] + 0; k--) {
                list[k] = list[k - 1]
            }
            list[k] = peers[i]
        }
    }
    if (n < 2) {
        return 0
    }
    # One that is far behind must not make all others too short to see.
    most = median[list[n], key]
    i = int((n + 1) / 2)
    if (most > 4 * median[list[i], key]) {
        most = 4 * median[list[i], key]
    }
    if (caption != "") {
        print "<p class=\"caption\">" caption "</p>"
    }
    print "<div class=\"bars\">"
    for (i = 1; i <= n; i++) {
        value = median[list[i], key]
        bar(is_ours(list[i]) ? "ours" : "",
            is_ours(list[i]) ? "<b>" name_of(list[i]) "</b>" \
                             : name_of(list[i]), value / most, "",
            unit == "" ? sprintf("%.2f", value) : time_of(value))
    }
    print "</div>"
    return 1
}

function time_of(value) {
    if (value >= 99500) {
        return sprintf("%.0f &micro;s", value / 1000)
    }
    return sprintf((value < 99.5 ? "%.1f" : "%.0f") " ns", value)
}

# One goal as a bar; its limit is the middle.
function goal(i) {
    if (goal_name[i] != last_goal) {
        print (last_goal == "" ? "" : "</div>\n") "<p class=\"caption\">" \
            escape(goal_name[i]) "</p>\n<div class=\"bars goals\">"
        last_goal = goal_name[i]
    }
    bar(goal_figure[i] > goal_limit[i] + 0 ? "ours missed" : "ours",
        name_of(goal_peer[i]) ", " goal_work[i],
        goal_figure[i] / (2 * goal_limit[i]), 0.5,
        sprintf("%.2f of %s", goal_figure[i], goal_limit[i]))
}

function heading(level, id, text) {
    printf "<h%d id=\"%s\"><a class=\"permalink\" href=\"#%s\">%s</a></h%d>\n",
        level, id, id, text, level
}

END {
    print "<h1>Benchmarks</h1>"
    print "<p class=\"lead\">Measured by <code>make bench</code> and " \
        "<code>make bench-traces</code>; <code>make report</code> keeps the " \
        "medians in <code>doc/report</code>, and these pictures come from " \
        "there.</p>"
    if (peer_count == 0) {
        print "<p>Nothing was measured.</p>"
        exit
    }
    heading(2, "goals", "Goals")
    print "<p>Each bar is a ratio: the time of libmempool, divided by that " \
        "of the best peer; where the goal names no peer, it is the figure " \
        "itself. Shorter is better. The line in the middle is the limit, and " \
        "a grey bar has missed it. A bar that ends with an arrow is longer " \
        "than twice the limit.</p>"
    for (i = 1; i <= goals; i++) {
        goal(i)
    }
    if (goals) {
        print "</div>"
    }
    heading(2, "works", "Works")
    print "<p>Nanoseconds for one operation, the loop around it included. " \
        "Shorter is better. APR, obstacks and std::pmr monotonic have no " \
        "lock, and free no object alone.</p>"
    for (w = 1; w <= shown; w++) {
        any = 0
        for (i = 1; i <= peer_count; i++) {
            any += !(peers[i] in hidden) && ((peers[i], order[w]) in median)
        }
        if (any > 1) {
            heading(3, order[w], title[order[w]])
            work(order[w], "ns", "")
        }
    }
    if (trace_count) {
        heading(2, "programs", "Recorded programs")
        print "<p>Each program was run once, and all its allocations and " \
            "frees were recorded. They are done again with each peer. The " \
            "time is that of one event. The memory is the most that was " \
            "resident, divided by the most bytes that were live.</p>"
    }
    for (t = 1; t <= trace_count; t++) {
        heading(3, "program-" traces[t], traces[t])
        work("trace:" traces[t], "ns", "Time")
        work("memory-trace:" traces[t], "", "Memory")
    }
}

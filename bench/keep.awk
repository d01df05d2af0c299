# SPDX-License-Identifier: MIT
#
# keep.awk - medians and figures of goals from raw figures, for doc/report.
#
# usage: awk -f goals.awk -f ratios.awk -f keep.awk goals bench.raw traces.raw
#
# A work of a recorded program is called after it: trace:NAME.  Lines: peer,
# work, median; and for each goal "goal", what is wanted, peer, work, limit,
# figure.

END {
    print "# SPDX-License-Identifier: MIT"
    print "# report - made by \"make report\", never by hand: peer, work, median;"
    print "# and goal, name, peer, work, limit, figure."
    summarise_all()
    for (i = 1; i <= key_count; i++) {
        split(keys[i], part, SUBSEP)
        printf "%s\t%s\t%.2f\n", part[1], part[2], median[keys[i]]
    }
    for (i = 1; i <= goals; i++) {
        figure = goal_figure(i)
        if (figure != "") {
            printf "goal\t%s\t%s\t%s\t%s\t%.2f\n", goal_name[i],
                goal_peer[i], goal_work[i], goal_limit[i], figure
        }
    }
}

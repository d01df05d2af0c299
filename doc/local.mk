# SPDX-License-Identifier: MIT
#
# doc/local.mk - the account of how and why, and the site.
#
#   make html       the manual, README, doc/ and the figures of doc/report as
#                   pages in html/, which work from disk; needs mandoc
#
#   make readability
#                   prints how long the sentences of the manual are
#
# make report and make figures, of bench/local.mk, make what the site draws.

site_files = doc/site/bench.awk doc/site/build.sh doc/site/cards.html \
	doc/site/code.awk doc/site/first.awk doc/site/icon.svg \
	doc/site/manual.awk doc/site/markdown.awk doc/site/style.css \
	doc/site/top.html

EXTRA_DIST += doc/design.md doc/readability.awk $(site_files) tests/site.sh
TESTS += tests/site.sh

html-local: examples/picture$(EXEEXT)
	AWK='$(AWK)' $(SHELL) $(top_srcdir)/doc/site/build.sh \
	  $(top_srcdir) html '$(PACKAGE_VERSION)' examples/picture$(EXEEXT)

readability:
	@$(AWK) -f $(top_srcdir)/doc/readability.awk \
	  $(top_srcdir)/man/*.[37]
.PHONY: readability

# The only directory that make makes beside its own.
mostlyclean-local:
	rm -rf html

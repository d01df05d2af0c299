# SPDX-License-Identifier: MIT
#
# packaging/local.mk - what distributions take, and the checks of it.
#
#   make deb                builds the Debian packages into deb/
#   make check-deb          and installs, uses and purges them here, as root
#   make check-debian       and does so in a fresh tree, made by debootstrap
#
# ./bootstrap --deps --package installs the tools.

packaging_scripts = \
	packaging/debian-build.sh \
	packaging/debian-install.sh \
	packaging/debian-symbols.sh \
	packaging/debian-tree.sh
dist_noinst_SCRIPTS += $(packaging_scripts)

packaging_run = CC='$(CC)' MAKE='$(MAKE)' version='$(PACKAGE_VERSION)' \
	top_srcdir='$(top_srcdir)' top_builddir='$(top_builddir)' \
	distdir='$(distdir)' $(SHELL) $(srcdir)/packaging

deb: dist
	$(AM_V_at)$(packaging_run)/debian-build.sh

check-deb: deb
	$(AM_V_at)$(SHELL) $(srcdir)/packaging/debian-install.sh deb \
	  $(srcdir)/debian/tests

check-debian: deb
	$(AM_V_at)$(packaging_run)/debian-tree.sh

debian-symbols:
	$(AM_V_GEN)cd $(srcdir) && $(SHELL) packaging/debian-symbols.sh \
	  src/libmempool.map >debian/libmempool0.symbols

CLEANFILES += $(distdir).tar.gz $(distdir).tar.xz
clean-local:
	-rm -rf deb

.PHONY: deb check-deb check-debian debian-symbols

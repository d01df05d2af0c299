# SPDX-License-Identifier: MIT
#
# packaging/local.mk - what distributions take, and the checks of it.
#
#   make deb                builds the Debian packages into deb/
#   make check-deb          and installs, uses and purges them here, as root
#   make check-debian       and does so in a fresh tree, made by debootstrap
#   make recipes            fills in what other distributions build from
#                           from, with the addresses in ADDRESSES=FILE if given
#   make debian-addresses   puts packaging/addresses into debian/
#   make check-rpm          builds the RPM packages
#   make check-musl         builds with musl and runs the tests
#   make check-cross        builds for aarch64, armhf, i686, ppc64el, riscv64
#                           and s390x, and runs the tests, emulated but for
#                           i686; MACHINES selects
#   make check-targets      compiles for macOS, the BSDs, illumos, and musl on
#                           seven processors; links for macOS
#   make check-abi          the binary interface is what the baseline says
#   make abi-baseline       renews the baseline of the coming release
#   make check-reproducible two builds give the same bytes
#   make check-subproject   CMake and Meson build it, and programs of both take
#                           it, installed or as a tarball
#   make release-check      all that a release needs; prints what is missing
#
# ./bootstrap --deps --release installs the tools.  Packages and checks are
# made of the tarball, or of what is committed, in the build directory.

packaging_scripts = \
	packaging/abi-baseline.sh \
	packaging/abi-now.sh \
	packaging/abi-since.sh \
	packaging/check-library.sh \
	packaging/cross-build.sh \
	packaging/cross.sh \
	packaging/debian-addresses.sh \
	packaging/debian-build.sh \
	packaging/debian-install.sh \
	packaging/debian-symbols.sh \
	packaging/debian-tree.sh \
	packaging/debian-use.sh \
	packaging/emulate.sh \
	packaging/musl.sh \
	packaging/recipes.sh \
	packaging/release-check.sh \
	packaging/reproduce-build.sh \
	packaging/reproduce.sh \
	packaging/rpm.sh \
	packaging/subproject.sh \
	packaging/targets.sh
EXTRA_DIST += packaging/targets/README \
	packaging/targets/arpa/inet.h \
	packaging/targets/ctype.h \
	packaging/targets/dlfcn.h \
	packaging/targets/errno.h \
	packaging/targets/fcntl.h \
	packaging/targets/fnmatch.h \
	packaging/targets/float.h \
	packaging/targets/ftw.h \
	packaging/targets/limits.h \
	packaging/targets/locale.h \
	packaging/targets/math.h \
	packaging/targets/netinet/in.h \
	packaging/targets/netinet/tcp.h \
	packaging/targets/poll.h \
	packaging/targets/pthread.h \
	packaging/targets/regex.h \
	packaging/targets/sched.h \
	packaging/targets/setjmp.h \
	packaging/targets/signal.h \
	packaging/targets/stdio.h \
	packaging/targets/stdlib.h \
	packaging/targets/string.h \
	packaging/targets/strings.h \
	packaging/targets/sys/mman.h \
	packaging/targets/sys/resource.h \
	packaging/targets/sys/socket.h \
	packaging/targets/sys/stat.h \
	packaging/targets/sys/syscall.h \
	packaging/targets/sys/time.h \
	packaging/targets/sys/types.h \
	packaging/targets/sys/wait.h \
	packaging/targets/targets.h \
	packaging/targets/time.h \
	packaging/targets/unistd.h \
	packaging/targets/wchar.h
EXTRA_DIST += packaging/addresses packaging/abi-dump.sh packaging/abi-kind.sh \
	packaging/abi-setup.sh packaging/release-items.sh \
	packaging/APKBUILD.in packaging/default.nix.in \
	packaging/conanfile.py.in packaging/guix.scm.in \
	packaging/libmempool.rb.in packaging/package.py.in \
	packaging/portfile.cmake.in packaging/vcpkg.json.in \
	packaging/vcpkg-stand-in.cmake \
	packaging/libmempool.spec.in packaging/libmempool.wrap.in \
	packaging/rpmlint.toml \
	packaging/subproject/program.c \
	packaging/subproject/cmake-fetch/CMakeLists.txt \
	packaging/subproject/cmake-installed/CMakeLists.txt \
	packaging/subproject/meson-installed/meson.build \
	packaging/subproject/meson-installed/meson_options.txt \
	packaging/subproject/meson-wrap/meson.build
dist_noinst_SCRIPTS += $(packaging_scripts)

packaging_run = CC='$(CC)' MAKE='$(MAKE)' version='$(PACKAGE_VERSION)' \
	top_srcdir='$(top_srcdir)' top_builddir='$(top_builddir)' \
	distdir='$(distdir)' $(SHELL) $(srcdir)/packaging

deb: dist
	$(AM_V_at)$(packaging_run)/debian-build.sh

as_root = `test "\`id -u\`" = 0 || echo sudo`
check-deb: deb
	$(AM_V_at)$(as_root) $(SHELL) $(srcdir)/packaging/debian-install.sh deb \
	  $(srcdir)/debian/tests $(srcdir)/README.md

check-debian: deb
	$(AM_V_at)$(as_root) env $(packaging_run)/debian-tree.sh

debian-symbols:
	$(AM_V_GEN)cd $(srcdir) && test ! -d debian || \
	  $(SHELL) packaging/debian-symbols.sh src/libmempool.map \
	    >debian/libmempool0.symbols

debian-addresses:
	$(AM_V_GEN)test ! -d $(srcdir)/debian || \
	  $(SHELL) $(srcdir)/packaging/debian-addresses.sh $(srcdir)/debian \
	    $(srcdir)/packaging/addresses

# Another file of addresses, for who publishes the library elsewhere.
ADDRESSES = $(srcdir)/packaging/addresses
recipes: dist
	$(AM_V_at)ADDRESSES='$(ADDRESSES)' $(packaging_run)/recipes.sh

check-rpm: recipes
	$(AM_V_at)$(packaging_run)/rpm.sh

.PHONY: recipes check-rpm

MACHINES = aarch64-linux-gnu arm-linux-gnueabihf i686-linux-gnu \
	powerpc64le-linux-gnu riscv64-linux-gnu s390x-linux-gnu
check-cross:
	$(AM_V_at)$(packaging_run)/cross.sh $(MACHINES)

check-musl:
	$(AM_V_at)$(packaging_run)/musl.sh

# For systems that are not here: compiled, and linked where a linker is.
check-targets: include/memory_pool.h
	$(AM_V_at)DEFS='$(DEFS)' WARNINGS='$(MP_WARN_CFLAGS)' \
	  CHECK_CFLAGS='$(CHECK_CFLAGS)' CHECK_LIBS='$(CHECK_LIBS)' \
	  $(packaging_run)/targets.sh

.PHONY: check-cross check-musl check-targets

check-reproducible:
	$(AM_V_at)$(packaging_run)/reproduce.sh

check-subproject: dist
	$(AM_V_at)$(packaging_run)/subproject.sh

release-check:
	$(AM_V_at)version_info='$(MP_VERSION_INFO)' ITEMS='$(ITEMS)' \
	  $(packaging_run)/release-check.sh

.PHONY: check-reproducible check-subproject release-check

CLEANFILES += $(distdir).tar.gz $(distdir).tar.xz
clean-local:
	-rm -rf amalgamation deb recipes release rpm targets cross-* \
	  check-source fuzzing

# Each release's own; see packaging/abi-setup.sh.
EXTRA_DIST += packaging/abi/0.9.0.abi packaging/abi/0.9.0.h \
	packaging/abi/0.9.0.inline.h \
	packaging/abi/0.9.0.info packaging/abi/0.10.0.abi \
	packaging/abi/0.10.0.h packaging/abi/0.10.0.inline.h \
	packaging/abi/0.10.0.info

abi_tests = tests/abi-same.sh tests/abi-shorter.sh tests/abi-longer.sh
gate_tests = tests/gate-now.sh tests/gate-since.sh tests/gate-growth.sh \
	tests/gate-names.sh
TESTS += $(abi_tests) $(gate_tests)
EXTRA_DIST += $(abi_tests) $(gate_tests) tests/abi-setup.sh \
	tests/abi_oldest.c tests/gate-setup.sh

packaging_abi = CC='$(CC)' version='$(PACKAGE_VERSION)' \
	version_info='$(MP_VERSION_INFO)' news='$(srcdir)/NEWS' \
	headers='$(top_builddir)/include/memory_pool.h \
	$(top_srcdir)/include/memory_pool_inline.h' \
	library='$(top_builddir)/.libs/libmempool.so' \
	baselines='$(srcdir)/packaging/abi' \
	$(SHELL) $(srcdir)/packaging

check-abi: libmempool.la
	$(AM_V_at)$(packaging_abi)/abi-now.sh
	$(AM_V_at)$(packaging_abi)/abi-since.sh
	$(AM_V_at)if test -d $(srcdir)/debian; then \
	  $(SHELL) $(srcdir)/packaging/debian-symbols.sh \
	    $(srcdir)/src/libmempool.map | \
	  diff $(srcdir)/debian/libmempool0.symbols - || { \
	    echo 'debian/libmempool0.symbols: make debian-symbols' \
	      'renews it'; exit 1; }; fi

abi-baseline: libmempool.la debian-symbols
	$(AM_V_at)$(packaging_abi)/abi-baseline.sh

.PHONY: check-abi abi-baseline
.PHONY: deb check-deb check-debian debian-addresses debian-symbols

# SPDX-License-Identifier: MIT
#
# build-aux/local.mk - the package's own commands and the tests of the build.

# The specification's commands; FILE=any.txt names another text to count.
# The suite makes every mistake that there is.  What the library says to each
# would look like a failure, so a file gets it.
FILE = $(srcdir)/COPYING
run: all examples/functional$(EXEEXT) examples/wordfreq$(EXEEXT)
	@echo './examples/functional$(EXEEXT) 2>examples/functional.messages'
	@./examples/functional$(EXEEXT) 2>examples/functional.messages || { \
	  status=$$?; cat examples/functional.messages >&2; exit $$status; }
	@echo 'Its mistakes are reported in examples/functional.messages.'
	./examples/wordfreq$(EXEEXT) --compare -- "$(FILE)"
CLEANFILES += examples/functional.messages

rebuild:
	$(MAKE) $(AM_MAKEFLAGS) clean
	$(MAKE) $(AM_MAKEFLAGS) all

build_tests = tests/symbols.sh $(header_tests) tests/options.sh \
	tests/bootstrap.sh tests/design-tests.sh tests/plugin.sh \
	tests/addresses.sh tests/forge.sh
header_tests = tests/header.sh tests/header-told.sh tests/header-names.sh \
	tests/header-run.sh tests/hpp.sh
static_tests = tests/options.sh tests/bootstrap.sh tests/design-tests.sh \
	tests/addresses.sh tests/forge.sh tests/header.sh \
	tests/header-told.sh tests/header-names.sh tests/hpp.sh \
	$(gate_tests) tests/site.sh tests/bench.sh
TESTS += $(build_tests)
EXTRA_DIST += $(build_tests) tests/installcheck.sh tests/dist-identical.sh \
	tests/header-setup.sh tests/header_use.c tests/header_use.cc \
	tests/plugin.c tests/plugin_host.c tests/shell.sh \
	build-aux/amalgamate.awk tests/amalgamation.sh

if !HAVE_CHECK
check-local:
	@echo "make check: the unit tests were not built; install Check" \
		"(package check, check-devel or check-dev; ./bootstrap --deps" \
		"does it) and run configure again." >&2; exit 1
endif

if CROSS_COMPILING
cross_compiling = yes
else
cross_compiling = no
endif

if HAVE_LUA
have_lua = yes
else
have_lua = no
endif

if HAVE_MICROHTTPD
have_microhttpd = yes
else
have_microhttpd = no
endif

installcheck-local:
	$(AM_V_at)CC='$(CC)' CXX='$(CXX)' PKG_CONFIG='$(PKG_CONFIG)' \
	DESTDIR='$(DESTDIR)' \
	PTHREAD_FLAGS='$(PTHREAD_CFLAGS) $(PTHREAD_LIBS)' \
	SANITIZE_CFLAGS='$(SANITIZE_CFLAGS)' version='$(PACKAGE_VERSION)' \
	LUA_FLAGS='$(LUA_CFLAGS) $(LUA_LIBS)' have_lua='$(have_lua)' \
	MICROHTTPD_FLAGS='$(MICROHTTPD_CFLAGS) $(MICROHTTPD_LIBS)' \
	have_microhttpd='$(have_microhttpd)' \
	cross_compiling='$(cross_compiling)' libdir='$(libdir)' \
	includedir='$(includedir)' pkgconfigdir='$(pkgconfigdir)' \
	examplesdir='$(examplesdir)' \
	$(SHELL) $(srcdir)/tests/installcheck.sh

# glibc's loader knows the libraries in its directories by a list, which only
# ldconfig renews: without that, a program that was just linked would not
# start.  Nothing is done where libdir is none of those directories, nor for
# a DESTDIR, whose owner does it where the files end up.
loader_knows = { test -z "$(DESTDIR)" && \
	  PATH=$$PATH:/usr/sbin:/sbin && export PATH && \
	  ldconfig -v -N -X 2>/dev/null | grep "^$(libdir):" >/dev/null; }
renew_loader = if $(loader_knows); then ldconfig || :; fi

# Where the loader's list is renewed, nobody need read libtool's page on what
# to do about the loader.  Automake would take the target's own name for a rule
# in place of its own.
install_library = install-libLTLIBRARIES
$(install_library): \
	AM_LIBTOOLFLAGS = `if $(loader_knows); then echo --silent; fi`

install-exec-hook:
	$(AM_V_at)$(renew_loader)

# An uninstall leaves no empty directory of ours.
uninstall-hook:
	-rmdir "$(DESTDIR)$(beforedir)" "$(DESTDIR)$(examplesdir)" \
	  "$(DESTDIR)$(docdir)" \
	  "$(DESTDIR)$(cmakedir)" 2>/dev/null || :
	$(AM_V_at)$(renew_loader)

# The library as one C file and its headers, for programs that take sources
# into their own tree.
amalgamation: include/memory_pool.h
	@rm -rf amalgamation && mkdir amalgamation
	$(AM_V_GEN)$(AWK) -v src='$(srcdir)/src' -v version='$(PACKAGE_VERSION)' \
	  -f $(srcdir)/build-aux/amalgamate.awk >amalgamation/memory_pool.c && \
	cp include/memory_pool.h amalgamation && \
	for header in $(include_HEADERS); do \
	  $(SED) 's/^#include <\(memory_pool.*\)>/#include "\1"/' \
	    $(srcdir)/$$header >amalgamation/$${header#include/} || exit; \
	done

check-amalgamation: amalgamation tests/libsupport.a tests/libinject.a
	$(AM_V_at)$(AM_TESTS_ENVIRONMENT) CHECK_CFLAGS='$(CHECK_CFLAGS)' \
	CHECK_LIBS='$(CHECK_LIBS)' $(SHELL) $(srcdir)/tests/amalgamation.sh

.PHONY: amalgamation check-amalgamation

# The date of every file in a tarball: that of the commit, or the one that
# the tarball this tree came from has.
dist-hook:
	@if test -n "$$SOURCE_DATE_EPOCH"; then \
	  date=$$SOURCE_DATE_EPOCH; \
	elif test -f $(srcdir)/.tarball-date; then \
	  date=`cat $(srcdir)/.tarball-date`; \
	else \
	  date=`cd $(srcdir) && git log -1 --format=%ct`; \
	fi; \
	if test -z "$$date"; then \
	  echo "make dist: no date: set SOURCE_DATE_EPOCH" >&2; exit 1; \
	fi; \
	rm -f $(distdir)/.tarball-date; \
	echo "$$date" >$(distdir)/.tarball-date

# All tests but those that no compiler flag nor C library makes any different:
# of the manual and the site, of what the design names, of configure's options,
# of the gate of the interface, of the goals of the measurements, and of what
# each compiler says of the headers.
check-programs:
	@leaves='$(man_tests) $(static_tests) $(LEAVES)'; $(kept); \
	$(MAKE) $(AM_MAKEFLAGS) check TESTS="`kept $(TESTS)`" \
	  check_PROGRAMS="`kept $(check_PROGRAMS)`"

# What LEAVES names is neither made nor run by check-programs and
# check-valgrind.  kept prints those of its arguments that $leaves does not name.
LEAVES =
kept = kept() { for one; do \
	  case " $$leaves " in *" $$one "*) ;; *) printf '%s ' "$$one" ;; esac; \
	done; }

# The test programs under valgrind; the scripts test other things.  Leaks
# are left to AddressSanitizer, which sees each test's own: valgrind also
# counts what the vanished threads of a forked child held.
check-valgrind:
	@leaves='$(LEAVES)'; $(kept); tests=; for test in `kept $(TESTS)`; do \
	  case $$test in *.sh) ;; *) tests="$$tests $$test" ;; esac; \
	done; \
	MEMPOOL_OPTIONS=native \
	$(MAKE) $(AM_MAKEFLAGS) check TESTS="$$tests" \
	  check_PROGRAMS="`kept $(check_PROGRAMS)`" \
	  LOG_COMPILER='$(LIBTOOL) --mode=execute valgrind -q \
	  --error-exitcode=99 --leak-check=no'

check-dist:
	$(AM_V_at)CC='$(CC)' MAKE='$(MAKE)' distdir='$(distdir)' \
	$(SHELL) $(srcdir)/tests/dist-identical.sh

.PHONY: run rebuild check-programs check-dist check-valgrind

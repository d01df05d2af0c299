# SPDX-License-Identifier: MIT
#
# tests/local.mk - the test programs.  The check_*.c ones need Check; each
# runs with its own pools, so they may run side by side.
#
# A program is made of the one source of its name, and linked with
# libmempool.la alone; what differs is said here.

# Requests for memory go through this, by redirect.h.  It calls neither the
# library nor Check, so it stands last.
check_LIBRARIES += tests/libinject.a
tests_libinject_a_SOURCES = tests/inject.c tests/inject.h tests/redirect.h \
	tests/sanitizer.h

if HAVE_CHECK
tests_programs = tests/check_aligned tests/check_append \
	tests/check_blocks tests/check_bulk tests/check_caches \
	tests/check_capacity tests/check_children tests/check_cleanups \
	tests/check_close tests/check_commit tests/check_copies \
	tests/check_damage tests/check_debug tests/check_each \
	tests/check_errno \
	tests/check_failure tests/check_first_call tests/check_footprint \
	tests/check_forks tests/check_gone tests/check_growth \
	tests/check_handles tests/check_hooks tests/check_inline \
	tests/check_inline_counted \
	tests/check_leaks tests/check_lifetimes tests/check_limits tests/check_limits_model tests/check_malloc \
	tests/check_mark_cleanups tests/check_mark_frees tests/check_marks tests/check_memory \
	tests/check_misuse tests/check_mixes tests/check_moves tests/check_names \
	tests/check_near_limit tests/check_options tests/check_outside \
	tests/check_owners \
	tests/check_pause \
	tests/check_pools tests/check_portions tests/check_print \
	tests/check_processes tests/check_quiet tests/check_range \
	tests/check_recall \
	tests/check_recycle \
	tests/check_rejoin \
	tests/check_report tests/check_scopes tests/check_set_capacity \
	tests/check_set_parent tests/check_strings tests/check_sweeps \
	tests/check_threads tests/check_tree tests/check_tree_model \
	tests/check_view tests/check_wrong_marks
check_PROGRAMS += $(tests_programs)
TESTS += $(tests_programs)

# Where check.h is.  The flags are for all, since automake knows none that are
# for some programs without being named for each.
AM_CPPFLAGS += $(CHECK_CFLAGS)

# What the programs share, compiled once for all of them.  It calls the
# library, so it stands before that where the library is an archive.
check_LIBRARIES += tests/libsupport.a
tests_libsupport_a_SOURCES = tests/called.h tests/cleanups.c \
	tests/cleanups.h tests/pools.c tests/pools.h tests/scopes.c tests/scopes.h \
	tests/shadow.c tests/support.c tests/support.h tests/threads.c \
	tests/threads.h tests/view.c tests/view.h

tests_shared = tests/libsupport.a libmempool.la tests/libinject.a \
	$(CHECK_LIBS) $(PTHREAD_LIBS)
tests_check_append_LDADD = $(tests_shared)
tests_check_blocks_LDADD = $(tests_shared)
tests_check_bulk_LDADD = $(tests_shared)
tests_check_capacity_LDADD = $(tests_shared)
tests_check_children_LDADD = $(tests_shared)
tests_check_close_LDADD = $(tests_shared)
tests_check_copies_LDADD = $(tests_shared)
tests_check_debug_LDADD = $(tests_shared)
tests_check_each_LDADD = $(tests_static)
tests_check_first_call_LDADD = $(tests_shared)
tests_check_footprint_LDADD = $(tests_shared)
tests_check_failure_LDADD = $(tests_shared)
tests_check_growth_LDADD = $(tests_shared)
tests_check_gone_LDADD = $(tests_shared)
tests_check_hooks_LDADD = $(tests_shared)
tests_check_inline_LDADD = $(tests_shared)
tests_check_inline_counted_LDADD = $(tests_shared)
tests_check_leaks_LDADD = $(tests_shared)
tests_check_lifetimes_LDADD = $(tests_shared)
tests_check_limits_LDADD = $(tests_static)
tests_check_limits_model_LDADD = $(tests_shared)
tests_check_mark_cleanups_LDADD = $(tests_shared)
tests_check_mark_frees_LDADD = $(tests_static)
tests_check_marks_LDADD = $(tests_shared)
tests_check_misuse_LDADD = $(tests_shared)
tests_check_mixes_LDADD = $(tests_shared)
tests_check_moves_LDADD = $(tests_static)
tests_check_names_LDADD = $(tests_shared)
tests_check_near_limit_LDADD = $(tests_shared)
tests_check_options_LDADD = $(tests_shared)
tests_check_pools_LDADD = $(tests_shared)
tests_check_portions_LDADD = $(tests_shared)
tests_check_print_LDADD = $(tests_shared)
tests_check_quiet_LDADD = $(tests_static)
tests_check_recycle_LDADD = $(tests_shared)
tests_check_report_LDADD = $(tests_shared)
tests_check_scopes_LDADD = $(tests_static)
tests_check_set_capacity_LDADD = $(tests_shared)
tests_check_strings_LDADD = $(tests_shared)
tests_check_sweeps_LDADD = $(tests_static)
tests_check_tree_LDADD = $(tests_shared)
tests_check_view_LDADD = $(tests_shared)
tests_check_wrong_marks_LDADD = $(tests_shared)

# Linked statically: for inject.c to see the library's requests, or for what
# the library does not export.
tests_static = tests/libsupport.a libmempool-internal.la tests/libinject.a \
	$(CHECK_LIBS) $(PTHREAD_LIBS)
tests_check_aligned_LDADD = $(tests_static)
tests_check_caches_LDADD = $(tests_static)
tests_check_cleanups_LDADD = $(tests_static)
tests_check_commit_LDADD = $(tests_static)
tests_check_damage_LDADD = $(tests_static)
tests_check_errno_LDADD = $(tests_static)
tests_check_forks_LDADD = $(tests_static)
tests_check_handles_LDADD = $(tests_static)
tests_check_malloc_LDADD = $(tests_static)
tests_check_memory_LDADD = $(tests_static)
tests_check_outside_LDADD = $(tests_static)
tests_check_owners_LDADD = $(tests_static)
tests_check_pause_LDADD = $(tests_static)
tests_check_processes_LDADD = $(tests_static)
tests_check_range_LDADD = $(tests_static)
tests_check_recall_LDADD = $(tests_static)
tests_check_rejoin_LDADD = $(tests_static)
tests_check_set_parent_LDADD = $(tests_static)
tests_check_threads_LDADD = $(tests_static)
tests_check_tree_model_LDADD = $(tests_static)

# The inline header's own calls cannot be led elsewhere by the preprocessor.
tests_check_inline_CPPFLAGS = $(AM_CPPFLAGS)
tests_check_inline_LDFLAGS = $(AM_LDFLAGS)
if HAVE_WRAP
tests_check_inline_CPPFLAGS += -DINLINE_COUNTED
tests_check_inline_LDFLAGS += -Wl,--wrap=mp_allocate -Wl,--wrap=free_memory
endif
tests_check_inline_counted_SOURCES = tests/check_inline.c
tests_check_inline_counted_CPPFLAGS = $(tests_check_inline_CPPFLAGS) \
	-DMP_INLINE_COUNTED=1
tests_check_inline_counted_LDFLAGS = $(tests_check_inline_LDFLAGS)

# These load the shared library besides.
tests_check_copies_CPPFLAGS = $(AM_CPPFLAGS) \
	-DCOPIES_LIBRARY='"$(abs_top_builddir)/.libs/libmempool.so"' \
	-DCOPIES_DIRECTORY='"$(abs_top_builddir)/tests"'
tests_check_processes_CPPFLAGS = $(AM_CPPFLAGS) \
	-DPROCESSES_LIBRARY='"$(abs_top_builddir)/.libs/libmempool.so"'
endif

if HAVE_CXX
check_PROGRAMS += tests/check_cxx
TESTS += tests/check_cxx
tests_check_cxx_SOURCES = tests/check_cxx.cc

check_PROGRAMS += tests/check_thrown
TESTS += tests/check_thrown
tests_check_thrown_SOURCES = tests/check_thrown.cc

# Where there is no C++17 it tests what C++11 has.
check_PROGRAMS += tests/check_hpp
TESTS += tests/check_hpp
tests_check_hpp_SOURCES = tests/check_hpp.cc
tests_check_hpp_CXXFLAGS = $(AM_CXXFLAGS) $(CXX17_FLAGS)
endif

# Programs for tools to watch: one makes a fault, and one makes none.
check_PROGRAMS += tests/planted/bugs tests/planted/correct
tests_planted_bugs_SOURCES = tests/planted/bugs.c tests/planted/kinds.h
tests_planted_correct_SOURCES = tests/planted/correct.c tests/planted/kinds.h
debug_tests = tests/debug-callers.sh tests/debug-options.sh \
	tests/debug-output.sh tests/debug-rights.sh tests/debug-words.sh
TESTS += $(debug_tests)
EXTRA_DIST += $(debug_tests) tests/tools.sh tests/planted/checkers.sh

TESTS += tests/gdb.sh tests/probes.sh
EXTRA_DIST += tests/gdb.sh tests/probes.sh tests/gdb/checks.py tests/gdb/pools.c

# Valgrind's checkers and the compilers' sanitizers on those programs, with the
# library as it is shipped.
check-tools: libmempool.la
	$(AM_V_at)$(AM_TESTS_ENVIRONMENT) \
	$(SHELL) $(srcdir)/tests/planted/checkers.sh
.PHONY: check-tools

# A text for Prometheus' tool.
check_PROGRAMS += tests/metrics
TESTS += tests/openmetrics.sh
EXTRA_DIST += tests/openmetrics.sh

# Everything at once; check-long runs it for as long as asked.
check_PROGRAMS += tests/stress
TESTS += tests/stress
tests_stress_SOURCES = tests/stress.c tests/stress_scopes.h tests/called.h
tests_stress_LDADD = libmempool-internal.la tests/libinject.a $(PTHREAD_LIBS)

# Some of these once more, as where the system has no membarrier(2).
check_PROGRAMS += tests/without_membarrier
TESTS += tests/fenced.sh
EXTRA_DIST += tests/fenced.sh
tests_without_membarrier_SOURCES = tests/membarrier.h \
	tests/without_membarrier.c
tests_without_membarrier_LDADD =

MP_STRESS_SECONDS = 600
long_tests = tests/check_capacity$(EXEEXT) tests/check_mixes$(EXEEXT) \
	tests/check_threads$(EXEEXT)
check-long: tests/stress$(EXEEXT) $(long_tests)
	for test in $(long_tests); do MP_TEST_TIMES=10 ./$$test || exit; done
	MP_STRESS_SECONDS='$(MP_STRESS_SECONDS)' ./tests/stress$(EXEEXT)
.PHONY: check-long

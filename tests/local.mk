# SPDX-License-Identifier: MIT
#
# tests/local.mk - the test programs.  The check_*.c ones need Check; each
# runs with its own pools, so they may run side by side.

tests_cflags = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_libs = tests/libsupport.a $(CHECK_LIBS) $(PTHREAD_LIBS)

# A program that forks while its threads run: see tests/fork_malloc.c, which
# needs the library linked statically.
tests_fork = tests/fork_malloc.c tests/sanitizer.h
tests_fork_ldflags = -Wl,--wrap=malloc -Wl,--wrap=calloc \
	-Wl,--wrap=aligned_alloc -Wl,--wrap=free

if HAVE_CHECK
tests_programs = tests/check_capacity tests/check_misuse \
	tests/check_threads tests/check_memory tests/check_pools \
	tests/check_options tests/check_lifetimes tests/check_processes \
	tests/check_scopes tests/check_handles tests/check_marks \
	tests/check_view tests/check_print \
	tests/check_tree tests/check_strings tests/check_children \
	tests/check_inline tests/check_recycle tests/check_copies \
	tests/check_caches tests/check_damage tests/check_range
check_PROGRAMS += $(tests_programs)
TESTS += $(tests_programs)

# What the programs share, compiled once for all of them.  It calls the
# library, so it stands before that where the library is an archive.
check_LIBRARIES += tests/libsupport.a
tests_libsupport_a_SOURCES = tests/support.c tests/support.h tests/shadow.c \
	tests/sanitizer.h tests/pools.c tests/pools.h tests/scopes.c \
	tests/scopes.h tests/view.c tests/view.h
tests_libsupport_a_CFLAGS = $(tests_cflags)

tests_check_capacity_SOURCES = tests/check_capacity.c
tests_check_capacity_CFLAGS = $(tests_cflags)
tests_check_capacity_LDADD = libmempool.la $(tests_libs)

tests_check_misuse_SOURCES = tests/check_misuse.c
tests_check_misuse_CFLAGS = $(tests_cflags)
tests_check_misuse_LDADD = libmempool.la $(tests_libs)

tests_check_pools_SOURCES = tests/check_pools.c
tests_check_pools_CFLAGS = $(tests_cflags)
tests_check_pools_LDADD = libmempool.la $(tests_libs)

tests_check_options_SOURCES = tests/check_options.c
tests_check_options_CFLAGS = $(tests_cflags)
tests_check_options_LDADD = libmempool.la $(tests_libs)

tests_check_lifetimes_SOURCES = tests/check_lifetimes.c
tests_check_lifetimes_CFLAGS = $(tests_cflags)
tests_check_lifetimes_LDADD = libmempool.la $(tests_libs)

tests_check_scopes_SOURCES = tests/check_scopes.c
tests_check_scopes_CFLAGS = $(tests_cflags)
tests_check_scopes_LDADD = libmempool.la $(tests_libs)

tests_check_children_SOURCES = tests/check_children.c $(tests_fork)
tests_check_children_CFLAGS = $(tests_cflags)
tests_check_children_LDFLAGS = $(AM_LDFLAGS) $(tests_fork_ldflags)
tests_check_children_LDADD = tests/libsupport.a libmempool-internal.la \
	$(tests_libs)

tests_check_view_SOURCES = tests/check_view.c
tests_check_view_CFLAGS = $(tests_cflags)
tests_check_view_LDADD = libmempool.la $(tests_libs)

tests_check_print_SOURCES = tests/check_print.c
tests_check_print_CFLAGS = $(tests_cflags)
tests_check_print_LDADD = libmempool.la $(tests_libs)

tests_check_handles_SOURCES = tests/check_handles.c $(tests_fork)
tests_check_handles_CFLAGS = $(tests_cflags)
tests_check_handles_LDFLAGS = $(AM_LDFLAGS) $(tests_fork_ldflags)
tests_check_handles_LDADD = tests/libsupport.a libmempool-internal.la \
	$(tests_libs)

tests_check_marks_SOURCES = tests/check_marks.c
tests_check_marks_CFLAGS = $(tests_cflags)
tests_check_marks_LDADD = libmempool.la $(tests_libs)

tests_check_damage_SOURCES = tests/check_damage.c
tests_check_damage_CFLAGS = $(tests_cflags)
tests_check_damage_LDADD = tests/libsupport.a libmempool-internal.la \
	$(tests_libs)

tests_check_range_SOURCES = tests/check_range.c
tests_check_range_CFLAGS = $(tests_cflags)
tests_check_range_LDADD = libmempool.la $(tests_libs)

tests_check_tree_SOURCES = tests/check_tree.c $(tests_fork)
tests_check_tree_CFLAGS = $(tests_cflags)
tests_check_tree_LDFLAGS = $(AM_LDFLAGS) $(tests_fork_ldflags)
tests_check_tree_LDADD = tests/libsupport.a libmempool-internal.la \
	$(tests_libs)

tests_check_inline_SOURCES = tests/check_inline.c
tests_check_inline_CFLAGS = $(tests_cflags)
tests_check_inline_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=mp_allocate \
	-Wl,--wrap=free_memory
tests_check_inline_LDADD = libmempool.la $(tests_libs)

tests_check_recycle_SOURCES = tests/check_recycle.c
tests_check_recycle_CFLAGS = $(tests_cflags)
tests_check_recycle_LDADD = libmempool.la $(tests_libs)

tests_check_copies_SOURCES = tests/check_copies.c
tests_check_copies_CPPFLAGS = $(AM_CPPFLAGS) \
	-DCOPIES_LIBRARY='"$(abs_top_builddir)/.libs/libmempool.so"' \
	-DCOPIES_DIRECTORY='"$(abs_top_builddir)/tests"'
tests_check_copies_CFLAGS = $(tests_cflags)
tests_check_copies_LDADD = libmempool.la $(tests_libs)

# Linked statically, so that the library's requests for memory go through
# the test's own functions, and that its handlers of fork() come first.
tests_check_caches_SOURCES = tests/check_caches.c
tests_check_caches_CFLAGS = $(tests_cflags)
tests_check_caches_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=aligned_alloc \
	-Wl,--wrap=free
tests_check_caches_LDADD = tests/libsupport.a libmempool-internal.la \
	$(tests_libs)

tests_check_strings_SOURCES = tests/check_strings.c
tests_check_strings_CFLAGS = $(tests_cflags)
tests_check_strings_LDADD = libmempool.la $(tests_libs)

# Linked statically, since it loads the shared library besides.
tests_check_processes_SOURCES = tests/check_processes.c $(tests_fork)
tests_check_processes_CPPFLAGS = $(AM_CPPFLAGS) \
	-DPROCESSES_LIBRARY='"$(abs_top_builddir)/.libs/libmempool.so"'
tests_check_processes_CFLAGS = $(tests_cflags)
tests_check_processes_LDFLAGS = $(AM_LDFLAGS) $(tests_fork_ldflags)
tests_check_processes_LDADD = tests/libsupport.a libmempool-internal.la \
	$(tests_libs)

tests_check_threads_SOURCES = tests/check_threads.c $(tests_fork)
tests_check_threads_CFLAGS = $(tests_cflags)
tests_check_threads_LDFLAGS = $(AM_LDFLAGS) $(tests_fork_ldflags)
tests_check_threads_LDADD = tests/libsupport.a libmempool-internal.la \
	$(tests_libs)

# Linked statically, so that the library's requests for memory go through
# the test's own functions.
tests_wrap = -Wl,--wrap=malloc -Wl,--wrap=calloc -Wl,--wrap=realloc \
	-Wl,--wrap=aligned_alloc -Wl,--wrap=posix_memalign -Wl,--wrap=free \
	-Wl,--wrap=mmap -Wl,--wrap=munmap -Wl,--wrap=pthread_mutex_init
tests_check_memory_SOURCES = tests/check_memory.c
tests_check_memory_CFLAGS = $(tests_cflags)
tests_check_memory_LDFLAGS = $(AM_LDFLAGS) $(tests_wrap)
tests_check_memory_LDADD = tests/libsupport.a libmempool-internal.la \
	$(tests_libs)
endif

# The tests that doc/design.md names.
TESTS += tests/hazards.sh
EXTRA_DIST += tests/hazards.sh

if HAVE_CXX
check_PROGRAMS += tests/check_cxx
TESTS += tests/check_cxx
tests_check_cxx_SOURCES = tests/check_cxx.cc
tests_check_cxx_LDADD = libmempool.la $(PTHREAD_LIBS)
endif

# Everything at once; check-long runs it for as long as asked.
check_PROGRAMS += tests/stress
TESTS += tests/stress
tests_stress_SOURCES = tests/stress.c tests/stress_scopes.h $(tests_fork)
tests_stress_CFLAGS = $(AM_CFLAGS)
tests_stress_LDFLAGS = $(AM_LDFLAGS) $(tests_fork_ldflags)
tests_stress_LDADD = libmempool-internal.la $(PTHREAD_LIBS)

MP_STRESS_SECONDS = 600
check-long: tests/stress$(EXEEXT)
	MP_STRESS_SECONDS='$(MP_STRESS_SECONDS)' ./tests/stress$(EXEEXT)
.PHONY: check-long

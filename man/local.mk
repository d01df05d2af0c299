# SPDX-License-Identifier: MIT
#
# The manual pages, the programs that their examples come from, and what
# keeps both true.  A page of one .so line is an alias.

dist_man_MANS += \
	man/destroy_memory_pool.3 \
	man/free_all_memory.3 \
	man/free_memory.3 \
	man/init_memory_pool.3 \
	man/is_mp_ptr.3 \
	man/libmempool.7 \
	man/memory_pool_inline.7 \
	man/mp_add_cleanup.3 \
	man/mp_aligned_alloc.3 \
	man/mp_allocate.3 \
	man/mp_asprintf.3 \
	man/mp_attach.3 \
	man/mp_backing.3 \
	man/mp_backing_buffer.3 \
	man/mp_backing_malloc.3 \
	man/mp_backing_mmap.3 \
	man/mp_calloc.3 \
	man/mp_check.3 \
	man/mp_create.3 \
	man/mp_create_sized.3 \
	man/mp_detach.3 \
	man/mp_handle_allocate.3 \
	man/mp_handle_free.3 \
	man/mp_handle_mark.3 \
	man/mp_handle_rewind.3 \
	man/mp_locate.3 \
	man/mp_map.3 \
	man/mp_mark.3 \
	man/mp_memdup.3 \
	man/mp_options.3 \
	man/mp_owner.3 \
	man/mp_realloc.3 \
	man/mp_remove_cleanup.3 \
	man/mp_report_fn.3 \
	man/mp_report_stderr.3 \
	man/mp_rewind.3 \
	man/mp_stats.3 \
	man/mp_stats_print.3 \
	man/mp_stats_sized.3 \
	man/mp_strdup.3 \
	man/mp_strndup.3 \
	man/mp_trim.3 \
	man/mp_usable_size.3 \
	man/mp_vasprintf.3 \
	man/mp_version.3 \
	man/mp_walk.3

man_examples = \
	examples/man_free_memory \
	examples/man_init_memory_pool \
	examples/man_is_mp_ptr \
	examples/man_libmempool \
	examples/man_memory_pool_inline \
	examples/man_mp_add_cleanup \
	examples/man_mp_aligned_alloc \
	examples/man_mp_allocate \
	examples/man_mp_asprintf \
	examples/man_mp_attach \
	examples/man_mp_backing \
	examples/man_mp_calloc \
	examples/man_mp_check \
	examples/man_mp_create \
	examples/man_mp_locate \
	examples/man_mp_map \
	examples/man_mp_mark \
	examples/man_mp_options \
	examples/man_mp_owner \
	examples/man_mp_realloc \
	examples/man_mp_report_stderr \
	examples/man_mp_stats \
	examples/man_mp_stats_print \
	examples/man_mp_strdup \
	examples/man_mp_trim \
	examples/man_mp_usable_size \
	examples/man_mp_version \
	examples/man_mp_walk

check_PROGRAMS += $(man_examples)
dist_examples_DATA += $(man_examples:=.c)

examples_man_free_memory_SOURCES = examples/man_free_memory.c
examples_man_free_memory_LDADD = libmempool.la
examples_man_init_memory_pool_SOURCES = examples/man_init_memory_pool.c
examples_man_init_memory_pool_LDADD = libmempool.la $(PTHREAD_LIBS)
examples_man_is_mp_ptr_SOURCES = examples/man_is_mp_ptr.c
examples_man_is_mp_ptr_LDADD = libmempool.la
examples_man_libmempool_SOURCES = examples/man_libmempool.c
examples_man_libmempool_LDADD = libmempool.la
examples_man_memory_pool_inline_SOURCES = examples/man_memory_pool_inline.c
examples_man_memory_pool_inline_LDADD = libmempool.la
examples_man_mp_add_cleanup_SOURCES = examples/man_mp_add_cleanup.c
examples_man_mp_add_cleanup_LDADD = libmempool.la
examples_man_mp_aligned_alloc_SOURCES = examples/man_mp_aligned_alloc.c
examples_man_mp_aligned_alloc_LDADD = libmempool.la
examples_man_mp_allocate_SOURCES = examples/man_mp_allocate.c
examples_man_mp_allocate_LDADD = libmempool.la
examples_man_mp_asprintf_SOURCES = examples/man_mp_asprintf.c
examples_man_mp_asprintf_LDADD = libmempool.la
examples_man_mp_attach_SOURCES = examples/man_mp_attach.c
examples_man_mp_attach_LDADD = libmempool.la $(PTHREAD_LIBS)
examples_man_mp_backing_SOURCES = examples/man_mp_backing.c
examples_man_mp_backing_LDADD = libmempool.la
examples_man_mp_calloc_SOURCES = examples/man_mp_calloc.c
examples_man_mp_calloc_LDADD = libmempool.la
examples_man_mp_check_SOURCES = examples/man_mp_check.c
examples_man_mp_check_LDADD = libmempool.la
examples_man_mp_create_SOURCES = examples/man_mp_create.c
examples_man_mp_create_LDADD = libmempool.la
examples_man_mp_locate_SOURCES = examples/man_mp_locate.c
examples_man_mp_locate_LDADD = libmempool.la
examples_man_mp_map_SOURCES = examples/man_mp_map.c
examples_man_mp_map_LDADD = libmempool.la
examples_man_mp_mark_SOURCES = examples/man_mp_mark.c
examples_man_mp_mark_LDADD = libmempool.la
examples_man_mp_options_SOURCES = examples/man_mp_options.c
examples_man_mp_options_LDADD = libmempool.la
examples_man_mp_owner_SOURCES = examples/man_mp_owner.c
examples_man_mp_owner_LDADD = libmempool.la
examples_man_mp_realloc_SOURCES = examples/man_mp_realloc.c
examples_man_mp_realloc_LDADD = libmempool.la
examples_man_mp_report_stderr_SOURCES = examples/man_mp_report_stderr.c
examples_man_mp_report_stderr_LDADD = libmempool.la
examples_man_mp_stats_SOURCES = examples/man_mp_stats.c
examples_man_mp_stats_LDADD = libmempool.la
examples_man_mp_stats_print_SOURCES = examples/man_mp_stats_print.c
examples_man_mp_stats_print_LDADD = libmempool.la
examples_man_mp_strdup_SOURCES = examples/man_mp_strdup.c
examples_man_mp_strdup_LDADD = libmempool.la
examples_man_mp_trim_SOURCES = examples/man_mp_trim.c
examples_man_mp_trim_LDADD = libmempool.la
examples_man_mp_usable_size_SOURCES = examples/man_mp_usable_size.c
examples_man_mp_usable_size_LDADD = libmempool.la
examples_man_mp_version_SOURCES = examples/man_mp_version.c
examples_man_mp_version_LDADD = libmempool.la
examples_man_mp_walk_SOURCES = examples/man_mp_walk.c
examples_man_mp_walk_LDADD = libmempool.la

# man-examples.sh runs the programs, so they are no tests of their own.
man_tests = \
	tests/man-cover.sh \
	tests/man-examples.sh \
	tests/man-lint.sh \
	tests/man-synopsis.sh

TESTS += $(man_tests)
EXTRA_DIST += $(man_tests)

# The account of how and why, for who works on the library.
EXTRA_DIST += doc/design.md

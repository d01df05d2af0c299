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
	man/memory_pool.hpp.3 \
	man/memory_pool_hooks.7 \
	man/memory_pool_inline.7 \
	man/mempool_debug.7 \
	man/mempool_guide.7 \
	man/mempool_porting.7 \
	man/mp_add_cleanup.3 \
	man/mp_add_mark_cleanup.3 \
	man/mp_aligned_alloc.3 \
	man/mp_aligned_realloc.3 \
	man/mp_allocate.3 \
	man/mp_allocate_many.3 \
	man/mp_append_bytes.3 \
	man/mp_append_printf.3 \
	man/mp_append_vprintf.3 \
	man/mp_asprintf.3 \
	man/mp_attach.3 \
	man/mp_backing.3 \
	man/mp_backing_buffer.3 \
	man/mp_backing_malloc.3 \
	man/mp_backing_mmap.3 \
	man/mp_calloc.3 \
	man/mp_check.3 \
	man/mp_commit.3 \
	man/mp_create.3 \
	man/mp_create_sized.3 \
	man/mp_destroy.3 \
	man/mp_detach.3 \
	man/mp_each_pool.3 \
	man/mp_expand.3 \
	man/mp_failure_fn.3 \
	man/mp_free.3 \
	man/mp_free_many.3 \
	man/mp_free_sized.3 \
	man/mp_handle_add_mark_cleanup.3 \
	man/mp_handle_aligned_alloc.3 \
	man/mp_handle_aligned_realloc.3 \
	man/mp_handle_allocate.3 \
	man/mp_handle_asprintf.3 \
	man/mp_handle_calloc.3 \
	man/mp_handle_commit.3 \
	man/mp_handle_free.3 \
	man/mp_handle_mark.3 \
	man/mp_handle_memdup.3 \
	man/mp_handle_realloc.3 \
	man/mp_handle_rewind.3 \
	man/mp_handle_strdup.3 \
	man/mp_handle_strndup.3 \
	man/mp_handle_vasprintf.3 \
	man/mp_hook_calloc.3 \
	man/mp_hook_free.3 \
	man/mp_hook_malloc.3 \
	man/mp_hook_realloc.3 \
	man/mp_hook_strdup.3 \
	man/mp_kind.3 \
	man/mp_locate.3 \
	man/mp_map.3 \
	man/mp_mark.3 \
	man/mp_memdup.3 \
	man/mp_name.3 \
	man/mp_near_limit_fn.3 \
	man/mp_options.3 \
	man/mp_owner.3 \
	man/mp_owns.3 \
	man/mp_parent.3 \
	man/mp_realloc.3 \
	man/mp_reallocarray.3 \
	man/mp_remove_cleanup.3 \
	man/mp_report.3 \
	man/mp_report_fn.3 \
	man/mp_report_stderr.3 \
	man/mp_reporter_fn.3 \
	man/mp_reset.3 \
	man/mp_rewind.3 \
	man/mp_set_capacity.3 \
	man/mp_set_failure.3 \
	man/mp_set_near_limit.3 \
	man/mp_set_parent.3 \
	man/mp_set_reporter.3 \
	man/mp_stats.3 \
	man/mp_stats_print.3 \
	man/mp_stats_sized.3 \
	man/mp_strdup.3 \
	man/mp_string.3 \
	man/mp_strndup.3 \
	man/mp_trim.3 \
	man/mp_usable_size.3 \
	man/mp_use.3 \
	man/mp_used.3 \
	man/mp_vasprintf.3 \
	man/mp_version.3 \
	man/mp_walk.3

man_examples = \
	examples/man_free_memory \
	examples/man_init_memory_pool \
	examples/man_is_mp_ptr \
	examples/man_libmempool \
	examples/man_memory_pool_hooks \
	examples/man_memory_pool_inline \
	examples/man_mempool_debug \
	examples/man_mp_add_cleanup \
	examples/man_mp_aligned_alloc \
	examples/man_mp_allocate \
	examples/man_mp_allocate_many \
	examples/man_mp_append_bytes \
	examples/man_mp_asprintf \
	examples/man_mp_attach \
	examples/man_mp_backing \
	examples/man_mp_calloc \
	examples/man_mp_check \
	examples/man_mp_commit \
	examples/man_mp_create \
	examples/man_mp_each_pool \
	examples/man_mp_expand \
	examples/man_mp_free \
	examples/man_mp_free_sized \
	examples/man_mp_handle_calloc \
	examples/man_mp_locate \
	examples/man_mp_map \
	examples/man_mp_mark \
	examples/man_mp_name \
	examples/man_mp_options \
	examples/man_mp_owner \
	examples/man_mp_realloc \
	examples/man_mp_report_stderr \
	examples/man_mp_set_capacity \
	examples/man_mp_set_failure \
	examples/man_mp_set_near_limit \
	examples/man_mp_set_parent \
	examples/man_mp_set_reporter \
	examples/man_mp_stats \
	examples/man_mp_stats_print \
	examples/man_mp_strdup \
	examples/man_mp_trim \
	examples/man_mp_usable_size \
	examples/man_mp_use \
	examples/man_mp_version \
	examples/man_mp_walk

# The patterns of mempool_guide(7).
guide_examples = \
	examples/guide_cache \
	examples/guide_faults \
	examples/guide_hooks \
	examples/guide_kinds \
	examples/guide_parser \
	examples/guide_plugin \
	examples/guide_request \
	examples/guide_strings \
	examples/guide_tree \
	examples/guide_workers

check_PROGRAMS += $(man_examples) $(guide_examples)
dist_examples_DATA += $(man_examples:=.c) $(guide_examples:=.c) \
	examples/guide_containers.cc

# The programs of mempool_porting(7), after; before/ has them as they were, for
# tests/porting.sh to compare.
porting_examples = \
	examples/from_apr \
	examples/from_malloc \
	examples/from_obstack \
	examples/from_slice \
	examples/from_talloc

check_PROGRAMS += $(porting_examples)
dist_examples_DATA += $(porting_examples:=.c) examples/from_pmr.cc
beforedir = $(examplesdir)/before
dist_before_DATA = examples/before/apr.c examples/before/malloc.c \
	examples/before/obstack.c examples/before/pmr.cc \
	examples/before/slice.c examples/before/talloc.c

if HAVE_CXX
check_PROGRAMS += examples/from_pmr
endif
if HAVE_CXX17
check_PROGRAMS += examples/guide_containers
TESTS += examples/guide_containers
endif
examples_from_pmr_SOURCES = examples/from_pmr.cc
examples_from_pmr_CXXFLAGS = $(AM_CXXFLAGS) $(CXX17_FLAGS)
examples_guide_containers_SOURCES = examples/guide_containers.cc
examples_guide_containers_CXXFLAGS = $(AM_CXXFLAGS) $(CXX17_FLAGS)

# Each fails when the library does not do what its page says.
TESTS += $(man_examples) $(guide_examples)

if HAVE_CXX
check_PROGRAMS += examples/man_memory_pool_hpp
TESTS += examples/man_memory_pool_hpp
endif
EXTRA_PROGRAMS += examples/man_memory_pool_hpp
examples_man_memory_pool_hpp_SOURCES = examples/man_memory_pool_hpp.cc
examples_man_memory_pool_hpp_CXXFLAGS = $(AM_CXXFLAGS) $(CXX17_FLAGS)
dist_examples_DATA += examples/man_memory_pool_hpp.cc

# Those that run no compiled code, and the one that does.
man_tests = \
	tests/figures.sh \
	tests/man-base-messages.sh \
	tests/man-constants.sh \
	tests/man-examples.sh \
	tests/man-exports.sh \
	tests/man-lint.sh \
	tests/man-messages.sh \
	tests/man-names.sh \
	tests/man-prototypes.sh \
	tests/man-references.sh \
	tests/man-sections.sh \
	tests/man-types.sh \
	tests/spelling.sh

TESTS += $(man_tests) tests/man-output.sh tests/porting.sh
EXTRA_DIST += $(man_tests) tests/man-output.sh tests/porting.sh tests/man.sh \
	tests/words.txt

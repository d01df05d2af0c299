# SPDX-License-Identifier: MIT
#
# tests/unit/local.mk - tests of single rooms, each linked with the floors up
# to that room and no further.

if HAVE_CHECK
unit_programs = tests/unit/test_sizes tests/unit/test_lock tests/unit/test_heap \
	tests/unit/test_heap_blocks tests/unit/test_heap_runs \
	tests/unit/test_index tests/unit/test_links \
	tests/unit/test_quota tests/unit/test_quota_lend tests/unit/test_blocks \
	tests/unit/test_range tests/unit/test_rows tests/unit/test_extent \
	tests/unit/test_spans tests/unit/test_depot tests/unit/test_cache tests/unit/test_pause \
	tests/unit/test_thread tests/unit/test_attach tests/unit/test_middle \
	tests/unit/test_resize tests/unit/test_credit tests/unit/test_cleanup \
	tests/unit/test_window tests/unit/test_outside \
	tests/unit/test_record tests/unit/test_track_mark tests/unit/test_tool
check_PROGRAMS += $(unit_programs)
TESTS += $(unit_programs)
EXTRA_DIST += tests/unit/depth.h tests/unit/heap_shadow.h tests/unit/owned.h \
	tests/unit/quotas.h tests/unit/set.h

unit_store = tests/libsupport.a libmempool-store.la tests/libinject.a \
	$(CHECK_LIBS) $(PTHREAD_LIBS)
tests_unit_test_sizes_LDADD = $(unit_store)
tests_unit_test_lock_LDADD = $(unit_store)
tests_unit_test_heap_LDADD = $(unit_store)
tests_unit_test_heap_blocks_LDADD = $(unit_store)
tests_unit_test_heap_runs_LDADD = $(unit_store)
tests_unit_test_index_LDADD = $(unit_store)
tests_unit_test_links_LDADD = $(unit_store)
tests_unit_test_quota_LDADD = $(unit_store)
tests_unit_test_quota_lend_LDADD = $(unit_store)
tests_unit_test_blocks_LDADD = $(unit_store)
tests_unit_test_range_LDADD = $(unit_store)
tests_unit_test_rows_LDADD = $(unit_store)
tests_unit_test_extent_LDADD = $(unit_store)
tests_unit_test_spans_LDADD = $(unit_store)
tests_unit_test_outside_LDADD = $(unit_store)

unit_cache = tests/libsupport.a libmempool-cache.la tests/libinject.a \
	$(CHECK_LIBS) $(PTHREAD_LIBS)
tests_unit_test_depot_LDADD = $(unit_cache)
tests_unit_test_cache_LDADD = $(unit_cache)
tests_unit_test_pause_LDADD = $(unit_cache)
tests_unit_test_thread_LDADD = $(unit_cache)
tests_unit_test_attach_LDADD = $(unit_cache)
tests_unit_test_middle_LDADD = $(unit_cache)
tests_unit_test_resize_LDADD = $(unit_cache)
tests_unit_test_credit_LDADD = $(unit_cache)
tests_unit_test_window_LDADD = $(unit_cache)

# Of the pool's, which have all below.
tests_unit_test_cleanup_LDADD = $(tests_static)
tests_unit_test_record_LDADD = $(tests_static)
tests_unit_test_track_mark_LDADD = $(tests_static)
tests_unit_test_tool_LDADD = $(tests_static)
endif

# The rooms' order, in what they include and in the objects that call.
TESTS += tests/layers.sh
EXTRA_DIST += tests/layers.sh
tests/layers.log: libmempool-internal.la

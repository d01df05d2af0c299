# SPDX-License-Identifier: MIT
#
# fuzz/local.mk - sequences of calls, held to a model.
#
#   make check                      replays the sequences of some seeds
#   make fuzz FUZZ_SECONDS=600      looks for new ones with libFuzzer, which
#                                   comes with clang, in the folder fuzzing

fuzz_sources = fuzz/changes.c fuzz/lives.c fuzz/misuse.c fuzz/model.c fuzz/objects.c \
	fuzz/scopes.c fuzz/sequence.c fuzz/views.c
fuzz_cppflags = $(AM_CPPFLAGS) -I$(srcdir)/tests
fuzz_support = tests/inject.c tests/pools.c tests/support.c
EXTRA_DIST += fuzz/fuzz.sh

if HAVE_CHECK
check_PROGRAMS += fuzz/replay
TESTS += fuzz/replay
fuzz_replay_SOURCES = fuzz/replay.c fuzz/model.h $(fuzz_sources)
fuzz_replay_CPPFLAGS = $(fuzz_cppflags)
fuzz_replay_LDADD = $(tests_static)

FUZZ_SECONDS = 60
FUZZ_CC = clang
fuzz: fuzz/replay$(EXEEXT)
	$(AM_V_at)CC='$(FUZZ_CC)' top_srcdir='$(top_srcdir)' \
	FLAGS='$(fuzz_cppflags) $(C11_CFLAGS)' \
	LIBS='$(CHECK_LIBS) $(PTHREAD_LIBS)' \
	SOURCES='$(fuzz_sources) $(fuzz_support)' \
	FUZZ_SECONDS='$(FUZZ_SECONDS)' \
	$(SHELL) $(srcdir)/fuzz/fuzz.sh
endif
.PHONY: fuzz

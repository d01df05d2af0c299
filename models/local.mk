# SPDX-License-Identifier: MIT
#
# models/local.mk - models of what threads do without a lock, by Relacy.
#
#   make check-models               all; about two minutes

EXTRA_DIST += models/access.h models/lock.cc models/lock_unit.c \
	models/lock_unit.h models/model.cc models/model.h models/models.sh \
	models/orders.h \
	models/pause.cc models/pause_unit.c models/pause_unit.h \
	models/pools.cc models/pools_unit.c models/pools_unit.h \
	models/whole.cc models/whole.h models/whole_model.h

check-models:
	$(AM_V_at)CC='$(CC)' CXX='$(CXX)' top_srcdir='$(top_srcdir)' \
	CPPFLAGS='$(AM_CPPFLAGS) -I$(top_srcdir)/models' \
	$(SHELL) $(srcdir)/models/models.sh
.PHONY: check-models

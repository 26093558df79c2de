# SPDX-License-Identifier: GPL-2.0-or-later
#
# The operator's command line tool.  It speaks to the backend's control socket;
# or plays the what-if or decides a recording again, which asks nobody; or tells
# a guest's owner what its frontend has written.  In a build for guests that is
# all.

noinst_LIBRARIES += %D%/libcontrol.a
%C%_libcontrol_a_SOURCES = \
	%D%/client.c \
	%D%/client.h \
	%D%/command.c \
	%D%/command.h \
	%D%/guest.c \
	%D%/gueststatus.c \
	%D%/gueststatus.h \
	%D%/show.c \
	%D%/show.h \
	%D%/table.c \
	%D%/table.h
if BACKEND
%C%_libcontrol_a_SOURCES += %D%/replay.c
endif

bin_PROGRAMS += xenballoon
xenballoon_SOURCES = %D%/main.c
xenballoon_LDADD =
if BACKEND
xenballoon_LDADD += simulate/libsimulate.a
endif
xenballoon_LDADD += %D%/libcontrol.a
if BACKEND
xenballoon_LDADD += \
	backend/libbackend.a \
	backend/libbackendxen.a \
	backend/libpolicy.a \
	frontend/libfrontendpolicy.a \
	$(XLUTIL_LIBS)
endif
xenballoon_LDADD += \
	common/libcommon.a \
	$(JANSSON_LIBS)

# SPDX-License-Identifier: GPL-2.0-or-later
#
# The operator's command line tool.  It speaks to the backend's control socket;
# or plays the what-if or decides a recording again, which asks nobody.

if BACKEND
noinst_LIBRARIES += %D%/libcontrol.a
%C%_libcontrol_a_SOURCES = \
	%D%/client.c \
	%D%/client.h \
	%D%/command.c \
	%D%/command.h \
	%D%/replay.c \
	%D%/show.c \
	%D%/show.h \
	%D%/table.c \
	%D%/table.h

bin_PROGRAMS += xenballoon
xenballoon_SOURCES = %D%/main.c
xenballoon_LDADD = \
	simulate/libsimulate.a \
	%D%/libcontrol.a \
	backend/libbackend.a \
	backend/libbackendxen.a \
	backend/libpolicy.a \
	frontend/libfrontendpolicy.a \
	common/libcommon.a \
	$(JANSSON_LIBS) \
	$(XLUTIL_LIBS)
endif

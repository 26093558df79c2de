# SPDX-License-Identifier: GPL-2.0-or-later
#
# The operator's command line tool.  It speaks to the backend's control socket
# and needs no Xen library; or plays the what-if, which asks nobody.

if BACKEND
noinst_LIBRARIES += %D%/libcontrol.a
%C%_libcontrol_a_SOURCES = \
	%D%/client.c \
	%D%/client.h \
	%D%/command.c \
	%D%/command.h \
	%D%/show.c \
	%D%/show.h \
	%D%/table.c \
	%D%/table.h

bin_PROGRAMS += xenballoon
xenballoon_SOURCES = %D%/main.c
xenballoon_LDADD = \
	simulate/libsimulate.a \
	%D%/libcontrol.a \
	backend/libpolicy.a \
	backend/libbackend.a \
	frontend/libfrontendpolicy.a \
	common/libcommon.a \
	$(JANSSON_LIBS)
endif

# SPDX-License-Identifier: GPL-2.0-or-later
#
# What both ends share.  The adapter to the real store is an archive of its
# own, so that what links libcommon.a needs no xenstore.

noinst_LIBRARIES += %D%/libbusxen.a %D%/libcommon.a

%C%_libbusxen_a_SOURCES = \
	%D%/bus_xen.c \
	%D%/bus_xen.h

%C%_libcommon_a_SOURCES = \
	%D%/announcement.c \
	%D%/announcement.h \
	%D%/bus.c \
	%D%/bus.h \
	%D%/escape.c \
	%D%/escape.h \
	%D%/lines.c \
	%D%/lines.h \
	%D%/lockfile.c \
	%D%/lockfile.h \
	%D%/log.c \
	%D%/log.h \
	%D%/loop.c \
	%D%/loop.h \
	%D%/nearest.c \
	%D%/nearest.h \
	%D%/number.c \
	%D%/number.h \
	%D%/page.c \
	%D%/page.h \
	%D%/protocol.h \
	%D%/report.c \
	%D%/report.h \
	%D%/textfile.c \
	%D%/textfile.h \
	%D%/units.h \
	%D%/words.c \
	%D%/words.h

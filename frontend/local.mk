# SPDX-License-Identifier: GPL-2.0-or-later
#
# The guest's half.  It links the C library, libxenstore, libxengnttab and
# libxenevtchn, all of a stable interface, so that one build serves every guest.
# What decides is an archive of its own, which the simulation needs in dom0,
# too: see PURE_CFLAGS in configure.ac and tests/purity.sh.

noinst_LIBRARIES += %D%/libfrontendpolicy.a
%C%_libfrontendpolicy_a_CFLAGS = $(AM_CFLAGS) $(PURE_CFLAGS)
%C%_libfrontendpolicy_a_SOURCES = \
	%D%/alarm.c \
	%D%/alarm.h \
	%D%/attention.c \
	%D%/attention.h \
	%D%/backoff.c \
	%D%/backoff.h \
	%D%/balloon.c \
	%D%/balloon.h \
	%D%/decide.c \
	%D%/decide.h \
	%D%/device.c \
	%D%/device.h \
	%D%/floor.c \
	%D%/floor.h \
	%D%/intent.c \
	%D%/intent.h \
	%D%/reflex.c \
	%D%/reflex.h \
	%D%/sample.h

if FRONTEND
noinst_LIBRARIES += %D%/libfrontend.a
%C%_libfrontend_a_SOURCES = \
	%D%/act.c \
	%D%/act.h \
	%D%/alarm_linux.c \
	%D%/alarm_linux.h \
	%D%/bell.c \
	%D%/bell.h \
	%D%/bell_xen.c \
	%D%/bell_xen.h \
	%D%/child.c \
	%D%/child.h \
	%D%/frontend.c \
	%D%/frontend.h \
	%D%/guest.h \
	%D%/guest_linux.c \
	%D%/guest_linux.h \
	%D%/hooks.c \
	%D%/hooks.h \
	%D%/observe.c \
	%D%/observe.h \
	%D%/procfs.c \
	%D%/procfs.h \
	%D%/reclaim.c \
	%D%/reclaim.h \
	%D%/room.c \
	%D%/room.h \
	%D%/share_xen.c \
	%D%/share_xen.h \
	%D%/status.c \
	%D%/status.h \
	%D%/statusfile.c \
	%D%/statusfile.h \
	%D%/transport.c \
	%D%/transport.h

sbin_PROGRAMS += xenballoon-frontend
xenballoon_frontend_SOURCES = %D%/main.c
xenballoon_frontend_LDADD = \
	%D%/libfrontend.a \
	%D%/libfrontendpolicy.a \
	common/libbusxen.a \
	common/libcommon.a \
	$(XENEVTCHN_LIBS) \
	$(XENGNTTAB_LIBS) \
	$(XENSTORE_LIBS)

# Examples: whoever wants one puts it into hooks.d.
hooksdir = $(docdir)/hooks
dist_hooks_SCRIPTS = \
	%D%/hooks/drop-cache \
	%D%/hooks/jvm

if SYSTEMD_UNITS
nodist_systemdsystemunit_DATA += %D%/xenballoon-frontend.service
substituted += %D%/xenballoon-frontend.service
dist_modulesload_DATA = %D%/xenballoon-frontend.conf
else
EXTRA_DIST += %D%/xenballoon-frontend.conf
endif

if INITSCRIPTS
substituted += %D%/xenballoon-frontend.init
noinst_SCRIPTS += %D%/xenballoon-frontend.init

install-data-local: install-initscript
install-initscript: %D%/xenballoon-frontend.init
	$(MKDIR_P) '$(DESTDIR)$(initscriptdir)'
	$(INSTALL_SCRIPT) %D%/xenballoon-frontend.init \
		'$(DESTDIR)$(initscriptdir)/xenballoon-frontend'

uninstall-local: uninstall-initscript
uninstall-initscript:
	rm -f '$(DESTDIR)$(initscriptdir)/xenballoon-frontend'
endif
endif

EXTRA_DIST += \
	%D%/xenballoon-frontend.init.in \
	%D%/xenballoon-frontend.service.in

# SPDX-License-Identifier: GPL-2.0-or-later
#
# dom0's half.  The adapters to Xen's libraries are an archive of their own, so
# that what links libbackend.a needs none of them; what decides is one, too:
# see PURE_CFLAGS in configure.ac and tests/purity.sh.

if BACKEND
noinst_LIBRARIES += \
	%D%/libbackend.a \
	%D%/libbackendxen.a \
	%D%/libpolicy.a

%C%_libbackend_a_SOURCES = \
	%D%/act.c \
	%D%/act.h \
	%D%/answer.c \
	%D%/answer.h \
	%D%/balancer.c \
	%D%/balancer.h \
	%D%/bell.c \
	%D%/bell.h \
	%D%/conffile.c \
	%D%/conffile.h \
	%D%/configlines.c \
	%D%/configlines.h \
	%D%/control.c \
	%D%/control.h \
	%D%/device.c \
	%D%/device.h \
	%D%/end.c \
	%D%/end.h \
	%D%/fields.c \
	%D%/fields.h \
	%D%/hypervisor.h \
	%D%/making.c \
	%D%/making.h \
	%D%/moment.c \
	%D%/moment.h \
	%D%/nodes.c \
	%D%/nodes.h \
	%D%/observe.c \
	%D%/observe.h \
	%D%/offer.c \
	%D%/offer.h \
	%D%/pages.c \
	%D%/pages.h \
	%D%/process.c \
	%D%/process.h \
	%D%/reason.c \
	%D%/reason.h \
	%D%/record.c \
	%D%/record.h \
	%D%/recorder.c \
	%D%/recorder.h \
	%D%/replay.c \
	%D%/replay.h \
	%D%/retry.c \
	%D%/retry.h \
	%D%/rivals.c \
	%D%/rivals.h \
	%D%/roster.c \
	%D%/roster.h \
	%D%/savers.c \
	%D%/savers.h \
	%D%/saying.c \
	%D%/saying.h \
	%D%/settings.c \
	%D%/settings.h \
	%D%/snapshot.h \
	%D%/sweep.c \
	%D%/sweep.h \
	%D%/voice.c \
	%D%/voice.h \
	%D%/watch.c \
	%D%/watch.h

%C%_libbackendxen_a_SOURCES = \
	%D%/bell_xen.c \
	%D%/bell_xen.h \
	%D%/hypervisor_xen.c \
	%D%/hypervisor_xen.h \
	%D%/lowmem_xen.c \
	%D%/lowmem_xen.h \
	%D%/xlconf_xen.c \
	%D%/xlconf_xen.h

%C%_libpolicy_a_CFLAGS = $(AM_CFLAGS) $(PURE_CFLAGS)
%C%_libpolicy_a_SOURCES = \
	%D%/allowance.c \
	%D%/allowance.h \
	%D%/decide.c \
	%D%/decide.h \
	%D%/demand.c \
	%D%/demand.h \
	%D%/donors.c \
	%D%/donors.h \
	%D%/grants.c \
	%D%/grants.h \
	%D%/host.c \
	%D%/host.h \
	%D%/intent.c \
	%D%/intent.h \
	%D%/movement.c \
	%D%/movement.h \
	%D%/price.c \
	%D%/price.h \
	%D%/share.c \
	%D%/share.h \
	%D%/sums.h

sbin_PROGRAMS += xenballoon-backend
xenballoon_backend_SOURCES = %D%/main.c
xenballoon_backend_LDADD = \
	%D%/libbackend.a \
	%D%/libbackendxen.a \
	%D%/libpolicy.a \
	common/libbusxen.a \
	common/libcommon.a \
	$(JANSSON_LIBS) \
	$(LIBSYSTEMD_LIBS) \
	$(XENCONTROL_LIBS) \
	$(XENEVTCHN_LIBS) \
	$(XENGNTTAB_LIBS) \
	$(XENSTORE_LIBS) \
	$(XLUTIL_LIBS)

if SYSTEMD_UNITS
nodist_systemdsystemunit_DATA += %D%/xenballoon-backend.service
substituted += %D%/xenballoon-backend.service
endif

# What the operator wrote there stays, also when this is removed.
configdir = $(sysconfdir)/xenballoon

install-data-local: install-config
install-config:
	$(MKDIR_P) '$(DESTDIR)$(configdir)'
	test -e '$(DESTDIR)$(configdir)/backend.conf' || \
		$(INSTALL_DATA) '$(srcdir)/%D%/backend.conf' \
			'$(DESTDIR)$(configdir)/backend.conf'

uninstall-local: uninstall-config
uninstall-config:
	cmp -s '$(srcdir)/%D%/backend.conf' \
		'$(DESTDIR)$(configdir)/backend.conf' && \
		rm -f '$(DESTDIR)$(configdir)/backend.conf' || :
	rmdir '$(DESTDIR)$(configdir)' 2>/dev/null || :
endif

EXTRA_DIST += \
	%D%/backend.conf \
	%D%/xenballoon-backend.service.in

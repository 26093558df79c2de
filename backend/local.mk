# SPDX-License-Identifier: GPL-2.0-or-later
#
# dom0's half.  The adapter to the real hypervisor is an archive of its own, so
# that what links libbackend.a needs no libxenctrl; decide.c is one, too: see
# PURE_CFLAGS in configure.ac and tests/purity.sh.

if BACKEND
noinst_LIBRARIES += \
	%D%/libbackend.a \
	%D%/libhypervisorxen.a \
	%D%/libpolicy.a

%C%_libbackend_a_SOURCES = \
	%D%/act.h \
	%D%/answer.h \
	%D%/balancer.h \
	%D%/conffile.h \
	%D%/control.h \
	%D%/hypervisor.h \
	%D%/observe.h \
	%D%/reason.h \
	%D%/rivals.h \
	%D%/settings.h \
	%D%/snapshot.h

%C%_libhypervisorxen_a_SOURCES = \
	%D%/hypervisor_xen.h

%C%_libpolicy_a_CFLAGS = $(AM_CFLAGS) $(PURE_CFLAGS)
%C%_libpolicy_a_SOURCES = \
	%D%/decide.c \
	%D%/decide.h

endif

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

%C%_libbackend_a_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS) $(XLUTIL_CFLAGS)
%C%_libbackend_a_SOURCES =

%C%_libhypervisorxen_a_CPPFLAGS = $(AM_CPPFLAGS) $(XENCONTROL_CFLAGS)
%C%_libhypervisorxen_a_SOURCES =

%C%_libpolicy_a_CFLAGS = $(AM_CFLAGS) $(PURE_CFLAGS)
%C%_libpolicy_a_SOURCES =

endif

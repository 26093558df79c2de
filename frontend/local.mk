# SPDX-License-Identifier: GPL-2.0-or-later
#
# The guest's half.  It links the C library and libxenstore, nothing else, so
# that one build serves every guest.  decide.c is an archive of its own: see
# PURE_CFLAGS in configure.ac and tests/purity.sh.

if FRONTEND
noinst_LIBRARIES += %D%/libfrontend.a %D%/libfrontendpolicy.a

%C%_libfrontend_a_SOURCES = \
	%D%/guest.h

%C%_libfrontendpolicy_a_CFLAGS = $(AM_CFLAGS) $(PURE_CFLAGS)
%C%_libfrontendpolicy_a_SOURCES =

endif

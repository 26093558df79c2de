# SPDX-License-Identifier: GPL-2.0-or-later
#
# The guest's half.  It links the C library and libxenstore, nothing else, so
# that one build serves every guest.  decide.c is an archive of its own: see
# PURE_CFLAGS in configure.ac and tests/purity.sh.

if FRONTEND
noinst_LIBRARIES += %D%/libfrontend.a %D%/libfrontendpolicy.a

%C%_libfrontend_a_SOURCES = \
	%D%/backoff.c \
	%D%/backoff.h \
	%D%/balloon.c \
	%D%/balloon.h \
	%D%/floor.c \
	%D%/floor.h \
	%D%/guest.h \
	%D%/sample.h

%C%_libfrontendpolicy_a_CFLAGS = $(AM_CFLAGS) $(PURE_CFLAGS)
%C%_libfrontendpolicy_a_SOURCES =

endif

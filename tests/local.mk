# SPDX-License-Identifier: GPL-2.0-or-later
#
# make check: unit tests (cmocka), fuzz targets that replay their corpora, and
# scripts that keep the tree honest.  All of them speak TAP.

LOG_DRIVER = env AM_TAP_AWK='$(AWK)' $(SHELL) \
	$(top_srcdir)/build-aux/tap-driver.sh
TEST_EXTENSIONS = .sh
SH_LOG_DRIVER = $(LOG_DRIVER)
SH_LOG_COMPILER = $(SHELL)
AM_TESTS_ENVIRONMENT = \
	CMOCKA_MESSAGE_OUTPUT=TAP; export CMOCKA_MESSAGE_OUTPUT; \
	FUZZ_CORPUS='$(srcdir)/%D%/fuzz/corpus'; export FUZZ_CORPUS; \
	INSTRUMENT_CFLAGS='$(INSTRUMENT_CFLAGS)'; export INSTRUMENT_CFLAGS; \
	NM='$(NM)'; export NM;

# What every test program may use; the linker takes what it needs.
LDADD = \
	$(both_ends) \
	$(backend_end) \
	$(frontend_end) \
	common/libcommon.a \
	$(CMOCKA_LIBS) \
	$(JANSSON_LIBS) \
	$(XLUTIL_LIBS)
both_ends =
backend_end =
frontend_end =
if BACKEND
backend_end += backend/libbackend.a backend/libpolicy.a
endif
if FRONTEND
frontend_end += frontend/libfrontend.a frontend/libfrontendpolicy.a
endif


# The tree itself.

shell_tests = \
	%D%/complete.sh \
	%D%/layers.sh \
	%D%/manpages.sh \
	%D%/purity.sh
TESTS += $(shell_tests)
EXTRA_DIST += $(shell_tests) %D%/tap.sh

# The virtual host's own files.

EXTRA_DIST += %D%/xenhost

# SPDX-License-Identifier: GPL-2.0-or-later
#
# make check: unit tests (cmocka), fuzz targets that replay their corpora, and
# scripts that keep the tree honest.  All of them speak TAP.

LOG_DRIVER = env AM_TAP_AWK='$(AWK)' $(SHELL) \
	$(top_srcdir)/build-aux/tap-driver.sh
TEST_EXTENSIONS = .sh
SH_LOG_DRIVER = $(LOG_DRIVER)
# A script's status repeats what its lines have said; one that dies has printed
# no plan.
AM_SH_LOG_DRIVER_FLAGS = --ignore-exit
SH_LOG_COMPILER = $(SHELL)
AM_TESTS_ENVIRONMENT = \
	CMOCKA_MESSAGE_OUTPUT=TAP; export CMOCKA_MESSAGE_OUTPUT; \
	FUZZ_CORPUS='$(srcdir)/%D%/fuzz/corpus'; export FUZZ_CORPUS; \
	INSTRUMENT_CFLAGS='$(INSTRUMENT_CFLAGS)'; export INSTRUMENT_CFLAGS; \
	NM='$(NM)'; export NM; \
	READELF='$(READELF)'; export READELF;

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
backend_end += \
	backend/libbackend.a \
	backend/libbackendxen.a \
	backend/libpolicy.a
endif
if FRONTEND
frontend_end += frontend/libfrontend.a frontend/libfrontendpolicy.a
endif

# The simulated host, for the tests of both ends.

if BACKEND
if FRONTEND
check_LIBRARIES += %D%/libworld.a
both_ends += %D%/libworld.a
%C%_libworld_a_SOURCES = \
	%D%/world/dice.h \
	%D%/world/events.c \
	%D%/world/events.h \
	%D%/world/memory.c \
	%D%/world/memory.h \
	%D%/world/store.c \
	%D%/world/store.h \
	%D%/world/transaction.c \
	%D%/world/transaction.h \
	%D%/world/tree.c \
	%D%/world/tree.h \
	%D%/world/writes.c \
	%D%/world/writes.h
endif
endif


# The tree itself.

shell_tests = \
	%D%/complete.sh \
	%D%/example.sh \
	%D%/layers.sh \
	%D%/manpages.sh \
	%D%/purity.sh
TESTS += $(shell_tests)
EXTRA_DIST += $(shell_tests) %D%/tap.sh

# The virtual host's own files.

check_PROGRAMS += %D%/xenhost/memload
%C%_xenhost_memload_SOURCES = %D%/xenhost/memload.c
EXTRA_DIST += %D%/xenhost

# Measurements; not a part of make check.

bench_programs =
EXTRA_PROGRAMS += $(bench_programs)

bench: $(bench_programs)
	@for program in $(bench_programs); do ./$$program || exit 1; done

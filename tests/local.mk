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
	HOOK_EXAMPLES='$(top_srcdir)/frontend/hooks'; export HOOK_EXAMPLES; \
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
	$(XENEVTCHN_LIBS) \
	$(XENGNTTAB_LIBS) \
	$(XLUTIL_LIBS)
both_ends =
backend_end =
frontend_end =
if BACKEND
backend_end += \
	simulate/libsimulate.a \
	backend/libbackend.a \
	backend/libbackendxen.a \
	backend/libpolicy.a
endif
backend_end += control/libcontrol.a
if FRONTEND
frontend_end += frontend/libfrontend.a
endif
frontend_end += frontend/libfrontendpolicy.a

# The simulated host, for the tests of both ends.

if BACKEND
if FRONTEND
check_LIBRARIES += %D%/libworld.a
both_ends += %D%/libworld.a
%C%_libworld_a_SOURCES = \
	%D%/world/character.c \
	%D%/world/character.h \
	%D%/world/daemon.c \
	%D%/world/daemon.h \
	%D%/world/dice.h \
	%D%/world/domu.c \
	%D%/world/domu.h \
	%D%/world/events.c \
	%D%/world/events.h \
	%D%/world/fault.c \
	%D%/world/fault.h \
	%D%/world/ledger.c \
	%D%/world/ledger.h \
	%D%/world/memory.c \
	%D%/world/memory.h \
	%D%/world/model.c \
	%D%/world/model.h \
	%D%/world/rules.c \
	%D%/world/rules.h \
	%D%/world/scenario.c \
	%D%/world/scenario.h \
	%D%/world/store.c \
	%D%/world/store.h \
	%D%/world/transaction.c \
	%D%/world/transaction.h \
	%D%/world/tree.c \
	%D%/world/tree.h \
	%D%/world/world.c \
	%D%/world/world.h \
	%D%/world/writes.c \
	%D%/world/writes.h \
	%D%/world/xl.c \
	%D%/world/xl.h
endif
endif

# Unit tests: one program per module.

if UNIT_TESTS
unit_tests = \
	%D%/test_announcement \
	%D%/test_lockfile \
	%D%/test_loop \
	%D%/test_number \
	%D%/test_page_layout \
	%D%/test_report \
	%D%/test_text
if BACKEND
unit_tests += \
	%D%/test_child \
	%D%/test_conffile \
	%D%/test_configlines \
	%D%/test_control \
	%D%/test_course \
	%D%/test_decide \
	%D%/test_demand \
	%D%/test_fields \
	%D%/test_host \
	%D%/test_intent \
	%D%/test_movement \
	%D%/test_page \
	%D%/test_peers_prediction \
	%D%/test_price \
	%D%/test_reason \
	%D%/test_recording \
	%D%/test_rivals \
	%D%/test_run \
	%D%/test_savers \
	%D%/test_scenario \
	%D%/test_settings \
	%D%/test_simulate \
	%D%/test_table \
	%D%/test_tool \
	%D%/test_trace
endif
if BACKEND
if FRONTEND
unit_tests += \
	%D%/test_allowance \
	%D%/test_answer \
	%D%/test_balancer \
	%D%/test_bell \
	%D%/test_bursts \
	%D%/test_device \
	%D%/test_device_life \
	%D%/test_device_page \
	%D%/test_device_rates \
	%D%/test_difficult_guests \
	%D%/test_frontend_device \
	%D%/test_hands_off \
	%D%/test_lifecycle \
	%D%/test_misbehaviour \
	%D%/test_mutant_allowance \
	%D%/test_mutant_decisions \
	%D%/test_mutant_donors \
	%D%/test_mutant_intent \
	%D%/test_mutant_movement \
	%D%/test_mutant_rates \
	%D%/test_mutant_shortage \
	%D%/test_mutants \
	%D%/test_peers_guests \
	%D%/test_peers_life \
	%D%/test_peers_scenarios \
	%D%/test_peers_shortage \
	%D%/test_random_hosts \
	%D%/test_recorder \
	%D%/test_refusals \
	%D%/test_squeezed_scenarios \
	%D%/test_store \
	%D%/test_sweep \
	%D%/test_warned_guests \
	%D%/test_world
endif
endif
if FRONTEND
unit_tests += \
	%D%/test_alarm \
	%D%/test_alarm_linux \
	%D%/test_frontend \
	%D%/test_frontend_decide \
	%D%/test_frontend_intent \
	%D%/test_guest_linux \
	%D%/test_guest_status \
	%D%/test_hooks \
	%D%/test_procfs \
	%D%/test_reflex
endif
%C%_test_alarm_SOURCES = %D%/test_alarm.c
%C%_test_alarm_linux_SOURCES = %D%/kernelfiles.h %D%/test_alarm_linux.c
%C%_test_alarm_linux_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=syscall
%C%_test_allowance_SOURCES = %D%/smallhost.h %D%/test_allowance.c
%C%_test_announcement_SOURCES = %D%/test_announcement.c
%C%_test_answer_SOURCES = %D%/test_answer.c
%C%_test_balancer_SOURCES = %D%/steps.h %D%/test_balancer.c
%C%_test_bell_SOURCES = %D%/steps.h %D%/test_bell.c
%C%_test_bursts_SOURCES = %D%/steps.h %D%/test_bursts.c
%C%_test_child_SOURCES = %D%/test_child.c
%C%_test_conffile_SOURCES = %D%/test_conffile.c
%C%_test_configlines_SOURCES = %D%/test_configlines.c
%C%_test_control_SOURCES = %D%/test_control.c
%C%_test_course_SOURCES = %D%/test_course.c
%C%_test_decide_SOURCES = %D%/smallhost.h %D%/test_decide.c
%C%_test_demand_SOURCES = %D%/test_demand.c
%C%_test_device_SOURCES = \
	%D%/rig.h \
	%D%/steps.h \
	%D%/test_device.c
%C%_test_device_life_SOURCES = \
	%D%/rig.h \
	%D%/second.c \
	%D%/second.h \
	%D%/steps.h \
	%D%/test_device_life.c
%C%_test_device_page_SOURCES = \
	%D%/rig.h \
	%D%/steps.h \
	%D%/test_device_page.c
%C%_test_device_rates_SOURCES = \
	%D%/rig.h \
	%D%/steps.h \
	%D%/test_device_rates.c
%C%_test_difficult_guests_SOURCES = %D%/steps.h %D%/test_difficult_guests.c
%C%_test_fields_SOURCES = %D%/test_fields.c
%C%_test_frontend_SOURCES = %D%/test_frontend.c
%C%_test_frontend_decide_SOURCES = %D%/test_frontend_decide.c
%C%_test_frontend_device_SOURCES = %D%/test_frontend_device.c
%C%_test_frontend_intent_SOURCES = %D%/test_frontend_intent.c
%C%_test_guest_linux_SOURCES = %D%/kernelfiles.h %D%/test_guest_linux.c
%C%_test_guest_status_SOURCES = %D%/test_guest_status.c
%C%_test_hands_off_SOURCES = %D%/steps.h %D%/test_hands_off.c
%C%_test_hooks_SOURCES = %D%/test_hooks.c
%C%_test_host_SOURCES = %D%/test_host.c
%C%_test_intent_SOURCES = %D%/test_intent.c
%C%_test_lifecycle_SOURCES = %D%/steps.h %D%/test_lifecycle.c
%C%_test_lockfile_SOURCES = %D%/test_lockfile.c
%C%_test_loop_SOURCES = %D%/test_loop.c
%C%_test_misbehaviour_SOURCES = \
	%D%/rig.h \
	%D%/steps.h \
	%D%/test_misbehaviour.c
%C%_test_movement_SOURCES = %D%/test_movement.c
%C%_test_mutant_allowance_SOURCES = \
	%D%/mutants.h \
	%D%/spoilt.h \
	%D%/test_mutant_allowance.c
%C%_test_mutant_allowance_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=decide
%C%_test_mutant_decisions_SOURCES = \
	%D%/mutants.h \
	%D%/spoilt.h \
	%D%/test_mutant_decisions.c
%C%_test_mutant_decisions_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=decide
%C%_test_mutant_donors_SOURCES = \
	%D%/mutants.h \
	%D%/spoilt.h \
	%D%/test_mutant_donors.c
%C%_test_mutant_donors_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=decide
%C%_test_mutant_intent_SOURCES = \
	%D%/mutants.h \
	%D%/spoilt.h \
	%D%/test_mutant_intent.c \
	%D%/warned.h
%C%_test_mutant_intent_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=decide
%C%_test_mutant_movement_SOURCES = \
	%D%/mutants.h \
	%D%/spoilt.h \
	%D%/test_mutant_movement.c
%C%_test_mutant_movement_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=decide
%C%_test_mutant_rates_SOURCES = %D%/mutants.h %D%/test_mutant_rates.c
%C%_test_mutant_shortage_SOURCES = \
	%D%/mutants.h \
	%D%/spoilt.h \
	%D%/test_mutant_shortage.c
%C%_test_mutant_shortage_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=decide
%C%_test_mutants_SOURCES = %D%/mutants.h %D%/test_mutants.c
%C%_test_number_SOURCES = %D%/test_number.c
%C%_test_peers_guests_SOURCES = \
	%D%/gauge.h \
	%D%/outcomes.h \
	%D%/peers.h \
	%D%/steps.h \
	%D%/test_peers_guests.c
%C%_test_peers_prediction_SOURCES = %D%/test_peers_prediction.c
%C%_test_peers_scenarios_SOURCES = \
	%D%/gauge.h \
	%D%/outcomes.h \
	%D%/peers.h \
	%D%/steps.h \
	%D%/test_peers_scenarios.c
%C%_test_page_SOURCES = %D%/test_page.c
%C%_test_page_layout_SOURCES = %D%/test_page_layout.c
%C%_test_procfs_SOURCES = %D%/test_procfs.c
%C%_test_random_hosts_SOURCES = %D%/test_random_hosts.c
%C%_test_price_SOURCES = %D%/test_price.c
%C%_test_peers_life_SOURCES = \
	%D%/figures.h \
	%D%/steps.h \
	%D%/test_peers_life.c
%C%_test_peers_shortage_SOURCES = \
	%D%/figures.h \
	%D%/steps.h \
	%D%/test_peers_shortage.c
%C%_test_random_hosts_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=decide
%C%_test_reason_SOURCES = %D%/test_reason.c
%C%_test_recorder_SOURCES = %D%/steps.h %D%/test_recorder.c
%C%_test_recording_SOURCES = %D%/test_recording.c
%C%_test_reflex_SOURCES = %D%/test_reflex.c
%C%_test_refusals_SOURCES = %D%/steps.h %D%/test_refusals.c
%C%_test_report_SOURCES = %D%/test_report.c
%C%_test_rivals_SOURCES = %D%/test_rivals.c
%C%_test_run_SOURCES = %D%/test_run.c
%C%_test_savers_SOURCES = %D%/test_savers.c
%C%_test_scenario_SOURCES = %D%/test_scenario.c
%C%_test_settings_SOURCES = %D%/test_settings.c
%C%_test_squeezed_scenarios_SOURCES = \
	%D%/gauge.h \
	%D%/outcomes.h \
	%D%/peers.h \
	%D%/steps.h \
	%D%/test_squeezed_scenarios.c
%C%_test_simulate_SOURCES = %D%/test_simulate.c
%C%_test_store_SOURCES = %D%/test_store.c
%C%_test_sweep_SOURCES = %D%/test_sweep.c
%C%_test_table_SOURCES = %D%/test_table.c
%C%_test_text_SOURCES = %D%/test_text.c
%C%_test_tool_SOURCES = %D%/test_tool.c
%C%_test_trace_SOURCES = %D%/test_trace.c
%C%_test_warned_guests_SOURCES = \
	%D%/steps.h \
	%D%/test_warned_guests.c \
	%D%/warned.h
%C%_test_world_SOURCES = %D%/test_world.c
check_PROGRAMS += $(unit_tests)
TESTS += $(unit_tests)
endif

# Fuzz targets.

if LIBFUZZER
fuzz_main = %D%/fuzz/fuzz.h
fuzz_flags = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
else
fuzz_main = %D%/fuzz/fuzz.h %D%/fuzz/replay.c
fuzz_flags = $(AM_LDFLAGS)
TESTS += $(fuzz_tests)
endif
fuzz_tests = \
	%D%/fuzz/fuzz_announcement \
	%D%/fuzz/fuzz_gueststatus \
	%D%/fuzz/fuzz_page \
	%D%/fuzz/fuzz_report
if BACKEND
fuzz_tests += \
	%D%/fuzz/fuzz_answer \
	%D%/fuzz/fuzz_conffile \
	%D%/fuzz/fuzz_offer \
	%D%/fuzz/fuzz_replay \
	%D%/fuzz/fuzz_scenario \
	%D%/fuzz/fuzz_trace
endif
if FRONTEND
fuzz_tests += \
	%D%/fuzz/fuzz_procfs
endif
%C%_fuzz_fuzz_announcement_SOURCES = \
	%D%/fuzz/fuzz_announcement.c $(fuzz_main)
%C%_fuzz_fuzz_announcement_LDFLAGS = $(fuzz_flags)
%C%_fuzz_fuzz_answer_SOURCES = %D%/fuzz/fuzz_answer.c $(fuzz_main)
%C%_fuzz_fuzz_answer_LDFLAGS = $(fuzz_flags)
%C%_fuzz_fuzz_conffile_SOURCES = %D%/fuzz/fuzz_conffile.c $(fuzz_main)
%C%_fuzz_fuzz_conffile_LDFLAGS = $(fuzz_flags)
%C%_fuzz_fuzz_gueststatus_SOURCES = \
	%D%/fuzz/fuzz_gueststatus.c $(fuzz_main)
%C%_fuzz_fuzz_gueststatus_LDFLAGS = $(fuzz_flags)
%C%_fuzz_fuzz_offer_SOURCES = %D%/fuzz/fuzz_offer.c $(fuzz_main)
%C%_fuzz_fuzz_offer_LDFLAGS = $(fuzz_flags)
%C%_fuzz_fuzz_page_SOURCES = %D%/fuzz/fuzz_page.c $(fuzz_main)
%C%_fuzz_fuzz_page_LDFLAGS = $(fuzz_flags)
%C%_fuzz_fuzz_procfs_SOURCES = %D%/fuzz/fuzz_procfs.c $(fuzz_main)
%C%_fuzz_fuzz_procfs_LDFLAGS = $(fuzz_flags)
%C%_fuzz_fuzz_replay_SOURCES = %D%/fuzz/fuzz_replay.c $(fuzz_main)
%C%_fuzz_fuzz_replay_LDFLAGS = $(fuzz_flags)
%C%_fuzz_fuzz_report_SOURCES = %D%/fuzz/fuzz_report.c $(fuzz_main)
%C%_fuzz_fuzz_report_LDFLAGS = $(fuzz_flags)
%C%_fuzz_fuzz_scenario_SOURCES = %D%/fuzz/fuzz_scenario.c $(fuzz_main)
%C%_fuzz_fuzz_scenario_LDFLAGS = $(fuzz_flags)
%C%_fuzz_fuzz_trace_SOURCES = %D%/fuzz/fuzz_trace.c $(fuzz_main)
%C%_fuzz_fuzz_trace_LDFLAGS = $(fuzz_flags)
check_PROGRAMS += $(fuzz_tests)
EXTRA_DIST += %D%/fuzz/corpus

# The tree itself.

shell_tests = \
	%D%/complete.sh \
	%D%/example.sh \
	%D%/layers.sh \
	%D%/manpages.sh \
	%D%/purity.sh \
	%D%/scenarios.sh \
	%D%/units.sh
TESTS += $(shell_tests)
EXTRA_DIST += $(shell_tests) %D%/tap.sh

# The virtual host's own files.

check_PROGRAMS += %D%/xenhost/memload
%C%_xenhost_memload_SOURCES = %D%/xenhost/memload.c
EXTRA_DIST += \
	%D%/xenhost/README \
	%D%/xenhost/bench \
	%D%/xenhost/boot.sh \
	%D%/xenhost/build.sh \
	%D%/xenhost/demo \
	%D%/xenhost/demo-scenario.sh \
	%D%/xenhost/dom0-init \
	%D%/xenhost/dom0-run \
	%D%/xenhost/dom0-scenario \
	%D%/xenhost/guest-frontend \
	%D%/xenhost/guest-init \
	%D%/xenhost/guestagent.c \
	%D%/xenhost/helpers.sh \
	%D%/xenhost/hosttool.c \
	%D%/xenhost/memburst.c \
	%D%/xenhost/peerwriter.c \
	%D%/xenhost/report.sh \
	%D%/xenhost/scenarios \
	%D%/xenhost/selftest.sh \
	%D%/xenhost/shellrc \
	%D%/xenhost/xenhost

# Measurements; not a part of make check.

bench_programs =
if BACKEND
bench_programs += \
	%D%/bench/bench_plan \
	%D%/bench/bench_simulate
%C%_bench_bench_plan_SOURCES = %D%/bench/bench_plan.c
%C%_bench_bench_simulate_SOURCES = %D%/bench/bench_simulate.c
endif
EXTRA_PROGRAMS += $(bench_programs)

bench: $(bench_programs)
	@for program in $(bench_programs); do ./$$program || exit 1; done

# On the virtual host; takes an hour.
bench-xen: all tests/xenhost/memload
	@XENBALLOON_BUILD='$(abs_top_builddir)' \
		$(top_srcdir)/%D%/xenhost/bench/run.sh

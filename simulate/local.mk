# SPDX-License-Identifier: GPL-2.0-or-later
#
# The what-if: "xenballoon simulate" plays the course of a host under the real
# policy.  Needs no Xen library.

if BACKEND
noinst_LIBRARIES += %D%/libsimulate.a
%C%_libsimulate_a_SOURCES = \
	%D%/child.c \
	%D%/child.h \
	%D%/course.c \
	%D%/course.h \
	%D%/curves.c \
	%D%/curves.h \
	%D%/entry.c \
	%D%/entry.h \
	%D%/failure.c \
	%D%/failure.h \
	%D%/guest.c \
	%D%/guest.h \
	%D%/host.c \
	%D%/host.h \
	%D%/main.c \
	%D%/main.h \
	%D%/outcome.c \
	%D%/outcome.h \
	%D%/page.c \
	%D%/page.h \
	%D%/play.c \
	%D%/play.h \
	%D%/plot.c \
	%D%/plot.h \
	%D%/points.c \
	%D%/points.h \
	%D%/policy.c \
	%D%/policy.h \
	%D%/progress.c \
	%D%/progress.h \
	%D%/queue.c \
	%D%/queue.h \
	%D%/read.c \
	%D%/read.h \
	%D%/reading.c \
	%D%/reading.h \
	%D%/recording.c \
	%D%/recording.h \
	%D%/run.c \
	%D%/run.h \
	%D%/scenario.c \
	%D%/scenario.h \
	%D%/search.c \
	%D%/search.h \
	%D%/show.c \
	%D%/show.h \
	%D%/trace.c \
	%D%/trace.h \
	%D%/value.c \
	%D%/value.h \
	%D%/voice.c \
	%D%/voice.h \
	%D%/walk.c \
	%D%/walk.h \
	%D%/wish.c \
	%D%/wish.h

examplesdir = $(docdir)/examples
dist_examples_DATA = \
	%D%/examples/boot-storm.scenario \
	%D%/examples/idle-tax.scenario \
	%D%/examples/shortage.scenario \
	%D%/examples/swap.scenario \
	%D%/examples/weights.scenario
dist_examples_SCRIPTS = %D%/examples/policy.py
endif

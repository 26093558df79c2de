# SPDX-License-Identifier: GPL-2.0-or-later
#
# The what-if: "xenballoon simulate" plays the course of a host under the real
# policy.  Needs no Xen library.

if BACKEND
noinst_LIBRARIES += %D%/libsimulate.a
%C%_libsimulate_a_SOURCES = \
	%D%/course.c \
	%D%/course.h \
	%D%/outcome.c \
	%D%/outcome.h \
	%D%/policy.h \
	%D%/queue.c \
	%D%/queue.h \
	%D%/read.h \
	%D%/run.h \
	%D%/walk.c \
	%D%/walk.h
endif

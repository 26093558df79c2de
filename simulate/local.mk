# SPDX-License-Identifier: GPL-2.0-or-later
#
# The what-if: "xenballoon simulate" plays the course of a host under the real
# policy.  Needs no Xen library.

EXTRA_DIST += \
	%D%/course.h \
	%D%/outcome.h \
	%D%/run.h

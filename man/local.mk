# SPDX-License-Identifier: GPL-2.0-or-later
#
# mdoc sources; the places in them are those that configure has chosen.

man1_MANS = %D%/xenballoon.1
man5_MANS =
man7_MANS = %D%/xenballoon-protocol.7
man8_MANS =
if BACKEND
man1_MANS += %D%/xenballoon-simulate.1
man5_MANS += %D%/backend.conf.5 %D%/xenballoon-scenario.5
man8_MANS += %D%/xenballoon-backend.8
endif
if FRONTEND
man8_MANS += %D%/xenballoon-frontend.8
endif
substituted += $(man1_MANS) $(man5_MANS) $(man7_MANS) $(man8_MANS)

EXTRA_DIST += \
	%D%/backend.conf.5.in \
	%D%/xenballoon-backend.8.in \
	%D%/xenballoon-frontend.8.in \
	%D%/xenballoon-protocol.7.in \
	%D%/xenballoon-scenario.5.in \
	%D%/xenballoon-simulate.1.in \
	%D%/xenballoon.1.in

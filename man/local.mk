# SPDX-License-Identifier: GPL-2.0-or-later
#
# mdoc sources; the places in them are those that configure has chosen.

man1_MANS =
man5_MANS =
man8_MANS =
if BACKEND
endif
if FRONTEND
man8_MANS += %D%/xenballoon-frontend.8
endif
substituted += $(man1_MANS) $(man5_MANS) $(man8_MANS)

EXTRA_DIST += \
	%D%/xenballoon-frontend.8.in

# SPDX-License-Identifier: GPL-2.0-or-later
#
# mdoc sources; the places in them are those that configure has chosen.

EXTRA_DIST +=


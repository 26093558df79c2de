# SPDX-License-Identifier: GPL-2.0-or-later
#
# The operator's command line tool.  It speaks to the backend's control socket
# and needs no Xen library.

if BACKEND
endif

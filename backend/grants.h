/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Grants: who gets of what is free now, and how much.  Part of the decision,
 * and as pure.
 *
 * What is free goes to takers by what it costs to raise their targets to their
 * goals; what is on its way waits.
 */
#ifndef BALLOON_BACKEND_GRANTS_H
#define BALLOON_BACKEND_GRANTS_H

#include "backend/share.h"

/*
 * Goals must be set.  When the host is short, what is to be free for
 * allowances is kept from head-room.
 */
void grants_share(const struct sharing *sharing);

#endif

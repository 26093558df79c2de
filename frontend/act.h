/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the frontend does to the world, its reports apart (transport.h): its
 * steps of the handshake, and giving the kernel's balloon driver another
 * target.
 */
#ifndef BALLOON_FRONTEND_ACT_H
#define BALLOON_FRONTEND_ACT_H

#include "common/announcement.h"
#include "common/bus.h"
#include "common/protocol.h"
#include "common/report.h"
#include "frontend/decide.h"
#include "frontend/guest.h"
#include "frontend/transport.h"

/* What this frontend can do beyond reporting; each has a node. */
enum act_feature {
    ACT_REFLEX = 1 << 0,
    ACT_INTENT = 1 << 1,
};

/*
 * Everything that the backend must know, the first report and the state
 * Initialised, all or nothing.  backend is the directory that the device was
 * seen to name: if it names another by now, or is gone, -ESTALE.  0 or another
 * negative errno of the store; a transaction that meets others is tried again
 * a few times first.  offered is of enum act_feature.
 */
int act_begin(const struct bus *bus, const char *backend,
              const struct transport *transport, unsigned int offered,
              const struct report *report);

/*
 * Our state, if it is still what we wrote last: otherwise -ESTALE, as the
 * device is another one or somebody else's.  0 or another negative errno.
 */
int act_change_state(const struct bus *bus, enum protocol_state from,
                     enum protocol_state to);

/* To the announcement that stands; 0 or a negative errno. */
int act_answer(const struct bus *bus, const struct answer *answer);

/* Gives the kernel the target that the decision wants; 0 or negative errno. */
int act_set_target(const struct guest *guest, const struct decision *decision);

#endif

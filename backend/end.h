/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Our end of a device: the nodes of the backend's directory, whose bytes are
 * all our own.  The guest's are offer.h's.
 *
 * Functions return 0 or a negative errno of the bus.
 */
#ifndef BALLOON_BACKEND_END_H
#define BALLOON_BACKEND_END_H

#include <stdint.h>

#include "common/bus.h"
#include "common/protocol.h"

void end_dir(char path[BUS_PATH_MAX], uint32_t domid);
void end_path(char path[BUS_PATH_MAX], uint32_t domid, const char *node);

int end_write(const struct bus *bus, bus_transaction t, uint32_t domid,
              const char *node, const char *text);

/* PROTOCOL_INIT_WAIT or PROTOCOL_CONNECTED. */
int end_write_state(const struct bus *bus, bus_transaction t, uint32_t domid,
                    enum protocol_state state);

/*
 * The nodes of a dead domain are gone, and nothing may make them anew: to be
 * asked in every transaction that writes.  0, -ESRCH, or another errno.
 */
int end_check_alive(const struct bus *bus, bus_transaction t, uint32_t domid);

#endif

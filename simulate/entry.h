/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An entry of a scenario's domains: "name=web, floor=1G, ceiling=8G".
 */
#ifndef BALLOON_SIMULATE_ENTRY_H
#define BALLOON_SIMULATE_ENTRY_H

#include "simulate/reading.h"

/*
 * Adds the domain to the course, and its line to those of the reading.
 * text, of that line, is cut up.  0, -ENOMEM, or -EINVAL and the error.
 */
int entry_read(struct reading *reading, unsigned int line, char *text);

#endif

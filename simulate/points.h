/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An entry of a scenario's working sets: "web: 0s=2G 60s=7G".
 */
#ifndef BALLOON_SIMULATE_POINTS_H
#define BALLOON_SIMULATE_POINTS_H

#include "simulate/reading.h"

/*
 * Gives a domain of the course its points.
 * text, of that line, is cut up.  0, -ENOMEM, or -EINVAL and the error.
 */
int points_read(struct reading *reading, unsigned int line, char *text);

#endif

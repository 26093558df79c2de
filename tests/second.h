/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A second frontend in a guest of the simulated host, as when its owner starts
 * one by hand.  Kept apart, as either end has a device and a bell of its own.
 */
#ifndef BALLOON_TESTS_SECOND_H
#define BALLOON_TESTS_SECOND_H

#include <stdint.h>

#include "common/bus.h"
#include "frontend/guest.h"

struct frontend;

/* Both must outlive it. */
struct frontend *second_new(const struct bus *bus, const struct guest *guest);

/* As frontend_tick(). */
int second_tick(struct frontend *second, uint64_t now_ms,
                uint64_t *ret_next_ms);

/* kill -9 */
void second_free(struct frontend *second);

#endif

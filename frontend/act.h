/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The two things that the frontend does: writing its report, and giving the
 * kernel's balloon driver another target.
 */
#ifndef BALLOON_FRONTEND_ACT_H
#define BALLOON_FRONTEND_ACT_H

#include "common/bus.h"
#include "common/report.h"
#include "frontend/decide.h"
#include "frontend/guest.h"

/* 0 or the negative errno of the store. */
int act_publish(const struct bus *bus, const struct report *report);

/* Gives the kernel the target that the decision wants; 0 or negative errno. */
int act_set_target(const struct guest *guest, const struct decision *decision);

/* The record of an orderly end. */
int act_publish_stopped(const struct bus *bus);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The voice of a guest: its reports, by whichever transport they come, and
 * its silence.
 */
#ifndef BALLOON_BACKEND_VOICE_H
#define BALLOON_BACKEND_VOICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backend/balancer.h"

/*
 * Takes len untrusted bytes for domain's latest report.  One that is not fresh
 * may be from before this backend's time: it can be shown, not relied upon.
 */
void voice_hear(struct balancer_domain *domain, const char *untrusted_text,
                size_t len, bool is_fresh, uint64_t now_ms);

/* What stands in the report's place is none, or there is no way to read it. */
void voice_garbled(struct balancer_domain *domain, uint64_t now_ms);

/*
 * Makes it silent when its heartbeats are missed; *next_ms comes forward to
 * when that would be.
 */
void voice_expire(struct balancer_domain *domain, uint64_t now_ms,
                  uint64_t *next_ms);

#endif

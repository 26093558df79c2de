/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "backend/voice.h"

#include "backend/saying.h"
#include "common/units.h"

static void note_time(struct balancer_domain *domain, uint64_t now_ms)
{
    domain->report_read_ms = now_ms > 0 ? now_ms : 1;
}

void voice_hear(struct balancer_domain *domain, const char *untrusted_text,
                size_t len, bool is_fresh, uint64_t now_ms)
{
    struct report report;

    if (report_parse(untrusted_text, len, &report) < 0) {
        voice_garbled(domain, now_ms);
        return;
    }
    note_time(domain, now_ms);
    if (report.state == REPORT_STOPPED) {
        domain->voice = SNAPSHOT_VOICE_STOPPED;
        return;
    }
    domain->report = report;
    domain->voice = is_fresh ? SNAPSHOT_VOICE_GOOD : SNAPSHOT_VOICE_SILENT;
    if (is_fresh) {
        saying_heard(domain, now_ms);
    }
}

void voice_garbled(struct balancer_domain *domain, uint64_t now_ms)
{
    note_time(domain, now_ms);
    domain->voice = SNAPSHOT_VOICE_GARBLED;
}

void voice_expire(struct balancer_domain *domain, uint64_t now_ms,
                  uint64_t *next_ms)
{
    uint64_t silent_ms = domain->report_read_ms +
                         BALANCER_HEARTBEATS * domain->report.heartbeat_ms;

    if (domain->voice != SNAPSHOT_VOICE_GOOD) {
        return;
    }
    if (now_ms >= silent_ms) {
        domain->voice = SNAPSHOT_VOICE_SILENT;
        saying_say(domain, SAYING_SILENT,
                   "frontend fell silent, leaving the domain alone", "",
                   now_ms);
    } else {
        *next_ms = units_min(*next_ms, silent_ms);
    }
}

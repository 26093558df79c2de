/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "backend/saying.h"

#include <stdio.h>

#include "backend/balancer.h"
#include "common/log.h"
#include "common/units.h"

static uint64_t free_ms(const struct saying *saying)
{
    return saying->said == SAYING_NOTHING ? 0 : saying->said_ms + SAYING_GAP_MS;
}

static void write_line(struct balancer_domain *domain, enum saying_word word,
                       const char *sentence, const char *detail,
                       uint64_t now_ms)
{
    struct saying *saying = &domain->device.saying;

    saying->said = word;
    saying->said_ms = now_ms;
    saying->due = SAYING_NOTHING;
    if (word == SAYING_UNKNOWN || word == SAYING_SILENT) {
        log_warning("%s domid=%u name=\"%s\" %s", sentence, domain->domid,
                    domain->name, detail);
    } else {
        log_info("%s domid=%u name=\"%s\" %s", sentence, domain->domid,
                 domain->name, detail);
    }
}

void saying_say(struct balancer_domain *domain, enum saying_word word,
                const char *sentence, const char *detail, uint64_t now_ms)
{
    struct saying *saying = &domain->device.saying;

    if (word != saying->said && now_ms >= free_ms(saying)) {
        write_line(domain, word, sentence, detail, now_ms);
        return;
    }
    log_debug("%s domid=%u name=\"%s\" %s", sentence, domain->domid,
              domain->name, detail);
    /* It is again what was said last: then nothing is due. */
    saying->due = word != saying->said ? word : SAYING_NOTHING;
    saying->due_sentence = sentence;
    (void)snprintf(saying->due_detail, sizeof(saying->due_detail), "%s",
                   detail);
}

void saying_heard(struct balancer_domain *domain, uint64_t now_ms)
{
    struct saying *saying = &domain->device.saying;

    if (saying->said == SAYING_SILENT) {
        saying_say(domain, SAYING_HEARD, "frontend is heard again", "", now_ms);
    } else if (saying->due == SAYING_SILENT) {
        saying->due = SAYING_NOTHING;
    }
}

void saying_catch_up(struct balancer_domain *domain, uint64_t now_ms,
                     uint64_t *next_ms)
{
    struct saying *saying = &domain->device.saying;

    if (saying->due == SAYING_NOTHING) {
        return;
    }
    if (now_ms < free_ms(saying)) {
        *next_ms = units_min(*next_ms, free_ms(saying));
        return;
    }
    write_line(domain, saying->due, saying->due_sentence, saying->due_detail,
               now_ms);
}

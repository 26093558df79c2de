/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "backend/act.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "backend/device.h"
#include "backend/record.h"
#include "backend/share.h"
#include "common/log.h"
#include "common/protocol.h"
#include "common/units.h"

static enum balancer_move move_of(const struct balancer_domain *domain)
{
    const struct decide_step *step = &domain->step;
    const struct snapshot_domain *seen = &domain->seen;

    if (step->target_kib != seen->target_kib) {
        return step->target_kib < seen->target_kib ? BALANCER_LOWERS
                                                   : BALANCER_RAISES;
    }
    if (step->limit_kib != seen->limit_kib) {
        return step->limit_kib < seen->limit_kib ? BALANCER_LOWERS_LIMIT
                                                 : BALANCER_RAISES_LIMIT;
    }
    return BALANCER_RESTS;
}

static bool has_pod_target(const struct balancer_domain *domain)
{
    return domain->seen.is_hvm && domain->domid != 0;
}

static int set_limit(struct balancer *balancer, struct balancer_domain *domain,
                     uint64_t limit_kib)
{
    int r;

    r = hypervisor_set_limit(balancer->hypervisor, domain->domid, limit_kib);
    if (r == 0) {
        balancer->writes++;
        domain->our_limit_kib = limit_kib;
    }
    return r;
}

/*
 * The PoD target counts the slack, as libxl has it, as far as the limit does:
 * Xen refuses one above it.
 */
static int set_pod_target(struct balancer *balancer,
                          const struct balancer_domain *domain,
                          uint64_t target_kib)
{
    uint64_t limit_kib =
        units_max(domain->step.limit_kib, domain->seen.limit_kib);

    if (!has_pod_target(domain)) {
        return 0;
    }
    return hypervisor_set_pod_target(
        balancer->hypervisor, domain->domid,
        units_min(target_kib + SNAPSHOT_SLACK_KIB, limit_kib));
}

static int lower(struct balancer *balancer, struct balancer_domain *domain)
{
    const struct decide_step *step = &domain->step;
    int r;

    r = record_write_target(balancer, domain, step->target_kib,
                            reason_word(step->reason.code));
    if (r == 0) {
        r = set_pod_target(balancer, domain, step->target_kib);
    }
    if (r == 0 && step->limit_kib < domain->seen.limit_kib) {
        r = set_limit(balancer, domain, step->limit_kib);
    }
    return r;
}

/*
 * After a raise that failed half way: a limit that stays up would be a promise
 * that nobody remembers.  If somebody else has written the target since it was
 * observed, xl has set a limit with it, before ours or after, and that one is
 * to stand.  Best effort: the next plan sees what became of it.
 */
static void take_limit_back(struct balancer *balancer,
                            struct balancer_domain *domain)
{
    char path[BUS_PATH_MAX];
    uint64_t limit_kib = domain->seen.limit_kib;
    uint64_t target_kib;

    (void)snprintf(path, sizeof(path), "/local/domain/%u/%s", domain->domid,
                   PROTOCOL_TARGET);
    if (bus_read_kib(balancer->bus, BUS_NO_TRANSACTION, path, &target_kib) ==
            0 &&
        target_kib != domain->seen.target_kib) {
        limit_kib = share_limit_kib(&domain->seen, target_kib);
    }
    (void)set_limit(balancer, domain, limit_kib);
}

static int raise(struct balancer *balancer, struct balancer_domain *domain)
{
    const struct decide_step *step = &domain->step;
    bool is_limit_raised = step->limit_kib > domain->seen.limit_kib;
    int r = 0;

    if (is_limit_raised) {
        r = set_limit(balancer, domain, step->limit_kib);
        if (r < 0) {
            return r;
        }
    }
    r = set_pod_target(balancer, domain, step->target_kib);
    if (r == 0) {
        r = record_write_target(balancer, domain, step->target_kib,
                                reason_word(step->reason.code));
    }
    if (r < 0 && r != -ESRCH && r != -ENOTCONN && is_limit_raised) {
        take_limit_back(balancer, domain);
    }
    return r;
}

static int only_limit(struct balancer *balancer, struct balancer_domain *domain)
{
    return set_limit(balancer, domain, domain->step.limit_kib);
}

/* ---- Steps -------------------------------------------------------------- */

typedef int step_fn(struct balancer *balancer, struct balancer_domain *domain);

static step_fn *const steps[] = {
    [BALANCER_LOWERS] = lower,
    [BALANCER_RAISES] = raise,
    [BALANCER_LOWERS_LIMIT] = only_limit,
    [BALANCER_RAISES_LIMIT] = only_limit,
};

static bool is_down(enum balancer_move move)
{
    return move == BALANCER_LOWERS || move == BALANCER_LOWERS_LIMIT;
}

/*
 * What is taken may be somebody's already, and a limit above what it covers is
 * a promise: down is urgent.  Another step than was refused is none's retry.
 */
static uint64_t step_due_ms(const struct balancer_domain *domain,
                            enum balancer_move move)
{
    return move == domain->refused
               ? retry_due_ms(&domain->step_retry,
                              is_down(move) ? RETRY_URGENT_MS : RETRY_LAST_MS)
               : 0;
}

/*
 * A failure concerns one domain and one tick; the next one sees the truth.  One
 * that lasts is said once.
 */
static void report_failure(struct balancer_domain *domain,
                           enum balancer_move move, int r, uint64_t now_ms)
{
    bool is_known = domain->step_error == r;

    if (move != domain->refused) {
        retry_clear(&domain->step_retry);
    }
    retry_failed(&domain->step_retry, now_ms);
    domain->refused = move;
    domain->step_error = r;
    if (r == -EEXIST) {
        log_info("target was changed by somebody else, keeping theirs "
                 "domid=%u name=\"%s\"",
                 domain->domid, domain->name);
    } else if (r == -ESRCH) {
        log_info("domain went away, nothing written domid=%u name=\"%s\"",
                 domain->domid, domain->name);
    } else if (!is_known) {
        log_warning("step failed, trying again domid=%u name=\"%s\": %s",
                    domain->domid, domain->name, strerror(-r));
    }
}

static void report_success(struct balancer *balancer,
                           struct balancer_domain *domain, uint64_t now_ms)
{
    const struct decide_step *step = &domain->step;
    char why[REASON_TEXT_MAX];

    balancer->last_write_ms = now_ms;
    domain->step_error = 0;
    domain->refused = BALANCER_RESTS;
    retry_clear(&domain->step_retry);
    if (step->target_kib == domain->seen.target_kib) {
        log_debug("limit domid=%u name=\"%s\" from_kib=%" PRIu64
                  " to_kib=%" PRIu64,
                  domain->domid, domain->name, domain->seen.limit_kib,
                  step->limit_kib);
        return;
    }
    domain->last_reason = step->reason;
    domain->last_change_ms = now_ms;
    domain->changes++;
    log_info("target domid=%u name=\"%s\" from_kib=%" PRIu64 " to_kib=%" PRIu64
             " reason=%s: %s",
             domain->domid, domain->name, domain->seen.target_kib,
             step->target_kib, reason_word(step->reason.code),
             reason_text(&step->reason, why));
}

static int carry_out(struct balancer *balancer, struct balancer_domain *domain,
                     uint64_t now_ms, uint64_t *next_ms)
{
    enum balancer_move move = move_of(domain);
    int r = 0;

    if (now_ms >= step_due_ms(domain, move)) {
        r = steps[move](balancer, domain);
        if (r == -ENOTCONN) {
            return r;
        }
        if (r == 0) {
            report_success(balancer, domain, now_ms);
            return 0;
        }
        report_failure(domain, move, r, now_ms);
    }
    *next_ms = units_min(*next_ms, step_due_ms(domain, move));
    return 0;
}

/* ---- Telling ------------------------------------------------------------ */

/* A word that is lost comes late: neither limit nor deadline waits for it. */
static int note_told(struct balancer_domain *domain, struct retry *retry,
                     const char *what, int r, uint64_t now_ms)
{
    if (r == -ENOTCONN) {
        return r;
    }
    if (r == 0) {
        retry_clear(retry);
        return 0;
    }
    retry_failed(retry, now_ms);
    log_debug("cannot tell the guest %s, trying again domid=%u: %s", what,
              domain->domid, strerror(-r));
    return 0;
}

/*
 * Less is said before the limit goes down, more when it is up: what a guest was
 * told that it may take, it may take.
 */
static int tell_allowance(struct balancer *balancer,
                          struct balancer_domain *domain, uint64_t now_ms,
                          uint64_t *next_ms)
{
    struct retry *retry = &domain->allowance_retry;
    int r = 0;

    if (now_ms >= retry_due_ms(retry, RETRY_URGENT_MS)) {
        r = device_tell_allowance(balancer, domain, domain->step.allowance_kib);
        r = note_told(domain, retry, "its allowance", r, now_ms);
    }
    if (retry->delay_ms != 0) {
        *next_ms = units_min(*next_ms, retry_due_ms(retry, RETRY_URGENT_MS));
    }
    return r;
}

static int announce(struct balancer *balancer, struct balancer_domain *domain,
                    uint64_t now_ms, uint64_t *next_ms)
{
    const struct decide_step *step = &domain->step;
    const struct announcement announcement = {
        .number = step->announced,
        .target_kib = step->announced != 0 ? step->announced_kib : 0,
        .wait_ms = step->announced != 0 ? step->announced_wait_ms : 0,
    };
    struct retry *retry = &domain->announce_retry;
    int r = 0;

    if (domain->seen.is_dying) {
        return 0;
    }
    if (now_ms >= retry_due_ms(retry, RETRY_URGENT_MS)) {
        r = device_announce(balancer, domain, &announcement);
        r = note_told(domain, retry, "of a shrink", r, now_ms);
    }
    if (retry->delay_ms != 0) {
        *next_ms = units_min(*next_ms, retry_due_ms(retry, RETRY_URGENT_MS));
    }
    return r;
}

/* The limit that goes with the step is in force. */
static bool is_limit_set(const struct balancer_domain *domain)
{
    return domain->step.limit_kib <= domain->seen.limit_kib ||
           domain->step.limit_kib == domain->our_limit_kib;
}

/* ---- All of them -------------------------------------------------------- */

/*
 * Before the memory is granted, so that a backend that is killed in between
 * leaves nothing unlearned; and seldom, as it fades all the time.
 */
static int store_learned(struct balancer *balancer, uint64_t now_ms)
{
    struct retry *retry = &balancer->learned_retry;
    bool is_known = retry->delay_ms != 0;
    uint64_t learned_kib = balancer->plan.learned_kib;
    bool grants = false;
    unsigned int i;
    int r;

    for (i = 0; !grants && i < balancer->count; i++) {
        grants = move_of(&balancer->domains[i]) == BALANCER_RAISES;
    }
    if (!grants ||
        learned_kib <=
            balancer->stored_learned_kib + balancer->stored_learned_kib / 4 ||
        now_ms < retry_due_ms(retry, RETRY_LAST_MS)) {
        return 0;
    }
    r = record_write_learned(balancer, learned_kib);
    if (r == 0) {
        balancer->stored_learned_kib = learned_kib;
        retry_clear(retry);
    } else if (r != -ENOTCONN) {
        retry_failed(retry, now_ms);
        if (!is_known) {
            log_warning("cannot note what was learned of bursts: %s",
                        strerror(-r));
        }
        r = 0;
    }
    return r;
}

int act(struct balancer *balancer, uint64_t now_ms, uint64_t *next_ms)
{
    unsigned int i;
    int r = 0;

    for (i = 0; r == 0 && i < balancer->count; i++) {
        struct balancer_domain *domain = &balancer->domains[i];

        if (domain->step.allowance_kib < domain->seen.allowance_kib) {
            r = tell_allowance(balancer, domain, now_ms, next_ms);
        }
        if (r == 0) {
            r = announce(balancer, domain, now_ms, next_ms);
        }
        if (r == 0 && move_of(domain) == BALANCER_LOWERS) {
            r = carry_out(balancer, domain, now_ms, next_ms);
        }
    }
    if (r == 0) {
        r = store_learned(balancer, now_ms);
    }
    for (i = 0; r == 0 && i < balancer->count; i++) {
        struct balancer_domain *domain = &balancer->domains[i];
        enum balancer_move move = move_of(domain);

        if (move != BALANCER_LOWERS && move != BALANCER_RESTS) {
            r = carry_out(balancer, domain, now_ms, next_ms);
        }
        if (r == 0 && is_limit_set(domain) &&
            domain->step.allowance_kib > domain->seen.allowance_kib) {
            r = tell_allowance(balancer, domain, now_ms, next_ms);
        }
    }
    return r;
}

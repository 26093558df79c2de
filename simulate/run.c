/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The engine.  It goes from event to event: a working set turns, a guest looks
 * at itself, the policy is asked, a sample of the curves is due.  In between,
 * everything moves in straight lines (guest.h), and who neither moves nor is
 * told anything costs nothing.
 *
 * When the policy is asked.  As in the daemon: at the time that its last plan
 * named, when a guest has reported, when a domain has come or gone.  What is
 * left out:
 *
 * - Reports are the real frontend's (voice.h), at the times that it chooses:
 *   while something of the guest moves or stalls, and once more at its
 *   heartbeat.  A guest in which nothing changes is not asked again; its
 *   heartbeats would say the same.  That it turns is noticed after half of the
 *   sleep that it was in: on average, it is as long ago that it fell asleep.
 *   It is woken at once, as by the kernel's pressure trigger, when it has
 *   stalled for SAMPLE_STALL_US; one that goes on to lack the same is looked at
 *   ever more rarely, and wakes nobody after RUN_OLD_MS.
 * - Reports of several guests are gathered for RUN_GATHER_MS, or, on a host of
 *   at most RUN_FEW, for RUN_URGENT_MS while anybody lacks memory; the daemon
 *   decides upon each.  On the trace of July 2013, gathering for a second
 *   instead would change what is unmet by less than a thirtieth.
 */
#include "simulate/run.h"

#include <errno.h>
#include <stdlib.h>

#include "common/units.h"
#include "simulate/curves.h"
#include "simulate/guest.h"
#include "simulate/host.h"
#include "simulate/queue.h"
#include "simulate/voice.h"

#define RUN_GATHER_MS 250
#define RUN_URGENT_MS 100
#define RUN_FEW 250

/* At rest for so long, a guest has told all that may not follow at once. */
#define RUN_SETTLES_MS 1000

/* One that has lacked the same for so long says nothing new: a heartbeat. */
#define RUN_OLD_MS 10000

/* How often the caller is asked whether to go on: in plans. */
#define RUN_ASK_PLANS 1024

#define US_PER_MS 1000

struct run {
    const struct run_options *options;
    struct host host;
    struct queue walks; /* of domains: when their working sets turn, */
    struct queue looks; /* and when their frontends look */

    struct plan plan;
    uint64_t plan_ms;    /* the next one */
    uint64_t planned_ms; /* the last one */
    uint64_t plans;

    uint64_t *demands_kib; /* of domains, as the last plan had them */
    struct curves curves;
    struct outcome outcome;
};

/* ---- The curves --------------------------------------------------------- */

static struct outcome_sample sample_of(const struct run *run, unsigned int id)
{
    const struct guest *guest = &run->host.guests[id];

    return (struct outcome_sample){
        .at_ms = run->host.now_ms,
        .working_set_kib = guest->working_set_kib,
        .current_kib = guest->current_kib,
        .target_kib = guest->target_kib,
        .demand_kib = run->demands_kib[id],
        .lacks_kib = guest_lacks_kib(guest),
    };
}

static void add_sample(struct outcome_sample *sum,
                       const struct outcome_sample *sample)
{
    sum->working_set_kib += sample->working_set_kib;
    sum->current_kib += sample->current_kib;
    sum->target_kib += sample->target_kib;
    sum->demand_kib += sample->demand_kib;
    sum->lacks_kib += sample->lacks_kib;
}

/* It is as it was when it was last brought up to now: call it where it is. */
static void note(struct run *run, unsigned int id)
{
    if (curves_are_kept(&run->curves)) {
        struct outcome_sample sample = sample_of(run, id);

        curves_note(&run->curves, id, &sample);
    }
}

typedef void keep_fn(struct curves *curves, unsigned int id,
                     const struct outcome_sample *sample);

/* All that live, and their sum. */
static void each_sample(struct run *run, keep_fn *keep)
{
    struct outcome_sample all = {.at_ms = run->host.now_ms};
    unsigned int i;

    for (i = 0; i < run->host.snapshot.count; i++) {
        unsigned int id = run->host.domains_of[i];
        struct outcome_sample sample = sample_of(run, id);

        keep(&run->curves, id, &sample);
        add_sample(&all, &sample);
    }
    keep(&run->curves, run->outcome.count, &all);
}

/* When all who move have been brought up to now. */
static void note_all(struct run *run)
{
    if (curves_are_kept(&run->curves)) {
        each_sample(run, curves_note);
    }
}

static void keep_all(struct run *run)
{
    unsigned int i;

    if (!curves_are_kept(&run->curves)) {
        return;
    }
    for (i = 0; i < run->host.snapshot.count; i++) {
        host_catch_up(&run->host, run->host.domains_of[i]);
    }
    each_sample(run, curves_keep);
    curves_go_on(&run->curves, run->host.now_ms);
}

/* Before it goes. */
static void keep_last(struct run *run, unsigned int id)
{
    if (curves_are_kept(&run->curves)) {
        struct outcome_sample sample = sample_of(run, id);

        curves_keep(&run->curves, id, &sample);
    }
}

/* ---- Reports ------------------------------------------------------------ */

static void plan_by(struct run *run, uint64_t at_ms, bool is_urgent)
{
    bool is_quick = is_urgent && run->host.snapshot.count <= RUN_FEW;
    uint64_t earliest_ms =
        run->planned_ms + (is_quick ? RUN_URGENT_MS : RUN_GATHER_MS);

    run->plan_ms = units_min(run->plan_ms, units_max(at_ms, earliest_ms));
}

/* Bad news is urgent when it lacks memory, or is about to. */
static bool is_pressed(const struct guest *guest)
{
    return guest_lacks_kib(guest) > 0 || guest_lack_ms(guest) != UINT64_MAX;
}

/* Looks, and says when the guest itself would look again. */
static enum voice_news look(struct run *run, unsigned int id,
                            uint64_t *ret_next_ms)
{
    struct snapshot_domain *seen =
        &run->host.snapshot.domains[run->host.seen_as[id]];
    struct guest *guest = &run->host.guests[id];
    struct guest_sample sample;
    enum voice_news news;

    host_catch_up(&run->host, id);
    guest_sample(guest, &sample);
    seen->voice = SNAPSHOT_VOICE_GOOD;
    news = voice_look(run->host.voices[id], &sample, guest->target_kib,
                      run->host.now_ms, &seen->report, ret_next_ms);
    if (news != VOICE_NOTHING) {
        seen->reported_ms = run->host.now_ms;
    }
    return news;
}

/* When the kernel's pressure trigger wakes it, if nothing changes. */
static uint64_t trigger_ms(const struct guest *guest)
{
    return units_add(guest_lack_ms(guest), SAMPLE_STALL_US / US_PER_MS);
}

static uint64_t rests_for_ms(const struct run *run, unsigned int id)
{
    const struct guest *guest = &run->host.guests[id];

    return units_less(run->host.now_ms,
                      units_max(guest->arrives_ms, guest->walk.begin_ms));
}

/* It lacks what it lacked at its last heartbeat, too. */
static bool is_old_news(const struct run *run, unsigned int id)
{
    return !guest_is_moving(&run->host.guests[id]) &&
           rests_for_ms(run, id) > RUN_OLD_MS;
}

/*
 * Its next look at itself.  At rest there is none before its heartbeat, but for
 * news that had to wait until they may follow the last; and none after it.  One
 * that lacks memory all that time is looked at ever more rarely.
 */
static uint64_t next_look(const struct run *run, unsigned int id,
                          enum voice_news news, uint64_t next_ms)
{
    const struct guest *guest = &run->host.guests[id];
    uint64_t rests_ms = rests_for_ms(run, id);

    if (guest_is_moving(guest)) {
        return units_min(next_ms, trigger_ms(guest));
    }
    if (guest_lacks_kib(guest) > 0) {
        return units_max(next_ms,
                         run->host.now_ms + units_min(rests_ms, RUN_OLD_MS));
    }
    if (rests_ms < RUN_SETTLES_MS) {
        return next_ms;
    }
    return news == VOICE_HEARTBEAT ? UINT64_MAX
                                   : voice_heartbeat_ms(run->host.voices[id]);
}

static void take_look(struct run *run, unsigned int id)
{
    uint64_t next_ms;
    enum voice_news news = look(run, id, &next_ms);

    note(run, id);
    queue_set(&run->looks, id, next_look(run, id, news, next_ms));
    if (is_old_news(run, id)) {
        return;
    }
    if (news == VOICE_NEWS || news == VOICE_BAD_NEWS) {
        plan_by(run, run->host.now_ms,
                news == VOICE_BAD_NEWS && is_pressed(&run->host.guests[id]));
    }
}

/* Before a guest at rest turns: what it has looked at last is as it is now. */
static void rouse(struct run *run, unsigned int id)
{
    uint64_t next_ms;

    (void)look(run, id, &next_ms);
    queue_set(&run->looks, id,
              run->host.now_ms + (next_ms - run->host.now_ms + 1) / 2);
}

/* ---- Coming, turning, going --------------------------------------------- */

static void turn(struct run *run, unsigned int id, bool was_at_rest)
{
    struct guest *guest = &run->host.guests[id];

    if (was_at_rest && run->host.voices[id] != NULL) {
        rouse(run, id);
    } else {
        host_catch_up(&run->host, id);
    }
    note(run, id);
    guest_step(guest);
    note(run, id);
    if (run->host.voices[id] != NULL) {
        queue_set(&run->looks, id,
                  units_min(run->looks.due_ms[id], trigger_ms(guest)));
    }
}

static uint64_t first_look(const struct run *run, unsigned int id)
{
    return run->host.voices[id] != NULL ? run->host.now_ms : UINT64_MAX;
}

static int take_walk_step(struct run *run, unsigned int id)
{
    struct guest *guest = &run->host.guests[id];
    bool was_at_rest = !host_is_followed(&run->host, id);
    int r = 0;

    host_touch(&run->host, id);
    if (guest->walk.phase == WALK_BEFORE) {
        r = host_come(&run->host, id);
        queue_set(&run->looks, id, first_look(run, id));
        run->plan_ms = run->host.now_ms;
    } else if (run->host.now_ms >= guest->walk.domain->end_ms) {
        host_catch_up(&run->host, id);
        keep_last(run, id);
        host_go(&run->host, id);
        queue_set(&run->looks, id, UINT64_MAX);
        run->plan_ms = run->host.now_ms;
    } else {
        turn(run, id, was_at_rest);
    }
    host_settle(&run->host, id);
    queue_set(&run->walks, id, guest->walk.due_ms);
    return r;
}

static int take_walk_steps(struct run *run)
{
    int r = 0;

    host_note_peak(&run->host);
    while (r == 0 && queue_first_ms(&run->walks) == run->host.now_ms) {
        r = take_walk_step(run, queue_first(&run->walks));
    }
    host_note_peak(&run->host);
    return r;
}

/* ---- The plan ----------------------------------------------------------- */

static void set_target(struct run *run, unsigned int id, uint64_t target_kib)
{
    guest_retarget(&run->host.guests[id], target_kib);
    run->host.snapshot.domains[run->host.seen_as[id]].target_kib = target_kib;
    queue_set(&run->looks, id, run->host.now_ms); /* it watches the node */
}

static void set_limit(struct run *run, unsigned int id, uint64_t limit_kib)
{
    struct snapshot_domain *seen =
        &run->host.snapshot.domains[run->host.seen_as[id]];

    run->host.guests[id].limit_kib = limit_kib;
    run->host.guests[id].figures.writes++;
    seen->limit_kib = limit_kib;
    seen->our_limit_kib = limit_kib;
}

/* As the backend carries out a step; see act.c. */
static void carry_out(struct run *run, const struct decide_step *step,
                      unsigned int id)
{
    struct guest *guest = &run->host.guests[id];

    host_touch(&run->host, id);
    host_catch_up(&run->host, id);
    if (step->limit_kib != guest->limit_kib) {
        set_limit(run, id, step->limit_kib);
    }
    if (step->target_kib != guest->target_kib) {
        set_target(run, id, step->target_kib);
    }
    host_send(&run->host, id);
    host_settle(&run->host, id);
}

static bool is_lower(const struct decide_step *step,
                     const struct snapshot_domain *seen)
{
    return step->target_kib < seen->target_kib;
}

static bool is_change(const struct decide_step *step,
                      const struct snapshot_domain *seen)
{
    return step->target_kib != seen->target_kib ||
           step->limit_kib != seen->limit_kib;
}

static void act(struct run *run)
{
    const struct snapshot *snapshot = &run->host.snapshot;
    bool is_done = true;
    unsigned int i;

    for (i = 0; i < snapshot->count; i++) {
        if (!is_change(&run->plan.steps[i], &snapshot->domains[i]) ||
            run->host.voices[run->host.domains_of[i]] == NULL) {
            continue;
        }
        if (is_lower(&run->plan.steps[i], &snapshot->domains[i])) {
            carry_out(run, &run->plan.steps[i], run->host.domains_of[i]);
        } else {
            is_done = false;
        }
    }
    for (i = 0; !is_done && i < snapshot->count; i++) {
        if (is_change(&run->plan.steps[i], &snapshot->domains[i]) &&
            run->host.voices[run->host.domains_of[i]] != NULL) {
            carry_out(run, &run->plan.steps[i], run->host.domains_of[i]);
        }
    }
}

/* Brings all who move up to now; those who wait for frames may find some. */
static bool follow(struct run *run)
{
    bool is_urgent = false;
    unsigned int i = run->host.followed_count;

    while (i-- > 0) {
        unsigned int id = run->host.followed[i];

        host_touch(&run->host, id);
        host_catch_up(&run->host, id);
        host_send(&run->host, id);
        host_settle(&run->host, id);
        is_urgent = is_urgent || guest_lacks_kib(&run->host.guests[id]) > 0;
    }
    return is_urgent;
}

static void note_demands(struct run *run)
{
    unsigned int i;

    for (i = 0; i < run->host.snapshot.count; i++) {
        run->demands_kib[run->host.domains_of[i]] =
            run->plan.steps[i].demand_kib;
    }
}

static int make_plan(struct run *run)
{
    const struct run_policy *policy = &run->options->policy;
    bool is_urgent = follow(run);
    int r;

    run->host.snapshot.now_ms = run->host.now_ms;
    run->host.snapshot.free_kib =
        run->options->host_memory_kib - run->host.held_kib;
    r = policy->plan(policy->state, &run->host.snapshot, run->host.domains_of,
                     &run->plan);
    if (r < 0) {
        return r;
    }
    act(run);
    note_demands(run);
    note_all(run);
    run->planned_ms = run->host.now_ms;
    plan_by(run, run->plan.next_ms, is_urgent);
    run->plans++;
    return 0;
}

/* ---- From the beginning to the end -------------------------------------- */

static uint64_t next_event(const struct run *run)
{
    uint64_t next_ms =
        units_min(queue_first_ms(&run->walks), queue_first_ms(&run->looks));

    next_ms = units_min(next_ms, units_min(run->plan_ms, run->curves.due_ms));
    return units_min(next_ms, run->host.course->duration_ms);
}

static bool is_stopped(const struct run *run)
{
    return run->options->is_wanted != NULL && run->plans % RUN_ASK_PLANS == 0 &&
           !run->options->is_wanted(run->options->state, run->host.now_ms,
                                    run->host.course->duration_ms);
}

/* Nobody there: nothing to decide. */
static int plan(struct run *run)
{
    run->plan_ms = UINT64_MAX;
    return run->host.snapshot.count == 0 ? 0 : make_plan(run);
}

static int play(struct run *run)
{
    int r = 0;

    while (r == 0) {
        run->host.now_ms = next_event(run);
        if (run->host.now_ms >= run->host.course->duration_ms) {
            break;
        }
        r = take_walk_steps(run);
        while (r == 0 && queue_first_ms(&run->looks) <= run->host.now_ms) {
            take_look(run, queue_first(&run->looks));
        }
        if (r == 0 && run->plan_ms <= run->host.now_ms) {
            if (is_stopped(run)) {
                run->outcome.is_interrupted = true;
                break;
            }
            r = plan(run);
        }
        if (r == 0 && run->curves.due_ms <= run->host.now_ms) {
            keep_all(run);
        }
    }
    return r;
}

static void add_figures(struct outcome_figures *sum,
                        const struct outcome_figures *figures)
{
    sum->lived_ms += figures->lived_ms;
    sum->needed_kib_ms = units_add(sum->needed_kib_ms, figures->needed_kib_ms);
    sum->lacked_kib_ms = units_add(sum->lacked_kib_ms, figures->lacked_kib_ms);
    sum->short_ms += figures->short_ms;
    sum->moved_kib += figures->moved_kib;
    sum->rises_kib += figures->rises_kib;
    sum->reversals += figures->reversals;
    sum->floor_violations += figures->floor_violations;
    sum->writes += figures->writes;
}

static void sum_up(struct run *run)
{
    struct outcome *outcome = &run->outcome;
    unsigned int i;

    for (i = 0; i < run->host.course->count; i++) {
        const struct guest *guest = &run->host.guests[i];

        if (walk_lives(&guest->walk)) {
            host_catch_up(&run->host, i);
        }
        outcome->domains[i].figures = guest->figures;
        outcome->domains[i].final_current_kib = guest->current_kib;
        outcome->domains[i].final_target_kib = guest->target_kib;
        add_figures(&outcome->all, &guest->figures);
    }
    keep_all(run);
    host_note_peak(&run->host);
    outcome->all.peak_demand_kib = run->host.peak_need_kib;
    outcome->ended_ms = run->host.now_ms;
}

static int prepare_outcome(struct run *run, const struct course *course)
{
    struct outcome *outcome = &run->outcome;
    unsigned int i;

    outcome->host_memory_kib = run->options->host_memory_kib;
    outcome->domains =
        calloc((size_t)course->count + 1, sizeof(*outcome->domains));
    if (outcome->domains == NULL) {
        return -ENOMEM;
    }
    outcome->count = course->count;
    for (i = 0; i < outcome->count; i++) {
        outcome->domains[i].name = course->domains[i].name;
    }
    return curves_init(&run->curves, outcome, course->duration_ms,
                       run->options->samples);
}

static int prepare(struct run *run, const struct course *course)
{
    unsigned int i;

    run->plan.steps =
        calloc((size_t)course->count + 1, sizeof(*run->plan.steps));
    run->demands_kib =
        calloc((size_t)course->count + 1, sizeof(*run->demands_kib));
    if (host_init(&run->host, course, run->options->host_memory_kib) < 0 ||
        queue_init(&run->walks, course->count) < 0 ||
        queue_init(&run->looks, course->count) < 0 || run->plan.steps == NULL ||
        run->demands_kib == NULL) {
        return -ENOMEM;
    }
    for (i = 0; i < course->count; i++) {
        queue_set(&run->walks, i, run->host.guests[i].walk.due_ms);
    }
    run->plan_ms = UINT64_MAX;
    return prepare_outcome(run, course);
}

static void clean_up(struct run *run)
{
    queue_done(&run->walks);
    queue_done(&run->looks);
    host_done(&run->host);
    free(run->plan.steps);
    free(run->demands_kib);
    curves_done(&run->curves);
}

int run_course(const struct course *course, const struct run_options *options,
               struct outcome *ret_outcome)
{
    struct run run = {.options = options};
    int r = prepare(&run, course);

    if (r == 0) {
        r = play(&run);
    }
    if (r == 0) {
        sum_up(&run);
        *ret_outcome = run.outcome;
    } else {
        outcome_done(&run.outcome);
    }
    clean_up(&run);
    return r;
}

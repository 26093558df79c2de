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
 *   stalled for SAMPLE_STALL_US.
 * - Reports of several guests are gathered for RUN_GATHER_MS, or, on a host of
 *   at most RUN_FEW, for RUN_URGENT_MS while anybody lacks memory; the daemon
 *   decides upon each.  On the trace of July 2013, gathering for a second
 *   instead would change what is unmet by less than a thirtieth.
 *
 * Frames.  A guest's way up is set aside when it sets out: what is held, and
 * what is on its way to be, never exceeds the host.
 */
#include "simulate/run.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "common/units.h"
#include "simulate/guest.h"
#include "simulate/queue.h"
#include "simulate/voice.h"

#define RUN_GATHER_MS 250
#define RUN_URGENT_MS 100
#define RUN_FEW 250

/* At rest for so long, a guest has told all that may not follow at once. */
#define RUN_SETTLES_MS 1000

/* How often the caller is asked whether to go on: in plans. */
#define RUN_ASK_PLANS 1024

#define US_PER_MS 1000
#define NOWHERE UINT_MAX

struct run {
    const struct course *course;
    const struct run_options *options;
    uint64_t now_ms;
    uint64_t held_kib;  /* by all */
    uint64_t aside_kib; /* that, and what is on its way to be */

    /* By domain, as in the course: */
    struct guest *guests;
    struct voice **voices; /* NULL: not yet, not any more, or never */
    struct queue walks;
    struct queue looks;
    unsigned int *place_of; /* among those that are followed, or NOWHERE */
    unsigned int *seen_as;  /* in the snapshot */

    unsigned int *followed; /* those in which something moves */
    unsigned int followed_count;
    uint64_t followed_most_kib; /* no more than that they need, until then */
    uint64_t still_need_kib;    /* of the others */
    uint64_t peak_need_kib;

    struct snapshot snapshot;
    unsigned int *domains_of;
    struct plan plan;
    uint64_t plan_ms;    /* the next one */
    uint64_t planned_ms; /* the last one */
    uint64_t plans;

    uint64_t sample_ms; /* the next one */
    uint64_t sample_every_ms;
    unsigned int sample_room;
    struct outcome outcome;
};

/* ---- Frames ------------------------------------------------------------- */

static uint64_t aside_for(const struct guest *guest)
{
    return units_max(guest->current_kib, guest->reach_kib);
}

static uint64_t unspoken_for(const struct run *run)
{
    assert(run->held_kib <= run->aside_kib);
    return units_less(run->options->host_memory_kib, run->aside_kib);
}

/* Brings a guest up to now, and the ledger and the snapshot with it. */
static void catch_up(struct run *run, unsigned int id)
{
    struct guest *guest = &run->guests[id];

    run->held_kib -= guest->current_kib;
    run->aside_kib -= aside_for(guest);
    guest_advance(guest, run->now_ms);
    run->held_kib += guest->current_kib;
    run->aside_kib += aside_for(guest);
    run->snapshot.domains[run->seen_as[id]].current_kib = guest->current_kib;
}

/* Where the guest's target and limit lead, as far as there are frames. */
static void send(struct run *run, unsigned int id)
{
    struct guest *guest = &run->guests[id];
    uint64_t goal = units_min(guest->target_kib, guest->limit_kib);
    uint64_t reach = units_min(goal, aside_for(guest) + unspoken_for(run));

    if (goal <= guest->current_kib) {
        reach = goal;
    }
    if (reach != guest->reach_kib) {
        run->aside_kib -= aside_for(guest);
        guest_move(guest, reach);
        run->aside_kib += aside_for(guest);
        assert(run->aside_kib <= run->options->host_memory_kib);
    }
}

/* ---- Who is followed ---------------------------------------------------- */

static uint64_t need_of(const struct guest *guest, uint64_t at_ms)
{
    return walk_lives(&guest->walk) ? units_max(guest->walk.domain->floor_kib,
                                                walk_kib(&guest->walk, at_ms))
                                    : 0;
}

/* As long as it is on its ramp, or stands. */
static uint64_t most_need_of(const struct guest *guest)
{
    const struct walk *walk = &guest->walk;

    return units_max(walk->domain->floor_kib,
                     units_max(walk->from_kib, walk->to_kib));
}

/* Also who would move if there were frames. */
static bool is_to_be_followed(const struct guest *guest)
{
    return walk_lives(&guest->walk) &&
           (guest_is_moving(guest) || guest->reach_kib != guest->target_kib);
}

/* Before anything of the guest is changed ... */
static void touch(struct run *run, unsigned int id)
{
    unsigned int last;

    if (run->place_of[id] == NOWHERE) {
        run->still_need_kib -= need_of(&run->guests[id], run->now_ms);
        return;
    }
    run->followed_most_kib -= most_need_of(&run->guests[id]);
    last = run->followed[--run->followed_count];
    run->followed[run->place_of[id]] = last;
    run->place_of[last] = run->place_of[id];
    run->place_of[id] = NOWHERE;
}

/* ... and after it. */
static void settle(struct run *run, unsigned int id)
{
    if (is_to_be_followed(&run->guests[id])) {
        run->followed_most_kib += most_need_of(&run->guests[id]);
        run->place_of[id] = run->followed_count;
        run->followed[run->followed_count++] = id;
    } else {
        run->still_need_kib += need_of(&run->guests[id], run->now_ms);
    }
}

static void note_peak(struct run *run)
{
    uint64_t need = run->still_need_kib;
    unsigned int i;

    if (need + run->followed_most_kib <= run->peak_need_kib) {
        return;
    }
    for (i = 0; i < run->followed_count; i++) {
        need += need_of(&run->guests[run->followed[i]], run->now_ms);
    }
    run->peak_need_kib = units_max(run->peak_need_kib, need);
}

/* ---- Reports ------------------------------------------------------------ */

static void plan_by(struct run *run, uint64_t at_ms, bool is_urgent)
{
    bool is_quick = is_urgent && run->snapshot.count <= RUN_FEW;
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
    struct snapshot_domain *seen = &run->snapshot.domains[run->seen_as[id]];
    struct guest *guest = &run->guests[id];
    struct guest_sample sample;

    catch_up(run, id);
    guest_sample(guest, &sample);
    seen->voice = SNAPSHOT_VOICE_GOOD;
    return voice_look(run->voices[id], &sample, guest->target_kib, run->now_ms,
                      &seen->report, ret_next_ms);
}

/* When the kernel's pressure trigger wakes it, if nothing changes. */
static uint64_t trigger_ms(const struct guest *guest)
{
    return units_add(guest_lack_ms(guest), SAMPLE_STALL_US / US_PER_MS);
}

/*
 * Its next look at itself.  At rest there is none before its heartbeat, but for
 * news that had to wait until they may follow the last; and none after it.
 */
static uint64_t next_look(const struct run *run, unsigned int id,
                          enum voice_news news, uint64_t next_ms)
{
    const struct guest *guest = &run->guests[id];
    uint64_t rests_ms = units_max(guest->arrives_ms, guest->walk.begin_ms);

    if (guest_is_moving(guest) || guest_lacks_kib(guest) > 0) {
        return units_min(next_ms, trigger_ms(guest));
    }
    if (run->now_ms < rests_ms + RUN_SETTLES_MS) {
        return next_ms;
    }
    return news == VOICE_HEARTBEAT ? UINT64_MAX
                                   : voice_heartbeat_ms(run->voices[id]);
}

static void take_look(struct run *run, unsigned int id)
{
    uint64_t next_ms;
    enum voice_news news = look(run, id, &next_ms);

    queue_set(&run->looks, id, next_look(run, id, news, next_ms));
    if (news == VOICE_NEWS || news == VOICE_BAD_NEWS) {
        plan_by(run, run->now_ms,
                news == VOICE_BAD_NEWS && is_pressed(&run->guests[id]));
    }
}

/* Before a guest at rest turns: what it has looked at last is as it is now. */
static void rouse(struct run *run, unsigned int id)
{
    uint64_t next_ms;

    (void)look(run, id, &next_ms);
    queue_set(&run->looks, id, run->now_ms + (next_ms - run->now_ms + 1) / 2);
}

/* ---- Coming, turning, going --------------------------------------------- */

static void describe(const struct run *run, unsigned int id,
                     struct snapshot_domain *seen)
{
    const struct course_domain *domain = &run->course->domains[id];
    const struct guest *guest = &run->guests[id];

    *seen = (struct snapshot_domain){
        .domid = id + 1,
        .current_kib = guest->current_kib,
        .limit_kib = guest->limit_kib,
        .has_target = true,
        .target_kib = guest->target_kib,
        .static_max_kib = units_whole_pages(domain->ceiling_kib),
        .floor_kib = units_whole_pages(domain->floor_kib),
        .ceiling_kib = units_whole_pages(domain->ceiling_kib),
        .weight = domain->weight,
        .headroom_permyriad = domain->headroom_permyriad,
        .voice = SNAPSHOT_VOICE_NONE,
    };
}

/* Makes room at its place in the snapshot, or closes the gap there. */
static void shift_snapshot(struct run *run, unsigned int place, bool is_open)
{
    unsigned int from = is_open ? place : place + 1;
    unsigned int to = is_open ? place + 1 : place;
    unsigned int behind = run->snapshot.count - from;
    unsigned int i;

    memmove(&run->snapshot.domains[to], &run->snapshot.domains[from],
            behind * sizeof(*run->snapshot.domains));
    memmove(&run->domains_of[to], &run->domains_of[from],
            behind * sizeof(*run->domains_of));
    run->snapshot.count = to + behind;
    for (i = to; i < run->snapshot.count; i++) {
        run->seen_as[run->domains_of[i]] = i;
    }
}

static int come(struct run *run, unsigned int id)
{
    const struct course_domain *domain = &run->course->domains[id];
    struct guest *guest = &run->guests[id];
    uint64_t wants =
        domain->start_kib != 0 ? domain->start_kib : domain->floor_kib;
    unsigned int place = 0;

    if (!domain->is_static) {
        run->voices[id] = voice_new();
        if (run->voices[id] == NULL) {
            return -ENOMEM;
        }
    }
    wants = units_min(units_min(wants, domain->ceiling_kib), unspoken_for(run));
    guest_start(guest, run->now_ms, units_whole_pages(wants));
    guest->limit_kib = guest->target_kib + SNAPSHOT_SLACK_KIB;
    run->held_kib += guest->current_kib;
    run->aside_kib += guest->current_kib;

    while (place < run->snapshot.count && run->domains_of[place] < id) {
        place++;
    }
    shift_snapshot(run, place, true);
    run->domains_of[place] = id;
    run->seen_as[id] = place;
    describe(run, id, &run->snapshot.domains[place]);
    if (run->voices[id] != NULL) {
        queue_set(&run->looks, id, run->now_ms);
    }
    run->plan_ms = run->now_ms;
    return 0;
}

static void go(struct run *run, unsigned int id)
{
    struct guest *guest = &run->guests[id];

    guest_step(guest);
    run->held_kib -= guest->current_kib;
    run->aside_kib -= aside_for(guest);
    shift_snapshot(run, run->seen_as[id], false);
    voice_free(run->voices[id]);
    run->voices[id] = NULL;
    queue_set(&run->looks, id, UINT64_MAX);
    run->plan_ms = run->now_ms;
}

static void turn(struct run *run, unsigned int id, bool was_at_rest)
{
    struct guest *guest = &run->guests[id];

    if (was_at_rest && run->voices[id] != NULL) {
        rouse(run, id);
    } else {
        catch_up(run, id);
    }
    guest_step(guest);
    if (run->voices[id] != NULL) {
        queue_set(&run->looks, id,
                  units_min(run->looks.due_ms[id], trigger_ms(guest)));
    }
}

static int take_walk_step(struct run *run, unsigned int id)
{
    struct guest *guest = &run->guests[id];
    bool was_at_rest = run->place_of[id] == NOWHERE;
    int r = 0;

    touch(run, id);
    if (guest->walk.phase == WALK_BEFORE) {
        r = come(run, id);
    } else if (run->now_ms >= guest->walk.domain->end_ms) {
        catch_up(run, id);
        go(run, id);
    } else {
        turn(run, id, was_at_rest);
    }
    settle(run, id);
    queue_set(&run->walks, id, guest->walk.due_ms);
    return r;
}

static int take_walk_steps(struct run *run)
{
    int r = 0;

    note_peak(run);
    while (r == 0 && queue_first_ms(&run->walks) == run->now_ms) {
        r = take_walk_step(run, queue_first(&run->walks));
    }
    note_peak(run);
    return r;
}

/* ---- The plan ----------------------------------------------------------- */

static void set_target(struct run *run, unsigned int id, uint64_t target_kib)
{
    guest_retarget(&run->guests[id], target_kib);
    run->snapshot.domains[run->seen_as[id]].target_kib = target_kib;
    queue_set(&run->looks, id, run->now_ms); /* it watches the node */
}

static void set_limit(struct run *run, unsigned int id, uint64_t limit_kib)
{
    struct snapshot_domain *seen = &run->snapshot.domains[run->seen_as[id]];

    run->guests[id].limit_kib = limit_kib;
    run->guests[id].figures.writes++;
    seen->limit_kib = limit_kib;
    seen->our_limit_kib = limit_kib;
}

/* As the backend carries out a step; see act.c. */
static void carry_out(struct run *run, const struct decide_step *step,
                      unsigned int id)
{
    struct guest *guest = &run->guests[id];

    touch(run, id);
    catch_up(run, id);
    if (step->limit_kib != guest->limit_kib) {
        set_limit(run, id, step->limit_kib);
    }
    if (step->target_kib != guest->target_kib) {
        set_target(run, id, step->target_kib);
    }
    send(run, id);
    settle(run, id);
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
    const struct snapshot *snapshot = &run->snapshot;
    bool is_done = true;
    unsigned int i;

    for (i = 0; i < snapshot->count; i++) {
        if (!is_change(&run->plan.steps[i], &snapshot->domains[i]) ||
            run->voices[run->domains_of[i]] == NULL) {
            continue;
        }
        if (is_lower(&run->plan.steps[i], &snapshot->domains[i])) {
            carry_out(run, &run->plan.steps[i], run->domains_of[i]);
        } else {
            is_done = false;
        }
    }
    for (i = 0; !is_done && i < snapshot->count; i++) {
        if (is_change(&run->plan.steps[i], &snapshot->domains[i]) &&
            run->voices[run->domains_of[i]] != NULL) {
            carry_out(run, &run->plan.steps[i], run->domains_of[i]);
        }
    }
}

/* Brings all who move up to now; those who wait for frames may find some. */
static bool follow(struct run *run)
{
    bool is_urgent = false;
    unsigned int i = run->followed_count;

    while (i-- > 0) {
        unsigned int id = run->followed[i];

        touch(run, id);
        catch_up(run, id);
        send(run, id);
        settle(run, id);
        is_urgent = is_urgent || guest_lacks_kib(&run->guests[id]) > 0;
    }
    return is_urgent;
}

static int make_plan(struct run *run)
{
    const struct run_policy *policy = &run->options->policy;
    bool is_urgent = follow(run);
    int r;

    run->snapshot.now_ms = run->now_ms;
    run->snapshot.free_kib = run->options->host_memory_kib - run->held_kib;
    r = policy->plan(policy->state, &run->snapshot, run->domains_of,
                     &run->plan);
    if (r < 0) {
        return r;
    }
    act(run);
    run->planned_ms = run->now_ms;
    plan_by(run, run->plan.next_ms, is_urgent);
    run->plans++;
    return 0;
}

/* ---- The curves --------------------------------------------------------- */

static void append(struct outcome_curve *curve, unsigned int room,
                   const struct outcome_sample *sample)
{
    if (curve->count < room) {
        curve->samples[curve->count++] = *sample;
    }
}

static void take_sample(struct run *run)
{
    struct outcome_sample all = {.at_ms = run->now_ms};
    unsigned int i;

    for (i = 0; i < run->snapshot.count; i++) {
        unsigned int id = run->domains_of[i];
        const struct guest *guest = &run->guests[id];
        struct outcome_sample sample;

        catch_up(run, id);
        sample = (struct outcome_sample){
            .at_ms = run->now_ms,
            .working_set_kib = guest->working_set_kib,
            .current_kib = guest->current_kib,
            .target_kib = guest->target_kib,
            .demand_kib = run->plan.steps[i].demand_kib,
        };
        append(&run->outcome.domains[id].curve, run->sample_room, &sample);
        all.working_set_kib += sample.working_set_kib;
        all.current_kib += sample.current_kib;
        all.target_kib += sample.target_kib;
        all.demand_kib += sample.demand_kib;
    }
    append(&run->outcome.curve, run->sample_room, &all);
    run->sample_ms = run->now_ms + run->sample_every_ms;
}

/* ---- From the beginning to the end -------------------------------------- */

static uint64_t next_event(const struct run *run)
{
    uint64_t next_ms =
        units_min(queue_first_ms(&run->walks), queue_first_ms(&run->looks));

    next_ms = units_min(next_ms, units_min(run->plan_ms, run->sample_ms));
    return units_min(next_ms, run->course->duration_ms);
}

static bool is_stopped(const struct run *run)
{
    return run->options->is_wanted != NULL && run->plans % RUN_ASK_PLANS == 0 &&
           !run->options->is_wanted(run->options->state, run->now_ms,
                                    run->course->duration_ms);
}

/* Nobody there: nothing to decide. */
static int plan(struct run *run)
{
    run->plan_ms = UINT64_MAX;
    return run->snapshot.count == 0 ? 0 : make_plan(run);
}

static int play(struct run *run)
{
    int r = 0;

    while (r == 0) {
        run->now_ms = next_event(run);
        if (run->now_ms >= run->course->duration_ms) {
            break;
        }
        r = take_walk_steps(run);
        while (r == 0 && queue_first_ms(&run->looks) <= run->now_ms) {
            take_look(run, queue_first(&run->looks));
        }
        if (r == 0 && run->plan_ms <= run->now_ms) {
            if (is_stopped(run)) {
                run->outcome.is_interrupted = true;
                break;
            }
            r = plan(run);
        }
        if (r == 0 && run->sample_ms <= run->now_ms) {
            take_sample(run);
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

    for (i = 0; i < run->course->count; i++) {
        if (walk_lives(&run->guests[i].walk)) {
            catch_up(run, i);
        }
        outcome->domains[i].figures = run->guests[i].figures;
        add_figures(&outcome->all, &run->guests[i].figures);
    }
    note_peak(run);
    outcome->all.peak_demand_kib = run->peak_need_kib;
    outcome->ended_ms = run->now_ms;
}

static int prepare_curve(struct run *run, struct outcome_curve *curve)
{
    if (run->sample_room == 0) {
        return 0;
    }
    curve->samples = calloc(run->sample_room, sizeof(*curve->samples));
    return curve->samples == NULL ? -ENOMEM : 0;
}

static int prepare_outcome(struct run *run)
{
    struct outcome *outcome = &run->outcome;
    unsigned int i;
    int r;

    outcome->host_memory_kib = run->options->host_memory_kib;
    outcome->domains =
        calloc((size_t)run->course->count + 1, sizeof(*outcome->domains));
    if (outcome->domains == NULL) {
        return -ENOMEM;
    }
    outcome->count = run->course->count;
    r = prepare_curve(run, &outcome->curve);
    for (i = 0; r == 0 && i < outcome->count; i++) {
        outcome->domains[i].name = run->course->domains[i].name;
        r = prepare_curve(run, &outcome->domains[i].curve);
    }
    return r;
}

static int prepare(struct run *run)
{
    const struct course *course = run->course;
    size_t count = (size_t)course->count + 1; /* none is no failure */
    unsigned int i;

    run->guests = calloc(count, sizeof(*run->guests));
    run->voices = calloc(count, sizeof(*run->voices));
    run->place_of = calloc(count, sizeof(*run->place_of));
    run->seen_as = calloc(count, sizeof(*run->seen_as));
    run->followed = calloc(count, sizeof(*run->followed));
    run->domains_of = calloc(count, sizeof(*run->domains_of));
    run->snapshot.domains = calloc(count, sizeof(*run->snapshot.domains));
    run->plan.steps = calloc(count, sizeof(*run->plan.steps));
    if (run->guests == NULL || run->voices == NULL || run->place_of == NULL ||
        run->seen_as == NULL || run->followed == NULL ||
        run->domains_of == NULL || run->snapshot.domains == NULL ||
        run->plan.steps == NULL || queue_init(&run->walks, course->count) < 0 ||
        queue_init(&run->looks, course->count) < 0) {
        return -ENOMEM;
    }
    for (i = 0; i < course->count; i++) {
        guest_init(&run->guests[i], course, &course->domains[i]);
        run->place_of[i] = NOWHERE;
        queue_set(&run->walks, i, run->guests[i].walk.due_ms);
    }
    run->snapshot.total_kib = run->options->host_memory_kib;
    run->snapshot.reserve_kib = course->reserve_kib == UINT64_MAX
                                    ? SETTINGS_RESERVE_DEFAULT_KIB
                                    : course->reserve_kib;
    run->snapshot.idle_tax_permyriad = course->idle_tax_permyriad;
    run->plan_ms = UINT64_MAX;
    run->sample_ms = UINT64_MAX;
    if (run->options->samples > 0) {
        run->sample_ms = 0;
        run->sample_every_ms = course->duration_ms / run->options->samples + 1;
        run->sample_room = run->options->samples + 1;
    }
    return prepare_outcome(run);
}

static void clean_up(struct run *run)
{
    unsigned int i;

    for (i = 0; run->voices != NULL && i < run->course->count; i++) {
        voice_free(run->voices[i]);
    }
    queue_done(&run->walks);
    queue_done(&run->looks);
    free(run->guests);
    free(run->voices);
    free(run->place_of);
    free(run->seen_as);
    free(run->followed);
    free(run->domains_of);
    free(run->snapshot.domains);
    free(run->plan.steps);
}

int run_course(const struct course *course, const struct run_options *options,
               struct outcome *ret_outcome)
{
    struct run run = {.course = course, .options = options};
    int r = prepare(&run);

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

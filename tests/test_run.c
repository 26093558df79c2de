/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The engine, by cases that can be worked out by hand, and the policies.
 *
 * The policies of the tests do what a case says, whatever guests report.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/units.h"
#include "simulate/policy.h"
#include "simulate/run.h"

#define MIB UINT64_C(1024)
#define GIB (1024 * MIB)
#define S UINT64_C(1000)
#define SLACK SNAPSHOT_SLACK_KIB

/* Whose target is what from when on. */
struct order {
    uint64_t at_ms;
    unsigned int domain;
    uint64_t target_kib;
};

struct script {
    const struct order *orders;
    unsigned int count;
    unsigned int plans;
    int result;
};

/* Limits follow at once; there is always enough promised. */
static int script_plan(void *state, const struct snapshot *snapshot,
                       const unsigned int *domains_of, struct plan *plan)
{
    struct script *script = state;

    script->plans++;
    plan->next_ms = UINT64_MAX;
    for (unsigned int i = 0; i < script->count; i++) {
        if (script->orders[i].at_ms > snapshot->now_ms) {
            plan->next_ms = units_min(plan->next_ms, script->orders[i].at_ms);
        }
    }
    for (unsigned int i = 0; i < snapshot->count; i++) {
        const struct snapshot_domain *domain = &snapshot->domains[i];
        struct decide_step *step = &plan->steps[i];

        *step = (struct decide_step){.domid = domain->domid,
                                     .target_kib = domain->target_kib,
                                     .limit_kib = domain->limit_kib};
        for (unsigned int j = 0; j < script->count; j++) {
            if (script->orders[j].domain == domains_of[i] &&
                script->orders[j].at_ms <= snapshot->now_ms) {
                step->target_kib = script->orders[j].target_kib;
            }
        }
        step->limit_kib =
            units_max(step->target_kib, domain->current_kib) + SLACK;
    }
    return script->result;
}

static struct run_options scripted(struct script *script, uint64_t host_kib)
{
    return (struct run_options){
        .host_memory_kib = host_kib,
        .policy = {.name = "script", .plan = script_plan, .state = script},
    };
}

static struct course_domain *add(struct course *course, uint64_t end_ms,
                                 uint64_t start_kib)
{
    struct course_domain *domain = course_add(course);

    assert_non_null(domain);
    domain->ceiling_kib = 16 * GIB;
    domain->floor_kib = 256 * MIB;
    domain->end_ms = end_ms;
    domain->start_kib = start_kib;
    course->duration_ms = units_max(course->duration_ms, end_ms);
    return domain;
}

static void point(struct course_domain *domain, uint64_t at_ms, uint64_t kib)
{
    assert_int_equal(course_domain_add(domain, at_ms, kib), 0);
}

static struct outcome run(const struct course *course,
                          const struct run_options *options)
{
    struct outcome outcome;

    assert_int_equal(run_course(course, options, &outcome), 0);
    assert_int_equal(outcome.count, course->count);
    return outcome;
}

/* Amounts are whole KiB at each bend, so areas are right to 1 KiB. */
static void assert_near(uint64_t found, uint64_t expected, uint64_t by)
{
    assert_in_range(found, expected - by, expected + by);
}

/* 1 GiB held; the working set goes from 1 to 3 GiB from 10 s to 20 s. */
static void what_lacks_is_integrated_exactly(void **state)
{
    struct script script = {0};
    struct run_options options = scripted(&script, 4 * GIB);
    struct course course;
    struct course_domain *domain;
    struct outcome outcome;

    (void)state;
    course_init(&course);
    domain = add(&course, 30 * S, GIB);
    point(domain, 0, GIB);
    point(domain, 10 * S, 3 * GIB);
    outcome = run(&course, &options);

    assert_int_equal(outcome.all.lived_ms, 30 * S);
    assert_near(outcome.all.needed_kib_ms, 60 * GIB * S, 30 * S);
    assert_near(outcome.all.lacked_kib_ms, 30 * GIB * S, 30 * S);
    assert_near(outcome_unmet_millipermyriad(&outcome.all), 5000000, 10);
    assert_int_equal(outcome.all.rises_kib, 2 * GIB);
    assert_int_equal(outcome.all.moved_kib, 0);
    assert_int_equal(outcome.all.writes, 0);
    assert_int_equal(outcome.all.peak_demand_kib, 3 * GIB);
    /* Short from 5/19 s after it began: 0.2 t = 5 % of 1 + 0.2 t. */
    assert_in_range(outcome.all.short_ms, 20 * S - 264, 20 * S - 262);
    assert_false(outcome.is_interrupted);
    assert_int_equal(outcome.ended_ms, 30 * S);
    outcome_done(&outcome);
    outcome_done(&outcome);
    course_done(&course);
}

/* 2 GiB held; the same course: it lacks from 15 s on. */
static void what_lacks_begins_where_lines_cross(void **state)
{
    struct script script = {0};
    struct run_options options = scripted(&script, 4 * GIB);
    struct course course;
    struct course_domain *domain;
    struct outcome outcome;

    (void)state;
    course_init(&course);
    domain = add(&course, 30 * S, 2 * GIB);
    point(domain, 0, GIB);
    point(domain, 10 * S, 3 * GIB);
    outcome = run(&course, &options);

    assert_near(outcome.all.lacked_kib_ms, (25 + 100) * GIB * S / 10, 30 * S);
    assert_int_equal(outcome.domains[0].figures.lacked_kib_ms,
                     outcome.all.lacked_kib_ms);
    outcome_done(&outcome);
    course_done(&course);
}

static void guests_grow_and_shrink_at_their_speeds(void **state)
{
    static const struct order orders[] = {
        {0, 0, 3 * GIB}, /* arrives after 2 s */
        {10 * S, 0, GIB} /* after 8 s */
    };
    struct script script = {.orders = orders, .count = 2};
    struct run_options options = scripted(&script, 4 * GIB);
    struct course course;
    struct outcome outcome;

    (void)state;
    course_init(&course);
    point(add(&course, 20 * S, GIB), 0, 3 * GIB);
    outcome = run(&course, &options);

    assert_int_equal(outcome.all.moved_kib, 2 * GIB);
    /* 2 GiB for 2 s on the way up and 8 s down, halved; and 2 s of them. */
    assert_near(outcome.all.lacked_kib_ms, (2 + 8 + 4) * GIB * S, 20 * S);
    assert_int_equal(outcome.all.needed_kib_ms, 60 * GIB * S);
    assert_int_equal(outcome.all.reversals, 1);
    /* Two targets, and a limit with each. */
    assert_in_range(outcome.all.writes, 4, 60);
    outcome_done(&outcome);
    course_done(&course);
}

static void frames_are_conserved_whatever_is_asked(void **state)
{
    static const struct order orders[] = {
        {0, 0, 4 * GIB},
        {0, 1, 4 * GIB},
        {20 * S, 0, GIB},
    };
    struct script script = {.orders = orders, .count = 3};
    struct run_options options = scripted(&script, 4 * GIB);
    struct course course;
    struct outcome outcome;
    const struct outcome_sample *last;

    (void)state;
    options.samples = 400;
    course_init(&course);
    point(add(&course, 40 * S, GIB), 0, GIB);
    point(add(&course, 40 * S, GIB), 0, 4 * GIB);
    outcome = run(&course, &options);

    assert_in_range(outcome.curve.count, 390, 401);
    for (unsigned int i = 0; i < outcome.curve.count; i++) {
        assert_true(outcome.curve.samples[i].current_kib <= 4 * GIB);
    }
    /* The first took all there was; what it gave back, the other got. */
    last =
        &outcome.domains[1].curve.samples[outcome.domains[1].curve.count - 1];
    assert_int_equal(last->current_kib, 3 * GIB);
    assert_int_equal(last->working_set_kib, 4 * GIB);
    last =
        &outcome.domains[0].curve.samples[outcome.domains[0].curve.count - 1];
    assert_int_equal(last->current_kib, GIB);
    outcome_done(&outcome);
    course_done(&course);
}

static void who_goes_leaves_its_memory_to_who_comes(void **state)
{
    struct script script = {0};
    struct run_options options = scripted(&script, 4 * GIB);
    struct course course;
    struct course_domain *domain;
    struct outcome outcome;

    (void)state;
    course_init(&course);
    point(add(&course, 10 * S, 3 * GIB), 0, 3 * GIB);
    domain = add(&course, 20 * S, 3 * GIB);
    domain->start_ms = 10 * S;
    point(domain, 10 * S, 3 * GIB);
    domain = add(&course, 30 * S, 3 * GIB);
    domain->start_ms = 15 * S; /* 1 GiB is left */
    point(domain, 15 * S, 3 * GIB);
    outcome = run(&course, &options);

    assert_int_equal(outcome.domains[0].figures.lived_ms, 10 * S);
    assert_int_equal(outcome.domains[1].figures.lived_ms, 10 * S);
    assert_int_equal(outcome.domains[0].figures.lacked_kib_ms, 0);
    assert_int_equal(outcome.domains[1].figures.lacked_kib_ms, 0);
    assert_int_equal(outcome.domains[2].figures.lacked_kib_ms,
                     2 * GIB * 15 * S);
    assert_int_equal(outcome.all.peak_demand_kib, 6 * GIB);
    assert_int_equal(outcome.all.floor_violations, 0);
    outcome_done(&outcome);
    course_done(&course);
}

static void reversals_are_steps_that_undo_half_of_one_soon(void **state)
{
    static const struct {
        uint64_t second_ms;
        uint64_t second_kib;
        unsigned int reversals;
        const char *why;
    } cases[] = {
        {100 * S, 2 * GIB, 1, "half of it, soon"},
        {600 * S, GIB, 1, "all of it, at the last moment"},
        {601 * S, GIB, 0, "too late"},
        {100 * S, 2 * GIB + 4, 0, "less than half of it"},
        {100 * S, 4 * GIB, 0, "in the same direction"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct order orders[] = {
            {0, 0, 3 * GIB},
            {cases[i].second_ms, 0, cases[i].second_kib},
        };
        struct script script = {.orders = orders, .count = 2};
        struct run_options options = scripted(&script, 8 * GIB);
        struct course course;
        struct outcome outcome;

        course_init(&course);
        point(add(&course, 1000 * S, GIB), 0, GIB);
        outcome = run(&course, &options);
        if (outcome.all.reversals != cases[i].reversals) {
            fail_msg("%s", cases[i].why);
        }
        outcome_done(&outcome);
        course_done(&course);
    }
}

static void a_target_below_the_floor_is_counted(void **state)
{
    static const struct order orders[] = {{0, 0, 252 * MIB}};
    struct script script = {.orders = orders, .count = 1};
    struct run_options options = scripted(&script, 4 * GIB);
    struct course course;
    struct outcome outcome;

    (void)state;
    course_init(&course);
    point(add(&course, 30 * S, GIB), 0, 0);
    outcome = run(&course, &options);
    assert_int_equal(outcome.all.floor_violations, 1);
    outcome_done(&outcome);
    course_done(&course);
}

static bool stop_after_a_while(void *state, uint64_t done_ms, uint64_t of_ms)
{
    uint64_t *until_ms = state;

    assert_true(done_ms < of_ms);
    return done_ms < *until_ms;
}

/* A working set that keeps the backend awake. */
static void fill_restless(struct course *course, unsigned int count)
{
    for (unsigned int i = 0; i < count; i++) {
        struct course_domain *domain = add(course, 3600 * S, GIB);

        for (uint64_t at = 0; at < 3600; at += 20) {
            point(domain, at * S, (at / 20 + i) % 2 == 0 ? GIB : 2 * GIB);
        }
    }
}

static void an_interrupted_run_says_how_far_it_got(void **state)
{
    struct run_options options = {.host_memory_kib = 5 * GIB};
    uint64_t until_ms = 600 * S;
    struct course course;
    struct outcome outcome;

    (void)state;
    course_init(&course);
    fill_restless(&course, 4);
    assert_int_equal(policy_init("demand", course.count, &options.policy), 0);
    options.is_wanted = stop_after_a_while;
    options.state = &until_ms;
    outcome = run(&course, &options);

    assert_true(outcome.is_interrupted);
    assert_in_range(outcome.ended_ms, until_ms, 3000 * S);
    assert_int_equal(outcome.all.lived_ms, 4 * outcome.ended_ms);
    outcome_done(&outcome);
    policy_done(&options.policy);
    course_done(&course);
}

static void two_runs_are_the_same(void **state)
{
    struct outcome outcomes[2];
    struct course course;

    (void)state;
    course_init(&course);
    fill_restless(&course, 7);
    for (int i = 0; i < 2; i++) {
        struct run_options options = {.host_memory_kib = 11 * GIB};

        assert_int_equal(policy_init("demand", course.count, &options.policy),
                         0);
        outcomes[i] = run(&course, &options);
        policy_done(&options.policy);
    }
    assert_memory_equal(&outcomes[0].all, &outcomes[1].all,
                        sizeof(outcomes[0].all));
    assert_true(outcomes[0].all.lacked_kib_ms > 0);
    outcome_done(&outcomes[0]);
    outcome_done(&outcomes[1]);
    course_done(&course);
}

static void curves_do_not_change_what_comes_out(void **state)
{
    struct outcome outcomes[2];
    struct course course;

    (void)state;
    course_init(&course);
    fill_restless(&course, 7);
    for (int i = 0; i < 2; i++) {
        struct run_options options = {.host_memory_kib = 11 * GIB,
                                      .samples = i == 0 ? 0 : 500};

        assert_int_equal(policy_init("static", course.count, &options.policy),
                         0);
        outcomes[i] = run(&course, &options);
        policy_done(&options.policy);
    }
    assert_near(outcomes[0].all.lacked_kib_ms, outcomes[1].all.lacked_kib_ms,
                outcomes[0].all.lived_ms);
    assert_int_equal(outcomes[0].all.moved_kib, outcomes[1].all.moved_kib);
    assert_int_equal(outcomes[0].all.rises_kib, outcomes[1].all.rises_kib);
    assert_int_equal(outcomes[0].all.writes, outcomes[1].all.writes);
    assert_int_equal(outcomes[0].curve.count, 0);
    outcome_done(&outcomes[0]);
    outcome_done(&outcomes[1]);
    course_done(&course);
}

static uint64_t most_lacked(const struct outcome_curve *curve)
{
    uint64_t most_kib = 0;

    for (unsigned int i = 0; i < curve->count; i++) {
        const struct outcome_sample *sample = &curve->samples[i];

        assert_true(i == 0 || sample->at_ms >= sample[-1].at_ms);
        most_kib = units_max(most_kib, sample->lacks_kib);
    }
    return most_kib;
}

/* Two seconds without enough, in spans of a hundred. */
static void curves_keep_what_is_short(void **state)
{
    static const struct order nothing_new = {151 * S, 0, GIB};
    struct script script = {.orders = &nothing_new, .count = 1};
    struct run_options options = scripted(&script, 8 * GIB);
    struct course course;
    struct course_domain *domain;
    struct outcome outcome;
    const struct outcome_sample *last;

    (void)state;
    options.samples = 10;
    course_init(&course);
    course.ramp_ms = 0;
    domain = add(&course, 1000 * S, GIB);
    point(domain, 0, GIB);
    point(domain, 150 * S, 3 * GIB);
    point(domain, 152 * S, GIB);
    domain = add(&course, 450 * S, GIB); /* gone before its span is over */
    point(domain, 0, GIB);
    point(domain, 440 * S, 4 * GIB);
    outcome = run(&course, &options);

    assert_int_equal(most_lacked(&outcome.domains[0].curve), 2 * GIB);
    assert_int_equal(most_lacked(&outcome.domains[1].curve), 3 * GIB);
    /* Of all: as the policy was asked, and at the ends of spans. */
    assert_in_range(most_lacked(&outcome.curve), 2 * GIB, 3 * GIB);
    assert_in_range(outcome.curve.count, 10, 12);
    last = &outcome.curve.samples[outcome.curve.count - 1];
    assert_int_equal(last->at_ms, 1000 * S);
    assert_int_equal(last->lacks_kib, 0);
    assert_int_equal(last->working_set_kib, GIB);
    outcome_done(&outcome);
    course_done(&course);
}

static void a_policy_that_fails_ends_the_run(void **state)
{
    struct script script = {.result = -EPIPE};
    struct run_options options = scripted(&script, 4 * GIB);
    struct course course;
    struct outcome outcome;

    (void)state;
    course_init(&course);
    point(add(&course, 30 * S, GIB), 0, GIB);
    assert_int_equal(run_course(&course, &options, &outcome), -EPIPE);
    assert_int_equal(script.plans, 1);
    course_done(&course);
}

static void nobody_needs_nothing(void **state)
{
    struct script script = {0};
    struct run_options options = scripted(&script, 4 * GIB);
    struct course course;
    struct outcome outcome;

    (void)state;
    course_init(&course);
    course.duration_ms = 10 * S;
    outcome = run(&course, &options);
    assert_int_equal(outcome.all.lived_ms, 0);
    assert_int_equal(outcome_unmet_millipermyriad(&outcome.all), 0);
    outcome_done(&outcome);
    course_done(&course);
}

/* ---- Policies ----------------------------------------------------------- */

struct held {
    uint64_t kib[4];
};

/* What each holds after ten minutes; everybody needs what active_kib says. */
static struct held settle(const char *policy, struct course *course,
                          uint64_t host_kib, struct outcome *ret_outcome)
{
    struct run_options options = {.host_memory_kib = host_kib, .samples = 100};
    struct held held = {{0}};

    assert_int_equal(policy_init(policy, course->count, &options.policy), 0);
    *ret_outcome = run(course, &options);
    for (unsigned int i = 0; i < course->count; i++) {
        const struct outcome_curve *curve = &ret_outcome->domains[i].curve;

        held.kib[i] = curve->samples[curve->count - 1].current_kib;
    }
    assert_int_equal(ret_outcome->all.floor_violations, 0);
    policy_done(&options.policy);
    return held;
}

static void demand_serves_what_fits_and_takes_from_who_does_not_need(
    void **state)
{
    struct course course;
    struct course_domain *domain;
    struct outcome outcome;
    struct held held;

    (void)state;
    course_init(&course);
    point(add(&course, 600 * S, 4 * GIB), 0, GIB);
    domain = add(&course, 600 * S, GIB);
    point(domain, 0, GIB / 2);
    point(domain, 300 * S, 3 * GIB);
    held = settle("demand", &course, 5 * GIB + 256 * MIB, &outcome);

    assert_true(held.kib[0] >= GIB);
    assert_true(held.kib[1] >= 3 * GIB);
    /* Unmet only while the donor shrinks: 2 GiB at 256 MiB/s. */
    assert_in_range(outcome.all.lacked_kib_ms, 1, 20 * GIB * S);
    outcome_done(&outcome);
    course_done(&course);
}

/*
 * Three of weights 4 to 1 to 1 begin with floors of 2 GiB and a need of 20: what
 * they lack at their beginning is no less wanted than what comes later.
 */
static void demand_splits_by_weight_what_is_lacking_from_the_start(void **state)
{
    struct course course;
    struct outcome outcome;

    (void)state;
    course_init(&course);
    course.reserve_kib = 0;
    for (unsigned int i = 0; i < 3; i++) {
        struct course_domain *domain = add(&course, 600 * S, 2 * GIB);

        domain->floor_kib = 2 * GIB;
        domain->ceiling_kib = 24 * GIB;
        domain->weight = i == 0 ? 400 : 100;
        point(domain, 0, 20 * GIB);
    }
    (void)settle("demand", &course, 30 * GIB, &outcome);

    assert_near(outcome.domains[0].final_current_kib, 18 * GIB, GIB / 3);
    assert_near(outcome.domains[1].final_current_kib, 6 * GIB, GIB / 8);
    assert_near(outcome.domains[2].final_target_kib, 6 * GIB, GIB / 8);
    outcome_done(&outcome);
    course_done(&course);
}

static void static_gives_in_proportion_to_the_ceilings(void **state)
{
    struct course course;
    struct outcome outcome;
    struct held held;

    (void)state;
    course_init(&course);
    course.reserve_kib = 0;
    point(add(&course, 600 * S, GIB), 0, GIB);
    add(&course, 600 * S, GIB)->ceiling_kib = 8 * GIB;
    point(&course.domains[1], 0, GIB);
    held = settle("static", &course, 6 * GIB + 2 * SLACK, &outcome);
    assert_in_range(held.kib[0], 4 * GIB - 64, 4 * GIB);
    assert_in_range(held.kib[1], 2 * GIB - 64, 2 * GIB);
    outcome_done(&outcome);

    held = settle("static", &course, 30 * GIB, &outcome);
    assert_int_equal(held.kib[0], 16 * GIB);
    assert_int_equal(held.kib[1], 8 * GIB);
    assert_int_equal(outcome.all.lacked_kib_ms, 0);
    outcome_done(&outcome);
    course_done(&course);
}

static void proportional_goes_the_same_part_of_the_way(void **state)
{
    struct course course;
    struct outcome outcome;
    struct held held;

    (void)state;
    course_init(&course);
    course.reserve_kib = 0;
    for (unsigned int i = 0; i < 3; i++) {
        struct course_domain *domain = add(&course, 600 * S, GIB);

        domain->floor_kib = GIB;
        domain->ceiling_kib = 5 * GIB;
        point(domain, 0, i * GIB);
    }
    course.domains[2].weight = 2 * SETTINGS_WEIGHT_DEFAULT;
    held = settle("proportional", &course, 7 * GIB + 3 * SLACK, &outcome);
    assert_in_range(held.kib[0], 2 * GIB - 64, 2 * GIB);
    assert_in_range(held.kib[1], 2 * GIB - 64, 2 * GIB);
    assert_in_range(held.kib[2], 3 * GIB - 64, 3 * GIB);
    outcome_done(&outcome);
    course_done(&course);
}

/* Two alike share 18 GiB; one uses 0.9 GiB, the other one all: 4.1 and 13.9. */
static void tax_is_what_it_is_with_esx(void **state)
{
    struct course course;
    struct outcome outcome;
    struct held held;

    (void)state;
    course_init(&course);
    course.reserve_kib = 0;
    point(add(&course, 600 * S, 9 * GIB), 0, GIB * 9 / 10);
    point(add(&course, 600 * S, 9 * GIB), 0, 16 * GIB);
    held = settle("tax", &course, 18 * GIB + 2 * SLACK, &outcome);
    assert_in_range(held.kib[0], 41 * GIB / 10, 42 * GIB / 10);
    assert_in_range(held.kib[1], 138 * GIB / 10, 139 * GIB / 10);
    outcome_done(&outcome);
    course_done(&course);
}

static void static_domains_are_never_touched(void **state)
{
    struct course course;
    struct outcome outcome;
    struct held held;

    (void)state;
    for (unsigned int i = 0; policy_name(i) != NULL; i++) {
        course_init(&course);
        point(add(&course, 600 * S, 2 * GIB), 0, 4 * GIB);
        course.domains[0].is_static = true;
        point(add(&course, 600 * S, GIB), 0, GIB);
        held = settle(policy_name(i), &course, 6 * GIB, &outcome);
        assert_int_equal(held.kib[0], 2 * GIB);
        assert_int_equal(outcome.domains[0].figures.writes, 0);
        outcome_done(&outcome);
        course_done(&course);
    }
}

static void policies_have_names(void **state)
{
    struct run_policy policy;

    (void)state;
    assert_string_equal(policy_name(0), "demand");
    assert_int_equal(policy_init("no such", 3, &policy), -EINVAL);
    assert_int_equal(policy_init("tax", 3, &policy), 0);
    assert_string_equal(policy.name, "tax");
    policy_done(&policy);
    policy_done(&policy);
    policy_done(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_lacks_is_integrated_exactly),
        cmocka_unit_test(what_lacks_begins_where_lines_cross),
        cmocka_unit_test(guests_grow_and_shrink_at_their_speeds),
        cmocka_unit_test(frames_are_conserved_whatever_is_asked),
        cmocka_unit_test(who_goes_leaves_its_memory_to_who_comes),
        cmocka_unit_test(reversals_are_steps_that_undo_half_of_one_soon),
        cmocka_unit_test(a_target_below_the_floor_is_counted),
        cmocka_unit_test(an_interrupted_run_says_how_far_it_got),
        cmocka_unit_test(two_runs_are_the_same),
        cmocka_unit_test(curves_do_not_change_what_comes_out),
        cmocka_unit_test(curves_keep_what_is_short),
        cmocka_unit_test(a_policy_that_fails_ends_the_run),
        cmocka_unit_test(nobody_needs_nothing),
        cmocka_unit_test(
            demand_serves_what_fits_and_takes_from_who_does_not_need),
        cmocka_unit_test(
            demand_splits_by_weight_what_is_lacking_from_the_start),
        cmocka_unit_test(static_gives_in_proportion_to_the_ceilings),
        cmocka_unit_test(proportional_goes_the_same_part_of_the_way),
        cmocka_unit_test(tax_is_what_it_is_with_esx),
        cmocka_unit_test(static_domains_are_never_touched),
        cmocka_unit_test(policies_have_names),
    };

    return cmocka_run_group_tests_name("run", tests, NULL, NULL);
}

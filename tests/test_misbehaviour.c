/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Guests that misbehave without end: what each can write into dom0's log is
 * bounded, and every line is one.
 */
#include <errno.h>

#include "backend/device.h"
#include "common/log.h"
#include "tests/rig.h"

/* Each has its way every 50 ms, or seldom enough to be believed again. */
#define TURN_MS 50

#define LONG_MS (10 * MINUTE_MS)

static unsigned int lines;

static void count_line(enum log_level level, const char *line)
{
    (void)level;
    assert_null(strpbrk(line, "\n\r\033"));
    lines++;
}

/* ---- What they do ------------------------------------------------------- */

static void flap(struct rig *rig, unsigned int i)
{
    static const char *const states[] = {"3", "4", "6", "1", "x", ""};

    say(rig, PROTOCOL_NODE_VERSION, i % 7 == 0 ? "2" : "1");
    say(rig, PROTOCOL_NODE_STATE, states[i % 6]);
}

static void connect_and_leave(struct rig *rig, unsigned int i)
{
    if (i % 8 == 0) {
        offer_record(rig, REPORT("10000"));
    } else if (i % 8 == 4) {
        say(rig, PROTOCOL_NODE_STATE, "6");
    }
}

static void change_transport(struct rig *rig, unsigned int i)
{
    if (i % 8 == 0) {
        offer_record(rig, REPORT("10000"));
    } else if (i % 8 == 4) {
        offer_page(rig, REPORT("10000"));
    }
}

static void take_apart(struct rig *rig, unsigned int i)
{
    (void)i;
    (void)bus_remove(&rig->guest, BUS_NO_TRANSACTION, PROTOCOL_FRONTEND);
}

static void write_nonsense(struct rig *rig, unsigned int i)
{
    static const char *const reports[] = {"\n\n%s%n\033[2J", "version=1",
                                          REPORT("10000")};

    if (i % 40 == 0) {
        offer_record(rig, reports[0]);
    }
    say(rig, PROTOCOL_NODE_REPORT, reports[i % 3]);
    say(rig, PROTOCOL_NODE_ANSWER, reports[i % 2]);
}

/* As long as it is believed, and again at once. */
static void fall_silent(struct rig *rig, unsigned int i)
{
    const unsigned int turns =
        (BALANCER_HEARTBEATS * REPORT_HEARTBEAT_MIN_MS + 200) / TURN_MS;

    if (i == 0) {
        offer_record(rig, REPORT("1000"));
    } else if (i % turns == 0) {
        say(rig, PROTOCOL_NODE_REPORT, REPORT("1000"));
    }
}

/* With a bell that nobody can bind, and another, and another. */
static void offer_bells(struct rig *rig, unsigned int i)
{
    char port[16];

    if (i % 4 == 0) {
        (void)snprintf(port, sizeof(port), "%u", i);
        say(rig, PROTOCOL_NODE_EVENT_CHANNEL, port);
        offer_page(rig, REPORT("10000"));
    }
}

/* It needs all, and nothing, and all. */
static void swing(struct rig *rig, unsigned int i)
{
    if (i == 0) {
        offer_record(rig, REPORT("10000"));
    }
    if (i % 4 == 0) {
        say(rig, PROTOCOL_NODE_REPORT,
            i % 8 == 0 ? "version=1 state=running balloon=idle "
                         "heartbeat_ms=1000 current_kib=409600 "
                         "balloon_target_kib=409600 target_kib=409600 "
                         "total_kib=400000 available_kib=0 free_kib=0"
                       : "version=1 state=running balloon=idle "
                         "heartbeat_ms=1000 current_kib=409600 "
                         "balloon_target_kib=409600 target_kib=409600 "
                         "total_kib=400000 available_kib=390000 "
                         "free_kib=390000");
    }
}

static const struct {
    const char *why;
    void (*act)(struct rig *rig, unsigned int i);
} habits[] = {
    {"a state that flaps", flap},
    {"connects and leaves", connect_and_leave},
    {"changes its transport", change_transport},
    {"takes its directory apart", take_apart},
    {"writes nonsense", write_nonsense},
    {"falls silent", fall_silent},
    {"offers bells", offer_bells},
    {"swings", swing},
};

/* ---- The tests ---------------------------------------------------------- */

static void misbehave(struct rig *rig,
                      void (*act)(struct rig *rig, unsigned int i),
                      uint64_t duration_ms)
{
    unsigned int i;

    for (i = 0; i < duration_ms / TURN_MS; i++) {
        act(rig, i);
        run(&rig->scenario, TURN_MS);
    }
}

static void log_is_bounded(void **state)
{
    unsigned int i;

    (void)state;
    for (i = 0; i < sizeof(habits) / sizeof(habits[0]); i++) {
        struct rig rig;

        rig_start(&rig);
        lines = 0;
        log_to_taker(count_line, LOG_LEVEL_INFO);
        misbehave(&rig, habits[i].act, LONG_MS);
        log_to_nowhere();
        print_message("# %s: %u lines in 10 min\n", habits[i].why, lines);
        assert_true(lines <= LONG_MS / SAYING_GAP_MS);
        rig_done(&rig);
    }
}

static int refuse_limit(void *state, uint32_t domid, uint64_t limit_kib)
{
    (void)state;
    (void)domid;
    (void)limit_kib;
    return -EPERM;
}

/* The taker waits for it in vain, tick after tick. */
static void step_that_fails_on_and_on_is_said_once(void **state)
{
    struct scenario scenario;
    struct hypervisor *hypervisor = &scenario.world.daemon.hypervisor;
    struct hypervisor_ops ops;

    (void)state;
    two_guests(&scenario);
    start(&scenario);
    ops = *hypervisor->ops;
    ops.set_limit = refuse_limit;
    hypervisor->ops = &ops;
    lines = 0;
    log_to_taker(count_line, LOG_LEVEL_WARNING);
    run(&scenario, 10 * MINUTE_MS);
    log_to_nowhere();
    print_message("# %u warnings in 10 min\n", lines);
    assert_in_range(lines, 1, 4);
    scenario_done(&scenario);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(log_is_bounded),
        cmocka_unit_test(step_that_fails_on_and_on_is_said_once),
    };

    log_to_nowhere();
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What Xen or the store refuses on and on, on the simulated host: it is tried
 * again later each time, but soon what others wait for, and at once what
 * nobody has refused.
 */
#include <errno.h>
#include <string.h>

#include "common/log.h"
#include "common/protocol.h"
#include "tests/steps.h"

/* The domains of two_guests(). */
#define DONOR 1
#define TAKER 2

#define RECORD_OF_1 PROTOCOL_RECORD_DIR "/1/"

/* Ticks of a host in motion come so late. */
#define LATE_MS DECIDE_MOVING_MS

/* The seams of the backend that runs, and what they were. */
static struct hypervisor_ops hypervisor_now;
static struct hypervisor_ops hypervisor_was;
static struct bus_ops bus_now;
static struct bus_ops bus_was;

/* What was refused, and when. */
static struct {
    const struct world *world;
    unsigned int count;
    uint64_t first_ms;
    uint64_t last_ms;
    uint64_t longest_ms; /* between two */
} refused;

static void begin(struct scenario *scenario)
{
    struct daemon *daemon = &scenario->world.daemon;

    hypervisor_was = hypervisor_now = *daemon->hypervisor.ops;
    daemon->hypervisor.ops = &hypervisor_now;
    bus_was = bus_now = *daemon->bus.ops;
    daemon->bus.ops = &bus_now;
    memset(&refused, 0, sizeof(refused));
    refused.world = &scenario->world;
}

static int refuse(void)
{
    uint64_t now_ms = refused.world->now_ms;

    if (refused.count++ == 0) {
        refused.first_ms = now_ms;
    } else if (now_ms - refused.last_ms > refused.longest_ms) {
        refused.longest_ms = now_ms - refused.last_ms;
    }
    refused.last_ms = now_ms;
    return -ENOSPC;
}

static void expect_refusals(unsigned int least, unsigned int most,
                            uint64_t longest_ms)
{
    print_message("# %u times, %llu ms apart at most\n", refused.count,
                  (unsigned long long)refused.longest_ms);
    assert_in_range(refused.count, least, most);
    assert_true(refused.longest_ms <= longest_ms);
}

/* ---- Steps -------------------------------------------------------------- */

static uint64_t limit_of(const struct scenario *scenario, uint32_t domid)
{
    const struct balancer *balancer = &scenario->world.daemon.balancer;
    unsigned int i;

    for (i = 0; i < balancer->count; i++) {
        if (balancer->domains[i].domid == domid) {
            return balancer->domains[i].seen.limit_kib;
        }
    }
    return 0;
}

static const struct scenario *played;

static int refuse_more(void *state, uint32_t domid, uint64_t limit_kib)
{
    return domid == TAKER && limit_kib > limit_of(played, domid)
               ? refuse()
               : hypervisor_was.set_limit(state, domid, limit_kib);
}

static int refuse_less(void *state, uint32_t domid, uint64_t limit_kib)
{
    return domid == DONOR && limit_kib < limit_of(played, domid)
               ? refuse()
               : hypervisor_was.set_limit(state, domid, limit_kib);
}

static int refuse_target(void *state, bus_transaction t, const char *path,
                         const char *value, size_t len)
{
    return strcmp(path, "/local/domain/1/" PROTOCOL_TARGET) == 0
               ? refuse()
               : bus_was.write(state, t, path, value, len);
}

/* The taker's, which would grow. */
static void raise_is_tried_later_each_time(void **state)
{
    struct scenario scenario;

    (void)state;
    two_guests(&scenario);
    start(&scenario);
    played = &scenario;
    begin(&scenario);
    hypervisor_now.set_limit = refuse_more;
    run(&scenario, 10 * MINUTE_MS);
    expect_refusals(100, 150, RETRY_LAST_MS + LATE_MS);

    hypervisor_now.set_limit = hypervisor_was.set_limit;
    run(&scenario, RETRY_LAST_MS + 15 * SECOND_MS);
    assert_true(scenario_is_content(&scenario));
    scenario_done(&scenario);
}

/* The donor's, which has given. */
static void limit_that_must_come_down_is_tried_each_second(void **state)
{
    struct scenario scenario;

    (void)state;
    two_guests(&scenario);
    start(&scenario);
    played = &scenario;
    begin(&scenario);
    hypervisor_now.set_limit = refuse_less;
    run(&scenario, 2 * MINUTE_MS);
    expect_refusals(50, 150, RETRY_URGENT_MS + LATE_MS);
    scenario_done(&scenario);
}

/* The donor's. */
static void target_is_tried_each_second(void **state)
{
    struct scenario scenario;

    (void)state;
    two_guests(&scenario);
    start(&scenario);
    begin(&scenario);
    bus_now.write = refuse_target;
    run(&scenario, 2 * MINUTE_MS);
    expect_refusals(50, 150, RETRY_URGENT_MS + LATE_MS);
    scenario_done(&scenario);
}

/*
 * The taker waits in vain for more, and is then to have less: the first plan
 * that says so is carried out in its own tick.
 */
static void other_step_is_not_delayed(void **state)
{
    const struct balancer_domain *taker;
    struct scenario scenario;
    unsigned int i;

    (void)state;
    two_guests(&scenario);
    scenario.world.settings.intent_wait_ms = 0; /* nobody is warned */
    start(&scenario);
    played = &scenario;
    begin(&scenario);
    hypervisor_now.set_limit = refuse_more;
    run(&scenario, MINUTE_MS);
    while (refused.last_ms != scenario.world.now_ms) {
        run(&scenario, 1);
    }
    taker = scenario_seen(&scenario, "taker");
    assert_int_equal(taker->refused, BALANCER_RAISES);
    assert_int_equal(taker->step_retry.delay_ms, RETRY_LAST_MS);

    scenario_bound(&scenario, "taker", 200 * MIB, 500 * MIB);
    for (i = 0; i < RETRY_URGENT_MS &&
                taker->step.target_kib >= taker->seen.target_kib;
         i++) {
        run(&scenario, 1);
        taker = scenario_seen(&scenario, "taker");
    }
    assert_true(taker->step.target_kib < taker->seen.target_kib);
    assert_int_equal(scenario_target(&scenario, "taker"),
                     taker->step.target_kib);
    scenario_done(&scenario);
}

/* ---- Words -------------------------------------------------------------- */

static int refuse_allowance(void *state, bus_transaction t, const char *path,
                            const char *value, size_t len)
{
    return strstr(path, "/" PROTOCOL_NODE_ALLOWANCE) != NULL
               ? refuse()
               : bus_was.write(state, t, path, value, len);
}

static int refuse_record(void *state, bus_transaction t, const char *path,
                         const char *value, size_t len)
{
    return strncmp(path, RECORD_OF_1, strlen(RECORD_OF_1)) == 0
               ? refuse()
               : bus_was.write(state, t, path, value, len);
}

static unsigned int warnings;

static void count_warning(enum log_level level, const char *line)
{
    (void)line;
    warnings += level == LOG_LEVEL_WARNING ? 1 : 0;
}

static void less_allowance_is_told_again_each_second(void **state)
{
    struct scenario scenario;

    (void)state;
    scenario_init(&scenario, 4096 * MIB);
    (void)scenario_add(&scenario, "one", 600 * MIB, 1000 * MIB, 100 * MIB);
    start(&scenario);
    run(&scenario, 20 * SECOND_MS);
    assert_true(scenario_seen(&scenario, "one")->device.allowance_kib > 0);
    begin(&scenario);
    scenario.world.settings.reserve_kib = 4096 * MIB; /* none is left */
    bus_now.write = refuse_allowance;
    run(&scenario, 2 * MINUTE_MS);
    expect_refusals(50, 150, RETRY_URGENT_MS + LATE_MS);

    bus_now.write = bus_was.write;
    run(&scenario, 2 * SECOND_MS);
    assert_int_equal(scenario_seen(&scenario, "one")->device.allowance_kib, 0);
    scenario_done(&scenario);
}

/* That the operator has taken over. */
static void record_is_tried_later_and_named_once(void **state)
{
    struct scenario scenario;

    (void)state;
    two_guests(&scenario);
    start(&scenario);
    begin(&scenario);
    bus_now.write = refuse_record;
    warnings = 0;
    log_to_taker(count_warning, LOG_LEVEL_WARNING);
    assert_int_equal(xl_mem_set(&scenario.world,
                                world_find(&scenario.world, "donor"),
                                700 * MIB),
                     0);
    run(&scenario, 2 * MINUTE_MS);
    log_to_nowhere();
    expect_refusals(20, 40, RETRY_LAST_MS + LATE_MS);
    assert_in_range(warnings, 1, 2);

    bus_now.write = bus_was.write;
    run(&scenario, RETRY_LAST_MS);
    assert_string_equal(
        store_peek(scenario.world.store, RECORD_OF_1 "operator"), "1");
    scenario_done(&scenario);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(raise_is_tried_later_each_time),
        cmocka_unit_test(limit_that_must_come_down_is_tried_each_second),
        cmocka_unit_test(target_is_tried_each_second),
        cmocka_unit_test(other_step_is_not_delayed),
        cmocka_unit_test(less_allowance_is_told_again_each_second),
        cmocka_unit_test(record_is_tried_later_and_named_once),
    };

    log_to_nowhere();
    return cmocka_run_group_tests(tests, NULL, NULL);
}

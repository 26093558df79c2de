/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The whole frontend on a bus of three nodes that fails when told to, and on
 * a kernel of one struct.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/log.h"
#include "common/protocol.h"
#include "common/report.h"
#include "frontend/frontend.h"

#define COUNT_OF(table) (sizeof(table) / sizeof((table)[0]))

#define MIB UINT64_C(1024)
#define START_MS 5000

/* --- A bus of three nodes ------------------------------------------------ */

struct node {
    const char *path;
    bool exists;
    char value[BUS_VALUE_MAX];
    size_t len;
};

struct fake {
    struct node nodes[3];
    bool watched;
    unsigned int events; /* of the target that wait */
    unsigned int reads, writes, watches;
    int read_error, write_error, watch_error;
    bool gone;
};

static struct node *find(struct fake *fake, const char *path)
{
    for (size_t i = 0; i < COUNT_OF(fake->nodes); i++) {
        if (strcmp(fake->nodes[i].path, path) == 0) {
            return &fake->nodes[i];
        }
    }
    fail_msg("a node that is not in the protocol: %s", path);
    abort(); /* fail_msg() does not return, but gcc cannot know */
}

static int fake_read(void *state, bus_transaction t, const char *path,
                     char *value, size_t size)
{
    struct fake *fake = state;
    const struct node *node = find(fake, path);

    (void)t;
    fake->reads++;
    if (fake->gone) {
        return -ENOTCONN;
    }
    if (fake->read_error != 0) {
        return fake->read_error;
    }
    if (!node->exists) {
        return -ENOENT;
    }
    if (node->len >= size) {
        return -E2BIG;
    }
    memcpy(value, node->value, node->len);
    value[node->len] = '\0';
    return (int)node->len;
}

static int fake_write(void *state, bus_transaction t, const char *path,
                      const char *value, size_t len)
{
    struct fake *fake = state;
    struct node *node = find(fake, path);

    (void)t;
    fake->writes++;
    assert_string_equal(path, PROTOCOL_REPORT);
    assert_true(len < PROTOCOL_REPORT_MAX);
    if (fake->gone) {
        return -ENOTCONN;
    }
    if (fake->write_error != 0) {
        return fake->write_error;
    }
    memcpy(node->value, value, len);
    node->len = len;
    node->exists = true;
    return 0;
}

static int fake_watch(void *state, const char *path, const char *token)
{
    struct fake *fake = state;

    (void)token;
    assert_string_equal(path, PROTOCOL_TARGET);
    fake->watches++;
    if (fake->gone) {
        return -ENOTCONN;
    }
    if (fake->watch_error != 0) {
        return fake->watch_error;
    }
    fake->watched = true;
    fake->events = 1;
    return 0;
}

static int fake_next_event(void *state, struct bus_event *ret_event)
{
    struct fake *fake = state;

    if (fake->gone) {
        return -ENOTCONN;
    }
    if (fake->events == 0) {
        return 0;
    }
    fake->events--;
    (void)snprintf(ret_event->path, sizeof(ret_event->path), "%s",
                   PROTOCOL_TARGET);
    return 1;
}

static const struct bus_ops fake_ops = {
    .read = fake_read,
    .write = fake_write,
    .watch = fake_watch,
    .next_event = fake_next_event,
};

static void set_target(struct fake *fake, uint64_t kib)
{
    struct node *node = find(fake, PROTOCOL_TARGET);

    node->exists = true;
    node->len = (size_t)snprintf(node->value, sizeof(node->value), "%ju",
                                 (uintmax_t)kib);
    fake->events += fake->watched;
}

/* --- A kernel of one struct ---------------------------------------------- */

struct kernel {
    struct guest_sample sample;
    int sample_error, target_error;
    unsigned int targets; /* written */
};

static int kernel_sample(void *state, struct guest_sample *ret_sample)
{
    const struct kernel *kernel = state;

    if (kernel->sample_error != 0) {
        return kernel->sample_error;
    }
    *ret_sample = kernel->sample;
    return 0;
}

static int kernel_set_balloon_target(void *state, uint64_t target_kib)
{
    struct kernel *kernel = state;

    kernel->targets++;
    if (kernel->target_error != 0) {
        return kernel->target_error;
    }
    kernel->sample.balloon_target_kib = target_kib;
    return 0;
}

static const struct guest_ops kernel_ops = {
    .sample = kernel_sample,
    .set_balloon_target = kernel_set_balloon_target,
};

/* --- Both with a frontend ------------------------------------------------ */

struct rig {
    struct fake fake;
    struct bus bus;
    struct kernel kernel;
    struct guest guest;
    struct frontend frontend;
    uint64_t now_ms;
};

static struct rig rig;

static int set_up(void **state)
{
    (void)state;
    log_to_nowhere();
    memset(&rig, 0, sizeof(rig));
    rig.fake.nodes[0].path = PROTOCOL_TARGET;
    rig.fake.nodes[1].path = PROTOCOL_STATIC_MAX;
    rig.fake.nodes[2].path = PROTOCOL_REPORT;
    rig.bus = (struct bus){&fake_ops, &rig.fake};
    rig.guest = (struct guest){&kernel_ops, &rig.kernel};
    rig.kernel.sample = (struct guest_sample){
        .total_kib = 1000 * MIB,
        .available_kib = 900 * MIB,
        .has_balloon = true,
        .balloon_current_kib = 1024 * MIB,
        .balloon_target_kib = 1024 * MIB,
    };
    set_target(&rig.fake, 1025 * MIB);
    rig.now_ms = START_MS;
    frontend_init(&rig.frontend, &rig.bus, &rig.guest, DECIDE_HEARTBEAT_MS);
    return 0;
}

/* One round now; returns when the next is due. */
static uint64_t tick(void)
{
    uint64_t next_ms = 0;

    assert_int_equal(frontend_tick(&rig.frontend, rig.now_ms, &next_ms), 0);
    assert_true(next_ms > rig.now_ms);
    assert_true(next_ms <= rig.now_ms + BACKOFF_LAST_MS);
    return next_ms;
}

/*
 * Every round that falls due within the time, the first now; returns how many.
 * Ends between two rounds, so that what follows is not a heartbeat's doing.
 */
static unsigned int run(uint64_t for_ms)
{
    const uint64_t end_ms = rig.now_ms + for_ms;
    unsigned int ticks = 0;

    while (rig.now_ms < end_ms) {
        uint64_t next_ms = tick();

        rig.now_ms = next_ms < end_ms ? next_ms : end_ms;
        ticks++;
    }
    return ticks;
}

static struct report last_report(void)
{
    const struct node *node = find(&rig.fake, PROTOCOL_REPORT);
    struct report report;

    assert_true(node->exists);
    assert_int_equal(report_parse(node->value, node->len, &report), 0);
    return report;
}

static void first_round_watches_and_reports(void **state)
{
    struct report report;

    (void)state;
    (void)tick();

    assert_true(rig.fake.watched);
    report = last_report();
    assert_int_equal(report.state, REPORT_RUNNING);
    assert_int_equal(report.balloon, REPORT_BALLOON_IDLE);
    assert_int_equal(report.target_kib, 1025 * MIB);
    assert_int_equal(report.available_kib, 900 * MIB);
}

static void quiet_guest_costs_the_store_one_write_a_heartbeat(void **state)
{
    (void)state;
    (void)run(1000);
    rig.fake.reads = 0;
    rig.fake.writes = 0;

    (void)run(10 * 60 * 1000);

    assert_in_range(rig.fake.writes, 60, 61);
    assert_int_equal(rig.fake.reads, 0);
    assert_int_equal(rig.fake.watches, 1);
}

static void new_target_is_told_at_once(void **state)
{
    (void)state;
    (void)run(25000);
    set_target(&rig.fake, 513 * MIB);

    (void)tick();

    assert_int_equal(last_report().target_kib, 513 * MIB);
}

static void restored_guest_reports_at_once(void **state)
{
    (void)state;
    (void)run(25000);
    find(&rig.fake, PROTOCOL_REPORT)->exists = false;
    rig.fake.events = 1; /* the kernel has registered the watch anew */

    (void)tick();

    assert_true(find(&rig.fake, PROTOCOL_REPORT)->exists);
}

static void event_without_a_change_is_answered_with_nothing(void **state)
{
    unsigned int writes;

    (void)state;
    (void)run(25000);
    writes = rig.fake.writes;

    for (int i = 0; i < 100; i++) {
        rig.fake.events = 1;
        (void)tick();
    }

    assert_int_equal(rig.fake.writes, writes);
}

static void store_that_refuses_is_asked_less_and_less(void **state)
{
    static const int errors[] = {-ENOSPC, -EACCES, -EAGAIN, -EINVAL, -E2BIG};

    for (size_t i = 0; i < COUNT_OF(errors); i++) {
        (void)set_up(state);
        rig.fake.write_error = errors[i];

        assert_true(run(5 * 60 * 1000) < 200);
        assert_in_range(rig.fake.writes, 10, 20); /* 1, 2, 4 ... 30 s */

        rig.fake.write_error = 0;
        (void)run(BACKOFF_LAST_MS + 1000);
        assert_true(find(&rig.fake, PROTOCOL_REPORT)->exists);
    }
}

static void refused_report_is_written_when_the_store_relents(void **state)
{
    (void)state;
    (void)run(25000);
    rig.fake.write_error = -ENOSPC;
    rig.kernel.sample.available_kib = 500 * MIB;
    (void)run(300);
    /* What was news is none any more when the time to try again comes. */
    rig.kernel.sample.available_kib = 900 * MIB;

    assert_true(run(30000) < 100);

    rig.fake.write_error = 0;
    (void)run(BACKOFF_LAST_MS + DECIDE_HEARTBEAT_MS);
    assert_int_equal(last_report().available_kib, 900 * MIB);
}

static void guest_without_a_target_reports_nevertheless(void **state)
{
    (void)state;
    find(&rig.fake, PROTOCOL_TARGET)->exists = false;

    (void)tick();
    assert_int_equal(last_report().target_kib, 0);

    set_target(&rig.fake, 77 * MIB);
    rig.now_ms += 1000;
    (void)tick();
    assert_int_equal(last_report().target_kib, 77 * MIB);
}

static void target_that_is_no_number_is_no_target(void **state)
{
    struct node *node = find(&rig.fake, PROTOCOL_TARGET);

    (void)state;
    (void)strcpy(node->value, "lots");
    node->len = 4;

    (void)tick();

    assert_int_equal(last_report().target_kib, 0);
}

static void unreadable_target_is_read_again(void **state)
{
    (void)state;
    rig.fake.read_error = -EACCES;
    (void)run(1000);
    assert_int_equal(last_report().target_kib, 0);

    rig.fake.read_error = 0;
    (void)run(DECIDE_HEARTBEAT_MS);

    assert_int_equal(last_report().target_kib, 1025 * MIB);
}

static void without_a_watch_the_target_is_asked_for(void **state)
{
    (void)state;
    rig.fake.watch_error = -E2BIG; /* xenstored's quota of watches */
    (void)run(5 * 60 * 1000);
    assert_in_range(rig.fake.watches, 10, 20);

    set_target(&rig.fake, 513 * MIB);
    (void)run(DECIDE_HEARTBEAT_MS);

    assert_int_equal(last_report().target_kib, 513 * MIB);
}

static void lost_bus_is_the_callers_to_reopen(void **state)
{
    uint64_t next_ms = 4711;

    (void)state;
    (void)run(25000);
    rig.fake.gone = true;
    assert_int_equal(frontend_tick(&rig.frontend, rig.now_ms, &next_ms),
                     -ENOTCONN);
    assert_int_equal(next_ms, 4711);

    rig.fake.gone = false;
    rig.fake.watched = false;
    find(&rig.fake, PROTOCOL_REPORT)->exists = false;
    frontend_rejoin(&rig.frontend);
    (void)tick();

    assert_true(rig.fake.watched);
    assert_true(find(&rig.fake, PROTOCOL_REPORT)->exists);
}

/* In each kind of call that a round makes. */
static void bus_may_be_lost_at_any_call(void **state)
{
    for (int broken = 0; broken < 3; broken++) {
        uint64_t next_ms;
        int r;

        (void)set_up(state);
        rig.fake.watch_error = broken == 0 ? -ENOTCONN : 0;
        rig.fake.read_error = broken == 1 ? -ENOTCONN : 0;
        rig.fake.write_error = broken == 2 ? -ENOTCONN : 0;
        r = frontend_tick(&rig.frontend, rig.now_ms, &next_ms);
        assert_int_equal(r, -ENOTCONN);
    }
}

static void kernel_that_does_not_answer_is_asked_again(void **state)
{
    static const int errors[] = {-EINVAL, -EIO, -ENOTCONN, -ENOMEM};

    for (size_t i = 0; i < COUNT_OF(errors); i++) {
        (void)set_up(state);
        rig.kernel.sample_error = errors[i];
        assert_true(run(60000) < 20);
        assert_int_equal(rig.fake.writes, 0);

        rig.kernel.sample_error = 0;
        (void)run(BACKOFF_LAST_MS);
        assert_true(find(&rig.fake, PROTOCOL_REPORT)->exists);
    }
}

static void kernel_is_told_nothing_but_kicks(void **state)
{
    (void)state;
    (void)run(60000);
    set_target(&rig.fake, 513 * MIB); /* the kernel obeys by itself */
    rig.kernel.sample.balloon_target_kib = 512 * MIB;
    rig.kernel.sample.balloon_current_kib = 512 * MIB;
    (void)run(60000);
    assert_int_equal(rig.kernel.targets, 0);

    rig.kernel.sample.balloon_target_kib = 2000 * MIB;
    (void)run(60000);
    assert_in_range(rig.kernel.targets, 5, 7);
    assert_int_equal(last_report().balloon, REPORT_BALLOON_STUCK);
}

static void kernel_that_refuses_a_kick_does_no_harm(void **state)
{
    (void)state;
    rig.kernel.target_error = -EPERM;
    rig.kernel.sample.balloon_target_kib = 2000 * MIB;

    assert_true(run(10 * 60 * 1000) < 1000);

    assert_in_range(rig.kernel.targets, 10, 30);
    assert_int_equal(last_report().balloon, REPORT_BALLOON_STUCK);
}

static void stopped_frontend_says_so(void **state)
{
    const struct node *node = find(&rig.fake, PROTOCOL_REPORT);

    (void)state;
    (void)run(1000);

    assert_int_equal(frontend_stop(&rig.frontend), 0);

    assert_int_equal(node->len, strlen("version=1 state=stopped"));
    assert_memory_equal(node->value, "version=1 state=stopped", node->len);
}

#define TEST(name) cmocka_unit_test_setup(name, set_up)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(first_round_watches_and_reports),
        TEST(quiet_guest_costs_the_store_one_write_a_heartbeat),
        TEST(new_target_is_told_at_once),
        TEST(restored_guest_reports_at_once),
        TEST(event_without_a_change_is_answered_with_nothing),
        TEST(store_that_refuses_is_asked_less_and_less),
        TEST(refused_report_is_written_when_the_store_relents),
        TEST(guest_without_a_target_reports_nevertheless),
        TEST(target_that_is_no_number_is_no_target),
        TEST(unreadable_target_is_read_again),
        TEST(without_a_watch_the_target_is_asked_for),
        TEST(lost_bus_is_the_callers_to_reopen),
        TEST(bus_may_be_lost_at_any_call),
        TEST(kernel_that_does_not_answer_is_asked_again),
        TEST(kernel_is_told_nothing_but_kicks),
        TEST(kernel_that_refuses_a_kick_does_no_harm),
        TEST(stopped_frontend_says_so),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

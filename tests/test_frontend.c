/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The whole frontend on a bus of a few nodes that fails when told to, with a
 * backend that answers as the specification says, and on a kernel of one
 * struct.
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

#define OWN(name) PROTOCOL_FRONTEND "/" name
#define BACKEND_PATH PROTOCOL_BACKEND_DIR "/7/0"
#define BACKENDS(name) BACKEND_PATH "/" name

/* --- A bus of a few nodes ------------------------------------------------ */

static const char *const paths[] = {
    PROTOCOL_TARGET,
    PROTOCOL_STATIC_MAX,
    PROTOCOL_VIDEORAM,
    OWN(PROTOCOL_NODE_BACKEND),
    OWN(PROTOCOL_NODE_STATE),
    OWN(PROTOCOL_NODE_VERSION),
    OWN(PROTOCOL_NODE_TRANSPORT),
    OWN(PROTOCOL_NODE_PAGE_REF),
    OWN(PROTOCOL_NODE_EVENT_CHANNEL),
    OWN(PROTOCOL_NODE_FEATURE_REFLEX),
    OWN(PROTOCOL_NODE_FEATURE_INTENT),
    OWN(PROTOCOL_NODE_REPORT),
    OWN(PROTOCOL_NODE_DOORBELL),
    OWN(PROTOCOL_NODE_ANSWER),
    BACKENDS(PROTOCOL_NODE_STATE),
    BACKENDS(PROTOCOL_NODE_FEATURE_PAGE),
    BACKENDS(PROTOCOL_NODE_FEATURE_EVENT_CHANNEL),
    BACKENDS(PROTOCOL_NODE_ALLOWANCE),
    BACKENDS(PROTOCOL_NODE_ANNOUNCEMENT),
    BACKENDS(PROTOCOL_NODE_REASON),
};

#define NODES COUNT_OF(paths)
#define WATCHES 3
#define EVENTS 32

struct node {
    bool exists;
    char value[PROTOCOL_REPORT_MAX + 1];
    size_t len;
};

struct fake {
    struct node nodes[NODES], before[NODES]; /* the transaction */
    char watched[WATCHES][BUS_PATH_MAX];     /* by the frontend */
    const char *tokens[WATCHES];
    struct bus_event events[EVENTS]; /* that wait */
    unsigned int event_count;
    unsigned int reads, writes, watches;
    const char *unreadable; /* alone; NULL: everything */
    int read_error, write_error, watch_error;
    bool gone;
};

static struct node *find(struct fake *fake, const char *path)
{
    for (size_t i = 0; i < NODES; i++) {
        if (strcmp(paths[i], path) == 0) {
            return &fake->nodes[i];
        }
    }
    fail_msg("a node that is not in the protocol: %s", path);
    abort(); /* fail_msg() does not return, but gcc cannot know */
}

static void add_event(struct fake *fake, const char *path, const char *token)
{
    struct bus_event *event = &fake->events[fake->event_count];

    assert_true(fake->event_count < EVENTS);
    fake->event_count++;
    (void)snprintf(event->path, sizeof(event->path), "%s", path);
    (void)snprintf(event->token, sizeof(event->token), "%s", token);
}

static void changed(struct fake *fake, const char *path)
{
    for (size_t i = 0; i < WATCHES; i++) {
        const char *watched = fake->watched[i];
        size_t len = strlen(watched);

        if (len > 0 && strncmp(path, watched, len) == 0 &&
            (path[len] == '\0' || path[len] == '/')) {
            add_event(fake, path, fake->tokens[i]);
        }
    }
}

/* As all watches do after save and restore. */
static void fire_all(struct fake *fake)
{
    for (size_t i = 0; i < WATCHES; i++) {
        if (fake->watched[i][0] != '\0') {
            add_event(fake, fake->watched[i], fake->tokens[i]);
        }
    }
}

static void put(struct fake *fake, const char *path, const char *value)
{
    struct node *node = find(fake, path);

    node->exists = true;
    node->len = strlen(value);
    memcpy(node->value, value, node->len + 1);
    changed(fake, path);
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
    if (fake->read_error != 0 &&
        (fake->unreadable == NULL || strcmp(fake->unreadable, path) == 0)) {
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

static int may_write(const struct fake *fake, const char *path)
{
    assert_int_equal(
        strncmp(path, PROTOCOL_FRONTEND "/", strlen(PROTOCOL_FRONTEND "/")), 0);
    return fake->gone ? -ENOTCONN : fake->write_error;
}

static int fake_write(void *state, bus_transaction t, const char *path,
                      const char *value, size_t len)
{
    struct fake *fake = state;
    struct node *node = find(fake, path);
    int r;

    fake->writes += t == BUS_NO_TRANSACTION;
    assert_true(len <= PROTOCOL_REPORT_MAX);
    r = may_write(fake, path);
    if (r == 0) {
        memcpy(node->value, value, len);
        node->len = len;
        node->exists = true;
        changed(fake, path);
    }
    return r;
}

static int fake_remove(void *state, bus_transaction t, const char *path)
{
    struct fake *fake = state;
    int r = may_write(fake, path);

    fake->writes += t == BUS_NO_TRANSACTION;
    if (r == 0) {
        find(fake, path)->exists = false;
    }
    return r;
}

static int fake_begin(void *state, bus_transaction *ret_t)
{
    struct fake *fake = state;

    if (fake->gone) {
        return -ENOTCONN;
    }
    memcpy(fake->before, fake->nodes, sizeof(fake->before));
    *ret_t = 1;
    return 0;
}

static int fake_end(void *state, bus_transaction t, bool commit)
{
    struct fake *fake = state;

    (void)t;
    fake->writes++;
    if (fake->gone) {
        return -ENOTCONN;
    }
    if (!commit) {
        memcpy(fake->nodes, fake->before, sizeof(fake->nodes));
    }
    return 0;
}

static int fake_watch(void *state, const char *path, const char *token)
{
    struct fake *fake = state;

    fake->watches++;
    if (fake->gone) {
        return -ENOTCONN;
    }
    if (fake->watch_error != 0) {
        return fake->watch_error;
    }
    for (size_t i = 0; i < WATCHES; i++) {
        if (fake->watched[i][0] == '\0') {
            (void)snprintf(fake->watched[i], BUS_PATH_MAX, "%s", path);
            fake->tokens[i] = token;
            add_event(fake, path, token);
            return 0;
        }
    }
    fail_msg("more watches than are needed: %s", path);
    return -E2BIG;
}

static int fake_unwatch(void *state, const char *path, const char *token)
{
    struct fake *fake = state;

    (void)token;
    for (size_t i = 0; i < WATCHES; i++) {
        if (strcmp(fake->watched[i], path) == 0) {
            fake->watched[i][0] = '\0';
            return 0;
        }
    }
    return -ENOENT;
}

static int fake_next_event(void *state, struct bus_event *ret_event)
{
    struct fake *fake = state;

    if (fake->gone) {
        return -ENOTCONN;
    }
    if (fake->event_count == 0) {
        return 0;
    }
    *ret_event = fake->events[0];
    fake->event_count--;
    memmove(fake->events, fake->events + 1,
            fake->event_count * sizeof(fake->events[0]));
    return 1;
}

static const struct bus_ops fake_ops = {
    .read = fake_read,
    .write = fake_write,
    .remove = fake_remove,
    .begin = fake_begin,
    .end = fake_end,
    .watch = fake_watch,
    .unwatch = fake_unwatch,
    .next_event = fake_next_event,
};

static void set_target(struct fake *fake, uint64_t kib)
{
    char text[24];

    (void)snprintf(text, sizeof(text), "%ju", (uintmax_t)kib);
    put(fake, PROTOCOL_TARGET, text);
}

/* --- The other end ------------------------------------------------------- */

static bool holds(struct fake *fake, const char *path, const char *value)
{
    const struct node *node = find(fake, path);

    return node->exists && node->len == strlen(value) &&
           memcmp(node->value, value, node->len) == 0;
}

static void make_device(struct fake *fake)
{
    put(fake, BACKENDS(PROTOCOL_NODE_STATE), "2");
    put(fake, OWN(PROTOCOL_NODE_STATE), "1");
    put(fake, OWN(PROTOCOL_NODE_BACKEND), BACKEND_PATH);
}

/* What a new domain does not have. */
static void remove_device(struct fake *fake)
{
    for (size_t i = 0; i < NODES; i++) {
        if (strncmp(paths[i], PROTOCOL_FRONTEND "/",
                    strlen(PROTOCOL_FRONTEND "/")) == 0 ||
            strncmp(paths[i], PROTOCOL_BACKEND_DIR "/",
                    strlen(PROTOCOL_BACKEND_DIR "/")) == 0) {
            fake->nodes[i].exists = false;
        }
    }
}

static void answer_handshake(struct fake *fake)
{
    if (holds(fake, OWN(PROTOCOL_NODE_STATE), "3") &&
        !holds(fake, BACKENDS(PROTOCOL_NODE_STATE), "4")) {
        put(fake, BACKENDS(PROTOCOL_NODE_STATE), "4");
    }
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

static int kernel_share_page(void *state, void **ret_page,
                             uint32_t *ret_reference)
{
    (void)state;
    (void)ret_page;
    (void)ret_reference;
    fail_msg("nobody has offered to read a page");
    return -EOPNOTSUPP;
}

static const struct guest_ops kernel_ops = {
    .sample = kernel_sample,
    .set_balloon_target = kernel_set_balloon_target,
    .share_page = kernel_share_page,
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
    make_device(&rig.fake);
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
    answer_handshake(&rig.fake);
    return rig.fake.event_count > 0 ? rig.now_ms + 1 : next_ms;
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
    const struct node *node = find(&rig.fake, OWN(PROTOCOL_NODE_REPORT));
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

    assert_int_equal(rig.fake.watches, WATCHES);
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
    assert_int_equal(rig.fake.watches, WATCHES);
}

static void new_target_is_told_at_once(void **state)
{
    (void)state;
    (void)run(25000);
    set_target(&rig.fake, 513 * MIB);

    (void)tick();

    assert_int_equal(last_report().target_kib, 513 * MIB);
}

/* Old paths, new nodes: the backend has seen the domain before it woke up. */
static void restored_guest_reports_at_once(void **state)
{
    (void)state;
    (void)run(25000);
    remove_device(&rig.fake);
    rig.fake.event_count = 0;
    make_device(&rig.fake);
    rig.fake.event_count = 0;
    fire_all(&rig.fake); /* the kernel has registered the watches anew */

    (void)run(200);

    assert_true(find(&rig.fake, OWN(PROTOCOL_NODE_REPORT))->exists);
    assert_true(holds(&rig.fake, OWN(PROTOCOL_NODE_STATE), "4"));
}

static void guest_without_a_device_rests_and_writes_nothing(void **state)
{
    (void)state;
    remove_device(&rig.fake);
    rig.fake.event_count = 0;
    rig.kernel.sample.available_kib = 2 * MIB; /* would look often */

    assert_in_range(run(10 * 60 * 1000), 60, 65);
    assert_int_equal(rig.fake.writes, 0);

    make_device(&rig.fake);
    (void)run(200);

    assert_true(holds(&rig.fake, OWN(PROTOCOL_NODE_STATE), "4"));
}

static void event_without_a_change_is_answered_with_nothing(void **state)
{
    unsigned int writes;

    (void)state;
    (void)run(25000);
    writes = rig.fake.writes;

    for (int i = 0; i < 100; i++) {
        fire_all(&rig.fake);
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
        /* 1, 2, 4 ... 30 s; a conflict is worth three attempts. */
        assert_in_range(rig.fake.writes, 10, errors[i] == -EAGAIN ? 60 : 20);

        rig.fake.write_error = 0;
        (void)run(BACKOFF_LAST_MS + 1000);
        assert_true(find(&rig.fake, OWN(PROTOCOL_NODE_REPORT))->exists);
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
    rig.fake.read_error = -EIO;
    rig.fake.unreadable = PROTOCOL_TARGET;
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
    assert_in_range(rig.fake.watches, 10 * WATCHES, 20 * WATCHES);

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
    memset(rig.fake.watched, 0, sizeof(rig.fake.watched));
    rig.fake.watches = 0;
    find(&rig.fake, OWN(PROTOCOL_NODE_REPORT))->exists = false;
    frontend_rejoin(&rig.frontend);
    (void)tick();

    assert_int_equal(rig.fake.watches, WATCHES);
    assert_true(find(&rig.fake, OWN(PROTOCOL_NODE_REPORT))->exists);
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
        assert_true(find(&rig.fake, OWN(PROTOCOL_NODE_REPORT))->exists);
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
    (void)state;
    (void)run(1000);

    assert_int_equal(frontend_stop(&rig.frontend), 0);

    assert_true(holds(&rig.fake, OWN(PROTOCOL_NODE_STATE), "6"));
}

/* Somebody else has written the state: it is not ours to close. */
static void stopped_frontend_leaves_a_state_that_is_not_its_own(void **state)
{
    (void)state;
    (void)run(1000);
    remove_device(&rig.fake);
    make_device(&rig.fake);

    assert_int_equal(frontend_stop(&rig.frontend), -ESTALE);

    assert_true(holds(&rig.fake, OWN(PROTOCOL_NODE_STATE), "1"));
}

#define TEST(name) cmocka_unit_test_setup(name, set_up)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(first_round_watches_and_reports),
        TEST(quiet_guest_costs_the_store_one_write_a_heartbeat),
        TEST(new_target_is_told_at_once),
        TEST(restored_guest_reports_at_once),
        TEST(guest_without_a_device_rests_and_writes_nothing),
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
        TEST(stopped_frontend_leaves_a_state_that_is_not_its_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

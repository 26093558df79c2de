/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Dom0's end of the device: the directories, the handshake, what is said and
 * heard there.
 */
#include <errno.h>

#include "common/log.h"
#include "tests/rig.h"

/* ---- The directories ---------------------------------------------------- */

static void device_is_made_for_each_guest(void **state)
{
    struct rig rig;

    (void)state;
    rig_start(&rig);
    expect(&rig, OURS "frontend", "/local/domain/1/device/balloon/0");
    expect(&rig, OURS "frontend-id", "1");
    expect(&rig, OURS "state", "2");
    expect(&rig, OURS "version", "1");
    expect(&rig, OURS "feature-page", "1");
    expect(&rig, OURS "allowance", NULL);
    expect(&rig, THEIRS "backend", "/local/domain/0/backend/balloon/1/0");
    expect(&rig, THEIRS "backend-id", "0");
    expect(&rig, THEIRS "state", "1");
    expect(&rig, PROTOCOL_BACKEND_DIR "/2/0/state", "2");
    expect(&rig, PROTOCOL_BACKEND_DIR "/0", NULL);
    expect(&rig, "/local/domain/0/device", NULL);
    rig_done(&rig);
}

static const struct {
    const char *why;
    const char *path;
    bool own_reads, own_writes, other_reads, other_writes;
} rights[] = {
    {"its own end", THEIRS "state", true, true, false, false},
    {"a node that it makes", THEIRS "report", true, true, false, false},
    {"the backend's end", OURS "state", true, false, false, false},
    {"its allowance", OURS "allowance", true, false, false, false},
    {"the record", PROTOCOL_RECORD_DIR "/1/target", false, false, false, false},
    {"what was learned", PROTOCOL_LEARNED, false, false, false, false},
};

static void expect_right(const struct bus *bus, const char *path, bool reads,
                         bool writes)
{
    char value[64];
    int r = bus_read(bus, BUS_NO_TRANSACTION, path, value, sizeof(value));

    assert_int_equal(r == -EACCES, !reads);
    r = put(bus, path, "1");
    assert_int_equal(r == -EACCES, !writes);
}

static void nobody_sees_or_changes_what_is_not_his(void **state)
{
    const struct bus *dom0;
    struct rig rig;
    unsigned int i;

    (void)state;
    rig_start(&rig);
    dom0 = &rig.scenario.world.daemon.fault.bus;
    assert_int_equal(put(dom0, PROTOCOL_RECORD_DIR "/1/target", "409600"), 0);
    assert_int_equal(put(dom0, PROTOCOL_LEARNED, "1"), 0);
    assert_int_equal(put(dom0, OURS "allowance", "4096"), 0);
    for (i = 0; i < sizeof(rights) / sizeof(rights[0]); i++) {
        print_message("# %s\n", rights[i].why);
        expect_right(&rig.other, rights[i].path, rights[i].other_reads,
                     rights[i].other_writes);
        expect_right(&rig.guest, rights[i].path, rights[i].own_reads,
                     rights[i].own_writes);
    }
    rig_done(&rig);
}

/* ---- The handshake ------------------------------------------------------ */

static void record_connects(void **state)
{
    struct rig rig;

    (void)state;
    rig_start(&rig);
    say(&rig, PROTOCOL_NODE_FEATURE_REFLEX, "1");
    offer_record(&rig, REPORT("10000"));
    soon(&rig);
    expect(&rig, OURS "state", "4");
    expect_voice(&rig, SNAPSHOT_VOICE_GOOD);
    assert_int_equal(seen(&rig)->seen.report.available_kib, 300000);
    assert_true(seen(&rig)->seen.has_reflex);
    assert_false(seen(&rig)->seen.has_intent);
    assert_int_equal(rig.scenario.world.ledger.counts.copies, 0);
    rig_done(&rig);
}

static void page_connects(void **state)
{
    struct rig rig;

    (void)state;
    rig_start(&rig);
    say(&rig, PROTOCOL_NODE_FEATURE_INTENT, "1");
    offer_page(&rig, REPORT("10000"));
    run(&rig.scenario, 1);
    expect(&rig, OURS "state", "4");
    expect_voice(&rig, SNAPSHOT_VOICE_GOOD);
    assert_int_equal(seen(&rig)->seen.report.available_kib, 300000);
    assert_true(seen(&rig)->seen.has_intent);
    assert_int_equal(rig.scenario.world.ledger.counts.copies, 1);
    rig_done(&rig);
}

static const struct {
    const char *why;
    const char *node;
    const char *value; /* NULL: removed */
} nonsense[] = {
    {"another version", PROTOCOL_NODE_VERSION, "2"},
    {"a version with a tail", PROTOCOL_NODE_VERSION, "1 "},
    {"no version", PROTOCOL_NODE_VERSION, NULL},
    {"another transport", PROTOCOL_NODE_TRANSPORT, "pigeon"},
    {"no transport", PROTOCOL_NODE_TRANSPORT, NULL},
    {"no reference", PROTOCOL_NODE_PAGE_REF, NULL},
    {"a negative reference", PROTOCOL_NODE_PAGE_REF, "-1"},
    {"a large reference", PROTOCOL_NODE_PAGE_REF, "4294967296"},
    {"a long reference", PROTOCOL_NODE_PAGE_REF,
     "0000000000000000000000000000000000000000000000009"},
    {"a state that is none", PROTOCOL_NODE_STATE, "9"},
    {"an empty state", PROTOCOL_NODE_STATE, ""},
    {"a state in words", PROTOCOL_NODE_STATE, "Connected"},
};

static void nonsense_is_refused_and_forgiven(void **state)
{
    unsigned int i;

    (void)state;
    for (i = 0; i < sizeof(nonsense) / sizeof(nonsense[0]); i++) {
        char path[BUS_PATH_MAX];
        struct rig rig;

        print_message("# %s\n", nonsense[i].why);
        rig_start(&rig);
        offer_page(&rig, REPORT("10000"));
        (void)snprintf(path, sizeof(path), "%s/%s", PROTOCOL_FRONTEND,
                       nonsense[i].node);
        if (nonsense[i].value != NULL) {
            say(&rig, nonsense[i].node, nonsense[i].value);
        } else {
            (void)bus_remove(&rig.guest, BUS_NO_TRANSACTION, path);
        }
        soon(&rig);
        expect(&rig, OURS "state", "2");
        expect_voice(&rig, SNAPSHOT_VOICE_GARBLED);

        offer_page(&rig, REPORT("10000"));
        soon(&rig);
        expect(&rig, OURS "state", "4");
        expect_voice(&rig, SNAPSHOT_VOICE_GOOD);
        rig_done(&rig);
    }
}

/* A state is written for each offer, though it is what it was. */
static void each_offer_is_answered(void **state)
{
    uint64_t since_ms;
    struct rig rig;

    (void)state;
    rig_start(&rig);
    offer_record(&rig, REPORT("10000"));
    soon(&rig);
    say(&rig, PROTOCOL_NODE_STATE, "4");
    soon(&rig);
    since_ms = rig.scenario.world.now_ms;
    assert_int_equal(writes_of(&rig, since_ms, OURS "state"), 0);

    offer_page(&rig, REPORT("20000")); /* another frontend, started anew */
    soon(&rig);
    assert_int_equal(writes_of(&rig, since_ms, OURS "state"), 1);
    expect(&rig, OURS "state", "4");
    assert_int_equal(seen(&rig)->seen.report.heartbeat_ms, 20000);
    say(&rig, PROTOCOL_NODE_STATE, "4");
    soon(&rig);
    assert_int_equal(writes_of(&rig, since_ms, OURS "state"), 1);

    say(&rig, PROTOCOL_NODE_VERSION, "0");
    say(&rig, PROTOCOL_NODE_STATE, "3");
    soon(&rig);
    say(&rig, PROTOCOL_NODE_STATE, "3");
    soon(&rig);
    assert_int_equal(writes_of(&rig, since_ms, OURS "state"), 3);
    expect(&rig, OURS "state", "2");
    rig_done(&rig);
}

static void frontend_that_closes_is_let_go(void **state)
{
    struct rig rig;

    (void)state;
    rig_start(&rig);
    offer_record(&rig, REPORT("10000"));
    soon(&rig);
    say(&rig, PROTOCOL_NODE_STATE, "6");
    soon(&rig);
    expect(&rig, OURS "state", "2");
    expect_voice(&rig, SNAPSHOT_VOICE_STOPPED);

    say(&rig, PROTOCOL_NODE_REPORT, REPORT("10000"));
    soon(&rig);
    expect_voice(&rig, SNAPSHOT_VOICE_STOPPED);
    rig_done(&rig);
}

/* ---- Restarts ----------------------------------------------------------- */

/* No report from before its time is used, whatever the frontend says it is. */
static void backend_that_starts_trusts_nothing_old(void **state)
{
    static const char *const states[] = {"3", "4"};
    unsigned int i;

    (void)state;
    for (i = 0; i < 4; i++) {
        struct rig rig;

        rig_start(&rig);
        if (i % 2 == 0) {
            offer_record(&rig, REPORT("10000"));
        } else {
            offer_page(&rig, REPORT("10000"));
        }
        soon(&rig);
        say(&rig, PROTOCOL_NODE_STATE, states[i / 2]);
        soon(&rig);
        expect_voice(&rig, SNAPSHOT_VOICE_GOOD);

        restart_backend(&rig);
        expect(&rig, OURS "state", i / 2 == 0 ? "4" : "2");
        soon(&rig);
        expect_voice(&rig, SNAPSHOT_VOICE_SILENT);
        say(&rig, PROTOCOL_NODE_VERSION, "1"); /* which is no report */
        soon(&rig);
        expect_voice(&rig, SNAPSHOT_VOICE_SILENT);

        if (i / 2 == 1) {
            say(&rig, PROTOCOL_NODE_STATE, "3");
        } else if (i % 2 == 0) {
            say(&rig, PROTOCOL_NODE_REPORT, REPORT("10000"));
        } else {
            write_page(&rig, REPORT("10000"));
            run(&rig.scenario, 10 * SECOND_MS); /* a heartbeat, unrung */
        }
        soon(&rig);
        expect(&rig, OURS "state", "4");
        expect_voice(&rig, SNAPSHOT_VOICE_GOOD);
        rig_done(&rig);
    }
}

static void allowance_outlives_the_backend(void **state)
{
    const struct bus *dom0;
    struct rig rig;

    (void)state;
    rig_start(&rig);
    dom0 = &rig.scenario.world.daemon.fault.bus;
    assert_int_equal(put(dom0, OURS "allowance", "8192"), 0);
    assert_int_equal(put(dom0, OURS "announcement", "1 4096 2000"), 0);
    restart_backend(&rig);
    assert_int_equal(seen(&rig)->seen.allowance_kib, 8192);
    expect(&rig, OURS "announcement", NULL);

    dom0 = &rig.scenario.world.daemon.fault.bus;
    assert_int_equal(put(dom0, OURS "allowance", "much"), 0);
    restart_backend(&rig);
    assert_int_equal(seen(&rig)->seen.allowance_kib, 0);
    expect(&rig, OURS "allowance", NULL);
    rig_done(&rig);
}

/* ---- What it tells ------------------------------------------------------ */

static uint64_t planned_kib;

static void plan_allowance(void *arg, const struct balancer *balancer)
{
    (void)arg;
    balancer->plan.steps[1].allowance_kib = planned_kib;
}

static void allowance_is_told_once(void **state)
{
    uint64_t since_ms;
    struct rig rig;

    (void)state;
    rig_start(&rig);
    offer_record(&rig, REPORT("10000"));
    soon(&rig);
    since_ms = rig.scenario.world.now_ms;
    rig.scenario.world.daemon.balancer.witness.after = plan_allowance;
    planned_kib = 16 * MIB;
    run(&rig.scenario, 30 * SECOND_MS);
    expect(&rig, OURS "allowance", "16384");
    assert_int_equal(seen(&rig)->seen.allowance_kib, 16 * MIB);
    assert_int_equal(writes_of(&rig, since_ms, "allowance"), 1);

    planned_kib = 0;
    run(&rig.scenario, 30 * SECOND_MS);
    expect(&rig, OURS "allowance", "0");
    assert_int_equal(writes_of(&rig, since_ms, "allowance"), 2);
    rig_done(&rig);
}

static void target_comes_with_its_reason(void **state)
{
    struct scenario scenario;

    (void)state;
    two_guests(&scenario);
    start(&scenario);
    run(&scenario, MINUTE_MS);
    assert_true(writes_since(&scenario, 0, "/1/memory/target") > 0);
    assert_int_equal(writes_since(&scenario, 0, "/1/memory/target"),
                     writes_since(&scenario, 0, OURS "reason"));
    assert_string_equal(
        store_peek(scenario.world.store, OURS "reason"),
        reason_word(scenario_seen(&scenario, "donor")->last_reason.code));
    scenario_done(&scenario);
}

static const struct {
    const char *text;
    uint64_t number;
    bool is_ready;
    uint64_t can_give_kib;
} answers[] = {
    {"1 ready 4096", 1, true, 4096},
    {"7 working 0", 7, false, 0},
    {"4294967295 ready 1", UINT32_MAX, true, 1},
    {"1 ready", 0, false, 0},
    {"1 ready ", 0, false, 0},
    {"1  ready 1", 0, false, 0},
    {"1 ready 1 ", 0, false, 0},
    {"1 readily 1", 0, false, 0},
    {"-1 ready 1", 0, false, 0},
    {"4294967296 ready 1", 0, false, 0},
    {"1 ready 99999999999999999999", 0, false, 0},
    {"", 0, false, 0},
};

static void answer_is_read_strictly(void **state)
{
    unsigned int i;
    struct rig rig;

    (void)state;
    rig_start(&rig);
    say(&rig, PROTOCOL_NODE_ANSWER, "9 ready 9"); /* to another backend */
    offer_record(&rig, REPORT("10000"));
    soon(&rig);
    assert_int_equal(seen(&rig)->seen.answered, 0);
    for (i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
        say(&rig, PROTOCOL_NODE_ANSWER, answers[i].text);
        soon(&rig);
        if (seen(&rig)->seen.answered != answers[i].number ||
            seen(&rig)->seen.is_ready != answers[i].is_ready ||
            seen(&rig)->seen.can_give_kib != answers[i].can_give_kib) {
            fail_msg("\"%s\"", answers[i].text);
        }
    }
    rig_done(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(device_is_made_for_each_guest),
        cmocka_unit_test(nobody_sees_or_changes_what_is_not_his),
        cmocka_unit_test(record_connects),
        cmocka_unit_test(page_connects),
        cmocka_unit_test(nonsense_is_refused_and_forgiven),
        cmocka_unit_test(each_offer_is_answered),
        cmocka_unit_test(frontend_that_closes_is_let_go),
        cmocka_unit_test(backend_that_starts_trusts_nothing_old),
        cmocka_unit_test(allowance_outlives_the_backend),
        cmocka_unit_test(allowance_is_told_once),
        cmocka_unit_test(target_comes_with_its_reason),
        cmocka_unit_test(answer_is_read_strictly),
    };

    log_to_nowhere();
    return cmocka_run_group_tests(tests, NULL, NULL);
}

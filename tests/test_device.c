/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Dom0's end of the device, on the simulated host: against a guest that this
 * test plays by hand, and against real frontends.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "backend/pages.h"
#include "common/log.h"
#include "common/page.h"
#include "common/protocol.h"
#include "tests/steps.h"

#define OURS PROTOCOL_BACKEND_DIR "/1/0/"
#define THEIRS "/local/domain/1/" PROTOCOL_FRONTEND "/"

#define REPORT(heartbeat_ms)                                                   \
    "version=1 state=running balloon=idle heartbeat_ms=" heartbeat_ms          \
    " current_kib=409600 balloon_target_kib=409600 target_kib=409600"          \
    " total_kib=400000 available_kib=300000 free_kib=300000"

/* ---- A guest, played by hand -------------------------------------------- */

/* Domain 1; domain 2 is another, without a frontend either. */
struct rig {
    struct scenario scenario;
    struct bus guest;
    struct bus other;
    void *page;
    uint32_t reference;
};

static void rig_prepare(struct rig *rig)
{
    struct character *one;

    memset(rig, 0, sizeof(*rig));
    scenario_init(&rig->scenario, (512 + 800 + 140) * MIB);
    one = scenario_add(&rig->scenario, "guest", 400 * MIB, 800 * MIB, 0);
    one->config.frontend_ms = DOMU_NEVER;
    one = scenario_add(&rig->scenario, "other", 400 * MIB, 800 * MIB, 0);
    one->config.frontend_ms = DOMU_NEVER;
}

static void rig_begin(struct rig *rig)
{
    start(&rig->scenario);
    store_connect(rig->scenario.world.store, 1, "guest", &rig->guest);
    store_connect(rig->scenario.world.store, 2, "other", &rig->other);
    rig->page = ledger_share(&rig->scenario.world.ledger, 1, &rig->reference);
    page_init(rig->page);
}

static void rig_start(struct rig *rig)
{
    rig_prepare(rig);
    rig_begin(rig);
}

static void rig_done(struct rig *rig)
{
    store_disconnect(&rig->guest);
    store_disconnect(&rig->other);
    scenario_done(&rig->scenario);
}

static int put(const struct bus *bus, const char *path, const char *value)
{
    return bus_write(bus, BUS_NO_TRANSACTION, path, value, strlen(value));
}

static void say(const struct rig *rig, const char *node, const char *value)
{
    char path[BUS_PATH_MAX];

    (void)snprintf(path, sizeof(path), "%s/%s", PROTOCOL_FRONTEND, node);
    assert_int_equal(put(&rig->guest, path, value), 0);
}

static void write_page(struct rig *rig, const char *report)
{
    assert_true(page_write(rig->page, report, strlen(report)) > 0);
}

/* The handshake's first half; the backend has not run yet. */
static void offer_record(struct rig *rig, const char *report)
{
    say(rig, PROTOCOL_NODE_VERSION, "1");
    say(rig, PROTOCOL_NODE_TRANSPORT, PROTOCOL_TRANSPORT_RECORD);
    say(rig, PROTOCOL_NODE_REPORT, report);
    say(rig, PROTOCOL_NODE_STATE, "3");
}

static void offer_page(struct rig *rig, const char *report)
{
    char reference[16];

    write_page(rig, report);
    (void)snprintf(reference, sizeof(reference), "%u", rig->reference);
    say(rig, PROTOCOL_NODE_VERSION, "1");
    say(rig, PROTOCOL_NODE_TRANSPORT, PROTOCOL_TRANSPORT_PAGE);
    say(rig, PROTOCOL_NODE_PAGE_REF, reference);
    say(rig, PROTOCOL_NODE_STATE, "3");
}

/* A tick for what was just done, and those that it asks for. */
static void soon(struct rig *rig)
{
    run(&rig->scenario, 2 * BALANCER_REPORT_MIN_MS);
}

static void expect(const struct rig *rig, const char *path, const char *value)
{
    const char *found = store_peek(rig->scenario.world.store, path);

    if (value == NULL) {
        assert_null(found);
    } else {
        assert_non_null(found);
        assert_string_equal(found, value);
    }
}

static const struct balancer_domain *seen(struct rig *rig)
{
    const struct balancer_domain *domain =
        scenario_seen(&rig->scenario, "guest");

    assert_non_null(domain);
    return domain;
}

static void expect_voice(struct rig *rig, enum snapshot_voice voice)
{
    assert_int_equal(seen(rig)->seen.voice, voice);
}

static unsigned int writes_of(const struct rig *rig, uint64_t since_ms,
                              const char *path)
{
    return writes_since(&rig->scenario, since_ms, path);
}

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

static void restart_backend(struct rig *rig)
{
    daemon_start(&rig->scenario.world.daemon, rig->scenario.world.now_ms);
    run(&rig->scenario, 1);
}

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

/* ---- Pages -------------------------------------------------------------- */

/* Between the copies of a page, its guest writes; so many times. */
struct writer {
    struct rig *rig;
    unsigned int times;
    const char *report;
};

static void write_meanwhile(void *arg, uint32_t domid)
{
    struct writer *writer = arg;

    if (domid == 1 && writer->times > 0) {
        writer->times--;
        write_page(writer->rig, writer->report);
    }
}

static void ring(struct rig *rig)
{
    say(rig, PROTOCOL_NODE_DOORBELL, "2");
}

static void torn_copy_is_taken_again(void **state)
{
    struct writer writer = {.times = PAGES_TRIES - 1,
                            .report = REPORT("20000")};
    struct rig rig;

    (void)state;
    rig_start(&rig);
    offer_page(&rig, REPORT("10000"));
    soon(&rig);
    writer.rig = &rig;
    rig.scenario.world.ledger.copying = write_meanwhile;
    rig.scenario.world.ledger.copying_arg = &writer;
    rig.scenario.world.ledger.counts.copies = 0;

    ring(&rig);
    run(&rig.scenario, 1);
    assert_int_equal(rig.scenario.world.ledger.counts.copies, PAGES_TRIES);
    assert_int_equal(seen(&rig)->seen.report.heartbeat_ms, 20000);
    rig_done(&rig);
}

/* Neither news nor a copy more than its share. */
static void page_that_is_never_still_is_silence(void **state)
{
    struct writer writer = {.times = UINT32_MAX, .report = REPORT("1000")};
    uint64_t copies;
    struct rig rig;

    (void)state;
    rig_start(&rig);
    offer_page(&rig, REPORT("1000"));
    soon(&rig);
    writer.rig = &rig;
    rig.scenario.world.ledger.copying = write_meanwhile;
    rig.scenario.world.ledger.copying_arg = &writer;
    copies = rig.scenario.world.ledger.counts.copies;

    run(&rig.scenario, 10 * SECOND_MS);
    expect_voice(&rig, SNAPSHOT_VOICE_SILENT);
    assert_true(rig.scenario.world.ledger.counts.copies - copies <=
                PAGES_TRIES * 10 * SECOND_MS / BALANCER_REPORT_MIN_MS);
    rig.scenario.world.ledger.copying = NULL;
    soon(&rig);
    expect_voice(&rig, SNAPSHOT_VOICE_GOOD);
    rig_done(&rig);
}

/* A bell without a report behind it is not heard as one. */
static void page_that_does_not_change_is_silence(void **state)
{
    struct rig rig;

    (void)state;
    rig_start(&rig);
    offer_page(&rig, REPORT("1000"));
    soon(&rig);
    expect_voice(&rig, SNAPSHOT_VOICE_GOOD);
    ring(&rig);
    run(&rig.scenario, 2 * SECOND_MS);
    ring(&rig);
    run(&rig.scenario, 2 * SECOND_MS);
    expect_voice(&rig, SNAPSHOT_VOICE_SILENT);

    write_page(&rig, REPORT("1000"));
    run(&rig.scenario, SECOND_MS); /* a heartbeat is found without a bell */
    expect_voice(&rig, SNAPSHOT_VOICE_GOOD);
    rig_done(&rig);
}

static void spoil_magic(struct rig *rig)
{
    memset(rig->page, 0xff, 4);
}

static void spoil_length(struct rig *rig)
{
    memset((char *)rig->page + 12, 0xff, 4);
}

static void spoil_report(struct rig *rig)
{
    write_page(rig, "version=1 state=running");
}

static void revoke(struct rig *rig)
{
    ledger_unshare(&rig->scenario.world.ledger, rig->page);
}

static void spoil_all(struct rig *rig)
{
    unsigned int i;

    for (i = 0; i < PAGE_BYTES; i++) {
        ((unsigned char *)rig->page)[i] = (unsigned char)(i * 7);
    }
}

static const struct {
    const char *why;
    void (*spoil)(struct rig *rig);
} spoils[] = {
    {"no such page", spoil_magic},     {"no such length", spoil_length},
    {"no report in it", spoil_report}, {"no grant any more", revoke},
    {"nothing but noise", spoil_all},
};

static void garbage_is_named_and_forgiven(void **state)
{
    unsigned int i;

    (void)state;
    for (i = 0; i < sizeof(spoils) / sizeof(spoils[0]); i++) {
        struct rig rig;

        print_message("# %s\n", spoils[i].why);
        rig_start(&rig);
        offer_page(&rig, REPORT("10000"));
        soon(&rig);
        spoils[i].spoil(&rig);
        ring(&rig);
        soon(&rig);
        expect_voice(&rig, SNAPSHOT_VOICE_GARBLED);

        rig.page = ledger_share(&rig.scenario.world.ledger, 1, &rig.reference);
        page_init(rig.page);
        offer_page(&rig, REPORT("10000"));
        soon(&rig);
        expect_voice(&rig, SNAPSHOT_VOICE_GOOD);
        rig_done(&rig);
    }
}

/* Only its own page: the reference of another's is worth nothing. */
static void reference_of_another_is_none(void **state)
{
    struct rig rig;

    (void)state;
    rig_start(&rig);
    rig.page = ledger_share(&rig.scenario.world.ledger, 2, &rig.reference);
    page_init(rig.page);
    offer_page(&rig, REPORT("10000"));
    soon(&rig);
    expect_voice(&rig, SNAPSHOT_VOICE_GARBLED);
    rig_done(&rig);
}

/* A page with no report in it yet is no offence, and no voice. */
static void empty_page_says_nothing(void **state)
{
    struct rig rig;

    (void)state;
    rig_start(&rig);
    offer_page(&rig, REPORT("10000"));
    page_init(rig.page);
    soon(&rig);
    expect(&rig, OURS "state", "4");
    expect_voice(&rig, SNAPSHOT_VOICE_NONE);
    rig_done(&rig);
}

static void host_without_grants_offers_no_page(void **state)
{
    struct scenario scenario;

    (void)state;
    two_guests(&scenario);
    scenario.world.ledger.has_no_grants = true;
    start(&scenario);
    run(&scenario, MINUTE_MS);
    assert_null(store_peek(scenario.world.store, OURS "feature-page"));
    assert_string_equal(store_peek(scenario.world.store, THEIRS "transport"),
                        PROTOCOL_TRANSPORT_RECORD);
    assert_int_equal(state_of(&scenario, "donor"), DECIDE_MANAGED);
    assert_true(scenario_is_content(&scenario));
    scenario_done(&scenario);
}

/* ---- Rates -------------------------------------------------------------- */

/* However often a guest rings, it is read once in BALANCER_REPORT_MIN_MS. */
static void ringing_without_pause_is_read_at_its_rate(void **state)
{
    uint64_t copies;
    struct rig rig;
    unsigned int i;

    (void)state;
    rig_start(&rig);
    offer_page(&rig, REPORT("10000"));
    soon(&rig);
    copies = rig.scenario.world.ledger.counts.copies;
    for (i = 0; i < 5 * SECOND_MS; i++) {
        write_page(&rig, REPORT("10000"));
        ring(&rig);
        run(&rig.scenario, 1);
    }
    copies = rig.scenario.world.ledger.counts.copies - copies;
    assert_in_range(copies, 40, 5 * SECOND_MS / BALANCER_REPORT_MIN_MS + 1);
    rig_done(&rig);
}

static void flap(struct rig *rig, unsigned int i)
{
    static const char *const states[] = {"3", "4", "6", "1", "x"};

    say(rig, PROTOCOL_NODE_VERSION, i % 7 == 0 ? "2" : "1");
    say(rig, PROTOCOL_NODE_STATE, states[i % 5]);
}

static void take_apart(struct rig *rig, unsigned int i)
{
    (void)i;
    (void)bus_remove(&rig->guest, BUS_NO_TRANSACTION, PROTOCOL_FRONTEND);
}

static void litter(struct rig *rig, unsigned int i)
{
    char path[BUS_PATH_MAX];

    (void)snprintf(path, sizeof(path), "%s/litter%u", PROTOCOL_FRONTEND,
                   i % 100);
    (void)put(&rig->guest, path, "1");
}

static const struct {
    const char *why;
    void (*act)(struct rig *rig, unsigned int i);
    uint64_t requests; /* reads and writes of the backend in 5 s, at most */
} nuisances[] = {
    /* 50 looks of a transaction of at most 8 requests */
    {"a state that flaps", flap, 50 * 8},
    /* 5 makings of at most 17, and as many looks */
    {"a directory that goes again and again", take_apart, 6 * 25},
    {"nodes that nobody knows", litter, 2},
};

static void nuisance_costs_a_bounded_number_of_requests(void **state)
{
    unsigned int n;

    (void)state;
    for (n = 0; n < sizeof(nuisances) / sizeof(nuisances[0]); n++) {
        const struct store_counts *counts;
        uint64_t before;
        uint64_t cost;
        struct rig rig;
        unsigned int i;

        rig_start(&rig);
        offer_record(&rig, REPORT("10000"));
        soon(&rig);
        counts = store_counts(&rig.scenario.world.daemon.fault.bus);
        before = counts->reads + counts->writes;
        for (i = 0; i < 5 * SECOND_MS; i++) {
            nuisances[n].act(&rig, i);
            run(&rig.scenario, 1);
        }
        cost = counts->reads + counts->writes - before;
        print_message("# %s: %llu requests in 5 s\n", nuisances[n].why,
                      (unsigned long long)cost);
        assert_true(cost <= nuisances[n].requests);

        soon(&rig);
        run(&rig.scenario, 2 * DEVICE_MAKE_MS);
        offer_record(&rig, REPORT("10000"));
        soon(&rig);
        expect(&rig, OURS "state", "4");
        expect_voice(&rig, SNAPSHOT_VOICE_GOOD);
        rig_done(&rig);
    }
}

/*
 * Eight calm guests: nobody writes, and the backend wakes no more often than
 * for a heartbeat of all of them.
 */
static void calm_guests_cost_a_copy_a_heartbeat(void **state)
{
    static const char *const guests[] = {"a", "b", "c", "d",
                                         "e", "f", "g", "h"};
    const struct ledger_counts *counts;
    struct scenario scenario;
    uint64_t since_ms;
    uint64_t ticks;
    uint64_t copies;
    uint64_t pages;
    unsigned int i;

    (void)state;
    scenario_init(&scenario, (512 + 8 * 200 + 400) * MIB);
    for (i = 0; i < 8; i++) {
        struct character *one =
            scenario_add(&scenario, guests[i], 200 * MIB, 200 * MIB, 100 * MIB);

        one->config.frontend_ms += 700 * i; /* each in its own time */
    }
    start(&scenario);
    run(&scenario, 2 * MINUTE_MS);
    counts = &scenario.world.ledger.counts;
    since_ms = scenario.world.now_ms;
    ticks = scenario.world.daemon.ticks;
    copies = counts->copies;
    pages = counts->pages;

    run(&scenario, 10 * MINUTE_MS);
    copies = counts->copies - copies;
    pages = counts->pages - pages;
    print_message("# in 10 min: %llu ticks, %llu copies of %llu pages\n",
                  (unsigned long long)(scenario.world.daemon.ticks - ticks),
                  (unsigned long long)copies, (unsigned long long)pages);
    assert_int_equal(
        writes_count(&scenario.world.store->log, since_ms, NULL, NULL), 0);
    assert_in_range(copies, 55, 65);
    assert_in_range(pages, 8 * 55, 8 * 65);
    assert_true(scenario.world.daemon.ticks - ticks <= 130);
    for (i = 0; i < 8; i++) {
        assert_int_equal(scenario_seen(&scenario, guests[i])->seen.voice,
                         SNAPSHOT_VOICE_GOOD);
    }
    scenario_done(&scenario);
}

/* ---- Death -------------------------------------------------------------- */

static void device_goes_with_its_domain(void **state)
{
    struct rig rig;

    (void)state;
    rig_start(&rig);
    xl_destroy(&rig.scenario.world, world_find(&rig.scenario.world, "guest"));
    run(&rig.scenario, 5 * SECOND_MS);
    expect(&rig, PROTOCOL_BACKEND_DIR "/1", NULL);
    expect(&rig, "/local/domain/1", NULL);
    expect(&rig, PROTOCOL_BACKEND_DIR "/2/0/state", "2");
    rig_done(&rig);
}

static void device_of_a_domain_that_died_unseen_is_swept(void **state)
{
    struct rig rig;

    (void)state;
    rig_start(&rig);
    daemon_kill(&rig.scenario.world.daemon);
    xl_destroy(&rig.scenario.world, world_find(&rig.scenario.world, "guest"));
    run(&rig.scenario, 5 * SECOND_MS);
    expect(&rig, PROTOCOL_BACKEND_DIR "/1/0/state", "2");

    restart_backend(&rig);
    expect(&rig, PROTOCOL_BACKEND_DIR "/1", NULL);
    expect(&rig, PROTOCOL_BACKEND_DIR "/2/0/state", "2");
    rig_done(&rig);
}

static bool is_connected(struct scenario *scenario, const char *name)
{
    const struct domu *domu = world_find(&scenario->world, name);
    const struct balancer_domain *domain;
    char path[BUS_PATH_MAX];
    const char *theirs;
    const char *ours;

    (void)snprintf(path, sizeof(path), "/local/domain/%u/%s/state", domu->domid,
                   PROTOCOL_FRONTEND);
    theirs = store_peek(scenario->world.store, path);
    (void)snprintf(path, sizeof(path), "%s/%u/0/state", PROTOCOL_BACKEND_DIR,
                   domu->domid);
    ours = store_peek(scenario->world.store, path);
    /* Its name may be what could not be read. */
    (void)snprintf(path, sizeof(path), "%u", domu->domid);
    domain = scenario_seen(scenario, path);
    return domain != NULL && theirs != NULL && ours != NULL &&
           strcmp(theirs, "4") == 0 && strcmp(ours, "4") == 0 &&
           domain->seen.voice == SNAPSHOT_VOICE_GOOD;
}

/* Another domid, a dead page, nothing remembered. */
static void saved_guest_connects_anew(void **state)
{
    struct scenario scenario;
    struct domu *donor;

    (void)state;
    two_guests(&scenario);
    start(&scenario);
    assert_true(is_connected(&scenario, "donor"));
    donor = world_find(&scenario.world, "donor");
    xl_save(&scenario.world, donor);
    run(&scenario, 10 * SECOND_MS);
    assert_null(store_peek(scenario.world.store, PROTOCOL_BACKEND_DIR "/1"));
    assert_int_equal(xl_restore(&scenario.world, donor), 0);
    run(&scenario, 15 * SECOND_MS);
    assert_int_equal(donor->domid, 3);
    assert_true(is_connected(&scenario, "donor"));

    xl_migrate(&scenario.world, donor);
    run(&scenario, 30 * SECOND_MS);
    assert_int_equal(donor->domid, 4);
    assert_true(is_connected(&scenario, "donor"));
    scenario_done(&scenario);
}

/* ---- Every step --------------------------------------------------------- */

/*
 * The handshake of two real frontends, with a fault at the at-th call from the
 * start on; true while there was one.
 */
static bool shake_hands(struct fault fault, uint64_t at)
{
    struct scenario scenario;
    struct fault *armed;
    bool has_struck;

    two_guests(&scenario);
    scenario.guests[1].nature.has_no_grants = true; /* one of each kind */
    scenario.world.is_quiet = true;
    assert_non_null(xl_create(&scenario.world, &scenario.guests[0].config));
    assert_non_null(xl_create(&scenario.world, &scenario.guests[1].config));
    daemon_start(&scenario.world.daemon, 0);
    armed = &scenario.world.daemon.fault;
    armed->kind = fault.kind;
    armed->error = fault.error;
    armed->changes_alone = fault.changes_alone;
    armed->at = at;
    run(&scenario, 5 * SECOND_MS);
    has_struck = scenario.world.daemon.starts > 1 || armed->has_struck;
    run(&scenario, 20 * SECOND_MS);
    if (!is_connected(&scenario, "donor") ||
        !is_connected(&scenario, "taker")) {
        world_print(&scenario.world);
        writes_print(&scenario.world.store->log, 0, NULL, "balloon");
        fail_msg("call %llu, error %d: not connected", (unsigned long long)at,
                 fault.error);
    }
    scenario_done(&scenario);
    return has_struck;
}

static void handshake_survives_a_backend_killed_anywhere(void **state)
{
    const struct fault fault = {.kind = FAULT_DIE};
    uint64_t at = 1;

    (void)state;
    while (shake_hands(fault, at)) {
        at++;
    }
    print_message("# killed before each of %llu calls\n",
                  (unsigned long long)at - 1);
    assert_true(at > 100);
}

static void handshake_survives_each_error_once(void **state)
{
    /* Not -ENOENT, which is an answer. */
    static const int errors[] = {-EAGAIN, -ENOMEM, -ESRCH};
    struct fault fault = {.kind = FAULT_FAIL};
    unsigned int i;

    (void)state;
    for (i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
        uint64_t at = 1;

        fault.error = errors[i];
        while (shake_hands(fault, at)) {
            at++;
        }
        assert_true(at > 100);
    }
}

/* Killed without a word at any time, and started again. */
static void frontend_may_be_killed_at_any_moment(void **state)
{
    uint64_t at_ms;

    (void)state;
    for (at_ms = 0; at_ms < 40; at_ms++) {
        struct scenario scenario;
        struct world *world = &scenario.world;
        struct domu *donor;

        two_guests(&scenario);
        start(&scenario);
        donor = world_find(world, "donor");
        domu_kill_frontend(donor);
        domu_start_frontend(donor, world->store, world->now_ms);
        run(&scenario, at_ms);
        domu_kill_frontend(donor);
        run(&scenario, at_ms % 3 * SECOND_MS);
        domu_start_frontend(donor, world->store, world->now_ms);
        run(&scenario, 5 * SECOND_MS);
        if (!is_connected(&scenario, "donor")) {
            writes_print(&world->store->log, 0, NULL, "balloon");
            fail_msg("killed after %llu ms", (unsigned long long)at_ms);
        }
        scenario_done(&scenario);
    }
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
        cmocka_unit_test(torn_copy_is_taken_again),
        cmocka_unit_test(page_that_is_never_still_is_silence),
        cmocka_unit_test(page_that_does_not_change_is_silence),
        cmocka_unit_test(garbage_is_named_and_forgiven),
        cmocka_unit_test(reference_of_another_is_none),
        cmocka_unit_test(empty_page_says_nothing),
        cmocka_unit_test(host_without_grants_offers_no_page),
        cmocka_unit_test(ringing_without_pause_is_read_at_its_rate),
        cmocka_unit_test(nuisance_costs_a_bounded_number_of_requests),
        cmocka_unit_test(calm_guests_cost_a_copy_a_heartbeat),
        cmocka_unit_test(device_goes_with_its_domain),
        cmocka_unit_test(device_of_a_domain_that_died_unseen_is_swept),
        cmocka_unit_test(saved_guest_connects_anew),
        cmocka_unit_test(handshake_survives_a_backend_killed_anywhere),
        cmocka_unit_test(handshake_survives_each_error_once),
        cmocka_unit_test(frontend_may_be_killed_at_any_moment),
    };

    log_to_nowhere();
    return cmocka_run_group_tests(tests, NULL, NULL);
}

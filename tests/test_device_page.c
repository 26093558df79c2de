/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Dom0's end of the device: reports in pages, whatever stands in them. */
#include "backend/pages.h"
#include "common/log.h"
#include "tests/rig.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(torn_copy_is_taken_again),
        cmocka_unit_test(page_that_is_never_still_is_silence),
        cmocka_unit_test(page_that_does_not_change_is_silence),
        cmocka_unit_test(garbage_is_named_and_forgiven),
        cmocka_unit_test(reference_of_another_is_none),
        cmocka_unit_test(empty_page_says_nothing),
        cmocka_unit_test(host_without_grants_offers_no_page),
    };

    log_to_nowhere();
    return cmocka_run_group_tests(tests, NULL, NULL);
}

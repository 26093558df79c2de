/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The answers of the control socket.  Names and order of the fields are a
 * promise (see xenballoon(1)): here they stand in full.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "backend/answer.h"
#include "common/bus.h"
#include "tests/world/store.h"

#define COUNT_OF(table) (sizeof(table) / sizeof((table)[0]))
#define NOW_MS 100000
#define UUID "00000000-0000-0000-0000-000000000003"

struct fixture {
    struct store *store;
    struct bus bus;
    struct settings settings;
    struct balancer_domain domains[2];
    struct balancer balancer;
};

static void write_node(struct fixture *fixture, const char *path,
                       const char *value)
{
    assert_int_equal(bus_write(&fixture->bus, BUS_NO_TRANSACTION, path, value,
                               strlen(value)),
                     0);
}

/* Domains 3, "web 1", and 12, nameless; as a tick leaves them. */
static int start(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    struct balancer_domain *web;

    assert_non_null(fixture);
    fixture->store = store_new();
    assert_non_null(fixture->store);
    store_connect(fixture->store, 0, "backend", &fixture->bus);
    write_node(fixture, "/local/domain/3/vm", "/vm/" UUID);
    write_node(fixture, "/local/domain/3/memory/target", "524288");
    settings_init(&fixture->settings);
    fixture->balancer = (struct balancer){
        .bus = &fixture->bus,
        .settings = &fixture->settings,
        .domains = fixture->domains,
        .count = COUNT_OF(fixture->domains),
    };
    web = &fixture->domains[0];
    web->domid = 3;
    web->target_kib = 524288;
    web->has_target = true;
    (void)snprintf(web->uuid, sizeof(web->uuid), UUID);
    (void)snprintf(web->name, sizeof(web->name), "web 1");
    fixture->domains[1].domid = 12;
    *state = fixture;
    return 0;
}

static int stop(void **state)
{
    struct fixture *fixture = *state;

    store_free(fixture->store);
    free(fixture);
    return 0;
}

static void expect(struct fixture *fixture, const char *line, bool is_root,
                   const char *expected)
{
    char *text = answer(&fixture->balancer, line, is_root, NOW_MS);

    assert_non_null(text);
    assert_string_equal(text, expected);
    free(text);
}

/* What an error says, and its code. */
static void expect_error(struct fixture *fixture, const char *line,
                         bool is_root, const char *code, const char *part)
{
    char *text = answer(&fixture->balancer, line, is_root, NOW_MS);
    json_t *object = json_loads(text, 0, NULL);
    const char *error = json_string_value(json_object_get(object, "error"));

    assert_int_equal(json_object_size(object), 2);
    assert_non_null(error);
    assert_string_equal(json_string_value(json_object_get(object, "code")),
                        code);
    if (!strstr(error, part)) {
        fail_msg("%s: %s", line, error);
    }
    json_decref(object);
    free(text);
}

static void a_domain_is_told_in_full(void **state)
{
    struct fixture *fixture = *state;
    struct balancer_domain *web = &fixture->domains[0];

    fixture->balancer.count = 1;
    web->seen = (struct snapshot_domain){
        .domid = 3,
        .is_hvm = true,
        .current_kib = 524288,
        .limit_kib = 525312,
        .target_kib = 524288,
        .floor_kib = 131072,
        .ceiling_kib = 1048576,
        .weight = 256,
        .allowance_kib = 8192,
    };
    web->device.state = PROTOCOL_CONNECTED;
    web->device.offer.transport = OFFER_PAGE;
    web->step = (struct decide_step){
        .state = DECIDE_MANAGED,
        .demand_kib = 512000,
        .reason = {REASON_SATISFIED, 512000, 524288},
    };
    web->last_reason = (struct reason){REASON_NEEDS, 512000, 1048576};
    web->last_change_ms = NOW_MS - 7000;
    web->changes = 4;
    web->voice = SNAPSHOT_VOICE_GOOD;
    web->report_read_ms = NOW_MS - 250;
    web->report = (struct report){
        .balloon = REPORT_BALLOON_MOVING,
        .total_kib = 1,
        .available_kib = 2,
        .free_kib = 3,
        .anonymous_kib = 4,
        .file_active_kib = 5,
        .file_inactive_kib = 6,
        .committed_kib = 7,
        .swap_total_kib = 8,
        .swap_free_kib = 9,
        .swapped_in_kib = 10,
        .swapped_out_kib = 11,
        .refaults = 12,
        .major_faults = 13,
        .allocation_stalls = 14,
        .oom_kills = 15,
        .has_pressure = true,
        .pressure_some_us = 16,
        .pressure_full_us = 17,
        .floor_kib = 18,
    };

    expect(fixture, "list", false,
           "{\"domains\":[{\"domid\":3,\"name\":\"web 1\",\"uuid\":\"" UUID
           "\",\"type\":\"hvm\",\"state\":\"managed\",\"current_kib\":524288,"
           "\"target_kib\":524288,\"limit_kib\":525312,\"demand_kib\":512000,"
           "\"floor_kib\":131072,\"ceiling_kib\":1048576,\"weight\":256,"
           "\"headroom_permyriad\":null,\"trust\":\"unknown\","
           "\"device\":\"connected\",\"transport\":\"page\","
           "\"allowance_kib\":8192,"
           "\"reason\":\"needs\",\"reason_text\":\"grown: it needs 500 MiB, "
           "and 1 GiB was free for it\",\"changes\":4,\"since_ms\":7000,"
           "\"last_change\":{\"reason\":\"needs\",\"reason_text\":\"grown: it "
           "needs 500 MiB, and 1 GiB was free for it\",\"ago_ms\":7000},"
           "\"report\":{\"age_ms\":250,\"balloon\":\"moving\",\"total_kib\":1,"
           "\"available_kib\":2,\"free_kib\":3,\"anonymous_kib\":4,"
           "\"file_active_kib\":5,\"file_inactive_kib\":6,\"committed_kib\":7,"
           "\"swap_total_kib\":8,\"swap_free_kib\":9,\"swapped_in_kib\":10,"
           "\"swapped_out_kib\":11,\"refaults\":12,\"major_faults\":13,"
           "\"allocation_stalls\":14,\"oom_kills\":15,\"floor_kib\":18,"
           "\"pressure\":{\"some_us\":16,\"full_us\":17}}}]}");
}

static void what_is_not_known_is_null(void **state)
{
    struct fixture *fixture = *state;

    fixture->balancer.count = 1;
    fixture->domains[0].name[0] = '\0';
    fixture->domains[0].step.state = DECIDE_STATIC;
    fixture->domains[0].step.trust = DECIDE_EXCLUDED;
    fixture->domains[0].step.reason.code = REASON_STATIC;
    fixture->domains[0].seen.headroom_permyriad = 2000;

    expect(fixture, "list", false,
           "{\"domains\":[{\"domid\":3,\"name\":\"\",\"uuid\":\"" UUID
           "\",\"type\":\"pv\",\"state\":\"static\",\"current_kib\":0,"
           "\"target_kib\":0,\"limit_kib\":0,\"demand_kib\":null,"
           "\"floor_kib\":0,\"ceiling_kib\":0,\"weight\":0,"
           "\"headroom_permyriad\":2000,\"trust\":\"excluded\","
           "\"device\":\"none\",\"transport\":null,\"allowance_kib\":0,"
           "\"reason\":\"static\",\"reason_text\":\"left alone: no frontend "
           "has ever reported from it\",\"changes\":0,\"since_ms\":null,"
           "\"last_change\":null,\"report\":null}]}");
}

static void the_reason_is_what_holds_it_or_what_brought_it_here(void **state)
{
    static const struct {
        enum decide_state state;
        enum reason_code verdict;
        uint64_t last_change_ms;
        const char *reason;
        const char *why;
    } cases[] = {
        {DECIDE_MANAGED, REASON_SATISFIED, 1, "needs", "at rest"},
        {DECIDE_MANAGED, REASON_SATISFIED, 0, "satisfied", "never moved"},
        {DECIDE_MANAGED, REASON_ON_ITS_WAY, 1, "needs", "moving"},
        {DECIDE_MANAGED, REASON_SPARE, 1, "needs", "with some to spare"},
        {DECIDE_MANAGED, REASON_WAITS, 1, "waits", "waiting"},
        {DECIDE_MANAGED, REASON_SHORT, 1, "short", "short"},
        {DECIDE_OPERATOR, REASON_OPERATOR, 1, "operator", "held"},
        {DECIDE_STUCK, REASON_STUCK, 1, "stuck", "stuck"},
        {DECIDE_SILENT, REASON_GARBLED, 1, "garbled", "not understood"},
    };
    struct fixture *fixture = *state;

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct balancer_domain *web = &fixture->domains[0];
        char *text;
        char expected[64];

        web->step.state = cases[i].state;
        web->step.reason.code = cases[i].verdict;
        web->last_reason.code = REASON_NEEDS;
        web->last_change_ms = cases[i].last_change_ms;
        text = answer(&fixture->balancer, "list", false, NOW_MS);
        (void)snprintf(expected, sizeof(expected), ",\"reason\":\"%s\"",
                       cases[i].reason);
        if (!strstr(text, expected)) {
            fail_msg("%s: %s", cases[i].why, text);
        }
        free(text);
    }
}

static void reports_are_shown_only_while_they_mean_something(void **state)
{
    static const struct {
        enum snapshot_voice voice;
        uint64_t read_ms;
        bool is_shown;
    } cases[] = {
        {SNAPSHOT_VOICE_GOOD, 5, true},     {SNAPSHOT_VOICE_SILENT, 5, true},
        {SNAPSHOT_VOICE_STOPPED, 5, false}, {SNAPSHOT_VOICE_GARBLED, 5, false},
        {SNAPSHOT_VOICE_NONE, 0, false},    {SNAPSHOT_VOICE_SILENT, 0, false},
    };
    struct fixture *fixture = *state;

    fixture->balancer.count = 1;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char *text;

        fixture->domains[0].voice = cases[i].voice;
        fixture->domains[0].report_read_ms = cases[i].read_ms;
        text = answer(&fixture->balancer, "list", false, NOW_MS);
        assert_true((strstr(text, "\"report\":null") == NULL) ==
                    cases[i].is_shown);
        free(text);
    }
}

static void names_that_are_no_text_are_escaped(void **state)
{
    struct fixture *fixture = *state;
    char *text;

    (void)snprintf(fixture->domains[0].name, SETTINGS_NAME_MAX,
                   "a\xff\033[2J\xc3");
    (void)snprintf(fixture->domains[1].name, SETTINGS_NAME_MAX,
                   "\033\xc3\xa4\"");
    text = answer(&fixture->balancer, "list", false, NOW_MS);

    assert_non_null(strstr(text, "\"a\\\\xff\\\\x1b[2J\\\\xc3\""));
    assert_non_null(strstr(text, "\"\\u001B\\u00E4\\\"\""));
    for (const char *at = text; *at; at++) {
        assert_true(*at >= 0x20 && *at < 0x7f);
    }
    free(text);
}

static void the_host_is_told_in_full(void **state)
{
    struct fixture *fixture = *state;
    struct balancer *balancer = &fixture->balancer;

    balancer->snapshot = (struct snapshot){
        .total_kib = 1, .free_kib = 2, .claimed_kib = 3, .reserve_kib = 4};
    balancer->plan = (struct plan){.mood = DECIDE_SHORT,
                                   .learned_kib = 8,
                                   .promised_kib = 5,
                                   .spendable_kib = 6,
                                   .wanted_kib = 7,
                                   .spare_kib = UINT64_MAX};
    balancer->started_ms = NOW_MS - 5000;
    balancer->ticks = 9;
    balancer->writes = 10;
    balancer->last_write_ms = NOW_MS - 1;
    balancer->is_low_bound = true;
    balancer->lows = 11;
    balancer->last_low_ms = NOW_MS - 12;
    fixture->domains[1].step.state = DECIDE_STUCK;

    expect(fixture, "status", false,
           "{\"host\":{\"version\":\"" PACKAGE_VERSION "\",\"state\":"
           "\"short\",\"uptime_ms\":5000,"
           "\"total_kib\":1,\"free_kib\":2,\"claimed_kib\":3,"
           "\"reserve_kib\":4,\"promised_kib\":5,\"spendable_kib\":6,"
           "\"wanted_kib\":7,\"spare_kib\":9223372036854775807,"
           "\"learned_kib\":8,\"domains\":{"
           "\"managed\":1,\"stuck\":1,\"operator\":0,\"fixed\":0,\"static\":0,"
           "\"silent\":0,\"saving\":0,\"building\":0,\"dying\":0},\"ticks\":9,"
           "\"writes\":10,\"last_write_ms\":1,"
           "\"low_memory\":{\"times\":11,\"last_ms\":12}}}");
}

static void an_empty_host_is_told_too(void **state)
{
    struct fixture *fixture = *state;

    fixture->balancer.count = 0;

    expect(fixture, "list", false, "{\"domains\":[]}");
    expect(fixture, "version", false, "{\"version\":\"" PACKAGE_VERSION "\"}");
}

static void what_root_sets_is_set_and_remembered(void **state)
{
    struct fixture *fixture = *state;
    struct balancer_domain *web = &fixture->domains[0];

    expect(fixture, "set \"web 1\" floor=128M ceiling=1G", true, "{}");
    expect(fixture, "set 3 weight=7", true, "{}");

    assert_int_equal(web->given.floor_kib, 131072);
    assert_int_equal(web->given.ceiling_kib, 1048576);
    assert_int_equal(web->given.weight, 7);
    assert_string_equal(
        store_peek(fixture->store, "/local/domain/0/xenballoon/3/weight"), "7");
}

static void a_released_domain_is_the_backends_again(void **state)
{
    struct fixture *fixture = *state;

    fixture->domains[0].is_operators = true;
    expect(fixture, "release 3", true, "{}");
    assert_false(fixture->domains[0].is_operators);
}

static void what_is_refused_is_named(void **state)
{
    static const struct {
        const char *line;
        bool is_root;
        const char *code;
        const char *part;
    } cases[] = {
        {"", true, "request", "no words"},
        {" list", true, "request", "single spaces"},
        {"lst", true, "request", "no request \"lst\""},
        {"\033[2J", true, "request", "\\x1b[2J"},
        {"list all", true, "request", "wrong number of words"},
        {"set web", true, "request", "expected \"set DOMAIN WORD...\""},
        {"release", true, "request", "expected \"release DOMAIN\""},
        {"set 3 floor=1", false, "permission", "only root may set"},
        {"release 3", false, "permission", "only root may release"},
        {"set web2 floor=1", true, "domain",
         "no domain has the name or id \"web2\""},
        {"release 99", true, "domain", "\"99\""},
        {"set 3 flor=1", true, "request", "did you mean floor?"},
        {"set 3 floor=lots", true, "request",
         "\"floor=lots\" is not understood, expected floor=SIZE"},
        {"set 3 floor=1 floor=2", true, "request", "only once"},
        {"set 3 leave-alone", true, "request", "in backend.conf only"},
        {"set 3 floor=2G ceiling=1G", true, "request",
         "a floor of 2 GiB above a ceiling of 1 GiB"},
        {"set 12 floor=1", true, "domain", "has just gone away"},
        {"1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18", true, "request",
         "at most 17"},
    };
    struct fixture *fixture = *state;

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        expect_error(fixture, cases[i].line, cases[i].is_root, cases[i].code,
                     cases[i].part);
    }
    assert_int_equal(fixture->domains[0].given.has, 0);
}

static void a_ceiling_below_an_earlier_floor_is_refused(void **state)
{
    struct fixture *fixture = *state;

    expect(fixture, "set 3 floor=512M", true, "{}");
    expect_error(fixture, "set 3 ceiling=256M", true, "request",
                 "a floor of 512 MiB above a ceiling of 256 MiB");
    assert_int_equal(fixture->domains[0].given.has, SETTINGS_HAS_FLOOR);
}

static void a_lost_store_is_named(void **state)
{
    struct fixture *fixture = *state;

    store_lose(&fixture->bus);
    expect_error(fixture, "set 3 floor=1", true, "failed", "is as it was");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_domain_is_told_in_full),
        TEST(what_is_not_known_is_null),
        TEST(the_reason_is_what_holds_it_or_what_brought_it_here),
        TEST(reports_are_shown_only_while_they_mean_something),
        TEST(names_that_are_no_text_are_escaped),
        TEST(the_host_is_told_in_full),
        TEST(an_empty_host_is_told_too),
        TEST(what_root_sets_is_set_and_remembered),
        TEST(a_released_domain_is_the_backends_again),
        TEST(what_is_refused_is_named),
        TEST(a_ceiling_below_an_earlier_floor_is_refused),
        TEST(a_lost_store_is_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

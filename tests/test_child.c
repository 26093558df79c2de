/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Policies of somebody else's: what they are asked, what is taken of their
 * answers, and what is said of those that die, hang or talk nonsense.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "simulate/child.h"
#include "simulate/policy.h"

#define COUNT_OF(table) (sizeof(table) / sizeof((table)[0]))
#define MIB UINT64_C(1024)

/* A program that hangs here is a failure of ours. */
#define HANG_S 60

/* Long for a shell, on a machine that has much else to do. */
#define PATIENCE_MS 20000

/* Two guests of 600 MiB in a host that has 400 more. */
struct host {
    struct course course;
    struct snapshot_domain domains[2];
    struct snapshot snapshot;
    unsigned int domains_of[2];
    struct decide_step steps[2];
    struct plan plan;
    struct run_policy policy;
};

static int begin(void **state)
{
    static const char *const names[] = {"web \"1\"", "\xff"};
    struct host *host = calloc(1, sizeof(*host));

    assert_non_null(host);
    course_init(&host->course);
    for (unsigned int i = 0; i < 2; i++) {
        struct course_domain *domain = course_add(&host->course);

        assert_non_null(domain);
        (void)snprintf(domain->name, sizeof(domain->name), "%s", names[i]);
        host->domains[i] = (struct snapshot_domain){
            .domid = 5 + i,
            .has_target = true,
            .current_kib = 600 * MIB,
            .target_kib = 600 * MIB,
            .limit_kib = 600 * MIB + SNAPSHOT_SLACK_KIB,
            .static_max_kib = 2000 * MIB,
            .floor_kib = 100 * MIB,
            .ceiling_kib = 2000 * MIB,
            .weight = 256,
            .voice = SNAPSHOT_VOICE_GOOD,
            .report.available_kib = 77,
        };
        host->domains_of[i] = i;
    }
    host->snapshot = (struct snapshot){
        .now_ms = 1000,
        .total_kib = 1600 * MIB,
        .free_kib = 400 * MIB,
        .domains = host->domains,
        .count = 2,
    };
    host->plan.steps = host->steps;
    (void)alarm(HANG_S);
    *state = host;
    return 0;
}

static int end(void **state)
{
    struct host *host = *state;

    policy_done(&host->policy);
    (void)alarm(0);
    course_done(&host->course);
    free(host);
    return 0;
}

static void set_out(struct host *host, const char *command,
                    unsigned int patience_ms)
{
    policy_done(&host->policy);
    assert_int_equal(
        child_policy_init(command, &host->course, patience_ms, &host->policy),
        0);
}

static int plan(struct host *host)
{
    return host->policy.plan(host->policy.state, &host->snapshot,
                             host->domains_of, &host->plan);
}

static void expect_plan(struct host *host)
{
    if (plan(host) != 0) {
        fail_msg("%s", child_policy_error(&host->policy));
    }
}

static void targets_are_taken(void **state)
{
    struct host *host = *state;

    set_out(host,
            "while read -r line; do echo '{\"targets\":[{\"domid\":6,"
            "\"target_kib\":819200},{\"domid\":5,\"target_kib\":204800}],"
            "\"next_ms\":1234}'; done",
            PATIENCE_MS);
    for (unsigned int i = 0; i < 3; i++) {
        expect_plan(host);
        assert_int_equal(host->steps[0].domid, 5);
        assert_int_equal(host->steps[0].target_kib, 200 * MIB);
        assert_int_equal(host->steps[1].target_kib, 800 * MIB);
        assert_true(host->plan.next_ms > 1000 && host->plan.next_ms <= 1234);
    }
}

static void who_is_not_named_stays(void **state)
{
    struct host *host = *state;

    set_out(host, "while read -r line; do echo '{\"targets\":[]}'; done",
            PATIENCE_MS);
    expect_plan(host);
    assert_int_equal(host->steps[0].target_kib, 600 * MIB);
    assert_int_equal(host->steps[1].target_kib, 600 * MIB);
}

static void targets_stay_within_bounds(void **state)
{
    struct host *host = *state;

    set_out(host,
            "read -r line; echo '{\"targets\":[{\"domid\":5,\"target_kib\":0},"
            "{\"domid\":6,\"target_kib\":9223372036854775807}]}'; read -r line",
            PATIENCE_MS);
    expect_plan(host);
    assert_int_equal(host->steps[0].target_kib, 100 * MIB);
    assert_true(host->steps[1].target_kib <= 1000 * MIB);
}

/* In single quotes, the shell's patterns are literal. */
static void question_is_the_snapshot(void **state)
{
    static const char *const parts[] = {
        "\"now_ms\":1000",      "\"name\":\"web \\\"1\\\"\"",
        "\"name\":\"\\\\xff\"", "\"domid\":5",
        "\"domid\":6",          "\"available_kib\":77",
        "\"total_kib\":",       "\"voice\":\"good\"",
        "\"weight\":256",
    };
    struct host *host = *state;

    for (size_t i = 0; i < COUNT_OF(parts); i++) {
        char command[256];

        (void)snprintf(command, sizeof(command),
                       "while read -r line; do case $line in *'%s'*) "
                       "echo '{\"targets\":[]}';; *) exit 9;; esac; done",
                       parts[i]);
        set_out(host, command, PATIENCE_MS);
        if (plan(host) != 0) {
            fail_msg("%s: %s", parts[i], child_policy_error(&host->policy));
        }
    }
}

static void failures_are_told(void **state)
{
    static const struct {
        const char *command;
        int r;
        const char *error; /* behind "question 1: the policy command " */
    } cases[] = {
        {"exit 3", -EPIPE, "ended with status 3 instead of answering"},
        {"kill -9 $$", -EPIPE, "ended by signal 9, or closed its output"},
        {"exec >&- <&-; exec sleep 1000", -EPIPE, "ended by signal 9, or"},
        {"read -r l; echo", -EPROTO, "answered '', expected {\"targets\":"},
        {"read -r l; echo '{}'", -EPROTO, "answered '{}', expected {\"targets"},
        {"read -r l; echo '{\"targets\":[7]}'", -EPROTO,
         "answered '{\"targets\":[7]}', expected each of targets to be"},
        {"read -r l; echo '{\"targets\":[{\"domid\":5,\"target_kib\":-1}]}'",
         -EPROTO, "answered "},
        {"read -r l; echo '{\"targets\":[{\"domid\":4,\"target_kib\":1}]}'",
         -EPROTO, "answered "},
        {"read -r l; echo '{\"targets\":[],\"next_ms\":1000}'", -EPROTO,
         "answered '{\"targets\":[],\"next_ms\":1000}', expected next_ms to be "
         "a number above now_ms"},
        {"read -r l; printf '\\033[31m\\n'", -EPROTO, "answered '\\x1b[31m'"},
        {"read -r l; yes a | tr -d '\\n'", -EPROTO,
         "answered with more than 4194304 bytes, expected one line"},
    };
    struct host *host = *state;

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        static const char prefix[] = "question 1: the policy command ";
        const char *error;
        int r;

        set_out(host, cases[i].command, PATIENCE_MS);
        r = plan(host);
        error = child_policy_error(&host->policy);
        if (r != cases[i].r || strncmp(error, prefix, strlen(prefix)) != 0 ||
            strncmp(error + strlen(prefix), cases[i].error,
                    strlen(cases[i].error)) != 0) {
            fail_msg("%s: %d, %s", cases[i].command, r, error);
        }
    }
}

static void hanging_ends_in_time(void **state)
{
    struct host *host = *state;

    /* Deaf to ctrl-C and to the end of its input, with a child of its own. */
    set_out(host, "trap '' INT TERM; sleep 1000 & sleep 1000", 50);
    assert_int_equal(plan(host), -ETIMEDOUT);
    assert_string_equal(child_policy_error(&host->policy),
                        "question 1: the policy command did not answer within "
                        "50 ms");
}

static void program_may_say_goodbye(void **state)
{
    struct host *host = *state;
    char folder[] = "child-XXXXXX";
    char path[32];
    char command[128];

    assert_non_null(mkdtemp(folder));
    (void)snprintf(path, sizeof(path), "%s/bye", folder);
    (void)snprintf(command, sizeof(command),
                   "while read -r line; do echo '{\"targets\":[]}'; done; "
                   ">%s",
                   path);
    set_out(host, command, PATIENCE_MS);
    expect_plan(host);
    policy_done(&host->policy);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(folder), 0);
}

/* It answers, and goes on for ever. */
static void talker_is_left(void **state)
{
    struct host *host = *state;

    set_out(host, "echo '{\"targets\":[]}'; exec yes", PATIENCE_MS);
    expect_plan(host);
    policy_done(&host->policy);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(targets_are_taken),          TEST(who_is_not_named_stays),
        TEST(targets_stay_within_bounds), TEST(question_is_the_snapshot),
        TEST(failures_are_told),          TEST(hanging_ends_in_time),
        TEST(program_may_say_goodbye),    TEST(talker_is_left),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

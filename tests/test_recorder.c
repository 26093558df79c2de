/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The backend of the simulated host is recorded and decided again: the same,
 * whatever happened to the host, to the daemon or to the file; and not the
 * same once anything was changed.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backend/replay.h"
#include "common/log.h"
#include "tests/steps.h"

/* ---- A folder, and files in it ------------------------------------------- */

struct place {
    char folder[32];
    char path[64];
};

static int begin(void **state)
{
    struct place *place = calloc(1, sizeof(*place));

    assert_non_null(place);
    (void)snprintf(place->folder, sizeof(place->folder), "record-XXXXXX");
    assert_non_null(mkdtemp(place->folder));
    (void)snprintf(place->path, sizeof(place->path), "%s/record",
                   place->folder);
    *state = place;
    return 0;
}

static void number_path(const struct place *place, unsigned int number,
                        char path[80])
{
    (void)snprintf(path, 80, number ? "%s.%u" : "%s", place->path, number);
}

static int end(void **state)
{
    struct place *place = *state;
    char path[80];

    for (unsigned int number = 0; number < 10; number++) {
        number_path(place, number, path);
        (void)unlink(path);
    }
    (void)chmod(place->folder, 0700);
    assert_int_equal(rmdir(place->folder), 0);
    free(place);
    return 0;
}

static char *read_all(const char *path, size_t *ret_len)
{
    FILE *file = fopen(path, "rb");
    char *text;
    long len;

    assert_non_null(file);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    len = ftell(file);
    assert_true(len >= 0);
    rewind(file);
    text = calloc(1, (size_t)len + 1);
    assert_non_null(text);
    assert_int_equal(fread(text, 1, (size_t)len, file), len);
    (void)fclose(file);
    *ret_len = (size_t)len;
    return text;
}

/* ---- Runs ---------------------------------------------------------------- */

static void record_to(struct scenario *scenario, const struct place *place)
{
    struct settings *settings = &scenario->world.settings;

    (void)snprintf(settings->record, sizeof(settings->record), "%s",
                   place->path);
}

/* Two guests, one of whom grows; 1 minute. */
static void record_a_run(const struct place *place)
{
    struct scenario scenario;

    two_guests(&scenario);
    record_to(&scenario, place);
    start(&scenario);
    run(&scenario, MINUTE_MS);
    scenario_done(&scenario);
}

/* Returns what was printed, to be freed. */
static char *replay_text(const char *text, size_t len, int expected,
                         struct replay_tally *tally)
{
    char *printed = NULL;
    size_t printed_len = 0;
    char *copy = malloc(len + 1);
    char error[REPLAY_ERROR_MAX] = "";
    FILE *in;
    FILE *out = open_memstream(&printed, &printed_len);
    int r;

    assert_non_null(copy);
    memcpy(copy, text, len);
    in = fmemopen(copy, len, "r");
    assert_true(in && out);
    memset(tally, 0, sizeof(*tally));
    r = replay_stream("F", in, out, tally, error);
    (void)fputs(error, out);
    (void)fclose(in);
    (void)fclose(out);
    free(copy);
    if (r != expected) {
        fail_msg("%d instead of %d: %s", r, expected, printed);
    }
    return printed;
}

static struct replay_tally expect_same(const char *path)
{
    struct replay_tally tally = {0};
    size_t len;
    char *text = read_all(path, &len);
    char *printed = replay_text(text, len, 0, &tally);

    if (tally.different_fields != 0) {
        fail_msg("%s", printed);
    }
    free(printed);
    free(text);
    return tally;
}

/* ---- The same ------------------------------------------------------------ */

static void run_is_decided_again_the_same(void **state)
{
    const struct place *place = *state;
    struct replay_tally tally;
    struct stat status;

    record_a_run(place);
    tally = expect_same(place->path);
    assert_true(tally.ticks > 60);
    assert_true(tally.changes > 5);
    assert_int_equal(stat(place->path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0640);
}

static void daemon_may_be_killed_at_any_time(void **state)
{
    const struct place *place = *state;
    struct scenario scenario;
    struct replay_tally tally;

    two_guests(&scenario);
    record_to(&scenario, place);
    start(&scenario);
    for (unsigned int i = 0; i < 30; i++) {
        run(&scenario, 1777);
        daemon_kill(&scenario.world.daemon);
        daemon_start(&scenario.world.daemon, scenario.world.now_ms);
    }
    scenario_done(&scenario);
    tally = expect_same(place->path);
    assert_true(tally.ticks > 60);
}

static void faults_are_recorded_and_replayed(void **state)
{
    const struct place *place = *state;

    for (unsigned int at = 40; at < 600; at += 37) {
        struct scenario scenario;

        two_guests(&scenario);
        scenario.guests[0].nature.stuck_from_ms = 22 * SECOND_MS;
        scenario.guests[0].nature.stuck_until_ms = 40 * SECOND_MS;
        record_to(&scenario, place);
        start(&scenario);
        scenario.world.daemon.fault.kind = at % 2 ? FAULT_FAIL : FAULT_DIE;
        scenario.world.daemon.fault.error = EIO;
        scenario.world.daemon.fault.at = at;
        run(&scenario, MINUTE_MS);
        scenario_done(&scenario);
    }
    (void)expect_same(place->path);
}

/* A domid of before, used by another domain: nothing is remembered of it. */
static void domains_come_and_go(void **state)
{
    const struct place *place = *state;
    struct scenario scenario;
    struct character late;

    two_guests(&scenario);
    record_to(&scenario, place);
    start(&scenario);
    run(&scenario, 30 * SECOND_MS);
    xl_destroy(&scenario.world, world_find(&scenario.world, "donor"));
    run(&scenario, 10 * SECOND_MS);
    character_init(&late, "late", 300 * MIB, 400 * MIB, 50 * MIB);
    scenario.world.last_domid = 0;
    assert_non_null(xl_create(&scenario.world, &late.config));
    run(&scenario, 30 * SECOND_MS);
    scenario_done(&scenario);
    (void)expect_same(place->path);
}

/* ---- Not the same -------------------------------------------------------- */

/* Replaces the first digit behind the nth occurrence of key by another one. */
static void change_number(char *text, const char *key, unsigned int nth)
{
    char *at = text;

    for (unsigned int i = 0; at && i < nth; i++) {
        at = strstr(at + 1, key);
    }
    assert_non_null(at);
    at += strlen(key);
    *at = *at == '9' ? '8' : (char)(*at + 1);
}

static void changed_number_is_told(void **state)
{
    const struct place *place = *state;
    static const struct {
        const char *key;
        unsigned int nth;
        const char *told;
        const char *why;
    } cases[] = {
        {"\"goal_kib\":", 6, "): goal_kib: recorded ", "a step of a plan"},
        {"\"a_kib\":", 9, "): reason.a_kib: recorded ", "a reason"},
        {"\"next_ms\":", 7, "plan: next_ms: recorded ", "the plan itself"},
        {"\"available_kib\":", 12, "demand_kib: recorded ", "what was seen"},
        {"\"anonymous_kib\":", 2, NULL, "what has no bearing"},
    };
    size_t len;
    char *text;

    record_a_run(place);
    text = read_all(place->path, &len);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char *copy = strdup(text);
        struct replay_tally tally;
        char *printed;

        assert_non_null(copy);
        change_number(copy, cases[i].key, cases[i].nth);
        printed = replay_text(copy, len, 0, &tally);
        if ((tally.different_fields > 0) != (cases[i].told != NULL) ||
            (cases[i].told && !strstr(printed, cases[i].told))) {
            fail_msg("%s: %s", cases[i].why, printed);
        }
        free(printed);
        free(copy);
    }
    free(text);
}

/* Whether it matters that the domain whose object begins there is new. */
static bool matters(const char *text, const char *domain)
{
    static const char mark[] = "{\"is_new\":true,";
    size_t size = strlen(text) + sizeof(mark);
    char *copy = malloc(size);
    struct replay_tally tally;

    assert_non_null(copy);
    (void)snprintf(copy, size, "%.*s%s%s", (int)(domain - text), text, mark,
                   domain + 1);
    free(replay_text(copy, strlen(copy), 0, &tally));
    free(copy);
    return tally.different_fields > 0;
}

/* As where a domid has gone to another domain between two ticks. */
static void what_is_new_is_not_remembered(void **state)
{
    static const char domain[] = "{\"domid\":2,\"s";
    const struct place *place = *state;
    struct scenario scenario;
    unsigned int mattered = 0;
    size_t len;
    char *text;

    /* A demand that falls is remembered for a while. */
    two_guests(&scenario);
    character_wants(&scenario.guests[1], 30 * SECOND_MS, 100 * MIB);
    record_to(&scenario, place);
    start(&scenario);
    run(&scenario, MINUTE_MS);
    scenario_done(&scenario);
    text = read_all(place->path, &len);
    for (char *at = strstr(text, domain); at; at = strstr(at + 1, domain)) {
        mattered += matters(text, at);
    }
    assert_true(mattered > 0);
    free(text);
}

/* ---- Files --------------------------------------------------------------- */

static void files_are_rotated_and_stand_alone(void **state)
{
    const struct place *place = *state;
    struct scenario scenario;
    char path[80];
    uint64_t ticks = 0;

    two_guests(&scenario);
    record_to(&scenario, place);
    scenario.world.settings.record_size_kib = 16;
    scenario.world.settings.record_files = 3;
    start(&scenario);
    run(&scenario, 3 * MINUTE_MS);
    scenario_done(&scenario);
    for (unsigned int number = 0; number < 3; number++) {
        struct stat status;

        number_path(place, number, path);
        assert_int_equal(stat(path, &status), 0);
        assert_in_range(status.st_size, 1, 24 * 1024);
        ticks += expect_same(path).ticks;
    }
    assert_true(ticks > 40);
    number_path(place, 3, path);
    assert_int_equal(access(path, F_OK), -1);
}

static void line_cut_short_is_left_out(void **state)
{
    const struct place *place = *state;
    struct replay_tally whole;
    struct replay_tally tally;
    char *printed;
    size_t len;
    char *text;

    record_a_run(place);
    whole = expect_same(place->path);
    text = read_all(place->path, &len);

    printed = replay_text(text, len - 7, 0, &tally);
    assert_int_equal(tally.different_fields, 0);
    assert_int_equal(tally.ticks, whole.ticks - 1);
    assert_non_null(strstr(printed, "cut short"));
    free(printed);
    free(text);

    /* The next daemon goes on behind it. */
    assert_int_equal(truncate(place->path, (off_t)len - 7), 0);
    record_a_run(place);
    tally = expect_same(place->path);
    assert_int_equal(tally.ticks, 2 * whole.ticks - 1);
}

static void unwritable_file_disturbs_nobody(void **state)
{
    static const char *const paths[] = {"/dev/full", "/no/such/folder/record",
                                        "/", "/dev/null"};

    (void)state;
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        struct scenario scenario;

        two_guests(&scenario);
        (void)snprintf(scenario.world.settings.record,
                       sizeof(scenario.world.settings.record), "%s", paths[i]);
        start(&scenario);
        run(&scenario, MINUTE_MS);
        assert_true(scenario_is_content(&scenario));
        assert_true(scenario.world.daemon.recorder.has_failed);
        scenario_done(&scenario);
    }
}

/* As a full disk does: writing fails for a while in the middle of a line. */
static void recording_is_taken_up_again(void **state)
{
    const struct place *place = *state;
    struct scenario scenario;
    struct replay_tally tally;
    uint64_t len;

    two_guests(&scenario);
    record_to(&scenario, place);
    start(&scenario);
    run(&scenario, 20 * SECOND_MS);
    len = scenario.world.daemon.recorder.len;
    assert_int_equal(truncate(place->path, (off_t)len - 11), 0);
    assert_int_equal(close(scenario.world.daemon.recorder.fd), 0);
    run(&scenario, 10 * SECOND_MS);
    assert_true(scenario.world.daemon.recorder.has_failed);
    run(&scenario, 2 * MINUTE_MS);
    assert_false(scenario.world.daemon.recorder.has_failed);
    scenario_done(&scenario);
    tally = expect_same(place->path);
    assert_true(tally.ticks > 20);
}

/* ---- Bad files ----------------------------------------------------------- */

#define BEGINNING "{\"xenballoon_record\":1,\"version\":\"1\",\"domains\":[]}\n"

static const struct {
    const char *text;
    const char *error;
} bad[] = {
    {"\n", "F:1: '[' or '{' expected"},
    {"[]\n", "F:1: no object, expected an object in JSON"},
    {"{}\n", "F:1: domains: expected a list of at most 16384"},
    {"{\"domains\":[]}\n", "F:1: no beginning, expected"},
    {"{\"xenballoon_record\":2,\"domains\":[]}\n",
     "F:1: xenballoon_record: a format that this version does not know, "
     "expected 1"},
    {BEGINNING "nonsense\n", "F:2: '[' or '{' expected"},
    {BEGINNING "{\"domains\":[{}]}\n",
     "F:2: domains[0].domid: expected a number from 0"},
    {BEGINNING "{\"domains\":[{\"domid\":2},{\"domid\":2}]}\n",
     "F:2: domains[1].domid: 2, expected one above 2, the one before it"},
    {BEGINNING "{\"domains\":[{\"domid\":2}]}\n",
     "F:2: domains[0]: domain 2 was not there before, expected \"is_new\""},
    {BEGINNING "{\"domains\":[{\"domid\":2,\"seen\":{\"domid\":3}}]}\n",
     "F:2: domains[0]: another domid inside, expected 2"},
    {BEGINNING "{\"domains\":[{\"domid\":2,\"seen\":{\"weight\":99999}}]}\n",
     "F:2: domains[0].seen.weight: expected at most 65536"},
    {BEGINNING "{\"domains\":[],\"snapshot\":{\"now_ms\":5}}\n"
               "{\"domains\":[],\"snapshot\":{\"now_ms\":4}}\n",
     "F:3: snapshot.now_ms: earlier than the line before"},
    {BEGINNING "{\"domains\":[],\"snapshot\":{\"now_ms\":\"x\"}}\n",
     "F:2: snapshot: now_ms: \"x\", expected a whole number"},
    {BEGINNING "{\"domains\":[],\"snapshot\":{\"free_kib\":99999999999999}}\n",
     "F:2: snapshot.free_kib: 99999999999999, expected at most"},
};

static void bad_files_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct replay_tally tally;
        char *printed =
            replay_text(bad[i].text, strlen(bad[i].text), -EINVAL, &tally);

        if (!strstr(printed, bad[i].error)) {
            fail_msg("%s: %s", bad[i].text, printed);
        }
        free(printed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(run_is_decided_again_the_same, begin,
                                        end),
        cmocka_unit_test_setup_teardown(daemon_may_be_killed_at_any_time, begin,
                                        end),
        cmocka_unit_test_setup_teardown(faults_are_recorded_and_replayed, begin,
                                        end),
        cmocka_unit_test_setup_teardown(domains_come_and_go, begin, end),
        cmocka_unit_test_setup_teardown(changed_number_is_told, begin, end),
        cmocka_unit_test_setup_teardown(what_is_new_is_not_remembered, begin,
                                        end),
        cmocka_unit_test_setup_teardown(files_are_rotated_and_stand_alone,
                                        begin, end),
        cmocka_unit_test_setup_teardown(line_cut_short_is_left_out, begin, end),
        cmocka_unit_test(unwritable_file_disturbs_nobody),
        cmocka_unit_test_setup_teardown(recording_is_taken_up_again, begin,
                                        end),
        cmocka_unit_test(bad_files_are_refused),
    };

    log_to_nowhere();
    return cmocka_run_group_tests(tests, NULL, NULL);
}

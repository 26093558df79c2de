/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the frontend writes for the owner of its guest, and what the tool makes
 * of it, or of something else in its place.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/log.h"
#include "common/textfile.h"
#include "common/units.h"
#include "control/gueststatus.h"
#include "frontend/status.h"
#include "frontend/statusfile.h"

#define COUNT_OF(table) (sizeof(table) / sizeof((table)[0]))

#define MIB UINT64_C(1024)
#define WALL_MS UINT64_C(1790000000000)

/* make check runs tests where the programs are. */
#define TOOL "./xenballoon"

/* ---- Looking -------------------------------------------------------------- */

/* A guest of 2000 MiB at most, connected, 4 MiB of which its kernel does not
 * count. */
static struct frontend guest_at(uint64_t target_kib)
{
    struct frontend frontend = {.phase = FRONTEND_CONNECTED};

    frontend.observer.target_kib = target_kib;
    frontend.observer.ceiling_kib = 2000 * MIB;
    frontend.observer.allowance_kib = 100 * MIB;
    (void)snprintf(frontend.observer.reason, sizeof(frontend.observer.reason),
                   "gives");
    frontend.decider.sample.has_balloon = true;
    frontend.decider.sample.balloon_current_kib = target_kib - 4 * MIB;
    frontend.decider.reflex.knows_offset = true;
    frontend.decider.reflex.offset_kib = 4 * MIB;
    return frontend;
}

static struct gueststatus read_back(const struct status *status)
{
    struct gueststatus seen = {.pid = 0};
    char text[STATUS_TEXT_MAX];
    int len = status_format(status, text);

    assert_true(len > 0);
    assert_int_equal(strlen(text), len);
    assert_int_equal(gueststatus_parse(text, (size_t)len, &seen), 0);
    return seen;
}

static void owner_is_told_what_there_is(void **state)
{
    struct frontend frontend = guest_at(1500 * MIB);
    struct status status = {.pid = 7, .started_at_ms = WALL_MS};
    struct gueststatus seen;

    (void)state;
    frontend.decider.reflex.taken_kib = 30 * MIB;
    status_look(&status, &frontend, true, WALL_MS + 1);
    seen = read_back(&status);
    assert_int_equal(seen.pid, 7);
    assert_int_equal(seen.started_at_ms, WALL_MS);
    assert_string_equal(seen.dom0, "connected");
    assert_int_equal(seen.dom0_at_ms, WALL_MS + 1);
    assert_string_equal(seen.transport, "record");
    assert_int_equal(seen.could_have_kib, 2000 * MIB);
    assert_int_equal(seen.holds_kib, 1500 * MIB);
    assert_int_equal(gueststatus_ballooned_kib(&seen), 500 * MIB);
    assert_int_equal(seen.target_kib, 1500 * MIB);
    assert_int_equal(seen.target_at_ms, 0);
    assert_string_equal(seen.reason, "gives");
    assert_int_equal(seen.allowance_kib, 100 * MIB);
    assert_int_equal(seen.taken_kib, 30 * MIB);
    assert_false(seen.is_announced);
}

static void change_of_target_has_its_time(void **state)
{
    struct frontend frontend = guest_at(1500 * MIB);
    struct status status = {.pid = 7};

    (void)state;
    status_look(&status, &frontend, true, WALL_MS);
    frontend.observer.target_kib = 0; /* unreadable for once */
    status_look(&status, &frontend, true, WALL_MS + 1);
    frontend.observer.target_kib = 1400 * MIB;
    status_look(&status, &frontend, true, WALL_MS + 2);
    status_look(&status, &frontend, true, WALL_MS + 3);
    assert_int_equal(read_back(&status).target_at_ms, WALL_MS + 2);
}

static void without_its_maximum_the_most_it_held_counts(void **state)
{
    struct frontend frontend = guest_at(1500 * MIB);
    struct status status = {.pid = 7};

    (void)state;
    frontend.observer.ceiling_kib = 0;
    status_look(&status, &frontend, true, WALL_MS);
    frontend.decider.sample.balloon_current_kib -= 100 * MIB;
    status_look(&status, &frontend, true, WALL_MS);
    assert_int_equal(status.could_have_kib, 1500 * MIB);
    assert_int_equal(status.holds_kib, 1400 * MIB);
}

static void owner_is_told_whether_dom0_answers(void **state)
{
    static const struct {
        enum frontend_phase phase;
        bool has_store;
        const char *word;
    } cases[] = {
        {FRONTEND_WAITING, true, "waiting"},
        {FRONTEND_CONNECTED, true, "connected"},
        {FRONTEND_CONNECTED, false, "unreachable"},
        {FRONTEND_ALONE, true, "absent"},
    };
    struct frontend frontend = guest_at(1500 * MIB);
    struct status status = {.pid = 7};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        bool is_connected = strcmp(cases[i].word, "connected") == 0;
        struct gueststatus seen;

        frontend.phase = cases[i].phase;
        status_look(&status, &frontend, cases[i].has_store, WALL_MS + i * 10);
        status_look(&status, &frontend, cases[i].has_store,
                    WALL_MS + i * 10 + 1);
        seen = read_back(&status);
        assert_string_equal(seen.dom0, cases[i].word);
        assert_int_equal(seen.dom0_at_ms, WALL_MS + i * 10);
        assert_int_equal(seen.transport[0] != '\0', is_connected);
        assert_int_equal(seen.allowance_kib > 0, is_connected);
    }
}

static void last_announcement_is_kept_with_its_answer(void **state)
{
    struct frontend frontend = guest_at(1500 * MIB);
    struct status status = {.pid = 7};
    struct gueststatus seen;

    (void)state;
    frontend.observer.announcement = (struct announcement){
        .number = 3, .target_kib = 1000 * MIB, .wait_ms = 2000};
    status_look(&status, &frontend, true, WALL_MS);
    seen = read_back(&status);
    assert_true(seen.is_announced && seen.stands && !seen.is_answered);
    assert_int_equal(seen.announced_kib, 1000 * MIB);
    assert_int_equal(seen.announced_wait_ms, 2000);

    frontend.room.told = (struct answer){
        .number = 3, .is_ready = true, .can_give_kib = 600 * MIB};
    status_look(&status, &frontend, true, WALL_MS + 5);
    frontend.observer.announcement.number = 0;
    frontend.room.told.number = 0;
    status_look(&status, &frontend, true, WALL_MS + 9);
    seen = read_back(&status);
    assert_true(seen.is_announced && !seen.stands && seen.is_answered);
    assert_true(seen.is_ready);
    assert_int_equal(seen.can_give_kib, 600 * MIB);
    assert_int_equal(seen.announced_at_ms, WALL_MS);

    frontend.observer.announcement.number = 4;
    status_look(&status, &frontend, true, WALL_MS + 20);
    seen = read_back(&status);
    assert_false(seen.is_answered);
    assert_int_equal(seen.announced_at_ms, WALL_MS + 20);
}

/* Words are checked where they are read; the writer does not rely on it. */
static void nothing_breaks_out_of_a_string(void **state)
{
    struct status status = {.pid = 7, .dom0 = "connected"};
    struct gueststatus seen;
    char text[STATUS_TEXT_MAX];
    json_t *file;

    (void)state;
    memcpy(status.reason, "\",\"x\":\"\\\n\x1b\xff", 12);
    assert_true(status_format(&status, text) > 0);
    file = json_loads(text, 0, NULL);
    assert_non_null(file);
    assert_null(json_object_get(file, "x"));
    json_decref(file);
    assert_int_equal(gueststatus_parse(text, strlen(text), &seen), -EINVAL);
}

static void longest_status_fits(void **state)
{
    struct status status;
    char text[STATUS_TEXT_MAX];

    (void)state;
    memset(&status, 0xff, sizeof(status));
    memset(status.reason, 1, sizeof(status.reason) - 1);
    status.reason[sizeof(status.reason) - 1] = '\0';
    status.dom0 = "unreachable";
    status.transport = "record";
    status.is_announced = false;
    status.answer.is_ready = false;
    assert_in_range(status_format(&status, text), 700, STATUS_TEXT_MAX - 100);
}

/* ---- The file ------------------------------------------------------------- */

struct place {
    char folder[32];
    char path[64];
    char other[72];
};

static int make_place(void **state)
{
    struct place *place = calloc(1, sizeof(*place));

    assert_non_null(place);
    (void)snprintf(place->folder, sizeof(place->folder), "status-XXXXXX");
    assert_non_null(mkdtemp(place->folder));
    (void)snprintf(place->path, sizeof(place->path), "%s/guest.json",
                   place->folder);
    (void)snprintf(place->other, sizeof(place->other), "%s.new", place->path);
    *state = place;
    return 0;
}

static int clear_place(void **state)
{
    struct place *place = *state;

    (void)unlink(place->path);
    (void)unlink(place->other);
    (void)rmdir(place->folder);
    free(place);
    return 0;
}

static void assert_holds(const struct place *place, const char *expected)
{
    char *text;
    size_t len;

    assert_int_equal(textfile_read(place->path, 100, &text, &len), 0);
    assert_string_equal(text, expected);
    free(text);
    assert_int_equal(access(place->other, F_OK), -1);
}

static void file_is_written_when_something_changed(void **state)
{
    struct place *place = *state;
    struct statusfile file = {.path = place->path};
    struct stat about;
    mode_t mask = umask(0077);

    assert_int_equal(statusfile_keep(&file, "one", 0), UINT64_MAX);
    (void)umask(mask);
    assert_holds(place, "one");
    assert_int_equal(stat(place->path, &about), 0);
    assert_int_equal(about.st_mode & 07777, 0644);

    assert_int_equal(unlink(place->path), 0);
    assert_int_equal(statusfile_keep(&file, "one", 5000), UINT64_MAX);
    assert_int_equal(access(place->path, F_OK), -1);
    assert_int_equal(statusfile_keep(&file, "two", 5000), UINT64_MAX);
    assert_holds(place, "two");
}

static void file_is_written_once_a_second_at_most(void **state)
{
    struct place *place = *state;
    struct statusfile file = {.path = place->path};

    (void)statusfile_keep(&file, "one", 5000);
    assert_int_equal(statusfile_keep(&file, "two", 5001), 6000);
    assert_int_equal(statusfile_keep(&file, "three", 5999), 6000);
    assert_holds(place, "one");
    assert_int_equal(statusfile_keep(&file, "three", 6000), UINT64_MAX);
    assert_holds(place, "three");
}

static void file_goes_with_the_frontend(void **state)
{
    struct place *place = *state;
    struct statusfile file = {.path = place->path};

    statusfile_remove(&file); /* of somebody else, or not there */
    (void)statusfile_keep(&file, "one", 0);
    statusfile_remove(&file);
    assert_int_equal(access(place->path, F_OK), -1);
}

static void what_cannot_be_written_keeps_nobody_awake(void **state)
{
    struct place *place = *state;
    struct statusfile file = {.path = "not/there/guest.json"};

    assert_int_equal(statusfile_keep(&file, "one", 0), UINT64_MAX);
    assert_int_equal(file.error, -ENOENT);
    assert_int_equal(statusfile_keep(&file, "one", 9000), UINT64_MAX);
    file.path = place->path;
    assert_int_equal(statusfile_keep(&file, "two", 9000), UINT64_MAX);
    assert_int_equal(file.error, 0);
    assert_holds(place, "two");
}

/* ---- Reading -------------------------------------------------------------- */

#define WHOLE                                                                  \
    "{\"version\":1,\"pid\":7,\"started_at_ms\":1790000000000,"                \
    "\"dom0\":\"connected\",\"dom0_at_ms\":1790000000000,"                     \
    "\"transport\":\"page\",\"could_have_kib\":2048000,"                       \
    "\"holds_kib\":1536000,\"target_kib\":1536000,"                            \
    "\"target_at_ms\":1790000001000,\"reason\":\"gives\","                     \
    "\"allowance_kib\":102400,\"taken_kib\":0,\"announcement\":{"              \
    "\"stands\":false,\"at_ms\":1790000000500,\"target_kib\":1024000,"         \
    "\"wait_ms\":2000,\"answer\":{\"ready\":true,\"can_give_kib\":600000}}}"

/* The whole one with one piece of it replaced. */
static size_t change(char text[1024], const char *from, const char *to)
{
    const char *at = strstr(WHOLE, from);

    assert_non_null(at);
    return (size_t)snprintf(text, 1024, "%.*s%s%s", (int)(at - WHOLE), WHOLE,
                            to, at + strlen(from));
}

static void hostile_file_is_refused(void **state)
{
    static const struct {
        const char *from;
        const char *to;
    } changes[] = {
        {"\"version\":1", "\"version\":2"},
        {"\"version\":1,", ""},
        {"\"pid\":7", "\"pid\":0"},
        {"\"pid\":7", "\"pid\":-1"},
        {"\"pid\":7", "\"pid\":4194305"},
        {"\"pid\":7", "\"pid\":7.5"},
        {"\"pid\":7", "\"pid\":7,\"pid\":8"},
        {"1790000000000", "253402300800000"},
        {"\"connected\"", "null"},
        {"\"connected\"", "\"conn ected\""},
        {"\"connected\"", "\"\\u001b[2J\""},
        {"\"page\"", "\"an-endless-word-an-endless-word-\""},
        {"\"page\"", "\"\""},
        {"2048000", "1099511627777"},
        {"2048000", "null"},
        {"\"holds_kib\":1536000", "\"holds_kib\":\"1536000\""},
        {"\"gives\"", "\"GIVES\""},
        {"\"gives\"", "[]"},
        {"\"stands\":false", "\"stands\":0"},
        {"\"wait_ms\":2000", "\"wait_ms\":3600001"},
        {"\"ready\":true", "\"ready\":\"yes\""},
        {"600000}}}", "600000}}"},
        {"{\"version\"", "[{\"version\""},
        {"\"answer\":{\"ready\":true,\"can_give_kib\":600000}", "\"a\":1"},
        {WHOLE, ""},
        {WHOLE, "null"},
        {WHOLE, "[]"},
        {WHOLE, "7"},
    };
    struct gueststatus status = {.pid = 0};

    (void)state;
    assert_int_equal(gueststatus_parse(WHOLE, strlen(WHOLE), &status), 0);
    status.pid = 99;
    for (size_t i = 0; i < COUNT_OF(changes); i++) {
        char text[1024];
        size_t len = change(text, changes[i].from, changes[i].to);

        if (gueststatus_parse(text, len, &status) != -EINVAL) {
            fail_msg("taken: %s", text);
        }
        assert_int_equal(status.pid, 99);
    }
}

static void word_of_another_version_is_shown_as_it_is(void **state)
{
    struct gueststatus status = {.reason = "news-of-tomorrow"};

    (void)state;
    assert_string_equal(gueststatus_reason_text(&status), "news-of-tomorrow");
}

static void assert_has(const char *text, const char *part)
{
    if (strstr(text, part) == NULL) {
        fail_msg("no \"%s\" in:\n%s", part, text);
    }
}

static void people_are_told_all_of_it(void **state)
{
    struct gueststatus status;
    char *text;

    (void)state;
    assert_int_equal(setenv("TZ", "UTC", 1), 0);
    assert_int_equal(gueststatus_parse(WHOLE, strlen(WHOLE), &status), 0);
    text = gueststatus_text(&status);
    assert_non_null(text);
    assert_has(text, "ballooned  500 MiB of 1.95 GiB, holds 1.46 GiB\n");
    assert_has(text, "target     1.46 GiB, since 2026-09-21 14:13:21\n");
    assert_has(text, "why        it does not need more, and other guests do\n");
    assert_has(text, "may take   100 MiB by itself, has taken 0 ");
    assert_has(text, "dom0       connected, since 2026-09-21 14:13:20, "
                     "reports by page\n");
    assert_has(text, "announced  2026-09-21 14:13:20: to come down to 1000 "
                     "MiB; over\n");
    assert_has(text, "answered   ready, can do without 585.93 MiB\n");
    free(text);
}

static void programs_are_told_all_of_it(void **state)
{
    struct gueststatus status, again;
    json_t *object;
    char *text;

    (void)state;
    assert_int_equal(gueststatus_parse(WHOLE, strlen(WHOLE), &status), 0);
    object = gueststatus_json(&status);
    assert_non_null(object);
    assert_int_equal(
        json_integer_value(json_object_get(object, "ballooned_kib")), 512000);
    assert_non_null(json_object_get(object, "reason_text"));

    /* But for those two it is the file again. */
    assert_int_equal(json_object_set_new(object, "version", json_integer(1)),
                     0);
    text = json_dumps(object, 0);
    memset(&again, 0, sizeof(again));
    assert_int_equal(gueststatus_parse(text, strlen(text), &again), 0);
    assert_string_equal(again.reason, status.reason);
    assert_int_equal(again.can_give_kib, status.can_give_kib);
    assert_int_equal(again.target_at_ms, status.target_at_ms);
    free(text);
    json_decref(object);
}

/* ---- The tool ------------------------------------------------------------- */

static void put(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

/* Returns the exit status; output is what it printed, errors, too. */
static int run(const struct place *place, const char *words, char output[4096])
{
    char line[256];
    size_t len;
    FILE *tool;
    int status;

    (void)snprintf(line, sizeof(line), TOOL " guest --status-file %s %s 2>&1",
                   place->path, words);
    tool = popen(line, "r");
    assert_non_null(tool);
    len = fread(output, 1, 4095, tool);
    output[len] = '\0';
    status = pclose(tool);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

/* The largest pid: no process is likely to have it. */
static void tool_says_what_it_finds(void **state)
{
    struct place *place = *state;
    char output[4096], text[1024], pid[32];

    assert_int_equal(run(place, "", output), 3);
    assert_has(output, "does not run");

    put(place->path, "{");
    assert_int_equal(run(place, "", output), 1);
    assert_has(output, place->path);

    (void)change(text, "\"pid\":7", "\"pid\":4194304");
    put(place->path, text);
    assert_int_equal(run(place, "", output), 3);
    assert_has(output, "does not run");

    (void)snprintf(pid, sizeof(pid), "\"pid\":%d", (int)getpid());
    (void)change(text, "\"pid\":7", pid);
    put(place->path, text);
    assert_int_equal(run(place, "", output), 0);
    assert_has(output, "ballooned  500 MiB");
    assert_int_equal(run(place, "--json", output), 0);
    assert_has(output, "\"ballooned_kib\": 512000");
    assert_int_equal(run(place, "nonsense", output), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(owner_is_told_what_there_is),
        cmocka_unit_test(change_of_target_has_its_time),
        cmocka_unit_test(without_its_maximum_the_most_it_held_counts),
        cmocka_unit_test(owner_is_told_whether_dom0_answers),
        cmocka_unit_test(last_announcement_is_kept_with_its_answer),
        cmocka_unit_test(nothing_breaks_out_of_a_string),
        cmocka_unit_test(longest_status_fits),
        cmocka_unit_test_setup_teardown(file_is_written_when_something_changed,
                                        make_place, clear_place),
        cmocka_unit_test_setup_teardown(file_is_written_once_a_second_at_most,
                                        make_place, clear_place),
        cmocka_unit_test_setup_teardown(file_goes_with_the_frontend, make_place,
                                        clear_place),
        cmocka_unit_test_setup_teardown(
            what_cannot_be_written_keeps_nobody_awake, make_place, clear_place),
        cmocka_unit_test(hostile_file_is_refused),
        cmocka_unit_test(word_of_another_version_is_shown_as_it_is),
        cmocka_unit_test(people_are_told_all_of_it),
        cmocka_unit_test(programs_are_told_all_of_it),
        cmocka_unit_test_setup_teardown(tool_says_what_it_finds, make_place,
                                        clear_place),
    };

    log_to_nowhere();
    return cmocka_run_group_tests_name("guest status", tests, NULL, NULL);
}

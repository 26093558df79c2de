/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * "xenballoon simulate" as a program: its options, what it prints, and how it
 * exits.  The loop waits for the program's output to end, and for nothing else.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#define COUNT_OF(table) (sizeof(table) / sizeof((table)[0]))

/* make check runs tests where the programs are. */
#define TOOL "./xenballoon"

#define ARGUMENTS_MAX 12
#define HEADER                                                                 \
    "Timestamp [ms];Memory capacity provisioned [KB];Memory usage [KB]\n"

/* A program that hangs is a failure, not a wait. */
#define HANG_S 60

struct place {
    char folder[32];
    char out[65536];
    char err[65536];
};

static void write_trace(const struct place *place, const char *name,
                        const char *text)
{
    char path[64];
    FILE *file;

    (void)snprintf(path, sizeof(path), "%s/%s", place->folder, name);
    file = fopen(path, "w");
    assert_non_null(file);
    (void)fputs(text, file);
    (void)fclose(file);
}

/* Two machines; the second needs 3 GiB more after five minutes. */
static int start(void **state)
{
    struct place *place = calloc(1, sizeof(*place));

    assert_non_null(place);
    (void)snprintf(place->folder, sizeof(place->folder), "simulate-XXXXXX");
    assert_non_null(mkdtemp(place->folder));
    write_trace(place, "1.csv",
                HEADER "1000;4194304;1048576\n1300;4194304;1048576\n");
    write_trace(place, "2.csv",
                HEADER "1000;8388608;1048576\n1300;8388608;4194304\n");
    (void)alarm(HANG_S);
    *state = place;
    return 0;
}

static int end(void **state)
{
    static const char *const names[] = {"1.csv", "2.csv", "3.csv"};
    struct place *place = *state;
    char path[64];

    for (size_t i = 0; i < COUNT_OF(names); i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", place->folder, names[i]);
        (void)unlink(path);
    }
    (void)rmdir(place->folder);
    free(place);
    return 0;
}

static void drain(FILE *file, char *text, size_t size)
{
    rewind(file);
    text[fread(text, 1, size - 1, file)] = '\0';
    (void)fclose(file);
}

/*
 * Runs the tool with words, divided by "|", "@" for the folder; a signal that is
 * sent before it begins waits until it looks.  Returns its exit status.
 */
static int run(struct place *place, const char *line, bool is_interrupted)
{
    char copy[512];
    char *arguments[ARGUMENTS_MAX + 1] = {NULL};
    char *rest = copy;
    FILE *out = tmpfile();
    FILE *err = tmpfile();
    int count = 0;
    int status;
    pid_t pid;

    assert_non_null(out);
    assert_non_null(err);
    (void)snprintf(copy, sizeof(copy), TOOL "|%s", line);
    while (count < ARGUMENTS_MAX && rest) {
        arguments[count] = strsep(&rest, "|");
        if (strcmp(arguments[count], "@") == 0) {
            arguments[count] = place->folder;
        }
        count++;
    }
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        if (is_interrupted) {
            sigset_t signals;

            (void)sigemptyset(&signals);
            (void)sigaddset(&signals, SIGINT);
            (void)sigprocmask(SIG_BLOCK, &signals, NULL);
            (void)raise(SIGINT);
        }
        (void)dup2(fileno(out), STDOUT_FILENO);
        (void)dup2(fileno(err), STDERR_FILENO);
        (void)execv(TOOL, arguments);
        _exit(127);
    }
    assert_true(waitpid(pid, &status, 0) == pid);
    drain(out, place->out, sizeof(place->out));
    drain(err, place->err, sizeof(place->err));
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static int64_t number(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);

    if (!json_is_integer(value)) {
        fail_msg("%s is no whole number", key);
    }
    return json_integer_value(value);
}

static json_t *parse(const struct place *place)
{
    json_t *object = json_loads(place->out, 0, NULL);

    assert_true(json_is_object(object));
    return object;
}

static void json_has_every_figure_of_all_and_of_each(void **state)
{
    static const char *const whole[] = {
        "moved_kib", "floor_violations", "writes",    "peak_demand_kib",
        "lived_ms",  "rises_kib",        "reversals",
    };
    static const char *const ratios[] = {
        "unmet_permyriad",
        "short_domain_minutes",
        "moved_over_rises",
        "reversals_per_domain_hour",
    };
    struct place *place = *state;
    const json_t *domains;
    json_t *object;

    assert_int_equal(
        run(place, "simulate|--trace|@|--host-memory|8G|--json", false), 0);
    assert_string_equal(place->err, "");
    object = parse(place);

    assert_int_equal(number(object, "host_memory_kib"), 8 * 1024 * 1024);
    assert_int_equal(number(object, "peak_demand_kib"), 5 * 1024 * 1024);
    assert_int_equal(number(object, "simulated_ms"), 600000);
    assert_int_equal(number(object, "lived_ms"), 1200000);
    assert_int_equal(number(object, "rises_kib"), 3 * 1024 * 1024);
    assert_int_equal(number(object, "floor_violations"), 0);
    assert_true(json_is_false(json_object_get(object, "is_partial")));
    assert_string_equal(json_string_value(json_object_get(object, "policy")),
                        "demand");
    domains = json_object_get(object, "domains");
    assert_int_equal(json_array_size(domains), 2);
    assert_string_equal(
        json_string_value(json_object_get(json_array_get(domains, 1), "name")),
        "2");
    for (size_t i = 0; i < 3; i++) {
        const json_t *figures =
            i == 0 ? object : json_array_get(domains, i - 1);

        if (i > 0) {
            assert_true(number(figures, "final_current_kib") >= 256 * 1024);
            assert_int_equal(number(figures, "final_target_kib"),
                             number(figures, "final_current_kib"));
        }
        for (size_t j = 0; j < COUNT_OF(whole); j++) {
            assert_true(number(figures, whole[j]) >= 0);
        }
        for (size_t j = 0; j < COUNT_OF(ratios); j++) {
            if (!json_is_real(json_object_get(figures, ratios[j]))) {
                fail_msg("%s is no number with decimals", ratios[j]);
            }
        }
    }
    json_decref(object);
}

/*
 * The second machine holds 2 of 3 GiB and needs 2.1 after 3.7 s of the 10 that
 * it takes to need 4: short for 296.3 s, lacking 293.3 s times 2 GiB and half of
 * 6.7 s times 2 GiB.
 */
static void figures_are_what_they_say(void **state)
{
    struct place *place = *state;
    const json_t *second;
    json_t *object;

    assert_int_equal(run(place, "simulate|-jt|@|-m|3G|-r|0|-p|static", false),
                     0);
    object = parse(place);
    second = json_array_get(json_object_get(object, "domains"), 1);
    assert_float_equal(
        json_real_value(json_object_get(second, "short_domain_minutes")),
        296.3 / 60, 0.01);
    /* Of 300 s times 1 GiB, 10 s times 2.5 GiB and 290 s times 4 GiB. */
    assert_float_equal(
        json_real_value(json_object_get(second, "unmet_permyriad")),
        586.7 / 1485 * 10000, 20);
    assert_float_equal(
        json_real_value(json_object_get(second, "moved_over_rises")), 1. / 3,
        0.002);
    json_decref(object);
}

static void without_a_size_the_peak_is_taken_and_said(void **state)
{
    struct place *place = *state;

    assert_int_equal(run(place, "simulate|-t|@", false), 0);
    assert_string_equal(place->err,
                        "xenballoon simulate: no host memory given, taking "
                        "the peak of what is needed, 5 GiB\n");
    assert_non_null(strstr(place->out, "host memory                 5 GiB"));
    assert_non_null(strstr(place->out, "0 d 0 h 10 min\n"));
    assert_non_null(strstr(place->out, "NAME"));
}

static void options_change_what_is_played(void **state)
{
    static const struct {
        const char *line;
        const char *key;
        int64_t expected;
        const char *why;
    } cases[] = {
        {"simulate|-jt|@|-m|8G|--floor|2G", "peak_demand_kib", 6291456,
         "one stays at its floor"},
        {"simulate|-jt|@|-m|64G|-p|static|-f|4G", "moved_kib", 4194304,
         "static gives ceilings: 4 GiB are there, 4 are not"},
        {"simulate|-jt|@|-m|8G|-w|0|-g|4G", "rises_kib", 3145728,
         "without a ramp it jumps"},
    };
    struct place *place = *state;

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        json_t *object;

        assert_int_equal(run(place, cases[i].line, false), 0);
        object = parse(place);
        if (number(object, cases[i].key) != cases[i].expected) {
            fail_msg("%s: %s is %lld", cases[i].why, cases[i].key,
                     (long long)number(object, cases[i].key));
        }
        json_decref(object);
    }
}

static void the_smallest_host_is_found(void **state)
{
    struct place *place = *state;
    json_t *object;
    int64_t host;

    assert_int_equal(
        run(place, "simulate|-t|@|-F|-u|0.5|-p|static|-r|0|-j", false), 0);
    object = parse(place);
    host = number(object, "host_memory_kib");
    json_decref(object);
    /* 4 GiB for the second, of 8; then the first has 2 of 4. */
    assert_in_range(host, 6 * 1024 * 1024, 6 * 1024 * 1024 * 257 / 256 + 4096);
}

static void an_interrupted_run_prints_what_there_is(void **state)
{
    struct place *place = *state;
    json_t *object;

    assert_int_equal(run(place, "simulate|-jt|@|-m|8G", true), 130);
    object = parse(place);
    assert_true(json_is_true(json_object_get(object, "is_partial")));
    assert_true(number(object, "simulated_ms") < 600000);
    json_decref(object);
    assert_int_equal(run(place, "simulate|-t|@|-m|8G", true), 130);
    assert_non_null(strstr(place->out, "of this part only"));
}

static void a_broken_line_is_said_and_read_over(void **state)
{
    struct place *place = *state;
    char expected[256];

    write_trace(place, "3.csv", HEADER "1000;4194304;9\nx;4194304;9\n");
    assert_int_equal(run(place, "simulate|-jt|@|-m|8G", false), 0);
    (void)snprintf(expected, sizeof(expected),
                   "xenballoon simulate: %s/3.csv:3: found 'x', expected a "
                   "time in seconds\n",
                   place->folder);
    assert_string_equal(place->err, expected);
}

static void what_is_not_understood_is_refused(void **state)
{
    static const struct {
        const char *line;
        int status;
        const char *said;
    } cases[] = {
        {"simulate", 2, "expected a file, or --trace and a folder"},
        {"simulate|-t|@|file", 2, "expected a file, or --trace and a folder"},
        {"simulate|a|b", 2, "more than one file"},
        {"simulate|--nosuch", 2, "--help"},
        {"simulate|-t|@|-m|much", 2,
         "--host-memory: found 'much', expected a size"},
        {"simulate|-t|@|-m|0", 2, "--host-memory: found '0'"},
        {"simulate|-t|@|-F|-u|10001", 2, "--unmet: found '10001'"},
        {"simulate|-t|@|-F|-u|0.1234", 2, "--unmet: found '0.1234'"},
        {"simulate|-t|@|-F|-u|.", 2, "--unmet: found '.'"},
        {"simulate|-t|@|-u|1", 2, "--unmet is for --find-host-memory"},
        {"simulate|-t|@|-F|-m|1G", 2, "--host-memory says what"},
        {"simulate|-t|@|-w|-1", 2, "--ramp: found '-1'"},
        {"simulate|-t|@|-p|demnad", 2,
         "no policy 'demnad', did you mean 'demand'?"},
        {"simulate|-t|no-such-folder", 1, "no-such-folder: No such file"},
        {"simulate|no-such-file", 1, "no-such-file"},
        {"--json|simulate", 2, "simulate behind it"},
    };
    struct place *place = *state;

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        int status = run(place, cases[i].line, false);

        if (status != cases[i].status || !strstr(place->err, cases[i].said)) {
            fail_msg("%s: %d, %s", cases[i].line, status, place->err);
        }
        assert_string_equal(place->out, "");
    }
}

static void help_is_printed(void **state)
{
    struct place *place = *state;

    assert_int_equal(run(place, "simulate|--help", false), 0);
    assert_non_null(strstr(place->out, "--find-host-memory"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            json_has_every_figure_of_all_and_of_each, start, end),
        cmocka_unit_test_setup_teardown(figures_are_what_they_say, start, end),
        cmocka_unit_test_setup_teardown(
            without_a_size_the_peak_is_taken_and_said, start, end),
        cmocka_unit_test_setup_teardown(options_change_what_is_played, start,
                                        end),
        cmocka_unit_test_setup_teardown(the_smallest_host_is_found, start, end),
        cmocka_unit_test_setup_teardown(an_interrupted_run_prints_what_there_is,
                                        start, end),
        cmocka_unit_test_setup_teardown(a_broken_line_is_said_and_read_over,
                                        start, end),
        cmocka_unit_test_setup_teardown(what_is_not_understood_is_refused,
                                        start, end),
        cmocka_unit_test_setup_teardown(help_is_printed, start, end),
    };

    return cmocka_run_group_tests_name("simulate", tests, NULL, NULL);
}

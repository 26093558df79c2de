/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Traces as they are: what is taken, and what is said of what is not. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "simulate/trace.h"

#define MIB UINT64_C(1024)
#define S UINT64_C(1000)
#define HEADER                                                                 \
    "Timestamp [ms];\tCPU cores;\tMemory capacity provisioned [KB];"           \
    "\tMemory usage [KB];\tDisk read throughput [KB/s]\n"

struct heard {
    unsigned int count;
    char last[TRACE_ERROR_MAX];
};

static void hear(void *state, const char *what)
{
    struct heard *heard = state;

    heard->count++;
    (void)snprintf(heard->last, sizeof(heard->last), "%s", what);
}

static int add(const char *text, struct course *course, struct heard *heard)
{
    const struct trace_options options = {
        .floor_kib = COURSE_FLOOR_KIB,
        .complain = hear,
        .state = heard,
    };
    char *copy = strdup(text);
    FILE *file = fmemopen(copy, strlen(copy), "r");
    int r;

    assert_non_null(file);
    *heard = (struct heard){0};
    r = trace_add("F", "vm", file, &options, course);
    (void)fclose(file);
    free(copy);
    return r;
}

static void a_machine_is_as_its_file_says(void **state)
{
    struct course course;
    struct heard heard;
    const struct course_domain *domain;

    (void)state;
    course_init(&course);
    assert_int_equal(add(HEADER "1372629804;\t1;\t4194304.0;\t131419.73;\t0.0\n"
                                "1372630104;\t1;\t4194304.0;\t1.5E6;\t7.2\n",
                         &course, &heard),
                     0);
    trace_finish(&course);

    assert_int_equal(heard.count, 0);
    assert_int_equal(course.count, 1);
    assert_int_equal(course.duration_ms, 300 * S + TRACE_SAMPLE_MS);
    domain = &course.domains[0];
    assert_string_equal(domain->name, "vm");
    assert_int_equal(domain->ceiling_kib, 4096 * MIB);
    assert_int_equal(domain->floor_kib, 256 * MIB);
    assert_int_equal(domain->start_kib, 256 * MIB);
    assert_int_equal(domain->start_ms, 0);
    assert_int_equal(domain->end_ms, 300 * S + TRACE_SAMPLE_MS);
    assert_int_equal(domain->count, 2);
    assert_int_equal(domain->points[0].working_set_kib, 131419);
    assert_int_equal(domain->points[1].at_ms, 300 * S);
    assert_int_equal(domain->points[1].working_set_kib, 1500000);
    course_done(&course);
}

static void quirks_are_taken_as_they_are(void **state)
{
    static const struct {
        const char *lines;
        unsigned int points;
        uint64_t last_kib;
        uint64_t ceiling_kib;
        uint64_t floor_kib;
        const char *why;
    } cases[] = {
        {"100;1;4194304;10;\n100;1;4194304;20;\n", 1, 20, 4096 * MIB, 256 * MIB,
         "of a doubled sample, the later line"},
        {"100;1;4194304;10;\n9100;1;4194304;20;\n", 2, 20, 4096 * MIB,
         256 * MIB, "a gap holds the last value"},
        {"100;1;2097152;10;\n400;1;4194304;20;\n700;1;1048576;5;\n", 3, 5,
         4096 * MIB, 256 * MIB, "the largest capacity is the ceiling"},
        {"100;1;1048576;2000000;\n", 1, 1048576, 1024 * MIB, 256 * MIB,
         "what is above the capacity cannot be used"},
        {"100;1;65536;7;\n", 1, 7, 64 * MIB, 64 * MIB,
         "a small machine's floor is its size"},
        {"100;1;1.6777216E7;3.3554432e6;\n", 1, 3355443, 16384 * MIB, 256 * MIB,
         "large numbers have an exponent"},
        {"1372629804000;1;4194304;9;\n", 1, 9, 4096 * MIB, 256 * MIB,
         "milliseconds are milliseconds"},
        {"\r\n100 ; 1 ;\t4194304 ;\t9 ;\r\n\n", 1, 9, 4096 * MIB, 256 * MIB,
         "white space is not looked at"},
        {"100;1;4194303;9", 1, 9, 4194300, 256 * MIB,
         "whole pages; no end of line"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct course_domain *domain;
        struct course course;
        struct heard heard;
        char text[1024];

        course_init(&course);
        (void)snprintf(text, sizeof(text), HEADER "%s", cases[i].lines);
        if (add(text, &course, &heard) != 0) {
            fail_msg("%s: %s", cases[i].why, heard.last);
        }
        domain = &course.domains[0];
        if (domain->count != cases[i].points ||
            domain->points[domain->count - 1].working_set_kib !=
                cases[i].last_kib ||
            domain->ceiling_kib != cases[i].ceiling_kib ||
            domain->floor_kib != cases[i].floor_kib) {
            fail_msg("%s", cases[i].why);
        }
        course_done(&course);
    }
}

static void a_broken_line_is_named_and_read_over(void **state)
{
    static const struct {
        const char *line;
        const char *said;
    } cases[] = {
        {"x;1;4194304;9;", "F:3: found 'x', expected a time in seconds"},
        {"-5;1;4194304;9;", "F:3: found '-5', expected a time in seconds"},
        {"200;1;;9;", "F:3: found '', expected a memory capacity in KB"},
        {"200;1;nan;9;", "F:3: found 'nan', expected a memory capacity in KB"},
        {"200;1;4194304;1e;", "F:3: found '1e', expected a memory usage in KB"},
        {"200;1;4194304;.;", "F:3: found '.', expected a memory usage in KB"},
        {"200;1;4194304;1e99;",
         "F:3: found '1e99', expected a memory usage in KB"},
        {"200;1;4194304;9 9;",
         "F:3: found '9 9', expected a memory usage in KB"},
        {"200;1;4194304",
         "F:3: found '200;1;4194304', expected as many columns as in the "
         "header"},
        {"50;1;4194304;9;", "F:3: found '50;1;4194304;9;', expected a time "
                            "that is not before that of the line above"},
        {"\x1b[2J;1;4194304;9;",
         "F:3: found '\\x1b[2J', expected a time in seconds"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct course course;
        struct heard heard;
        char text[1024];

        course_init(&course);
        (void)snprintf(text, sizeof(text),
                       HEADER "100;1;4194304;9;\n%s\n300;1;4194304;8;\n",
                       cases[i].line);
        assert_int_equal(add(text, &course, &heard), 1);
        assert_int_equal(heard.count, 1);
        assert_string_equal(heard.last, cases[i].said);
        assert_int_equal(course.domains[0].count, 2);
        course_done(&course);
    }
}

static void a_file_without_a_machine_is_none(void **state)
{
    static const char *const texts[] = {
        "no header\n100;1;4194304;9;\n",
        "Timestamp [ms];Memory usage [KB]\n100;9\n",
        HEADER,
        HEADER "x;x;x;x;\n",
        HEADER "100;1;0;0;\n",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct course course;
        struct heard heard;

        course_init(&course);
        assert_int_equal(add(texts[i], &course, &heard), -EINVAL);
        assert_true(heard.count > 0);
        assert_int_equal(course.count, 0);
        course_done(&course);
    }
}

static void write_file(const char *folder, const char *name, const char *text)
{
    char path[256];
    FILE *file;

    (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
    file = fopen(path, "w");
    assert_non_null(file);
    (void)fputs(text, file);
    (void)fclose(file);
}

static void remove_file(const char *folder, const char *name)
{
    char path[256];

    (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
    assert_int_equal(unlink(path), 0);
}

static void a_folder_is_read_in_the_order_of_its_names(void **state)
{
    const struct trace_options options = {.floor_kib = MIB};
    char folder[] = "trace-XXXXXX";
    char error[TRACE_ERROR_MAX] = "";
    struct course course;

    (void)state;
    assert_non_null(mkdtemp(folder));
    course_init(&course);
    assert_int_equal(trace_read(folder, &options, &course, error), -EINVAL);
    assert_non_null(strstr(error, "found no machine"));
    write_file(folder, "10.csv", HEADER "400;1;4194304;10;\n");
    write_file(folder, "9.csv", HEADER "100;1;4194304;9;\n");
    write_file(folder, "README", "no trace\n");
    write_file(folder, "bad.csv", "no trace\n");

    assert_int_equal(trace_read(folder, &options, &course, error), 0);

    assert_int_equal(course.count, 2);
    assert_string_equal(course.domains[0].name, "9");
    assert_string_equal(course.domains[1].name, "10");
    assert_int_equal(course.domains[0].start_ms, 0);
    assert_int_equal(course.domains[1].start_ms, 300 * S);
    assert_int_equal(course.duration_ms, 300 * S + TRACE_SAMPLE_MS);
    course_done(&course);
    remove_file(folder, "10.csv");
    remove_file(folder, "9.csv");
    remove_file(folder, "README");
    remove_file(folder, "bad.csv");
    assert_int_equal(rmdir(folder), 0);
    course_init(&course);
    assert_int_equal(trace_read(folder, &options, &course, error), -ENOENT);
    course_done(&course);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_machine_is_as_its_file_says),
        cmocka_unit_test(quirks_are_taken_as_they_are),
        cmocka_unit_test(a_broken_line_is_named_and_read_over),
        cmocka_unit_test(a_file_without_a_machine_is_none),
        cmocka_unit_test(a_folder_is_read_in_the_order_of_its_names),
    };

    return cmocka_run_group_tests_name("trace", tests, NULL, NULL);
}

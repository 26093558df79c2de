/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any bytes as the file of "xenballoon simulate": a course that holds
 * together, or one printable line that says why not.
 */
#include "tests/fuzz/fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "simulate/recording.h"
#include "simulate/scenario.h"

/*
 * For the leak sanitizer, when there is one: libxlutil 4.17 loses the lists it
 * has begun when it meets an error in a list in a list.
 */
const char *__lsan_default_suppressions(void);

const char *__lsan_default_suppressions(void)
{
    return "leak:libxlutil";
}

static void must(int holds)
{
    if (!holds) {
        abort();
    }
}

static void check_domain(const struct course_domain *domain,
                         uint64_t duration_ms)
{
    uint64_t last_ms = domain->start_ms;

    must(domain->floor_kib <= domain->ceiling_kib);
    must(domain->start_kib <= domain->ceiling_kib);
    must(domain->start_ms < domain->end_ms && domain->end_ms <= duration_ms);
    must(domain->grow_kib_s > 0 && domain->shrink_kib_s > 0);
    must(domain->count > 0);
    for (unsigned int i = 0; i < domain->count; i++) {
        must(domain->points[i].at_ms >= last_ms);
        last_ms = domain->points[i].at_ms;
    }
}

static void check(int r, struct course *course, const char *error)
{
    if (r == 0) {
        must(course->count > 0);
        for (unsigned int i = 0; i < course->count; i++) {
            check_domain(&course->domains[i], course->duration_ms);
        }
    } else {
        must(strncmp(error, "F:", 2) == 0);
        for (; *error; error++) {
            must(*error >= 0x20 && *error < 0x7f);
        }
    }
    course_done(course);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char error[READ_ERROR_MAX] = "";
    struct course course;
    char *text = malloc(size + 1);
    FILE *file;
    int r;

    must(text != NULL);
    memcpy(text, data, size);
    course_init(&course);
    r = scenario_parse("F", text, size, &course, error);
    check(r, &course, error);
    if (size > 0) {
        file = fmemopen(text, size, "r");
        must(file != NULL);
        course_init(&course);
        r = recording_read("F", file, &course, error);
        check(r, &course, error);
        (void)fclose(file);
    }
    free(text);
    return 0;
}

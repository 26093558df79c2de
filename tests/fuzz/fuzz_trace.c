/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any bytes as a file of a trace: a machine that can be played, or none; and
 * whatever is complained of in one printable line.
 */
#include "tests/fuzz/fuzz.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/units.h"
#include "simulate/trace.h"

static void must(int holds)
{
    if (!holds) {
        abort();
    }
}

static void complain(void *state, const char *what)
{
    unsigned int *complaints = state;

    ++*complaints;
    must(what[0] == 'F' && what[1] == ':');
    for (; *what; what++) {
        must(*what >= 0x20 && *what < 0x7f);
    }
}

static void check_domain(const struct course_domain *domain)
{
    must(domain->count > 0);
    must(domain->ceiling_kib > 0 && domain->ceiling_kib <= UNITS_KIB_MAX);
    must(domain->floor_kib <= domain->ceiling_kib);
    must(domain->start_kib <= domain->ceiling_kib);
    must(domain->start_ms == domain->points[0].at_ms);
    must(domain->end_ms > domain->points[domain->count - 1].at_ms);
    for (unsigned int i = 0; i < domain->count; i++) {
        must(domain->points[i].working_set_kib <= domain->ceiling_kib);
        must(i == 0 || domain->points[i].at_ms > domain->points[i - 1].at_ms);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned int complaints = 0;
    const struct trace_options options = {
        .floor_kib = COURSE_FLOOR_KIB,
        .complain = complain,
        .state = &complaints,
    };
    struct course course;
    FILE *file;
    int r;

    if (size == 0) {
        return 0;
    }
    course_init(&course);
    /* For reading only: nothing is written through it. */
    file = fmemopen((void *)(uintptr_t)data, size, "r");
    must(file != NULL);
    r = trace_add("F", "vm", file, &options, &course);
    (void)fclose(file);
    if (r >= 0) {
        must(course.count == 1);
        must((unsigned int)r == complaints);
        check_domain(&course.domains[0]);
        trace_finish(&course);
        must(course.domains[0].start_ms == 0);
        must(course_peak_kib(&course) <= course.domains[0].ceiling_kib);
    } else {
        must(course.count == 0 && complaints > 0);
    }
    course_done(&course);
    return 0;
}

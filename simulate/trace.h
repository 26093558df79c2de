/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Traces of virtual machines in the format of the Grid Workloads Archive's
 * GWA-T-12 (Bitbrains): a file a machine, a sample a line, semicolons (and
 * white space) between the columns, a header that names them.  Of the columns,
 * three count:
 *
 *   Timestamp [ms]                    in seconds, in spite of its name; numbers
 *                                     too large for that are milliseconds
 *   Memory capacity provisioned [KB]
 *   Memory usage [KB]                 what is actively used
 *
 * The largest capacity is the ceiling; what is used above it cannot be.  Of two
 * samples of one time, the later line counts.
 */
#ifndef BALLOON_SIMULATE_TRACE_H
#define BALLOON_SIMULATE_TRACE_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "simulate/course.h"

/* A machine lives for so long after its last sample: until the next was due. */
#define TRACE_SAMPLE_MS (UINT64_C(300) * 1000)

/* Machines in one folder; more are refused. */
#define TRACE_FILES_MAX SETTINGS_DOMAINS_MAX

/* A path, a line and a sentence, escaped; with the NUL. */
#define TRACE_ERROR_MAX 512

struct trace_options {
    uint64_t floor_kib; /* of each machine that is not smaller */
    /* NULL, or told of each line that cannot be used, in one printable line. */
    void (*complain)(void *state, const char *what);
    void *state;
};

/*
 * Adds the machines of all files of folder whose names end in ".csv", in the
 * order of their names, named after them.  0 and the course, which begins with
 * the first sample of all; or a negative errno, and in error one printable line
 * that says why: -EINVAL when there is no machine in it.
 */
int trace_read(const char *folder, const struct trace_options *options,
               struct course *course, char error[TRACE_ERROR_MAX]);

/*
 * Adds the machine of one file.  Times are counted from 1970 until
 * trace_finish().  The number of lines that could not be used; or -EINVAL when
 * there is no machine in it, which has been complained of; or -ENOMEM.
 */
int trace_add(const char *path, const char *name, FILE *file,
              const struct trace_options *options, struct course *course);

/* Lets the course begin with the first sample of all. */
void trace_finish(struct course *course);

#endif

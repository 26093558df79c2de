/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Plots as SVG, for page.c: lines of a curve over time, and unmet demand over
 * the size of the host.  Whole numbers only: tenths of a pixel.
 *
 * Lines are polylines, so that a script can read the values back from their
 * points: data-top is the amount at the upper edge of the frame, data-ms the
 * time at its right edge.
 */
#ifndef BALLOON_SIMULATE_PLOT_H
#define BALLOON_SIMULATE_PLOT_H

#include <stdint.h>
#include <stdio.h>

#include "simulate/outcome.h"

/* A line across: what the host has, a floor, a ceiling. */
struct plot_mark {
    const char *class;
    const char *label; /* plain text, or NULL */
    uint64_t kib;
};

struct plot {
    unsigned int width; /* pixels */
    unsigned int height;
    uint64_t duration_ms;
    const struct outcome_curve *curve;
    const struct plot_mark *marks;
    unsigned int mark_count;
    const char *label; /* already escaped for an attribute */
};

void plot_curve(FILE *out, const struct plot *plot);

/* What was unmet on a host of one size. */
struct plot_size {
    uint64_t host_memory_kib;
    uint64_t unmet_milli; /* permyriad, times 1000 */
};

/* ascending by host memory; shown_kib is the host of the other plots. */
void plot_sizes(FILE *out, const struct plot_size *sizes, unsigned int count,
                uint64_t shown_kib, unsigned int width, unsigned int height);

#endif

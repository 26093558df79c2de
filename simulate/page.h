/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An outcome as a page of plots that needs nothing but itself: "--html FILE".
 */
#ifndef BALLOON_SIMULATE_PAGE_H
#define BALLOON_SIMULATE_PAGE_H

#include "simulate/course.h"
#include "simulate/outcome.h"
#include "simulate/plot.h"

/*
 * How many samples of each curve (struct run_options) make a page that is fine
 * enough, and not too large with many domains.
 */
#define PAGE_SAMPLES_FEW 720
#define PAGE_SAMPLES_MANY 300
#define PAGE_DOMAINS_MANY 40

struct page {
    const char *title; /* the file; any bytes */
    const char *policy;
    const struct course *course; /* as it was played */
    const struct outcome *outcome;
    const struct plot_size *sizes; /* ascending; may be none */
    unsigned int size_count;
};

/* malloc()ed HTML, also well-formed XML, in ASCII; NULL: out of memory. */
char *page_text(const struct page *page);

#endif

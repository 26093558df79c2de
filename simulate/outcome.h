/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What came of a simulated course: the figures that show.c prints, and the
 * curves that page.c draws.  Plain values.
 */
#ifndef BALLOON_SIMULATE_OUTCOME_H
#define BALLOON_SIMULATE_OUTCOME_H

#include <stdbool.h>
#include <stdint.h>

/*
 * A reversal is a step of the target that undoes at least half of one in the
 * other direction within this time.
 */
#define OUTCOME_REVERSAL_MS (UINT64_C(600) * 1000)

/* More than this share of its working set is lacking: the domain is short. */
#define OUTCOME_SHORT_PERMYRIAD 500

struct outcome_figures {
    uint64_t lived_ms;
    uint64_t needed_kib_ms; /* integral of the working set */
    uint64_t lacked_kib_ms; /* integral of what was lacking of it */
    uint64_t short_ms;      /* as long as OUTCOME_SHORT_PERMYRIAD was lacking */
    uint64_t moved_kib;     /* all growth of what is held */
    uint64_t rises_kib;     /* all growth of working sets */
    uint64_t reversals;
    uint64_t floor_violations;
    uint64_t writes; /* of targets and limits */
    uint64_t peak_demand_kib;
};

/* One moment of one domain, or of the host (the sums). */
struct outcome_sample {
    uint64_t at_ms;
    uint64_t working_set_kib;
    uint64_t current_kib;
    uint64_t target_kib;
    uint64_t demand_kib; /* what the policy took it to need */
    uint64_t lacks_kib;  /* each of its own: of the host, the sum of that */
};

struct outcome_curve {
    struct outcome_sample *samples; /* owned */
    unsigned int count;
};

struct outcome_domain {
    const char *name; /* the course's */
    struct outcome_figures figures;
    uint64_t final_current_kib; /* at its end, or where the run ended; */
    uint64_t final_target_kib;  /* 0: it had not begun */
    struct outcome_curve curve; /* empty unless asked for */
};

struct outcome {
    uint64_t host_memory_kib;
    uint64_t ended_ms;   /* how far it got */
    bool is_interrupted; /* not to the end */
    struct outcome_figures all;
    struct outcome_curve curve;
    struct outcome_domain *domains; /* owned; as in the course */
    unsigned int count;
};

void outcome_done(struct outcome *outcome);

/* What was lacking, in permyriad of what was needed, times 1000. */
uint64_t outcome_unmet_millipermyriad(const struct outcome_figures *figures);

/* Thousandths: of domain-minutes, of all rises, and of reversals an hour. */
uint64_t outcome_short_milliminutes(const struct outcome_figures *figures);
uint64_t outcome_moved_milli(const struct outcome_figures *figures);
uint64_t outcome_reversals_milli(const struct outcome_figures *figures);

/* Thousandths as "18446744073709551.615"; returns text. */
#define OUTCOME_MILLI_TEXT 32
const char *outcome_milli_text(uint64_t milli, char text[OUTCOME_MILLI_TEXT]);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "simulate/progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/number.h"
#include "common/units.h"

/* Nobody needs to see how far it is before that, nor more often. */
#define PROGRESS_AFTER_MS 1000
#define PROGRESS_EVERY_MS 200
#define PROGRESS_CELLS 40

/* Of the line: a bar, "100 % on 999.99 GiB", and the "^C" of the terminal. */
#define PROGRESS_COLUMNS (PROGRESS_CELLS + 2 + 28)

static void stopping_signals(sigset_t *signals)
{
    (void)sigemptyset(signals);
    (void)sigaddset(signals, SIGINT);
    (void)sigaddset(signals, SIGTERM);
}

void progress_begin(struct progress *progress, uint64_t (*now_ms)(void))
{
    sigset_t signals;

    *progress = (struct progress){
        .now_ms = now_ms,
        .is_shown = isatty(STDERR_FILENO),
        .began_ms = now_ms(),
    };
    stopping_signals(&signals);
    (void)sigprocmask(SIG_BLOCK, &signals, &progress->before);
}

void progress_end(struct progress *progress)
{
    progress_wipe(progress);
    (void)sigprocmask(SIG_SETMASK, &progress->before, NULL);
}

static void draw(struct progress *progress, uint64_t done_ms, uint64_t of_ms)
{
    uint64_t cells = units_scale(done_ms, PROGRESS_CELLS, of_ms);
    char bar[PROGRESS_CELLS + 1];
    char size[NUMBER_SIZE_TEXT];

    memset(bar, ' ', PROGRESS_CELLS);
    memset(bar, '#', units_min(cells, PROGRESS_CELLS));
    bar[PROGRESS_CELLS] = '\0';
    (void)fprintf(stderr, "\r[%s] %3" PRIu64 " %% on %-10s", bar,
                  units_scale(done_ms, 100, of_ms),
                  number_format_size(size, sizeof(size), progress->host_kib));
    progress->is_drawn = true;
}

void progress_wipe(struct progress *progress)
{
    if (progress->is_drawn) {
        (void)fprintf(stderr, "\r%*s\r", PROGRESS_COLUMNS, "");
        progress->is_drawn = false;
    }
}

static bool was_interrupted(void)
{
    static const struct timespec at_once = {0, 0};
    sigset_t signals;

    stopping_signals(&signals);
    return sigtimedwait(&signals, NULL, &at_once) > 0;
}

bool progress_is_wanted(void *state, uint64_t done_ms, uint64_t of_ms)
{
    struct progress *progress = state;
    uint64_t now = progress->now_ms();

    progress->is_interrupted = progress->is_interrupted || was_interrupted();
    if (progress->is_shown && now >= progress->began_ms + PROGRESS_AFTER_MS &&
        now >= progress->drawn_ms + PROGRESS_EVERY_MS) {
        draw(progress, done_ms, of_ms);
        progress->drawn_ms = now;
    }
    return !progress->is_interrupted;
}

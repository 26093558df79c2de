/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "simulate/main.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "common/escape.h"
#include "common/number.h"
#include "common/units.h"
#include "simulate/course.h"
#include "simulate/failure.h"
#include "simulate/page.h"
#include "simulate/play.h"
#include "simulate/progress.h"
#include "simulate/read.h"
#include "simulate/show.h"
#include "simulate/trace.h"
#include "simulate/wish.h"

/* Lines of a trace that are complained of one by one. */
#define COMPLAINTS_MAX 20

/* ---- What is to be played ----------------------------------------------- */

static void complain(void *state, const char *what)
{
    unsigned int *complaints = state;

    if (++*complaints <= COMPLAINTS_MAX) {
        (void)failure(SIMULATE_OK, "%s", what);
    }
}

static int read_trace(const struct wish *wish, struct course *course)
{
    char error[TRACE_ERROR_MAX];
    unsigned int complaints = 0;
    const struct trace_options options = {
        .floor_kib = wish->floor_kib != 0 ? wish->floor_kib : COURSE_FLOOR_KIB,
        .complain = complain,
        .state = &complaints,
    };
    int r = trace_read(wish->trace, &options, course, error);

    if (complaints > COMPLAINTS_MAX) {
        (void)failure(SIMULATE_OK, "... and %u more lines that cannot be used",
                      complaints - COMPLAINTS_MAX);
    }
    return r < 0 ? failure(SIMULATE_FAILED, "%s", error) : SIMULATE_OK;
}

static int read_file(const struct wish *wish, struct course *course)
{
    char error[READ_ERROR_MAX];

    return read_course(wish->file, course, error) < 0
               ? failure(SIMULATE_FAILED, "%s", error)
               : SIMULATE_OK;
}

/* ---- What comes of it --------------------------------------------------- */

static size_t terminal_width(void)
{
    struct winsize size;

    return isatty(STDOUT_FILENO) && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0
               ? size.ws_col
               : 0;
}

static int print(const struct wish *wish, const struct outcome *outcome)
{
    char *text = wish->is_json ? show_outcome_json(outcome, wish_policy(wish))
                               : show_outcome(outcome, wish_policy(wish),
                                              terminal_width());

    if (text == NULL) {
        return failure(SIMULATE_FAILED, "out of memory");
    }
    (void)fputs(text, stdout);
    if (wish->is_json) {
        (void)fputc('\n', stdout);
    }
    free(text);
    return outcome->is_interrupted ? SIMULATE_INTERRUPTED : SIMULATE_OK;
}

static int write_text(const char *path, const char *text)
{
    char shown[256];
    FILE *file = fopen(path, "we");
    bool is_good = file != NULL && fputs(text, file) >= 0;

    if (file != NULL && fclose(file) != 0) {
        is_good = false;
    }
    return is_good
               ? SIMULATE_OK
               : failure(SIMULATE_FAILED, "cannot write %s: %s",
                         escape_text(shown, sizeof(shown), path, strlen(path)),
                         strerror(errno));
}

static int write_page(const struct play *play, const struct outcome *outcome)
{
    const struct wish *wish = play->wish;
    struct plot_size sizes[PLAY_SIZES_MAX];
    const struct page page = {
        .title = wish->file != NULL ? wish->file : wish->trace,
        .policy = wish_policy(wish),
        .course = play->course,
        .outcome = outcome,
        .sizes = sizes,
        .size_count = play_sizes(play, outcome, sizes),
    };
    char *text = page_text(&page);
    int status = text != NULL ? write_text(wish->html, text)
                              : failure(SIMULATE_FAILED, "out of memory");

    free(text);
    return status;
}

/* ---- All of it ---------------------------------------------------------- */

static uint64_t now_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* What the host has, or what the search begins with. */
static uint64_t choose_host_kib(const struct wish *wish,
                                const struct course *course)
{
    uint64_t peak_kib = units_whole_pages(course_peak_kib(course));
    char size[NUMBER_SIZE_TEXT];

    if (wish->finds) {
        return peak_kib;
    }
    if (course->host_memory_kib != 0) {
        return course->host_memory_kib;
    }
    (void)failure(SIMULATE_OK,
                  "no host memory given, taking the peak of what is needed, %s",
                  number_format_size(size, sizeof(size), peak_kib));
    return peak_kib;
}

static int play_and_print(const struct play *play)
{
    const struct wish *wish = play->wish;
    uint64_t host_kib = choose_host_kib(wish, play->course);
    struct outcome outcome;
    int page_status = SIMULATE_OK;
    int status;

    if ((wish->finds ? play_find(play, host_kib, &outcome)
                     : play_on(play, host_kib, &outcome)) < 0) {
        return SIMULATE_FAILED;
    }
    status = print(wish, &outcome);
    if (wish->html != NULL) {
        page_status = write_page(play, &outcome);
    }
    outcome_done(&outcome);
    return status == SIMULATE_OK ? page_status : status;
}

static int simulate(const struct wish *wish)
{
    struct course course;
    struct progress progress;
    const struct play play = {wish, &course, &progress};
    int status;

    course_init(&course);
    status = wish->trace != NULL ? read_trace(wish, &course)
                                 : read_file(wish, &course);
    if (status == SIMULATE_OK) {
        wish_override(wish, &course);
        progress_begin(&progress, now_ms);
        status = play_and_print(&play);
        if (status == SIMULATE_OK && progress.is_interrupted) {
            status = SIMULATE_INTERRUPTED; /* a page lacks some of its hosts */
        }
        progress_end(&progress);
    }
    course_done(&course);
    return status;
}

/* ---- The command line --------------------------------------------------- */

static const struct option names[] = {
    {"trace", required_argument, NULL, 't'},
    {"host-memory", required_argument, NULL, 'm'},
    {"find-host-memory", no_argument, NULL, 'F'},
    {"unmet", required_argument, NULL, 'u'},
    {"policy", required_argument, NULL, 'p'},
    {"policy-command", required_argument, NULL, 'c'},
    {"floor", required_argument, NULL, 'f'},
    {"reserve", required_argument, NULL, 'r'},
    {"grow", required_argument, NULL, 'g'},
    {"shrink", required_argument, NULL, 's'},
    {"ramp", required_argument, NULL, 'w'},
    {"html", required_argument, NULL, 'H'},
    {"json", no_argument, NULL, 'j'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

static void print_help(void)
{
    (void)puts(
        "Usage: " SIMULATE_PROGRAM " [OPTION]... FILE\n"
        "       " SIMULATE_PROGRAM " [OPTION]... --trace DIR\n"
        "Plays what the domains of a host need over time, under the policy of\n"
        "xenballoon-backend or another, and says how well they were served.\n\n"
        "  -t, --trace DIR         the machines of a trace (GWA-T-12)\n"
        "  -m, --host-memory SIZE  what all domains together may hold\n"
        "  -F, --find-host-memory  look for the smallest that is enough\n"
        "  -u, --unmet PERMYRIAD   enough: so much of what is needed may lack\n"
        "  -p, --policy NAME       demand, static, proportional or tax\n"
        "  -c, --policy-command PROGRAM\n"
        "                          asked for targets, a line of JSON each\n"
        "  -f, --floor SIZE        of each domain\n"
        "  -r, --reserve SIZE      of host memory, kept free\n"
        "  -g, --grow SIZE         how much a domain grows in a second\n"
        "  -s, --shrink SIZE       how much it shrinks in a second\n"
        "  -w, --ramp SECONDS      how long a working set takes to change\n"
        "  -H, --html FILE         write a page of plots, too\n"
        "  -j, --json              print one JSON object\n"
        "  -h, --help              print this and exit\n\n"
        "See xenballoon-simulate(1).");
}

int simulate_main(int argc, char **argv)
{
    struct wish wish;
    int status = SIMULATE_OK;
    int c;

    wish_init(&wish);
    optind = 1;
    while (status == SIMULATE_OK &&
           (c = getopt_long(argc, argv, "t:m:Fu:p:c:f:r:g:s:w:H:jh", names,
                            NULL)) != -1) {
        if (c == 'h') {
            print_help();
            return SIMULATE_OK;
        }
        status = wish_take(&wish, c, optarg);
    }
    if (status == SIMULATE_OK && argc - optind > 1) {
        return failure_of_usage("more than one file");
    }
    if (status == SIMULATE_OK) {
        wish.file = argv[optind];
        status = wish_check(&wish);
    }
    return status == SIMULATE_OK ? simulate(&wish) : status;
}

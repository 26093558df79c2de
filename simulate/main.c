/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "simulate/main.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "common/escape.h"
#include "common/nearest.h"
#include "common/number.h"
#include "common/units.h"
#include "simulate/child.h"
#include "simulate/course.h"
#include "simulate/page.h"
#include "simulate/policy.h"
#include "simulate/read.h"
#include "simulate/run.h"
#include "simulate/search.h"
#include "simulate/show.h"
#include "simulate/trace.h"

#define PROGRAM "xenballoon simulate"

/* Lines of a trace that are complained of one by one. */
#define COMPLAINTS_MAX 20

/* Nobody needs to see how far it is before that, nor more often. */
#define PROGRESS_AFTER_MS 1000
#define PROGRESS_EVERY_MS 200
#define PROGRESS_CELLS 40

struct wish {
    const char *file;
    const char *trace;
    const char *policy;
    const char *command;      /* in place of one of our policies; NULL */
    char shown[128];          /* the same, printable */
    const char *html;         /* the page's file, NULL: none is written */
    uint64_t host_memory_kib; /* 0: not said */
    uint64_t reserve_kib;     /* UINT64_MAX: not said, as are those with 0: */
    uint64_t floor_kib;
    uint64_t grow_kib_s;
    uint64_t shrink_kib_s;
    uint64_t ramp_ms; /* UINT64_MAX: not said */
    bool finds;
    uint64_t unmet_milli; /* permyriad, times 1000 */
    bool is_json;
};

/* ---- Failures ----------------------------------------------------------- */

static int __attribute__((format(printf, 2, 3)))
fail(int status, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    (void)fputs(PROGRAM ": ", stderr);
    (void)vfprintf(stderr, format, arguments);
    (void)fputc('\n', stderr);
    va_end(arguments);
    return status;
}

static int usage_error(void)
{
    (void)fputs("Try '" PROGRAM " --help'.\n", stderr);
    return SIMULATE_USAGE;
}

/* What stands behind an option is not what it should be. */
static int refuse(const char *option, const char *found, const char *expected)
{
    char text[64];

    (void)fail(SIMULATE_USAGE, "%s: found '%s', expected %s", option,
               escape_text(text, sizeof(text), found, strlen(found)), expected);
    return usage_error();
}

/* ---- What is to be played ----------------------------------------------- */

static void complain(void *state, const char *what)
{
    unsigned int *complaints = state;

    if (++*complaints <= COMPLAINTS_MAX) {
        (void)fail(SIMULATE_OK, "%s", what);
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
        (void)fail(SIMULATE_OK, "... and %u more lines that cannot be used",
                   complaints - COMPLAINTS_MAX);
    }
    return r < 0 ? fail(SIMULATE_FAILED, "%s", error) : SIMULATE_OK;
}

static int read_file(const struct wish *wish, struct course *course)
{
    char error[READ_ERROR_MAX];

    return read_course(wish->file, course, error) < 0
               ? fail(SIMULATE_FAILED, "%s", error)
               : SIMULATE_OK;
}

/* What the command line says counts before what is in a file. */
static void override(const struct wish *wish, struct course *course)
{
    unsigned int i;

    if (wish->reserve_kib != UINT64_MAX) {
        course->reserve_kib = wish->reserve_kib;
    }
    if (wish->ramp_ms != UINT64_MAX) {
        course->ramp_ms = wish->ramp_ms;
    }
    if (wish->host_memory_kib != 0) {
        course->host_memory_kib = wish->host_memory_kib;
    }
    for (i = 0; i < course->count; i++) {
        struct course_domain *domain = &course->domains[i];

        if (wish->floor_kib != 0) {
            domain->floor_kib = units_whole_pages(
                units_min(wish->floor_kib, domain->ceiling_kib));
        }
        if (wish->grow_kib_s != 0) {
            domain->grow_kib_s = wish->grow_kib_s;
        }
        if (wish->shrink_kib_s != 0) {
            domain->shrink_kib_s = wish->shrink_kib_s;
        }
    }
}

/* ---- While it plays ----------------------------------------------------- */

struct progress {
    bool is_shown; /* standard error is a terminal */
    bool is_drawn;
    uint64_t began_ms;
    uint64_t drawn_ms;
    bool is_interrupted;
};

static uint64_t now_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void draw(struct progress *progress, uint64_t done_ms, uint64_t of_ms)
{
    uint64_t cells = units_scale(done_ms, PROGRESS_CELLS, of_ms);
    char bar[PROGRESS_CELLS + 1];

    memset(bar, ' ', PROGRESS_CELLS);
    memset(bar, '#', units_min(cells, PROGRESS_CELLS));
    bar[PROGRESS_CELLS] = '\0';
    (void)fprintf(stderr, "\r[%s] %3" PRIu64 " %%", bar,
                  units_scale(done_ms, 100, of_ms));
    progress->is_drawn = true;
}

static void wipe(struct progress *progress)
{
    if (progress->is_drawn) {
        (void)fprintf(stderr, "\r%*s\r", PROGRESS_CELLS + 8, "");
        progress->is_drawn = false;
    }
}

/* SIGINT is blocked while it plays, and waits here until somebody looks. */
static bool was_interrupted(void)
{
    static const struct timespec at_once = {0, 0};
    sigset_t signals;

    (void)sigemptyset(&signals);
    (void)sigaddset(&signals, SIGINT);
    (void)sigaddset(&signals, SIGTERM);
    return sigtimedwait(&signals, NULL, &at_once) > 0;
}

static bool is_wanted(void *state, uint64_t done_ms, uint64_t of_ms)
{
    struct progress *progress = state;
    uint64_t now = now_ms();

    progress->is_interrupted = progress->is_interrupted || was_interrupted();
    if (progress->is_shown && now >= progress->began_ms + PROGRESS_AFTER_MS &&
        now >= progress->drawn_ms + PROGRESS_EVERY_MS) {
        draw(progress, done_ms, of_ms);
        progress->drawn_ms = now;
    }
    return !progress->is_interrupted;
}

static void block_signals(sigset_t *before)
{
    sigset_t signals;

    (void)sigemptyset(&signals);
    (void)sigaddset(&signals, SIGINT);
    (void)sigaddset(&signals, SIGTERM);
    (void)sigprocmask(SIG_BLOCK, &signals, before);
}

/* ---- Playing ------------------------------------------------------------ */

static int choose(const struct wish *wish, const struct course *course,
                  struct run_policy *ret_policy)
{
    return wish->command != NULL
               ? child_policy_init(wish->command, course, CHILD_PATIENCE_MS,
                                   ret_policy)
               : policy_init(wish->policy, course->count, ret_policy);
}

static const char *policy_shown(const struct wish *wish)
{
    return wish->command != NULL ? wish->shown : wish->policy;
}

/* 0 or a negative errno, which it has said. */
static int play_sampled(const struct wish *wish, const struct course *course,
                        uint64_t host_memory_kib, unsigned int samples,
                        struct progress *progress, struct outcome *ret_outcome)
{
    struct run_options options = {
        .host_memory_kib = host_memory_kib,
        .samples = samples,
        .is_wanted = is_wanted,
        .state = progress,
    };
    char why[CHILD_ERROR_MAX] = "";
    int r = choose(wish, course, &options.policy);

    if (r == 0) {
        r = run_course(course, &options, ret_outcome);
        (void)snprintf(why, sizeof(why), "%s",
                       child_policy_error(&options.policy));
        policy_done(&options.policy);
    }
    wipe(progress);
    if (r < 0) {
        (void)fail(SIMULATE_FAILED, "cannot play it: %s",
                   why[0] != '\0' ? why : strerror(-r));
    }
    return r;
}

/* With curves when there is to be a page. */
static int play(const struct wish *wish, const struct course *course,
                uint64_t host_memory_kib, struct progress *progress,
                struct outcome *ret_outcome)
{
    unsigned int samples = course->count < PAGE_DOMAINS_MANY
                               ? PAGE_SAMPLES_FEW
                               : PAGE_SAMPLES_MANY;

    return play_sampled(wish, course, host_memory_kib, wish->html ? samples : 0,
                        progress, ret_outcome);
}

struct playing {
    const struct wish *wish;
    const struct course *course;
    struct progress *progress;
};

static int play_on(void *state, uint64_t host_memory_kib,
                   struct outcome *ret_outcome)
{
    const struct playing *playing = state;

    return play(playing->wish, playing->course, host_memory_kib,
                playing->progress, ret_outcome);
}

static int find(const struct wish *wish, const struct course *course,
                uint64_t peak_kib, struct progress *progress,
                struct outcome *ret_outcome)
{
    struct playing playing = {wish, course, progress};
    const struct search search = {
        .course = course,
        .unmet_milli = wish->unmet_milli,
        .play = play_on,
        .state = &playing,
    };
    int r = search_host(&search, peak_kib, ret_outcome);

    if (r == -ENOENT) {
        (void)fail(SIMULATE_FAILED,
                   "no host is large enough: more than that is unmet with "
                   "memory for all");
    }
    return r;
}

/* ---- The page ----------------------------------------------------------- */

/* Of the peak of what is needed, in percent. */
static const unsigned int page_percents[] = {90, 100, 115, 150, 200, 300, 400};

#define PAGE_SIZES (sizeof(page_percents) / sizeof(page_percents[0]) + 1)

static int by_size(const void *a, const void *b)
{
    const struct plot_size *one = a;
    const struct plot_size *other = b;

    return (one->host_memory_kib > other->host_memory_kib) -
           (one->host_memory_kib < other->host_memory_kib);
}

/* As many as were played before ctrl-C; the outcome's own is among them. */
static unsigned int play_sizes(const struct wish *wish,
                               const struct course *course,
                               const struct outcome *outcome,
                               struct progress *progress,
                               struct plot_size sizes[PAGE_SIZES])
{
    uint64_t peak_kib = course_peak_kib(course);
    unsigned int count = 1;
    unsigned int i;

    sizes[0] = (struct plot_size){outcome->host_memory_kib,
                                  outcome_unmet_millipermyriad(&outcome->all)};
    for (i = 0; i + 1 < PAGE_SIZES && !outcome->is_interrupted; i++) {
        uint64_t host_kib =
            units_whole_pages(units_scale(peak_kib, page_percents[i], 100));
        struct outcome other;

        if (host_kib == 0 || host_kib == outcome->host_memory_kib) {
            continue;
        }
        if (play_sampled(wish, course, host_kib, 0, progress, &other) < 0) {
            break;
        }
        if (!other.is_interrupted) {
            sizes[count++] = (struct plot_size){
                host_kib, outcome_unmet_millipermyriad(&other.all)};
        }
        outcome_done(&other);
        if (progress->is_interrupted) {
            break;
        }
    }
    qsort(sizes, count, sizeof(sizes[0]), by_size);
    return count;
}

static int write_text(const char *path, const char *text)
{
    char shown[256];
    FILE *file = fopen(path, "we");
    bool is_good = file != NULL && fputs(text, file) >= 0;

    if (file != NULL && fclose(file) != 0) {
        is_good = false;
    }
    return is_good ? SIMULATE_OK
                   : fail(SIMULATE_FAILED, "cannot write %s: %s",
                          escape_text(shown, sizeof(shown), path, strlen(path)),
                          strerror(errno));
}

static int write_page(const struct wish *wish, const struct course *course,
                      const struct outcome *outcome, struct progress *progress)
{
    struct plot_size sizes[PAGE_SIZES];
    const struct page page = {
        .title = wish->file != NULL ? wish->file : wish->trace,
        .policy = policy_shown(wish),
        .course = course,
        .outcome = outcome,
        .sizes = sizes,
        .size_count = play_sizes(wish, course, outcome, progress, sizes),
    };
    char *text = page_text(&page);
    int status = text != NULL ? write_text(wish->html, text)
                              : fail(SIMULATE_FAILED, "out of memory");

    free(text);
    return status;
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
    char *text = wish->is_json ? show_outcome_json(outcome, policy_shown(wish))
                               : show_outcome(outcome, policy_shown(wish),
                                              terminal_width());

    if (text == NULL) {
        return fail(SIMULATE_FAILED, "out of memory");
    }
    (void)fputs(text, stdout);
    if (wish->is_json) {
        (void)fputc('\n', stdout);
    }
    free(text);
    return outcome->is_interrupted ? SIMULATE_INTERRUPTED : SIMULATE_OK;
}

static int play_and_print(const struct wish *wish, const struct course *course)
{
    struct progress progress = {
        .is_shown = isatty(STDERR_FILENO),
        .began_ms = now_ms(),
    };
    uint64_t host_kib = course->host_memory_kib;
    struct outcome outcome;
    sigset_t before;
    int status = SIMULATE_FAILED;
    int r;

    if (host_kib == 0 || wish->finds) {
        host_kib = units_whole_pages(course_peak_kib(course));
    }
    if (course->host_memory_kib == 0 && !wish->finds) {
        char size[NUMBER_SIZE_TEXT];

        (void)fail(SIMULATE_OK,
                   "no host memory given, taking the peak of what is needed, "
                   "%s",
                   number_format_size(size, sizeof(size), host_kib));
    }
    block_signals(&before);
    r = wish->finds ? find(wish, course, host_kib, &progress, &outcome)
                    : play(wish, course, host_kib, &progress, &outcome);
    if (r == 0) {
        status = print(wish, &outcome);
        if (wish->html != NULL) {
            int page_status = write_page(wish, course, &outcome, &progress);

            status = status == SIMULATE_OK ? page_status : status;
        }
        outcome_done(&outcome);
    }
    (void)sigprocmask(SIG_SETMASK, &before, NULL);
    return status;
}

static int simulate(const struct wish *wish)
{
    struct course course;
    int status;

    course_init(&course);
    status = wish->trace != NULL ? read_trace(wish, &course)
                                 : read_file(wish, &course);
    if (status == SIMULATE_OK) {
        override(wish, &course);
        status = play_and_print(wish, &course);
    }
    course_done(&course);
    return status;
}

/* ---- The command line --------------------------------------------------- */

static void print_help(void)
{
    (void)puts(
        "Usage: " PROGRAM " [OPTION]... FILE\n"
        "       " PROGRAM " [OPTION]... --trace DIR\n"
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

static int parse_size(const char *option, const char *text, uint64_t *ret_kib)
{
    uint64_t kib;

    if (number_parse_size(text, &kib) < 0 || kib == 0) {
        return refuse(option, text, "a size above 0 such as 96G or 512M");
    }
    *ret_kib = units_whole_pages(kib);
    return SIMULATE_OK;
}

/* Of nothing, too. */
static int parse_reserve(const char *text, uint64_t *ret_kib)
{
    if (number_parse_size(text, ret_kib) < 0) {
        return refuse("--reserve", text, "a size such as 512M");
    }
    return SIMULATE_OK;
}

static int parse_seconds(const char *text, uint64_t *ret_ms)
{
    uint64_t seconds;

    if (number_parse(text, strlen(text), 86400, &seconds) < 0) {
        return refuse("--ramp", text, "a number of seconds, 0 to 86400");
    }
    *ret_ms = seconds * 1000;
    return SIMULATE_OK;
}

/* "1", "0.3", "0.125". */
static int parse_unmet(const char *text, uint64_t *ret_milli)
{
    static const char *const expected =
        "a number of permyriad, 0 to 10000, with at most three decimals";
    const char *point = strchrnul(text, '.');
    uint64_t whole, fraction = 0;
    size_t digits;

    if (number_parse(text, (size_t)(point - text), 10000, &whole) < 0) {
        return refuse("--unmet", text, expected);
    }
    if (*point == '.') {
        digits = strlen(point + 1);
        if (digits > 3 || number_parse(point + 1, digits, 999, &fraction) < 0) {
            return refuse("--unmet", text, expected);
        }
        for (; digits < 3; digits++) {
            fraction *= 10;
        }
    }
    *ret_milli = whole * 1000 + fraction;
    return SIMULATE_OK;
}

static int choose_policy(const char *name, const char **ret_name)
{
    const char *names[16];
    const char *meant;
    char text[64];
    unsigned int count = 0;

    while (policy_name(count) != NULL && count < 16) {
        names[count] = policy_name(count);
        if (strcmp(names[count], name) == 0) {
            *ret_name = names[count];
            return SIMULATE_OK;
        }
        count++;
    }
    meant = nearest_word(name, strlen(name), names, count);
    (void)fail(SIMULATE_USAGE, "no policy '%s'%s%s%s",
               escape_text(text, sizeof(text), name, strlen(name)),
               meant ? ", did you mean '" : "", meant ? meant : "",
               meant ? "'?" : "");
    return usage_error();
}

static int check(const struct wish *wish, bool has_unmet)
{
    if ((wish->file == NULL) == (wish->trace == NULL)) {
        (void)fail(SIMULATE_USAGE, "expected a file, or --trace and a folder");
        return usage_error();
    }
    if (wish->finds && wish->host_memory_kib != 0) {
        (void)fail(SIMULATE_USAGE,
                   "--host-memory says what --find-host-memory is to find");
        return usage_error();
    }
    if (has_unmet && !wish->finds) {
        (void)fail(SIMULATE_USAGE, "--unmet is for --find-host-memory");
        return usage_error();
    }
    return SIMULATE_OK;
}

static int take_option(int option, const char *value, struct wish *wish)
{
    switch (option) {
    case 't':
        wish->trace = value;
        return SIMULATE_OK;
    case 'm':
        return parse_size("--host-memory", value, &wish->host_memory_kib);
    case 'F':
        wish->finds = true;
        return SIMULATE_OK;
    case 'u':
        return parse_unmet(value, &wish->unmet_milli);
    case 'p':
        return choose_policy(value, &wish->policy);
    case 'c':
        wish->command = value;
        (void)escape_text(wish->shown, sizeof(wish->shown), value,
                          strlen(value));
        return SIMULATE_OK;
    case 'f':
        return parse_size("--floor", value, &wish->floor_kib);
    case 'r':
        return parse_reserve(value, &wish->reserve_kib);
    case 'g':
        return parse_size("--grow", value, &wish->grow_kib_s);
    case 's':
        return parse_size("--shrink", value, &wish->shrink_kib_s);
    case 'w':
        return parse_seconds(value, &wish->ramp_ms);
    case 'H':
        wish->html = value;
        return SIMULATE_OK;
    case 'j':
        wish->is_json = true;
        return SIMULATE_OK;
    default:
        return usage_error();
    }
}

int simulate_main(int argc, char **argv)
{
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
    struct wish wish = {
        .policy = policy_name(0),
        .reserve_kib = UINT64_MAX,
        .ramp_ms = UINT64_MAX,
        .unmet_milli = 1000,
    };
    bool has_unmet = false;
    int status = SIMULATE_OK;
    int c;

    optind = 1;
    while (status == SIMULATE_OK &&
           (c = getopt_long(argc, argv, "t:m:Fu:p:c:f:r:g:s:w:H:jh", names,
                            NULL)) != -1) {
        if (c == 'h') {
            print_help();
            return SIMULATE_OK;
        }
        has_unmet = has_unmet || c == 'u';
        status = take_option(c, optarg, &wish);
    }
    if (status == SIMULATE_OK && argc - optind > 1) {
        (void)fail(SIMULATE_USAGE, "more than one file");
        return usage_error();
    }
    if (status == SIMULATE_OK) {
        wish.file = argv[optind];
        status = check(&wish, has_unmet);
    }
    return status == SIMULATE_OK ? simulate(&wish) : status;
}

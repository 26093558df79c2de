/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * memload: a load on memory that follows a timeline, for tests and
 * demonstrations.  It says what the memory's user feels: how much work got
 * done, and how long single touches of a page took.
 *
 * It must not spin: work is done in slices and paced by sleeping, because an
 * emulated guest that spins slows down all others.  Work that a stall made
 * impossible is lost, not caught up with, so that the work done is a measure.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define STEPS_MAX 128
#define PAGE_BYTES 4096u
#define PAGE_KIB (PAGE_BYTES / 1024u)
#define PAGES_MAX (64u * 1024 * 1024) /* 256 GiB: more is a slip of the pen */
#define DURATION_MS_MAX (30ull * 24 * 3600 * 1000)
/* Mapped at a time: small, so that a program's slow growth looks like one. */
#define CHUNK_PAGES 64u
#define SLICE_MS 20u
/* Work further behind than this is given up as lost. */
#define BACKLOG_MS 100u
#define STALL_LINES_MAX 1000u
#define TOUCH_RATE_DEFAULT_KIB (10u * 1024)

enum { EXIT_STOPPED = 0, EXIT_USAGE = 2, EXIT_REFUSED = 3 };

enum verb { VERB_ALLOC, VERB_TOUCH, VERB_HOLD, VERB_RELEASE };

static const char *const verb_names[] = { "alloc", "touch", "hold",
                                          "release" };

struct step {
    enum verb verb;
    uint64_t pages;         /* alloc, release; UINT64_MAX: all */
    uint64_t duration_ms;   /* touch, hold */
    uint64_t rate_kib_s;    /* alloc, touch; 0: as fast as can be */
    uint64_t stall_ms;      /* 0: the one of the command line */
    bool plain;             /* alloc: of pages that compress to nothing */
    bool random;            /* touch */
    unsigned hot_touches;   /* touch: so many percent of the touches ... */
    unsigned hot_pages;     /* ... go to so many percent of the pages */
    char file[256];         /* alloc; empty: anonymous memory */
};

struct timeline {
    struct step steps[STEPS_MAX];
    unsigned count;
};

struct load {
    unsigned char **pages;
    uint64_t count;
    uint64_t room;
    uint64_t random_state;
    uint64_t begin_us;
    uint64_t progress_ms;
    uint64_t next_progress_ms;
    uint64_t stall_us;      /* threshold of the present step */
    /* results */
    uint64_t allocated_pages;
    uint64_t touched_pages;
    uint64_t peak_pages;
    uint64_t slowest_us;
    uint64_t stalled_us;
    uint64_t stalls;
};

static volatile sig_atomic_t stop_requested;

/* --- timeline ---------------------------------------------------------- */

static bool parse_number(const char **text, uint64_t *value)
{
    const char *at = *text;
    uint64_t number = 0;

    if (*at < '0' || *at > '9')
        return false;
    for (; *at >= '0' && *at <= '9'; at++) {
        if (number > (UINT64_MAX - 9) / 10)
            return false;
        number = number * 10 + (uint64_t)(*at - '0');
    }
    *text = at;
    *value = number;
    return true;
}

/* 4K, 200M, 1G; followed by SUFFIX, and then nothing. */
static bool parse_size_kib(const char *text, const char *suffix, uint64_t *kib)
{
    uint64_t number, factor;

    if (!parse_number(&text, &number))
        return false;
    switch (*text) {
    case 'K': factor = 1; break;
    case 'M': factor = 1024; break;
    case 'G': factor = 1024 * 1024; break;
    default: return false;
    }
    if (strcmp(text + 1, suffix) != 0 ||
        number > (uint64_t)PAGES_MAX * PAGE_KIB / factor)
        return false;
    *kib = number * factor;
    return true;
}

/* 500ms, 10s, 2m */
static bool parse_duration_ms(const char *text, uint64_t *duration_ms)
{
    uint64_t number, factor;

    if (!parse_number(&text, &number))
        return false;
    if (strcmp(text, "ms") == 0)
        factor = 1;
    else if (strcmp(text, "s") == 0)
        factor = 1000;
    else if (strcmp(text, "m") == 0)
        factor = 60 * 1000;
    else
        return false;
    if (number > DURATION_MS_MAX / factor)
        return false;
    *duration_ms = number * factor;
    return true;
}

/* 80%/20% */
static bool parse_hot(const char *text, struct step *step)
{
    uint64_t touches, pages;

    if (!parse_number(&text, &touches) || strncmp(text, "%/", 2) != 0)
        return false;
    text += 2;
    if (!parse_number(&text, &pages) || strcmp(text, "%") != 0)
        return false;
    if (touches > 100 || pages < 1 || pages > 100)
        return false;
    step->hot_touches = (unsigned)touches;
    step->hot_pages = (unsigned)pages;
    return true;
}

static bool parse_setting(const char *word, struct step *step)
{
    const char *value = strchr(word, '=');
    size_t key_len;

    if (!value)
        return false;
    key_len = (size_t)(value - word);
    value++;
#define IS(key) (key_len == strlen(key) && strncmp(word, key, key_len) == 0)
    if (IS("rate") && (step->verb == VERB_ALLOC || step->verb == VERB_TOUCH))
        return parse_size_kib(value, "/s", &step->rate_kib_s) &&
               step->rate_kib_s > 0;
    if (IS("stall_ms") &&
        (step->verb == VERB_ALLOC || step->verb == VERB_TOUCH))
        return parse_number(&value, &step->stall_ms) && *value == '\0' &&
               step->stall_ms > 0 && step->stall_ms <= DURATION_MS_MAX;
    if (IS("file") && step->verb == VERB_ALLOC) {
        if (*value == '\0' || strlen(value) >= sizeof(step->file))
            return false;
        memcpy(step->file, value, strlen(value) + 1);
        return true;
    }
    if (IS("fill") && step->verb == VERB_ALLOC) {
        step->plain = strcmp(value, "plain") == 0;
        return step->plain || strcmp(value, "noise") == 0;
    }
    if (IS("pattern") && step->verb == VERB_TOUCH) {
        step->random = strcmp(value, "random") == 0;
        return step->random || strcmp(value, "seq") == 0;
    }
    if (IS("hot") && step->verb == VERB_TOUCH)
        return parse_hot(value, step);
#undef IS
    return false;
}

/* The word after the verb. */
static bool parse_amount(const char *word, struct step *step)
{
    uint64_t kib;

    switch (step->verb) {
    case VERB_RELEASE:
        if (strcmp(word, "all") == 0) {
            step->pages = UINT64_MAX;
            return true;
        }
        __attribute__((fallthrough));
    case VERB_ALLOC:
        if (!parse_size_kib(word, "", &kib) || kib == 0)
            return false;
        step->pages = (kib + PAGE_KIB - 1) / PAGE_KIB;
        return true;
    case VERB_TOUCH:
    case VERB_HOLD:
        return parse_duration_ms(word, &step->duration_ms);
    }
    return false;
}

static int parse_step(char *text, struct step *step, char *error, size_t len)
{
    char *rest = NULL, *word = strtok_r(text, " \t\n", &rest);
    unsigned i;

    memset(step, 0, sizeof(*step));
    for (i = 0; i < 4; i++)
        if (strcmp(word, verb_names[i]) == 0)
            break;
    if (i == 4) {
        snprintf(error, len, "unknown step '%s'", word);
        return -EINVAL;
    }
    step->verb = (enum verb)i;
    if (step->verb == VERB_TOUCH)
        step->rate_kib_s = TOUCH_RATE_DEFAULT_KIB;
    word = strtok_r(NULL, " \t\n", &rest);
    if (!word || !parse_amount(word, step)) {
        snprintf(error, len, "%s: needs a %s, not '%s'", verb_names[i],
                 step->verb == VERB_TOUCH || step->verb == VERB_HOLD
                     ? "duration such as 10s or 500ms"
                     : "size such as 4K, 200M or 1G",
                 word ? word : "");
        return -EINVAL;
    }
    while ((word = strtok_r(NULL, " \t\n", &rest)) != NULL)
        if (!parse_setting(word, step)) {
            snprintf(error, len, "%s: cannot use '%s'", verb_names[i], word);
            return -EINVAL;
        }
    return 0;
}

/*
 * Reads a timeline; on failure says why in ERROR and returns a negative errno.
 */
static int timeline_parse(const char *text, struct timeline *timeline,
                          char *error, size_t error_len)
{
    char *copy = strdup(text), *rest = NULL, *part;
    int r = 0;

    timeline->count = 0;
    if (!copy) {
        snprintf(error, error_len, "no memory");
        return -ENOMEM;
    }
    for (part = strtok_r(copy, ";", &rest); part;
         part = strtok_r(NULL, ";", &rest)) {
        if (part[strspn(part, " \t\n")] == '\0')
            continue;
        if (timeline->count == STEPS_MAX) {
            snprintf(error, error_len, "more than %d steps", STEPS_MAX);
            r = -E2BIG;
            break;
        }
        r = parse_step(part, &timeline->steps[timeline->count], error,
                       error_len);
        if (r)
            break;
        timeline->count++;
    }
    if (!r && timeline->count == 0) {
        snprintf(error, error_len, "no steps");
        r = -EINVAL;
    }
    free(copy);
    return r;
}

/* --- clock, random numbers, report -------------------------------------- */

static uint64_t now_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static uint64_t elapsed_ms(const struct load *load)
{
    return (now_us() - load->begin_us) / 1000;
}

/* Ends early when a signal asks to stop. */
static void sleep_until_us(uint64_t wake_us)
{
    struct timespec wake = { .tv_sec = (time_t)(wake_us / 1000000),
                             .tv_nsec = (long)(wake_us % 1000000) * 1000 };

    while (!stop_requested &&
           clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &wake, NULL) ==
               EINTR)
        ;
}

/* xorshift64: cheap, and the same numbers for the same seed. */
static uint64_t next_random(struct load *load)
{
    uint64_t x = load->random_state;

    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    load->random_state = x;
    return x;
}

static void report_progress(struct load *load)
{
    uint64_t ms = elapsed_ms(load);

    if (!load->progress_ms || ms < load->next_progress_ms)
        return;
    load->next_progress_ms = ms + load->progress_ms;
    printf("{\"event\":\"progress\",\"ms\":%" PRIu64
           ",\"allocated_kib\":%" PRIu64 ",\"touched_kib\":%" PRIu64
           ",\"slowest_touch_us\":%" PRIu64 ",\"stalled_ms\":%" PRIu64 "}\n",
           ms, load->count * PAGE_KIB, load->touched_pages * PAGE_KIB,
           load->slowest_us, load->stalled_us / 1000);
}

static void report_step(const struct load *load, unsigned number,
                        const struct step *step)
{
    printf("{\"event\":\"step\",\"ms\":%" PRIu64
           ",\"number\":%u,\"step\":\"%s\"}\n",
           elapsed_ms(load), number, verb_names[step->verb]);
}

static void report_summary(const struct load *load, bool refused)
{
    printf("{\"event\":\"summary\",\"work_done_kib\":%" PRIu64
           ",\"touched_kib\":%" PRIu64 ",\"allocated_total_kib\":%" PRIu64
           ",\"allocated_peak_kib\":%" PRIu64 ",\"slowest_touch_us\":%" PRIu64
           ",\"stalls\":%" PRIu64 ",\"stalled_ms\":%" PRIu64
           ",\"wall_ms\":%" PRIu64 ",\"stopped\":%s,\"refused\":%s}\n",
           (load->touched_pages + load->allocated_pages) * PAGE_KIB,
           load->touched_pages * PAGE_KIB, load->allocated_pages * PAGE_KIB,
           load->peak_pages * PAGE_KIB, load->slowest_us, load->stalls,
           load->stalled_us / 1000, elapsed_ms(load),
           stop_requested ? "true" : "false", refused ? "true" : "false");
}

/* Keeps what one touch that began at BEGIN_US cost. */
static void account_touch(struct load *load, uint64_t begin_us)
{
    uint64_t took_us = now_us() - begin_us;

    if (took_us > load->slowest_us)
        load->slowest_us = took_us;
    if (took_us < load->stall_us)
        return;
    load->stalled_us += took_us;
    if (load->stalls++ < STALL_LINES_MAX)
        printf("{\"event\":\"stall\",\"ms\":%" PRIu64 ",\"touch_us\":%" PRIu64
               "}\n",
               elapsed_ms(load), took_us);
}

/* --- work ---------------------------------------------------------------- */

/*
 * How many pages of work are due.  SINCE_US moves on with the pages that are
 * taken from it; it is drawn along when it falls too far behind.
 */
static uint64_t pages_due(uint64_t rate_kib_s, uint64_t *since_us)
{
    uint64_t now = now_us();

    if (!rate_kib_s)
        return UINT64_MAX;
    if (now - *since_us > BACKLOG_MS * 1000)
        *since_us = now - BACKLOG_MS * 1000;
    return (now - *since_us) * rate_kib_s / PAGE_KIB / 1000000;
}

static uint64_t pages_to_us(uint64_t pages, uint64_t rate_kib_s)
{
    return rate_kib_s ? pages * PAGE_KIB * 1000000 / rate_kib_s : 0;
}

/* Half noise and half pattern: compresses about as real data does, and no two
 * pages are equal, so that merging of pages does not help.  A plain one is one
 * word over and over: in compressed swap it costs as little as on a disk. */
static void fill_page(struct load *load, bool plain, unsigned char *page)
{
    uint64_t words[PAGE_BYTES / sizeof(uint64_t)];
    const size_t count = sizeof(words) / sizeof(words[0]);
    const size_t noise = plain ? 1 : count / 2;
    const uint64_t first = next_random(load);

    words[0] = first;
    for (size_t i = 1; i < count; i++)
        words[i] = i < noise ? next_random(load) : first | 1;
    memcpy(page, words, sizeof(words));
}

/* Maps PAGES more; FD below 0 means anonymous memory. */
static int map_chunk(struct load *load, uint64_t pages, bool plain, int fd,
                     uint64_t file_page)
{
    size_t bytes = (size_t)pages * PAGE_BYTES;
    unsigned char *at;
    uint64_t i;

    if (load->count + pages > load->room) {
        uint64_t room = load->room * 2 + CHUNK_PAGES;
        unsigned char **grown =
            realloc(load->pages, (size_t)room * sizeof(*grown));

        if (!grown)
            return -ENOMEM;
        load->pages = grown;
        load->room = room;
    }
    at = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
              fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED, fd,
              (off_t)(file_page * PAGE_BYTES));
    if (at == MAP_FAILED)
        return -errno;
    for (i = 0; i < pages; i++) {
        uint64_t begin_us = now_us();

        fill_page(load, plain, at + i * PAGE_BYTES);
        account_touch(load, begin_us);
        load->pages[load->count++] = at + i * PAGE_BYTES;
    }
    load->allocated_pages += pages;
    if (load->count > load->peak_pages)
        load->peak_pages = load->count;
    return 0;
}

static int do_alloc(struct load *load, const struct step *step)
{
    uint64_t done = 0, since_us = now_us();
    int fd = -1, r = 0;

    if (step->file[0]) {
        fd = open(step->file, O_RDWR | O_CREAT, 0600);
        if (fd < 0 || ftruncate(fd, (off_t)(step->pages * PAGE_BYTES))) {
            r = -errno;
            goto out;
        }
    }
    while (done < step->pages && !stop_requested) {
        uint64_t due = pages_due(step->rate_kib_s, &since_us);
        uint64_t pages = step->pages - done;

        if (pages > CHUNK_PAGES)
            pages = CHUNK_PAGES;
        report_progress(load);
        if (due < pages) {
            sleep_until_us(now_us() + SLICE_MS * 1000);
            continue;
        }
        r = map_chunk(load, pages, step->plain, fd, done);
        if (r)
            goto out;
        since_us += pages_to_us(pages, step->rate_kib_s);
        done += pages;
    }
out:
    if (r)
        fprintf(stderr, "memload: alloc%s%s: %s\n", step->file[0] ? " " : "",
                step->file, strerror(-r));
    if (fd >= 0)
        close(fd);
    return r;
}

/* Which page comes next; hot pages are the ones that were allocated first. */
static uint64_t choose_page(struct load *load, const struct step *step,
                            uint64_t positions[2])
{
    uint64_t hot = load->count * step->hot_pages / 100;
    uint64_t first = 0, pages = load->count;
    unsigned part = 0;

    if (step->hot_pages && hot > 0 && hot < load->count) {
        part = next_random(load) % 100 < step->hot_touches ? 0 : 1;
        first = part ? hot : 0;
        pages = part ? load->count - hot : hot;
    }
    if (step->random)
        return first + next_random(load) % pages;
    return first + positions[part]++ % pages;
}

static void do_touch(struct load *load, const struct step *step)
{
    uint64_t since_us = now_us(), end_us = since_us + step->duration_ms * 1000;
    uint64_t positions[2] = { 0, 0 };

    while (now_us() < end_us && !stop_requested) {
        uint64_t due = pages_due(step->rate_kib_s, &since_us), i;

        /* Without a limit, still look at the clock now and then. */
        if (load->count == 0)
            due = 0;
        if (due > CHUNK_PAGES)
            due = CHUNK_PAGES;
        for (i = 0; i < due; i++) {
            uint64_t *word = (uint64_t *)(void *)
                load->pages[choose_page(load, step, positions)];
            uint64_t begin_us = now_us();

            *(volatile uint64_t *)word += 2;
            account_touch(load, begin_us);
        }
        load->touched_pages += due;
        since_us += pages_to_us(due, step->rate_kib_s);
        report_progress(load);
        if (due < CHUNK_PAGES) {
            uint64_t wake_us = now_us() + SLICE_MS * 1000;

            sleep_until_us(wake_us < end_us ? wake_us : end_us);
        }
    }
}

static void do_hold(struct load *load, const struct step *step)
{
    uint64_t end_us = now_us() + step->duration_ms * 1000, now;

    while ((now = now_us()) < end_us && !stop_requested) {
        uint64_t wake_us = end_us;

        if (load->progress_ms && end_us - now > load->progress_ms * 1000)
            wake_us = now + load->progress_ms * 1000;
        sleep_until_us(wake_us);
        report_progress(load);
    }
}

/* What came last goes first, in runs of neighbours. */
static void do_release(struct load *load, const struct step *step)
{
    uint64_t left = step->pages < load->count ? step->pages : load->count;

    while (left) {
        uint64_t run = 1;
        unsigned char *last = load->pages[load->count - 1];

        while (run < left &&
               load->pages[load->count - 1 - run] == last - run * PAGE_BYTES)
            run++;
        munmap(last - (run - 1) * PAGE_BYTES, (size_t)run * PAGE_BYTES);
        load->count -= run;
        left -= run;
    }
}

static int run_timeline(struct load *load, const struct timeline *timeline,
                        uint64_t stall_ms)
{
    unsigned i;
    int r = 0;

    for (i = 0; i < timeline->count && !r && !stop_requested; i++) {
        const struct step *step = &timeline->steps[i];

        load->stall_us = (step->stall_ms ? step->stall_ms : stall_ms) * 1000;
        report_step(load, i + 1, step);
        switch (step->verb) {
        case VERB_ALLOC: r = do_alloc(load, step); break;
        case VERB_TOUCH: do_touch(load, step); break;
        case VERB_HOLD: do_hold(load, step); break;
        case VERB_RELEASE: do_release(load, step); break;
        }
    }
    return r;
}

/* --- main ---------------------------------------------------------------- */

static void on_signal(int number)
{
    (void)number;
    stop_requested = 1;
}

static void usage(FILE *out)
{
    fputs("usage: memload [OPTION]... TIMELINE\n"
          "Steps of a timeline, separated by ';':\n"
          "  alloc SIZE [rate=SIZE/s] [file=PATH] [fill=noise|plain]\n"
          "             [stall_ms=N]\n"
          "  touch TIME [rate=SIZE/s] [pattern=seq|random]\n"
          "             [hot=TOUCHES%/PAGES%] [stall_ms=N]\n"
          "  hold TIME\n"
          "  release SIZE|all        what was allocated last goes first\n"
          "SIZE is 4K, 200M, 1G; TIME is 500ms, 10s, 2m.  Without rate=,\n"
          "alloc is as fast as can be and touch does 10M/s.  hot=80%/20%:\n"
          "80 percent of the touches go to the 20 percent of pages that\n"
          "were allocated first.\n"
          "Options:\n"
          "  --stall-ms N      a touch as long as this is a stall (100)\n"
          "  --progress-ms N   time between progress lines (1000; 0: none)\n"
          "  --seed N          of the random numbers (1)\n"
          "  --check           only read the timeline\n"
          "Prints JSON lines, the last one is the summary, also after SIGTERM\n"
          "or SIGINT.  Exit status: 0 done or stopped, 2 wrong use, 3 memory\n"
          "or file was refused.\n",
          out);
}

static bool option_value(int argc, char **argv, int *i, uint64_t *value)
{
    const char *text = *i + 1 < argc ? argv[*i + 1] : "";

    if (!parse_number(&text, value) || *text || *value > DURATION_MS_MAX) {
        fprintf(stderr, "memload: %s needs a number\n", argv[*i]);
        return false;
    }
    (*i)++;
    return true;
}

int main(int argc, char **argv)
{
    struct sigaction action = { .sa_handler = on_signal };
    static struct timeline timeline;
    uint64_t stall_ms = 100, seed = 1;
    struct load load = { .progress_ms = 1000 };
    const char *text = NULL;
    bool check_only = false;
    char error[256];
    int i, r;

    for (i = 1; i < argc; i++) {
        bool good = true;

        if (strcmp(argv[i], "--help") == 0) {
            usage(stdout);
            return 0;
        }
        if (strcmp(argv[i], "--stall-ms") == 0)
            good = option_value(argc, argv, &i, &stall_ms);
        else if (strcmp(argv[i], "--progress-ms") == 0)
            good = option_value(argc, argv, &i, &load.progress_ms);
        else if (strcmp(argv[i], "--seed") == 0)
            good = option_value(argc, argv, &i, &seed);
        else if (strcmp(argv[i], "--check") == 0)
            check_only = true;
        else if (argv[i][0] == '-' || text)
            good = false;
        else
            text = argv[i];
        if (!good) {
            usage(stderr);
            return EXIT_USAGE;
        }
    }
    if (!text) {
        usage(stderr);
        return EXIT_USAGE;
    }
    if (timeline_parse(text, &timeline, error, sizeof(error))) {
        fprintf(stderr, "memload: %s\n", error);
        return EXIT_USAGE;
    }
    if (check_only)
        return 0;

    /* Lines at once: whoever watches a timeline wants to see it live. */
    setvbuf(stdout, NULL, _IOLBF, 0);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    load.random_state = seed * 2654435761u + 88172645463325252ull;
    load.begin_us = now_us();
    r = run_timeline(&load, &timeline, stall_ms);
    report_summary(&load, r != 0);
    free(load.pages);
    return r ? EXIT_REFUSED : EXIT_STOPPED;
}

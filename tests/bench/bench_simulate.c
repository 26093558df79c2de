/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the policies reach on a real trace, and how fast it is simulated.  One
 * JSON line for each figure:
 * {"bench":"trace","case":"demand","host_over_peak":"1.00",
 *  "unmet_permyriad":0.955,...,"seconds":9.8}
 *
 * The trace is that of 100 machines in July 2013, in the folder that
 * XENBALLOON_TRACES names: its files, or the archive that they come in.  Without
 * it, the trace is skipped.  Then a day of 1,000 domains, from a fixed seed.
 */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/units.h"
#include "simulate/course.h"
#include "simulate/policy.h"
#include "simulate/run.h"
#include "simulate/trace.h"

#define MIB UINT64_C(1024)
#define GIB (1024 * MIB)

/*
 * What the trace's figures are given relative to: the peak over time of the sum
 * of max(floor, working set) of all 100 machines, also of those that do not
 * live at that time.
 */
#define TRACE_PEAK_KIB (UINT64_C(1575) * GIB / 10)

#define NAIVE_MS 1000

#define DAY_DOMAINS 1000
#define DAY_SEED UINT64_C(20121101)
#define DAY_MS (UINT64_C(24) * 3600 * 1000)
#define DAY_SAMPLE_MS (UINT64_C(300) * 1000)

static uint64_t now_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void must(bool holds, const char *what)
{
    if (!holds) {
        (void)fprintf(stderr, "bench_simulate: %s\n", what);
        exit(1);
    }
}

/* ---- A naive policy, for comparison ------------------------------------- */

/*
 * Each domain is to hold what it uses, a tenth more and 64 MiB.  Decided once a
 * second; who holds more gives only when there is too little.
 */
struct naive {
    uint64_t due_ms;
    uint64_t targets_kib[DAY_DOMAINS];
};

static uint64_t naive_want(const struct snapshot_domain *domain)
{
    const struct report *report = &domain->report;
    uint64_t used = units_less(domain->current_kib, report->available_kib) +
                    units_less(report->swap_total_kib, report->swap_free_kib);

    return units_clamp(used + used / 10 + 64 * MIB, domain->floor_kib,
                       domain->ceiling_kib);
}

static void naive_decide(struct naive *naive, const struct snapshot *snapshot)
{
    uint64_t pool = units_less(snapshot->total_kib, snapshot->reserve_kib);
    uint64_t wants = 0, floors = 0, kept = 0, spare = 0;

    for (unsigned int i = 0; i < snapshot->count; i++) {
        const struct snapshot_domain *domain = &snapshot->domains[i];
        uint64_t want = naive_want(domain);

        wants += want;
        floors += domain->floor_kib;
        kept += units_max(want, domain->target_kib);
        spare += units_less(domain->target_kib, want);
        pool = units_less(pool, SNAPSHOT_SLACK_KIB);
    }
    for (unsigned int i = 0; i < snapshot->count; i++) {
        const struct snapshot_domain *domain = &snapshot->domains[i];
        uint64_t want = naive_want(domain);
        uint64_t target = units_max(want, domain->target_kib);

        if (wants > pool) {
            target = domain->floor_kib + units_scale(want - domain->floor_kib,
                                                     units_less(pool, floors),
                                                     wants - floors);
        } else if (kept > pool) {
            target -= units_scale(units_less(domain->target_kib, want),
                                  kept - pool, spare);
        }
        naive->targets_kib[i] = target;
    }
}

static int naive_plan(void *state, const struct snapshot *snapshot,
                      const unsigned int *domains_of, struct plan *plan)
{
    struct naive *naive = state;

    (void)domains_of;
    if (snapshot->now_ms >= naive->due_ms) {
        naive_decide(naive, snapshot);
        naive->due_ms = snapshot->now_ms + NAIVE_MS;
    } else {
        for (unsigned int i = 0; i < snapshot->count; i++) {
            naive->targets_kib[i] = snapshot->domains[i].target_kib;
        }
    }
    policy_toward(snapshot, naive->targets_kib, plan);
    plan->next_ms = naive->due_ms;
    return 0;
}

/* ---- Playing ------------------------------------------------------------ */

static struct run_policy policy_of(const char *name,
                                   const struct course *course)
{
    struct run_policy policy;

    if (strcmp(name, "naive") == 0) {
        policy = (struct run_policy){
            .name = name,
            .plan = naive_plan,
            .state = calloc(1, sizeof(struct naive)),
            .done = free,
        };
        must(policy.state != NULL && course->count <= DAY_DOMAINS,
             "no room for the naive policy");
    } else {
        must(policy_init(name, course->count, &policy) == 0, name);
    }
    return policy;
}

static void print_ratio(const char *name, uint64_t part, uint64_t one,
                        uint64_t whole)
{
    uint64_t milli = units_scale(part, 1000 * one, whole);

    printf(",\"%s\":%" PRIu64 ".%03" PRIu64, name, milli / 1000, milli % 1000);
}

static void print_outcome(const struct outcome *outcome, uint64_t took_ms)
{
    const struct outcome_figures *all = &outcome->all;

    print_ratio("unmet_permyriad", all->lacked_kib_ms, 10000,
                all->needed_kib_ms);
    print_ratio("short_domain_minutes", all->short_ms, 1, 60000);
    print_ratio("moved_over_rises", all->moved_kib, 1, all->rises_kib);
    print_ratio("reversals_per_domain_hour", all->reversals, 3600000,
                all->lived_ms);
    printf(",\"floor_violations\":%" PRIu64 ",\"writes\":%" PRIu64,
           all->floor_violations, all->writes);
    print_ratio("seconds", took_ms, 1, 1000);
}

/* host_percent is of the peak. */
static void play(const char *bench, const char *policy,
                 const struct course *course, uint64_t peak_kib,
                 unsigned int host_percent)
{
    struct run_options options = {
        .host_memory_kib =
            units_whole_pages(units_scale(peak_kib, host_percent, 100)),
        .policy = policy_of(policy, course),
    };
    struct outcome outcome;
    uint64_t began_ms = now_ms();

    must(run_course(course, &options, &outcome) == 0, "cannot play it");
    printf("{\"bench\":\"%s\",\"case\":\"%s\",\"host_over_peak\":\"%u.%02u\"",
           bench, policy, host_percent / 100, host_percent % 100);
    print_outcome(&outcome, now_ms() - began_ms);
    printf("}\n");
    (void)fflush(stdout);
    outcome_done(&outcome);
    policy_done(&options.policy);
}

/* ---- The trace ---------------------------------------------------------- */

/* Unpacks the archive there into a folder of our own; false: there is none. */
static bool unpack(const char *folder, char *unpacked)
{
    char command[512];
    int status;
    pid_t pid;

    (void)snprintf(command, sizeof(command),
                   "tar -C \"$2\" --strip-components=2 -xJf \"$1\"/*.tar.xz");
    pid = fork();
    must(pid >= 0, "cannot fork");
    if (pid == 0) {
        (void)execlp("sh", "sh", "-c", command, "sh", folder, unpacked,
                     (char *)NULL);
        _exit(127);
    }
    return waitpid(pid, &status, 0) == pid && status == 0;
}

static void remove_folder(const char *path)
{
    struct dirent *entry;
    char file[512];
    DIR *folder = opendir(path);

    while (folder != NULL && (entry = readdir(folder)) != NULL) {
        (void)snprintf(file, sizeof(file), "%s/%s", path, entry->d_name);
        (void)unlink(file);
    }
    if (folder != NULL) {
        (void)closedir(folder);
    }
    (void)rmdir(path);
}

static bool read_files(const char *folder, struct course *course)
{
    const struct trace_options options = {.floor_kib = COURSE_FLOOR_KIB};
    char error[TRACE_ERROR_MAX];

    course_init(course);
    if (trace_read(folder, &options, course, error) == 0) {
        return true;
    }
    course_done(course);
    return false;
}

static bool read_trace(const char *folder, struct course *course)
{
    char unpacked[] = "/tmp/bench-trace-XXXXXX";
    bool is_read;

    if (folder == NULL) {
        return false;
    }
    if (read_files(folder, course)) {
        return true;
    }
    must(mkdtemp(unpacked) != NULL, "cannot make a folder");
    is_read = unpack(folder, unpacked) && read_files(unpacked, course);
    remove_folder(unpacked);
    return is_read;
}

static void measure_trace(bool with_curve)
{
    static const unsigned int curve[] = {90, 100, 115, 130, 150, 200, 300, 400};
    static const char *const policies[] = {"demand", "static", "proportional",
                                           "tax"};
    const char *folder = getenv("XENBALLOON_TRACES");
    struct course course;
    uint64_t began_ms = now_ms();

    if (!read_trace(folder, &course)) {
        (void)fprintf(stderr, "bench_simulate: skipping the trace: set "
                              "XENBALLOON_TRACES to its folder\n");
        return;
    }
    printf("{\"bench\":\"trace\",\"case\":\"read\",\"domains\":%u,"
           "\"peak_demand_kib\":%" PRIu64,
           course.count, course_peak_kib(&course));
    print_ratio("seconds", now_ms() - began_ms, 1, 1000);
    printf("}\n");
    play("trace", "demand", &course, TRACE_PEAK_KIB, 100);
    play("trace", "naive", &course, TRACE_PEAK_KIB, 100);
    play("trace", "demand", &course, TRACE_PEAK_KIB, 115);
    play("trace", "naive", &course, TRACE_PEAK_KIB, 115);
    for (size_t i = 0; with_curve && i < 4; i++) {
        for (size_t j = 0; j < sizeof(curve) / sizeof(curve[0]); j++) {
            play("curve", policies[i], &course, TRACE_PEAK_KIB, curve[j]);
        }
    }
    course_done(&course);
}

/* ---- A day of many domains ---------------------------------------------- */

static uint64_t random_state = DAY_SEED;

static uint64_t draw(uint64_t below)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state % below;
}

/* A level of its own, noise around it, and now and then a burst above it. */
static void draw_domain(struct course *course, unsigned int index)
{
    struct course_domain *domain = course_add(course);
    uint64_t level, at_ms = draw(DAY_SAMPLE_MS);
    unsigned int burst = 0;

    must(domain != NULL, "out of memory");
    (void)snprintf(domain->name, sizeof(domain->name), "d%u", index);
    domain->floor_kib = 256 * MIB;
    domain->ceiling_kib = (2 + draw(15)) * GIB;
    domain->end_ms = DAY_MS;
    level = domain->ceiling_kib / 100 * (5 + draw(25));
    domain->start_kib = units_max(level, domain->floor_kib);
    must(course_domain_add(domain, 0, level) == 0, "out of memory");
    for (; at_ms < DAY_MS; at_ms += DAY_SAMPLE_MS) {
        uint64_t set = level + draw(level / 8);

        burst = burst > 0 ? burst - 1 : draw(40) == 0 ? 6 : 0;
        if (burst > 0) {
            set += domain->ceiling_kib / 2;
        }
        must(course_domain_add(domain, at_ms,
                               units_min(set, domain->ceiling_kib)) == 0,
             "out of memory");
    }
}

static uint64_t peak_rss_kib(void)
{
    struct rusage usage;

    (void)getrusage(RUSAGE_SELF, &usage);
    return (uint64_t)usage.ru_maxrss;
}

static void measure_day(void)
{
    struct course course;

    course_init(&course);
    course.duration_ms = DAY_MS;
    for (unsigned int i = 0; i < DAY_DOMAINS; i++) {
        draw_domain(&course, i);
    }
    play("day", "demand", &course, course_peak_kib(&course), 130);
    play("day", "demand", &course, course_peak_kib(&course), 105);
    printf("{\"bench\":\"day\",\"case\":\"memory\",\"domains\":%u,"
           "\"seed\":%" PRIu64 ",\"peak_rss_kib\":%" PRIu64 "}\n",
           course.count, DAY_SEED, peak_rss_kib());
    course_done(&course);
}

/* "trace", "curve" or "day" alone, or all of it: the day first, for its RSS. */
int main(int argc, char **argv)
{
    const char *part = argc > 1 ? argv[1] : "all";
    bool is_all = strcmp(part, "all") == 0;
    bool with_curve = is_all || strcmp(part, "curve") == 0;

    if (is_all || strcmp(part, "day") == 0) {
        measure_day();
    }
    if (with_curve || strcmp(part, "trace") == 0) {
        measure_trace(with_curve);
    }
    return 0;
}

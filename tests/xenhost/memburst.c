/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * memburst: a guest that wants much memory at once, and what came of it.  For
 * each burst it says when the kernel first had to reclaim on behalf of a
 * program ("stall"), when the guest's memory first rose, and how long the
 * program was held up.
 *
 * The burst is a process of its own, so that it can be killed and nothing of it
 * stays.  The observer must neither stall with it nor slow it down: it is
 * locked into memory, goes before everything else, and looks every 5 ms.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/perf_event.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PAGE_BYTES 4096u
/* What is asked for at a time: the kernel refuses a mapping that is larger than
 * memory and swap, though it would be larger by then. */
#define CHUNK_BYTES (64u * PAGE_BYTES)
/* Linux 5.14.  A fault for each page would take five times as long in an
 * emulated PV guest, slower than any real burst by two orders. */
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif
#define SIZE_MAX_KIB (64u * 1024 * 1024)
#define BURSTS_MAX 10000u
#define LOOK_MS 5
#define CPUS_MAX 8

#define CURRENT_FILE                                                           \
    "/sys/devices/system/xen_memory/xen_memory0/info/current_kb"
#define TRACEPOINT                                                             \
    "/sys/kernel/tracing/events/vmscan/mm_vmscan_direct_reclaim_begin/id"

struct options {
    uint64_t bursts, min_kib, max_kib, hold_ms, pause_ms, seed;
};

/* What the burst tells the observer. */
struct progress {
    volatile uint64_t end_us;
    volatile uint64_t longest_us;
    volatile uint64_t touched_kib;
};

struct burst {
    uint64_t size_kib, begin_us;
    uint64_t stall_us, rise_us; /* 0: not seen */
    uint64_t pressure_us;       /* of the kernel's own account */
    bool killed;
};

static uint64_t now_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static void sleep_ms(uint64_t ms)
{
    poll(NULL, 0, (int)ms);
}

/* xorshift64: the same bursts for the same seed. */
static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* --- what the kernel says ------------------------------------------------ */

/* The number behind KEY in FILE; at its beginning when KEY is empty. */
static uint64_t read_number(const char *file, const char *key)
{
    char text[8192];
    const char *at;
    ssize_t len;
    int fd = open(file, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return 0;
    len = read(fd, text, sizeof(text) - 1);
    close(fd);
    text[len > 0 ? len : 0] = '\0';
    at = strstr(text, key);
    return at ? strtoull(at + strlen(key), NULL, 10) : 0;
}

static uint64_t pressure_us(void)
{
    return read_number("/proc/pressure/memory", "total=");
}

static uint64_t oom_kills(void)
{
    return read_number("/proc/vmstat", "oom_kill ");
}

/* Where the kernel keeps the instants at which direct reclaim began. */
struct tracer {
    int fds[CPUS_MAX];
    struct perf_event_mmap_page *rings[CPUS_MAX];
    unsigned count;
};

static int tracer_open(struct tracer *tracer)
{
    struct perf_event_attr attr = {
        .type = PERF_TYPE_TRACEPOINT,
        .size = sizeof(attr),
        .config = read_number(TRACEPOINT, ""),
        .sample_period = 1,
        .sample_type = PERF_SAMPLE_TIME,
        .use_clockid = 1,
        .clockid = CLOCK_MONOTONIC,
    };
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);

    if (!attr.config)
        return -ENOENT;
    for (int cpu = 0; cpu < cpus && cpu < CPUS_MAX; cpu++) {
        int fd = (int)syscall(SYS_perf_event_open, &attr, -1, cpu, -1,
                              PERF_FLAG_FD_CLOEXEC);
        void *ring;

        if (fd < 0)
            return -errno;
        ring = mmap(NULL, 2 * PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED,
                    fd, 0);
        if (ring == MAP_FAILED)
            return -errno;
        tracer->fds[cpu] = fd;
        tracer->rings[cpu] = ring;
        tracer->count++;
    }
    return 0;
}

/* Forgets what was, and looks out for what comes. */
static void tracer_arm(struct tracer *tracer)
{
    for (unsigned i = 0; i < tracer->count; i++) {
        ioctl(tracer->fds[i], PERF_EVENT_IOC_DISABLE, 0);
        tracer->rings[i]->data_tail = tracer->rings[i]->data_head;
        ioctl(tracer->fds[i], PERF_EVENT_IOC_ENABLE, 0);
    }
}

/* When direct reclaim first began since tracer_arm(); 0: not yet. */
static uint64_t tracer_first_us(struct tracer *tracer)
{
    uint64_t first_us = 0;

    for (unsigned i = 0; i < tracer->count; i++) {
        struct perf_event_mmap_page *ring = tracer->rings[i];
        uint64_t head = __atomic_load_n(&ring->data_head, __ATOMIC_ACQUIRE);
        uint64_t at = ring->data_tail, sample[2];

        if (head == at)
            continue;
        /* A header and the time: 16 bytes, which never wrap in a page. */
        memcpy(sample, (char *)ring + PAGE_BYTES + at % PAGE_BYTES,
               sizeof(sample));
        ioctl(tracer->fds[i], PERF_EVENT_IOC_DISABLE, 0);
        if (!first_us || sample[1] / 1000 < first_us)
            first_us = sample[1] / 1000;
    }
    return first_us;
}

/* --- the burst ----------------------------------------------------------- */

static void set_oom_score(const char *score)
{
    int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

    if (fd >= 0) {
        (void)!write(fd, score, strlen(score));
        close(fd);
    }
}

/* Half noise: compresses about as real data does. */
static void fill(unsigned char *at, uint64_t *random_state)
{
    uint64_t *word = (uint64_t *)(void *)at;

    for (unsigned i = 0; i < PAGE_BYTES / sizeof(*word) / 2; i++)
        word[i] = next_random(random_state);
}

/* In a process of its own; holds what it has got until it is killed. */
static void run_burst(struct progress *progress, uint64_t size_kib,
                      uint64_t random_state)
{
    set_oom_score("1000");
    while (progress->touched_kib < size_kib) {
        uint64_t begin_us, took_us;
        unsigned char *chunk = mmap(NULL, CHUNK_BYTES, PROT_READ | PROT_WRITE,
                                    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        if (chunk == MAP_FAILED) {
            sleep_ms(LOOK_MS);
            continue;
        }
        begin_us = now_us();
        /* Fails when the guest is out of memory: the fill finds out. */
        (void)madvise(chunk, CHUNK_BYTES, MADV_POPULATE_WRITE);
        for (unsigned at = 0; at < CHUNK_BYTES; at += PAGE_BYTES)
            fill(chunk + at, &random_state);
        took_us = now_us() - begin_us;
        if (took_us > progress->longest_us)
            progress->longest_us = took_us;
        progress->touched_kib += CHUNK_BYTES / 1024;
    }
    progress->end_us = now_us();
    for (;;)
        pause();
}

/* Follows the burst until its end is some time ago, be it by a killer. */
static void observe(struct burst *burst, struct tracer *tracer,
                    const struct progress *progress, pid_t child,
                    uint64_t start_kib, uint64_t hold_ms)
{
    uint64_t ended_us = 0;

    while (!ended_us || now_us() - ended_us < hold_ms * 1000) {
        sleep_ms(LOOK_MS);
        if (!burst->rise_us && read_number(CURRENT_FILE, "") > start_kib)
            burst->rise_us = now_us();
        if (!burst->stall_us)
            burst->stall_us = tracer_first_us(tracer);
        if (!burst->killed)
            burst->killed = waitpid(child, NULL, WNOHANG) == child;
        if (!ended_us)
            ended_us = burst->killed ? now_us() : progress->end_us;
    }
    if (!burst->killed) {
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
    }
}

static void print_ms(const char *name, uint64_t at_us, uint64_t since_us)
{
    if (at_us)
        printf(",\"%s\":%" PRIu64, name,
               at_us > since_us ? (at_us - since_us) / 1000 : 0);
    else
        printf(",\"%s\":null", name);
}

/*
 * The latency is 0 when the memory came before anything stalled, and unknown
 * when nothing stalled, or nothing came.
 */
static void report(const struct burst *burst, const struct progress *progress,
                   uint64_t number)
{
    bool before = burst->rise_us &&
                  (!burst->stall_us || burst->rise_us <= burst->stall_us);

    printf("{\"burst\":%" PRIu64 ",\"size_kib\":%" PRIu64, number,
           burst->size_kib);
    print_ms("stall_ms", burst->stall_us, burst->begin_us);
    print_ms("rise_ms", burst->rise_us, burst->begin_us);
    print_ms("latency_ms", burst->stall_us || before ? burst->rise_us : 0,
             before ? burst->rise_us : burst->stall_us);
    printf(",\"before\":%s", before ? "true" : "false");
    print_ms("took_ms", progress->end_us, burst->begin_us);
    printf(",\"longest_chunk_ms\":%" PRIu64 ",\"pressure_ms\":%" PRIu64
           ",\"killed\":%s}\n",
           progress->longest_us / 1000, burst->pressure_us / 1000,
           burst->killed ? "true" : "false");
}

static int make_burst(struct tracer *tracer, struct progress *progress,
                      const struct options *options, uint64_t number,
                      uint64_t *random_state)
{
    uint64_t span_kib = options->max_kib - options->min_kib + 1;
    uint64_t start_kib = read_number(CURRENT_FILE, "");
    uint64_t kills_before = oom_kills(), pressure_before_us = pressure_us();
    struct burst burst = {
        .size_kib = options->min_kib + next_random(random_state) % span_kib,
    };
    pid_t child;

    memset(progress, 0, sizeof(*progress));
    tracer_arm(tracer);
    burst.begin_us = now_us();
    child = fork();
    if (child == 0)
        run_burst(progress, burst.size_kib, *random_state);
    if (child < 0)
        return -errno;
    observe(&burst, tracer, progress, child, start_kib, options->hold_ms);
    burst.pressure_us = pressure_us() - pressure_before_us;
    burst.killed = burst.killed || oom_kills() != kills_before;
    report(&burst, progress, number);
    return 0;
}

/* --- main ---------------------------------------------------------------- */

static int complain(const char *what, int error)
{
    fprintf(stderr, "memburst: %s: %s\n", what, strerror(error));
    return 1;
}

static int usage(void)
{
    fputs("usage: memburst BURSTS MIN_KIB MAX_KIB HOLD_MS PAUSE_MS SEED\n"
          "Allocates between MIN and MAX at full speed, holds it, gives it\n"
          "back, pauses (0 to twice as long); for each burst prints a line of\n"
          "JSON.  Needs root and tracefs.  Exit status: 0 done, 1 the kernel\n"
          "refused something, 2 wrong use.\n",
          stderr);
    return 2;
}

static bool parse_options(int argc, char **argv, struct options *options)
{
    uint64_t *const values[] = {&options->bursts,   &options->min_kib,
                                &options->max_kib,  &options->hold_ms,
                                &options->pause_ms, &options->seed};
    const int count = sizeof(values) / sizeof(values[0]);

    if (argc != count + 1)
        return false;
    for (int i = 0; i < count; i++) {
        char *end;

        errno = 0;
        *values[i] = strtoull(argv[i + 1], &end, 10);
        if (errno || *end || end == argv[i + 1])
            return false;
    }
    return options->bursts <= BURSTS_MAX &&
           options->min_kib <= options->max_kib &&
           options->max_kib <= SIZE_MAX_KIB && options->hold_ms <= 3600000 &&
           options->pause_ms <= 3600000;
}

/* Children are ordinary processes. */
static int go_first(void)
{
    const struct sched_param priority = {.sched_priority = 2};

    set_oom_score("-1000");
    if (mlockall(MCL_CURRENT | MCL_FUTURE) ||
        sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &priority))
        return -errno;
    return 0;
}

int main(int argc, char **argv)
{
    struct options options;
    struct tracer tracer = {.count = 0};
    struct progress *progress;
    uint64_t random_state;
    int r;

    if (!parse_options(argc, argv, &options))
        return usage();
    setvbuf(stdout, NULL, _IOLBF, 0);
    progress = mmap(NULL, sizeof(*progress), PROT_READ | PROT_WRITE,
                    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (progress == MAP_FAILED)
        return complain("mmap", errno);
    r = tracer_open(&tracer);
    if (r < 0)
        return complain("cannot trace reclaim", -r);
    r = go_first();
    if (r < 0)
        return complain("cannot go before others", -r);
    random_state = options.seed * 2654435761u + 88172645463325252ull;
    for (uint64_t i = 1; i <= options.bursts; i++) {
        if (i > 1)
            sleep_ms(options.pause_ms
                         ? next_random(&random_state) % (2 * options.pause_ms)
                         : 0);
        r = make_burst(&tracer, progress, &options, i, &random_state);
        if (r < 0)
            return complain("fork", -r);
    }
    return 0;
}

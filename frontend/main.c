/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * xenballoon-frontend: the wiring of the guest's daemon, its options and its
 * clock.  Start reading at frontend_tick().
 *
 * It stays in the foreground: systemd or start-stop-daemon put it where it
 * belongs.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <malloc.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/bus.h"
#include "common/bus_xen.h"
#include "common/lockfile.h"
#include "common/log.h"
#include "common/loop.h"
#include "common/number.h"
#include "common/protocol.h"
#include "common/report.h"
#include "common/units.h"
#include "frontend/act.h"
#include "frontend/alarm_linux.h"
#include "frontend/bell_xen.h"
#include "frontend/decide.h"
#include "frontend/frontend.h"
#include "frontend/guest_linux.h"
#include "frontend/reclaim.h"
#include "frontend/status.h"
#include "frontend/statusfile.h"

#define PROGRAM "xenballoon-frontend"
#define RUN_DIR RUNSTATEDIR "/xenballoon"
#define LOCK_FILE RUN_DIR "/frontend.lock"
#define STATUS_FILE RUN_DIR "/guest.json"

/*
 * A look takes a millisecond or less and then waits: a guess, generous for a
 * guest whose virtual CPU is run rarely.
 */
#define REALTIME_MOST_US 3000000

/* The manual lists them; each failure to start has its own. */
enum exit_code {
    EXIT_OK = 0,
    EXIT_KERNEL = 1, /* /proc or the loop's descriptors */
    EXIT_USAGE = 2,
    EXIT_NOT_ROOT = 3,
    EXIT_NOT_XEN = 4,
    EXIT_NO_STORE = 5,
    EXIT_RUNNING = 6,
};

struct options {
    uint64_t heartbeat_ms;
    enum log_level level;
    bool to_syslog;
    bool once;
    bool has_bell;
    unsigned int declined; /* of enum act_feature */
    uint64_t reclaim_kib;  /* 0: not asked for */
    const char *status_path;
};

static const char usage[] =
    "Usage: " PROGRAM " [OPTION]...\n"
    "Tell the Xen host how much memory this guest needs.\n"
    "\n"
    "      --event-channel      ring by an event channel: DANGEROUS, see the "
    "manual\n"
    "      --heartbeat SECONDS  report at least that often (1 to 60; 10)\n"
    "      --no-reflex          never take memory without being given it\n"
    "      --once               print one report and exit\n"
    "      --reclaim SIZE       reclaim so much of what is cold and exit\n"
    "      --status-file PATH   what 'xenballoon guest' reads\n"
    "                           (" STATUS_FILE ")\n"
    "  -d, --debug              log everything\n"
    "  -s, --syslog             log to syslog instead of standard error\n"
    "  -h, --help               print this and exit\n"
    "  -V, --version            print the version and exit\n";

/* Exits for --help, --version and mistakes. */
static void parse_options(int argc, char **argv, struct options *options)
{
    enum {
        OPTION_EVENT_CHANNEL = 256,
        OPTION_HEARTBEAT,
        OPTION_NO_REFLEX,
        OPTION_ONCE,
        OPTION_RECLAIM,
        OPTION_STATUS_FILE
    };
    static const struct option known[] = {
        {"debug", no_argument, NULL, 'd'},
        {"event-channel", no_argument, NULL, OPTION_EVENT_CHANNEL},
        {"heartbeat", required_argument, NULL, OPTION_HEARTBEAT},
        {"help", no_argument, NULL, 'h'},
        {"no-reflex", no_argument, NULL, OPTION_NO_REFLEX},
        {"once", no_argument, NULL, OPTION_ONCE},
        {"reclaim", required_argument, NULL, OPTION_RECLAIM},
        {"status-file", required_argument, NULL, OPTION_STATUS_FILE},
        {"syslog", no_argument, NULL, 's'},
        {"version", no_argument, NULL, 'V'},
        {NULL, 0, NULL, 0},
    };
    uint64_t seconds;
    int option;

    while ((option = getopt_long(argc, argv, "dhsV", known, NULL)) != -1) {
        switch (option) {
        case 'd':
            options->level = LOG_LEVEL_DEBUG;
            break;
        case 's':
            options->to_syslog = true;
            break;
        case OPTION_EVENT_CHANNEL:
            if (!bell_xen_is_built()) {
                (void)fputs(PROGRAM ": --event-channel needs libxenevtchn, and "
                                    "this program was built without it\n",
                            stderr);
                exit(EXIT_USAGE);
            }
            options->has_bell = true;
            break;
        case OPTION_NO_REFLEX:
            options->declined |= ACT_REFLEX;
            break;
        case OPTION_STATUS_FILE:
            options->status_path = optarg;
            break;
        case OPTION_ONCE:
            options->once = true;
            break;
        case OPTION_RECLAIM:
            if (number_parse_size(optarg, &options->reclaim_kib) < 0 ||
                options->reclaim_kib == 0) {
                (void)fprintf(stderr,
                              PROGRAM ": --reclaim takes a size such as 64M, "
                                      "not \"%s\"\n",
                              optarg);
                exit(EXIT_USAGE);
            }
            break;
        case OPTION_HEARTBEAT:
            if (number_parse(optarg, strlen(optarg),
                             REPORT_HEARTBEAT_MAX_MS / 1000, &seconds) < 0 ||
                seconds < REPORT_HEARTBEAT_MIN_MS / 1000) {
                (void)fprintf(stderr,
                              PROGRAM ": --heartbeat takes 1 to 60 seconds, "
                                      "not \"%s\"\n",
                              optarg);
                exit(EXIT_USAGE);
            }
            options->heartbeat_ms = seconds * 1000;
            break;
        case 'h':
            (void)fputs(usage, stdout);
            exit(EXIT_OK);
        case 'V':
            (void)puts(PROGRAM " " PACKAGE_VERSION);
            exit(EXIT_OK);
        default:
            exit(EXIT_USAGE); /* getopt_long has said why */
        }
    }
    if (optind < argc) {
        (void)fprintf(stderr, PROGRAM ": unexpected argument \"%s\"\n",
                      argv[optind]);
        exit(EXIT_USAGE);
    }
}

static uint64_t monotonic_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now); /* cannot fail on Linux */
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static uint64_t wall_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* --- --once -------------------------------------------------------------- */

/* For the guest's owner: works without root and without Xen, as it can. */
static int print_report(const struct guest *guest, uint64_t heartbeat_ms)
{
    struct decide_input input = {.heartbeat_ms = heartbeat_ms};
    struct decide_state state = {0};
    struct decision decision;
    char text[PROTOCOL_REPORT_MAX];
    struct bus bus = {0};
    int r;

    r = guest_sample(guest, &input.sample);
    if (r < 0) {
        log_error("cannot read the kernel's memory files error=\"%s\"",
                  strerror(-r));
        return EXIT_KERNEL;
    }
    if (bus_xen_open(&bus) == 0) {
        /* Stays 0, which means unknown, when it cannot be read. */
        (void)bus_read_kib(&bus, BUS_NO_TRANSACTION, PROTOCOL_TARGET,
                           &input.target_kib);
        bus_xen_close(&bus);
    }
    decide_round(&state, &input, &decision);
    r = report_format(&decision.report, text, sizeof(text));
    if (r < 0 || puts(text) == EOF || fflush(stdout) == EOF) {
        return EXIT_KERNEL;
    }
    return EXIT_OK;
}

/* --- --reclaim ----------------------------------------------------------- */

/* A process of its own, which the daemon starts: it may block for long. */
static int reclaim(uint64_t kib)
{
    int r = reclaim_now("/", kib);

    if (r < 0) {
        log_error("cannot reclaim memory: no control group has memory.reclaim");
        return EXIT_KERNEL;
    }
    return EXIT_OK;
}

/* --- The daemon ---------------------------------------------------------- */

struct daemon {
    struct loop loop;
    struct guest guest;
    struct alarm_linux alarms;
    struct bus bus;
    bool bus_is_open;
    bool bus_was_lost; /* and has not answered since */
    struct backoff bus_retry;
    struct frontend frontend;
    struct status status; /* for the guest's owner */
    struct statusfile status_file;
};

/* Whatever it was, the tick that follows looks at everything. */
static void woken(void *arg, short revents)
{
    (void)arg;
    (void)revents;
}

static int open_bus(struct daemon *daemon)
{
    int r;

    r = bus_xen_open(&daemon->bus);
    if (r < 0) {
        return r;
    }
    r = loop_add(&daemon->loop, bus_xen_fd(&daemon->bus), POLLIN, woken, NULL);
    if (r < 0) {
        bus_xen_close(&daemon->bus);
        return r;
    }
    daemon->bus_is_open = true;
    frontend_rejoin(&daemon->frontend);
    return 0;
}

static void close_bus(struct daemon *daemon)
{
    if (daemon->bus_is_open) {
        loop_remove(&daemon->loop, bus_xen_fd(&daemon->bus));
        bus_xen_close(&daemon->bus);
        daemon->bus_is_open = false;
    }
}

static void reopen_bus(struct daemon *daemon, uint64_t now_ms)
{
    if (daemon->bus_is_open || !backoff_is_due(&daemon->bus_retry, now_ms)) {
        return;
    }
    if (open_bus(daemon) < 0) {
        backoff_failed(&daemon->bus_retry, now_ms);
    }
}

/* A connection that has been opened proves nothing until it answers. */
static void bus_answers(struct daemon *daemon)
{
    backoff_clear(&daemon->bus_retry);
    if (daemon->bus_was_lost) {
        log_info("connected to xenstore again");
        daemon->bus_was_lost = false;
    }
}

static void bus_is_gone(struct daemon *daemon, uint64_t now_ms)
{
    close_bus(daemon);
    backoff_failed(&daemon->bus_retry, now_ms);
    if (!daemon->bus_was_lost) {
        log_warning("lost the connection to xenstore, trying again");
        daemon->bus_was_lost = true;
    }
}

/* One round; returns when to do the next. */
static uint64_t tick(struct daemon *daemon)
{
    uint64_t now_ms = monotonic_ms(), next_ms;

    reopen_bus(daemon, now_ms);
    if (!daemon->bus_is_open) {
        return backoff_next_ms(&daemon->bus_retry, now_ms);
    }
    if (frontend_tick(&daemon->frontend, now_ms, &next_ms) == 0) {
        bus_answers(daemon);
        return next_ms;
    }
    bus_is_gone(daemon, now_ms);
    return backoff_next_ms(&daemon->bus_retry, now_ms);
}

/* Returns when to do it again: alarms that rang are not armed at once. */
static uint64_t settle_alarms(struct daemon *daemon)
{
    bool in_vain = !daemon->bus_is_open || daemon->frontend.woken_in_vain;

    if (daemon->alarms.has_lost) {
        log_warning("kernel gave up an alarm, going on without");
        daemon->alarms.has_lost = false;
    }
    return alarm_linux_settle(&daemon->alarms, in_vain, monotonic_ms());
}

/* Returns when to do it again. */
static uint64_t tell_owner(struct daemon *daemon)
{
    char text[STATUS_TEXT_MAX];

    status_look(&daemon->status, &daemon->frontend, daemon->bus_is_open,
                wall_ms());
    return status_format(&daemon->status, text) < 0
               ? UINT64_MAX
               : statusfile_keep(&daemon->status_file, text, monotonic_ms());
}

static int serve(struct daemon *daemon)
{
    int r = 0;

    while (!daemon->loop.stop && r >= 0) {
        uint64_t next_ms;

        daemon->frontend.has_alarm =
            alarm_linux_has(&daemon->alarms, ALARM_PRESSURE);
        daemon->frontend.woken_by = alarm_linux_woken_by(&daemon->alarms);
        next_ms = tick(daemon);
        next_ms = units_min(next_ms, settle_alarms(daemon));
        next_ms = units_min(next_ms, tell_owner(daemon));
        daemon->loop.reload = false; /* there is nothing to read again */
        r = loop_wait(&daemon->loop, units_less(next_ms, monotonic_ms()));
    }
    if (r < 0) {
        log_error("cannot wait for events error=\"%s\"", strerror(-r));
    }
    if (daemon->bus_is_open) {
        /* If it fails, the backend finds out by the missing heartbeat. */
        (void)frontend_stop(&daemon->frontend);
    }
    statusfile_remove(&daemon->status_file);
    frontend_done(&daemon->frontend);
    return r < 0 ? EXIT_KERNEL : EXIT_OK;
}

/* Says what is missing, in the order in which it can be put right. */
static int check_place(void)
{
    if (!guest_linux_is_on_xen("/")) {
        log_error("not a Xen guest: there is neither /proc/xen nor "
                  "/dev/xen/xenbus");
        return EXIT_NOT_XEN;
    }
    if (geteuid() != 0) {
        log_error("must be started by root: xenstore and the balloon driver "
                  "are root's");
        return EXIT_NOT_ROOT;
    }
    return EXIT_OK;
}

static int start(struct daemon *daemon)
{
    int r;

    /* Before libxenstore starts its thread, which inherits the signals. */
    r = loop_init(&daemon->loop);
    if (r < 0) {
        log_error("cannot set up signals error=\"%s\"", strerror(-r));
        return EXIT_KERNEL;
    }
    alarm_linux_open(&daemon->alarms, "/", &daemon->loop);
    r = open_bus(daemon);
    if (r < 0) {
        log_error("cannot connect to xenstore error=\"%s\"", strerror(-r));
        return EXIT_NO_STORE;
    }
    return EXIT_OK;
}

static void stop(struct daemon *daemon)
{
    close_bus(daemon);
    alarm_linux_close(&daemon->alarms);
    loop_done(&daemon->loop);
}

/*
 * It must work when the guest is out of memory, and must not be the cause.
 * One arena: libxenstore's thread would make another.  Locked as it is used:
 * whatever has been touched stays, so that no report waits for its own pages
 * to be read back.
 */
static void keep_small_and_resident(void)
{
    (void)mallopt(M_ARENA_MAX, 1);
    if (mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) < 0) {
        log_debug("memory is not locked, going on error=\"%s\"",
                  strerror(errno));
    }
}

/*
 * Whoever waits for memory is before us in an ordinary queue: with it, what we
 * write comes after 7 to 32 ms, without after 1 ms (measured).  libxenstore's
 * thread inherits it, and must: every answer of the store passes through it.
 * What runs for seconds without waiting is mad, and the kernel ends it.
 */
static void go_first(void)
{
    static const struct rlimit madness = {REALTIME_MOST_US, REALTIME_MOST_US};
    static const struct sched_param lowest = {.sched_priority = 1};

    if (setrlimit(RLIMIT_RTTIME, &madness) < 0 ||
        sched_setscheduler(0, SCHED_FIFO, &lowest) < 0) {
        log_debug("not a realtime process, going on error=\"%s\"",
                  strerror(errno));
    }
}

/* systemd makes it, where there is one; the umask is not to decide. */
static void make_run_dir(void)
{
    if (mkdir(RUN_DIR, 0755) == 0) {
        (void)chmod(RUN_DIR, 0755);
    }
}

/*
 * One frontend a guest: two would take each other's device away for ever.  The
 * lock goes with the process, however it dies.  A guest where there is no place
 * for it is served all the same.
 */
static int take_lock(void)
{
    int r = lockfile_take(LOCK_FILE);

    if (r == -EWOULDBLOCK) {
        log_error("another " PROGRAM " is running in this guest (it holds %s); "
                  "stop it first: systemctl stop " PROGRAM,
                  LOCK_FILE);
        return EXIT_RUNNING;
    }
    if (r < 0) {
        log_warning("no lock, going on without path=\"%s\" error=\"%s\"",
                    LOCK_FILE, strerror(-r));
    }
    return EXIT_OK;
}

static void log_started(const struct daemon *daemon)
{
    char names[ALARM_LINUX_NAMES_MAX];

    log_info("started version=%s heartbeat_ms=%" PRIu64 " alarms=\"%s\"",
             PACKAGE_VERSION, daemon->frontend.heartbeat_ms,
             alarm_linux_names(&daemon->alarms, names, sizeof(names)));
}

static int run(struct daemon *daemon)
{
    int code;

    code = check_place();
    if (code != EXIT_OK) {
        return code;
    }
    make_run_dir();
    code = take_lock();
    if (code != EXIT_OK) {
        return code;
    }
    keep_small_and_resident();
    go_first();
    code = start(daemon);
    if (code == EXIT_OK) {
        log_started(daemon);
        code = serve(daemon);
        log_info("stopped");
    }
    stop(daemon);
    return code;
}

static void open_log(const struct options *options)
{
    if (options->to_syslog) {
        log_to_syslog(PROGRAM, options->level);
    } else {
        log_to_stderr(PROGRAM, options->level,
                      getenv("JOURNAL_STREAM") != NULL);
    }
}

int main(int argc, char **argv)
{
    struct options options = {.heartbeat_ms = DECIDE_HEARTBEAT_MS,
                              .level = LOG_LEVEL_INFO,
                              .status_path = STATUS_FILE};
    struct daemon daemon = {0};
    int code, r;

    parse_options(argc, argv, &options);
    open_log(&options);
    if (options.reclaim_kib > 0) {
        return reclaim(options.reclaim_kib);
    }
    r = guest_linux_open("/", &daemon.guest);
    if (r < 0) {
        log_error("cannot read the kernel's memory files error=\"%s\"",
                  strerror(-r));
        return EXIT_KERNEL;
    }
    if (options.once) {
        code = print_report(&daemon.guest, options.heartbeat_ms);
    } else {
        frontend_init(&daemon.frontend, &daemon.bus, &daemon.guest,
                      options.heartbeat_ms);
        daemon.frontend.offered &= ~options.declined;
        daemon.frontend.bell.is_wanted = options.has_bell;
        daemon.status.pid = (uint64_t)getpid();
        daemon.status.started_at_ms = wall_ms();
        daemon.status_file.path = options.status_path;
        code = run(&daemon);
    }
    guest_linux_close(&daemon.guest);
    return code;
}

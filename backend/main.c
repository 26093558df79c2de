/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * xenballoon-backend: the daemon in dom0.  This file only wires: options,
 * the checks of the start, each with an exit status and a message of its own,
 * and the loop around balancer_tick().
 *
 * Dying at any moment is safe by design: guests keep what they have, and the
 * next backend goes on from what Xen and the store say.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#ifdef HAVE_LIBSYSTEMD
#include <systemd/sd-daemon.h>
#endif

#include "backend/answer.h"
#include "backend/balancer.h"
#include "backend/conffile.h"
#include "backend/control.h"
#include "backend/hypervisor_xen.h"
#include "backend/lowmem_xen.h"
#include "backend/recorder.h"
#include "backend/rivals.h"
#include "backend/savers.h"
#include "common/bus_xen.h"
#include "common/lockfile.h"
#include "common/log.h"
#include "common/loop.h"
#include "common/units.h"

#define PROGRAM "xenballoon-backend"
#define RUN_DIR RUNSTATEDIR "/xenballoon"
#define LOCK_FILE RUN_DIR "/backend.lock"
#define DEFAULT_SOCKET RUN_DIR "/backend.sock"
#define DEFAULT_CONFIG SYSCONFDIR "/xenballoon/backend.conf"
#define DEFAULT_GROUP "xenballoon"
#define XL_CONF "/etc/xen/xl.conf"

/*
 * Ticks are at least this far apart, however many events come: a guest that
 * writes without pause costs 50 ticks a second, each well below a millisecond.
 */
#define TICK_MIN_MS 20

/*
 * libxenstore does not wake us when xenstored dies, so we ask at least this
 * often whether it is there.
 */
#define TICK_MAX_MS 10000

/* One line of the log for all that Xen says of low memory in this time. */
#define LOW_LOG_MS 60000

enum exit_status {
    EXIT_OK = 0,
    EXIT_RUNTIME = 1,
    EXIT_USAGE = 2,
    EXIT_CONFIG = 3,
    EXIT_NOT_ROOT = 4,
    EXIT_NO_XEN = 5,
    EXIT_OTHER_XEN = 6,
    EXIT_NO_STORE = 7,
    EXIT_RUNNING = 8,
    EXIT_RIVAL = 9,
};

struct options {
    const char *config;
    const char *socket;
    const char *group;
    bool has_config; /* named on the command line: must be there */
    bool use_syslog;
    bool debug;
    bool force;
    bool test;
};

struct daemon {
    struct options options;
    struct settings settings;
    struct hypervisor hypervisor;
    struct bus bus;
    struct loop loop;
    struct control *control;
    struct balancer balancer;
    struct recorder recorder;
    struct lowmem *lowmem; /* NULL: somebody else has it */
    struct savers *savers; /* NULL: nobody tells who is saved */
    uint64_t watchdog_ms;  /* 0: none */
    bool is_stale;         /* something happened: tick */
    bool is_urgent;        /* and at once */
};

static uint64_t clock_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* ---- Options ------------------------------------------------------------ */

static void print_help(void)
{
    printf("Usage: " PROGRAM " [OPTION]...\n"
           "Moves memory between Xen domains according to what they need.\n"
           "Runs in dom0, in the foreground.\n\n"
           "  -c, --config FILE  settings (" DEFAULT_CONFIG ")\n"
           "  -S, --socket PATH  control socket (" DEFAULT_SOCKET ")\n"
           "  -g, --group NAME   who may ask on that socket (" DEFAULT_GROUP
           ")\n"
           "  -s, --syslog       log to syslog instead of standard error\n"
           "  -d, --debug        log more\n"
           "  -f, --force        start beside another balancer\n"
           "  -t, --test         check the settings and exit\n"
           "  -h, --help         print this and exit\n"
           "  -V, --version      print the version and exit\n\n"
           "See " PROGRAM "(8) and backend.conf(5).\n");
}

static void usage_error(void)
{
    fprintf(stderr, "Try '" PROGRAM " --help'.\n");
    exit(EXIT_USAGE);
}

static void parse_options(int argc, char **argv, struct options *options)
{
    static const struct option names[] = {
        {"config", required_argument, NULL, 'c'},
        {"socket", required_argument, NULL, 'S'},
        {"group", required_argument, NULL, 'g'},
        {"syslog", no_argument, NULL, 's'},
        {"debug", no_argument, NULL, 'd'},
        {"force", no_argument, NULL, 'f'},
        {"test", no_argument, NULL, 't'},
        {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, 'V'},
        {NULL, 0, NULL, 0},
    };
    int c;

    while ((c = getopt_long(argc, argv, "c:S:g:sdfthV", names, NULL)) != -1) {
        switch (c) {
        case 'c':
            options->config = optarg;
            options->has_config = true;
            break;
        case 'S':
            options->socket = optarg;
            break;
        case 'g':
            options->group = optarg;
            break;
        case 's':
            options->use_syslog = true;
            break;
        case 'd':
            options->debug = true;
            break;
        case 'f':
            options->force = true;
            break;
        case 't':
            options->test = true;
            break;
        case 'h':
            print_help();
            exit(EXIT_OK);
        case 'V':
            printf(PROGRAM " " PACKAGE_VERSION "\n");
            exit(EXIT_OK);
        default:
            usage_error();
        }
    }
    if (optind < argc) {
        fprintf(stderr, PROGRAM ": unexpected argument '%s'\n", argv[optind]);
        usage_error();
    }
}

/* ---- Settings ----------------------------------------------------------- */

/* The default file need not be there; one that was named must. */
static int read_settings(const struct options *options,
                         struct settings *ret_settings)
{
    char error[CONFFILE_ERROR_MAX];
    int r;

    r = conffile_read(options->config, ret_settings, error);
    if (r == -ENOENT && !options->has_config) {
        settings_init(ret_settings);
        return 0;
    }
    if (r < 0) {
        log_error("%s", error);
    }
    return r;
}

static void reload(struct daemon *daemon)
{
    struct settings settings;

    if (read_settings(&daemon->options, &settings) < 0) {
        log_warning("keeping the settings as they were");
        return;
    }
    settings_done(&daemon->settings);
    daemon->settings = settings;
    log_info("settings read again file=%s domains=%u", daemon->options.config,
             daemon->settings.count);
}

/* ---- The checks of the start -------------------------------------------- */

/*
 * One backend a host.  The lock goes with the process, however it dies.
 * Returns the descriptor, which stays open.
 */
static int take_lock(void)
{
    int fd;

    if (mkdir(RUN_DIR, 0755) < 0 && errno != EEXIST) {
        log_error("cannot create %s: %s", RUN_DIR, strerror(errno));
        exit(EXIT_RUNTIME);
    }
    fd = lockfile_take(LOCK_FILE);
    if (fd == -EWOULDBLOCK) {
        log_error("another " PROGRAM " is running on this host (it holds %s); "
                  "stop it first: systemctl stop " PROGRAM,
                  LOCK_FILE);
        exit(EXIT_RUNNING);
    }
    if (fd < 0) {
        log_error("cannot lock %s: %s", LOCK_FILE, strerror(-fd));
        exit(EXIT_RUNTIME);
    }
    return fd;
}

static void check_root(void)
{
    if (geteuid() != 0) {
        log_error("must be run as root, in dom0: try sudo " PROGRAM);
        exit(EXIT_NOT_ROOT);
    }
}

static void open_hypervisor(struct hypervisor *hypervisor)
{
    int r = hypervisor_xen_open(hypervisor);

    if (r == -EACCES) {
        log_error("Xen refuses: this program was built for another version of "
                  "Xen than the one that runs, or this is not dom0; compare "
                  "'xl info | grep xen_version' with " PROGRAM
                  " --version and build it against the libxenctrl of the "
                  "running Xen");
        exit(EXIT_OTHER_XEN);
    }
    if (r < 0) {
        log_error("no Xen here, or not dom0 (%s): boot the Xen entry of the "
                  "boot menu, and load the module xen-privcmd if "
                  "/dev/xen/privcmd is missing",
                  strerror(-r));
        exit(EXIT_NO_XEN);
    }
}

static void open_bus(struct bus *bus)
{
    int r = bus_xen_open(bus);

    if (r < 0) {
        log_error("xenstored does not answer (%s): start it first, on Debian "
                  "with 'systemctl start xen'",
                  strerror(-r));
        exit(EXIT_NO_STORE);
    }
}

static void check_rivals(const struct daemon *daemon)
{
    char command_line[1024];
    char text[RIVALS_TEXT_MAX];
    bool found;

    hypervisor_xen_command_line(&daemon->hypervisor, command_line,
                                sizeof(command_line));
    found = rivals_find_process("/proc", text) ||
            rivals_find_autoballoon(XL_CONF, command_line, text);
    if (!found) {
        return;
    }
    if (daemon->options.force) {
        log_warning("%s; going on because of --force", text);
        return;
    }
    log_error("%s (or --force)", text);
    exit(EXIT_RIVAL);
}

/* ---- Service manager ---------------------------------------------------- */

#ifdef HAVE_LIBSYSTEMD
static uint64_t watchdog_interval_ms(void)
{
    uint64_t usec = 0;

    return sd_watchdog_enabled(0, &usec) > 0 ? usec / 2000 : 0;
}

static void tell_manager(const char *state)
{
    /* Without a manager there is nobody to tell. */
    (void)sd_notify(0, state);
}
#else
static uint64_t watchdog_interval_ms(void)
{
    return 0;
}

static void tell_manager(const char *state)
{
    (void)state;
}
#endif

/* ---- The loop ----------------------------------------------------------- */

/* The events themselves are taken in the tick. */
static void bus_ready(void *arg, short revents)
{
    struct daemon *daemon = arg;

    (void)revents;
    daemon->is_stale = true;
}

/* Xen runs low and says so itself: that does not wait for TICK_MIN_MS. */
static void memory_runs_low(void *arg, short revents)
{
    struct daemon *daemon = arg;
    struct balancer *balancer = &daemon->balancer;
    uint64_t now_ms = clock_ms();
    int r = lowmem_xen_take(daemon->lowmem);

    (void)revents;
    if (r < 0) {
        log_warning("VIRQ_ENOMEM is lost, going on without: %s", strerror(-r));
        loop_remove(&daemon->loop, lowmem_xen_fd(daemon->lowmem));
        lowmem_xen_close(daemon->lowmem);
        daemon->lowmem = NULL;
        balancer->is_low_bound = false;
        return;
    }
    if (balancer->lows == 0 || now_ms >= balancer->last_low_ms + LOW_LOG_MS) {
        log_info("Xen says that memory runs low free_kib=%" PRIu64,
                 balancer->snapshot.free_kib);
    }
    balancer->lows++;
    balancer->last_low_ms = now_ms;
    daemon->is_urgent = true;
}

/* A guest has rung by its event channel; its page is read in the tick. */
static void bell_ready(void *arg, short revents)
{
    struct daemon *daemon = arg;
    uint32_t bell;
    int r = hypervisor_xen_take_bell(&daemon->hypervisor, &bell);

    (void)revents;
    if (r < 0) {
        log_warning("guests' event channels are lost, their doorbells will "
                    "do: %s",
                    strerror(-r));
        loop_remove(&daemon->loop, hypervisor_xen_bell_fd(&daemon->hypervisor));
        bell_lose(&daemon->balancer);
        daemon->is_stale = true;
        return;
    }
    bell_rang(&daemon->balancer, bell);
    daemon->is_stale = true;
}

/* Somebody begins to be saved or migrated, or is no more. */
static void saver_ready(void *arg, short revents)
{
    struct daemon *daemon = arg;
    int r = savers_take(daemon->savers, clock_ms());

    (void)revents;
    if (r < 0) {
        log_warning("who is saved or migrated is not heard any more, going on "
                    "without: %s",
                    strerror(-r));
        loop_remove(&daemon->loop, savers_fd(daemon->savers));
        return;
    }
    daemon->is_urgent = daemon->is_urgent || r > 0;
}

static char *answer_request(void *arg, const char *line, bool is_root)
{
    struct daemon *daemon = arg;

    /* A change that was asked for is acted on at once. */
    daemon->is_stale = daemon->is_stale || is_root;
    return answer(&daemon->balancer, line, is_root, clock_ms());
}

/*
 * Events wait in the store's socket until the next tick is due.  Clients and
 * signals are served at least once, also when the tick itself took so long that
 * the next one is due already.
 */
static void wait_until(struct daemon *daemon, uint64_t last_tick_ms,
                       uint64_t next_ms)
{
    int fd = bus_xen_fd(&daemon->bus);
    uint64_t soonest_ms = last_tick_ms + TICK_MIN_MS;
    uint64_t now_ms = clock_ms();

    daemon->is_stale = false;
    daemon->is_urgent = false;
    do {
        bool is_early = now_ms < soonest_ms;
        uint64_t until_ms = is_early ? soonest_ms : next_ms;
        uint64_t patience_ms = control_expire(daemon->control, now_ms);
        uint64_t wait_ms = units_less(units_min(until_ms, patience_ms), now_ms);

        if (daemon->watchdog_ms > 0) {
            wait_ms = units_min(wait_ms, daemon->watchdog_ms);
            tell_manager("WATCHDOG=1");
        }
        (void)loop_change(&daemon->loop, fd, is_early ? 0 : POLLIN);
        if (loop_wait(&daemon->loop, wait_ms) < 0) {
            break; /* an interrupted wait is a short one */
        }
        now_ms = clock_ms();
    } while (!daemon->loop.stop && !daemon->loop.reload && !daemon->is_urgent &&
             (now_ms < soonest_ms || (!daemon->is_stale && now_ms < next_ms)));
}

static int run(struct daemon *daemon)
{
    bool is_ready = false;

    while (!daemon->loop.stop) {
        uint64_t now_ms = clock_ms();
        uint64_t look_ms = UINT64_MAX;
        uint64_t next_ms;
        int r;

        if (daemon->savers != NULL) {
            look_ms = savers_look(daemon->savers, now_ms);
        }
        r = balancer_tick(&daemon->balancer, now_ms, &next_ms);
        if (r == -ENOTCONN) {
            log_error("xenstored is gone; guests stay as they are, this "
                      "program ends and is to be started again after it");
            return EXIT_RUNTIME;
        }
        if (r < 0) {
            log_error("cannot observe the host: %s", strerror(-r));
            return EXIT_RUNTIME;
        }
        if (!is_ready) {
            tell_manager("READY=1");
            log_info("managing this host domains=%u socket=%s",
                     daemon->balancer.count, daemon->options.socket);
            is_ready = true;
        }
        next_ms = units_min(next_ms, look_ms);
        wait_until(daemon, now_ms, units_min(next_ms, now_ms + TICK_MAX_MS));
        if (daemon->loop.reload) {
            daemon->loop.reload = false;
            reload(daemon);
        }
    }
    return EXIT_OK;
}

static void open_control(struct daemon *daemon)
{
    int r = control_new(&daemon->loop, daemon->options.socket,
                        daemon->options.group, answer_request, daemon,
                        &daemon->control);

    if (r == -EADDRINUSE) {
        log_error("another program listens on %s", daemon->options.socket);
        exit(EXIT_RUNNING);
    }
    if (r < 0) {
        log_error("cannot listen on %s: %s", daemon->options.socket,
                  strerror(-r));
        exit(EXIT_RUNTIME);
    }
}

/* Without it low memory is noticed all the same, only later. */
static void watch_low_memory(struct daemon *daemon)
{
    int r = lowmem_xen_open(&daemon->lowmem);

    if (r == 0) {
        r = loop_add(&daemon->loop, lowmem_xen_fd(daemon->lowmem), POLLIN,
                     memory_runs_low, daemon);
    }
    daemon->balancer.is_low_bound = r == 0;
    if (r == -EEXIST) {
        log_warning("another program holds VIRQ_ENOMEM, perhaps xen-lowmemd; "
                    "going on without");
    } else if (r < 0) {
        log_warning("cannot bind VIRQ_ENOMEM, going on without: %s",
                    strerror(-r));
    }
}

/* Without it a migration fails when its domain grows meanwhile. */
static void watch_savers(struct daemon *daemon)
{
    int r = savers_open(savers_folders, "/proc", &daemon->savers);

    if (r == 0) {
        hypervisor_xen_ask(&daemon->hypervisor, daemon->savers);
        r = loop_add(&daemon->loop, savers_fd(daemon->savers), POLLIN,
                     saver_ready, daemon);
    }
    if (r == -ENOENT) {
        log_warning("cannot find libxl-save-helper: domains that are saved or "
                    "migrated are moved like others");
    } else if (r < 0) {
        log_warning("cannot hear who is saved or migrated, going on without: "
                    "%s",
                    strerror(-r));
    }
}

static int listen_to_bells(struct daemon *daemon)
{
    int fd = hypervisor_xen_bell_fd(&daemon->hypervisor);

    return fd < 0 ? 0 : loop_add(&daemon->loop, fd, POLLIN, bell_ready, daemon);
}

static void start(struct daemon *daemon)
{
    int r;

    check_root();
    open_hypervisor(&daemon->hypervisor);
    (void)take_lock();
    check_rivals(daemon);
    r = loop_init(&daemon->loop);
    if (r < 0) {
        log_error("cannot set up signals: %s", strerror(-r));
        exit(EXIT_RUNTIME);
    }
    open_bus(&daemon->bus);
    r = loop_add(&daemon->loop, bus_xen_fd(&daemon->bus), POLLIN, bus_ready,
                 daemon);
    if (r == 0) {
        r = listen_to_bells(daemon);
    }
    if (r == 0) {
        r = balancer_init(&daemon->balancer, &daemon->bus, &daemon->hypervisor,
                          &daemon->settings);
    }
    if (r < 0) {
        log_error("cannot start: %s", strerror(-r));
        exit(EXIT_RUNTIME);
    }
    recorder_init(&daemon->recorder);
    daemon->balancer.witness = recorder_witness(&daemon->recorder);
    open_control(daemon);
    watch_low_memory(daemon);
    watch_savers(daemon);
    daemon->watchdog_ms = watchdog_interval_ms();
}

static void stop(struct daemon *daemon)
{
    tell_manager("STOPPING=1");
    log_info("stopping; guests stay as they are");
    control_free(daemon->control);
    lowmem_xen_close(daemon->lowmem);
    savers_close(daemon->savers);
    balancer_done(&daemon->balancer);
    recorder_done(&daemon->recorder);
    bus_xen_close(&daemon->bus);
    hypervisor_xen_close(&daemon->hypervisor);
    loop_done(&daemon->loop);
    settings_done(&daemon->settings);
}

int main(int argc, char **argv)
{
    struct daemon daemon = {
        .options = {.config = DEFAULT_CONFIG,
                    .socket = DEFAULT_SOCKET,
                    .group = DEFAULT_GROUP},
    };
    enum log_level level;
    int status;

    parse_options(argc, argv, &daemon.options);
    level = daemon.options.debug ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO;
    if (daemon.options.use_syslog) {
        log_to_syslog(PROGRAM, level);
    } else {
        log_to_stderr(PROGRAM, level, getenv("JOURNAL_STREAM") != NULL);
    }
    if (read_settings(&daemon.options, &daemon.settings) < 0) {
        return EXIT_CONFIG;
    }
    if (daemon.options.test) {
        settings_done(&daemon.settings);
        return EXIT_OK;
    }
    start(&daemon);
    status = run(&daemon);
    stop(&daemon);
    return status;
}

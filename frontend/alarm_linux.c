/* SPDX-License-Identifier: GPL-2.0-or-later */
/* perf_event_open(2), pressure triggers, and who rings when. */
#include "frontend/alarm_linux.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/perf_event.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/log.h"
#include "common/number.h"
#include "common/units.h"
#include "frontend/guest_linux.h"

/* /proc/PID/stat is read up to the parent, an id file whole. */
#define TEXT_MAX 128

/* The parent of all kernel threads (kthreadd), in every Linux since 2.6. */
#define KTHREADD "2"

/* Where tracefs is by itself, and where debugfs brings it along. */
static const char *const reclaim_ids[] = {
    "sys/kernel/tracing/events/vmscan/mm_vmscan_direct_reclaim_begin/id",
    "sys/kernel/debug/tracing/events/vmscan/mm_vmscan_direct_reclaim_begin/id",
};

/* --- Files --------------------------------------------------------------- */

/* The start of the file, with a NUL behind it: its length or a negative errno. */
static int read_start(int dir_fd, const char *path, char text[TEXT_MAX])
{
    int fd = openat(dir_fd, path, O_RDONLY | O_CLOEXEC);
    ssize_t len;

    if (fd < 0) {
        return -errno;
    }
    len = read(fd, text, TEXT_MAX - 1);
    if (len < 0) {
        len = -errno;
    } else {
        text[len] = '\0';
    }
    (void)close(fd); /* only read */
    return (int)len;
}

static int read_id(int root_fd, const char *path, uint64_t *ret_id)
{
    char text[TEXT_MAX];
    int len = read_start(root_fd, path, text);

    if (len < 0) {
        return len;
    }
    return number_parse(text, strcspn(text, "\n"), INT32_MAX, ret_id);
}

/*
 * "PID (NAME) STATE PARENT ...", as a kernel thread kswapd0, kswapd1 and so on
 * has it.  Any process may call itself so, brackets included, but not have that
 * parent.
 */
static bool is_kswapd(const char *text)
{
    const char *start = strchr(text, '('), *end = strrchr(text, ')');
    static const char name[] = "(kswapd";
    uint64_t node;

    if (start == NULL || end == NULL || end < start ||
        strncmp(start, name, strlen(name)) != 0) {
        return false;
    }
    start += strlen(name);
    return number_parse(start, (size_t)(end - start), INT32_MAX, &node) == 0 &&
           strlen(end) > strlen(") S ") &&
           strncmp(end + strlen(") S "), KTHREADD " ", strlen(KTHREADD " ")) ==
               0;
}

/* --- Sources ------------------------------------------------------------- */

static size_t ring_size(void)
{
    return 2 * (size_t)sysconf(_SC_PAGESIZE); /* its head and one of data */
}

static void source_rings(void *arg, short revents);

static int listen_to(struct alarm_linux_source *source)
{
    /* An event's descriptor is never POLLPRI, a trigger's always POLLIN. */
    return loop_add(source->alarms->loop, source->fd,
                    source->ring != NULL ? POLLIN : POLLPRI, source_rings,
                    source);
}

/* Lets the event ring once more. */
static int arm(struct alarm_linux_source *source)
{
    if (source->ring != NULL && !source->is_armed &&
        ioctl(source->fd, PERF_EVENT_IOC_REFRESH, 1) < 0) {
        return -errno;
    }
    source->is_armed = true;
    return 0;
}

static void close_source(struct alarm_linux_source *source)
{
    if (source->fd < 0) {
        return;
    }
    loop_remove(source->alarms->loop, source->fd);
    if (source->ring != NULL) {
        (void)munmap(source->ring, ring_size());
        source->ring = NULL;
    }
    (void)close(source->fd); /* nothing is pending */
    source->fd = -1;
}

static void lose(struct alarm_linux_source *source)
{
    close_source(source);
    source->alarms->has_lost = true;
}

/* A source that is broken would be ready for ever. */
static void source_rings(void *arg, short revents)
{
    struct alarm_linux_source *source = arg;

    source->alarms->rang[source->kind] = true;
    source->is_armed = false;
    if ((revents & (POLLERR | POLLHUP | POLLNVAL)) != 0) {
        lose(source);
    }
}

/* Takes the descriptor and the ring, also when it fails. */
static int add_source(struct alarm_linux *alarms, enum alarm_kind kind, int fd,
                      void *ring)
{
    struct alarm_linux_source *source = &alarms->sources[alarms->count];
    int r;

    *source = (struct alarm_linux_source){
        .alarms = alarms,
        .kind = kind,
        .fd = fd,
        .ring = ring,
    };
    r = arm(source);
    if (r == 0) {
        r = listen_to(source);
    }
    if (r < 0) {
        close_source(source);
        return r;
    }
    alarms->count++;
    return 0;
}

/*
 * The ring is mapped for reading only, so the kernel overwrites it and it is
 * never full.
 */
static int add_event(struct alarm_linux *alarms, enum alarm_kind kind,
                     uint32_t type, uint64_t config, pid_t pid, int cpu)
{
    struct perf_event_attr attr = {
        .size = sizeof(attr),
        .type = type,
        .config = config,
        .sample_period = 1,
        .wakeup_events = 1,
        .disabled = 1,
    };
    void *ring;
    int fd;

    fd = (int)syscall(SYS_perf_event_open, &attr, pid, cpu, -1,
                      PERF_FLAG_FD_CLOEXEC);
    if (fd < 0) {
        return -errno;
    }
    ring = mmap(NULL, ring_size(), PROT_READ, MAP_SHARED, fd, 0);
    if (ring == MAP_FAILED) {
        int r = -errno;

        (void)close(fd); /* it has not begun */
        return r;
    }
    return add_source(alarms, kind, fd, ring);
}

/* --- Opening ------------------------------------------------------------- */

/*
 * On each CPU there is: those which are offline fail, and go unheard should
 * they come later.
 */
static void open_reclaim(struct alarm_linux *alarms, int root_fd)
{
    uint64_t id;
    int r;

    r = read_id(root_fd, reclaim_ids[0], &id);
    if (r < 0) {
        r = read_id(root_fd, reclaim_ids[1], &id);
    }
    for (int cpu = 0; r == 0 && cpu < ALARM_LINUX_CPUS_MAX; cpu++) {
        r = add_event(alarms, ALARM_RECLAIM, PERF_TYPE_TRACEPOINT, id, -1, cpu);
        if (r == -ENODEV || r == -EINVAL) {
            r = 0; /* not online, or not there */
        }
    }
    if (r < 0) {
        log_debug("not told of direct reclaim error=\"%s\"", strerror(-r));
    }
}

static int open_kswapd(struct alarm_linux *alarms, int proc_fd,
                       const char *folder)
{
    char path[32], text[TEXT_MAX];
    uint64_t pid;
    int r;

    if (number_parse(folder, strlen(folder), INT32_MAX, &pid) < 0) {
        return -ESRCH;
    }
    (void)snprintf(path, sizeof(path), "%" PRIu64 "/stat", pid);
    r = read_start(proc_fd, path, text);
    if (r < 0 || !is_kswapd(text)) {
        return -ESRCH;
    }
    return add_event(alarms, ALARM_KSWAPD, PERF_TYPE_SOFTWARE,
                     PERF_COUNT_SW_CONTEXT_SWITCHES, (pid_t)pid, -1);
}

static void open_kswapds(struct alarm_linux *alarms, int root_fd)
{
    int proc_fd = openat(root_fd, "proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *proc = proc_fd < 0 ? NULL : fdopendir(proc_fd);
    unsigned int found = 0;
    struct dirent *entry;
    int r = -ESRCH;

    while (proc != NULL && found < ALARM_LINUX_KSWAPDS_MAX &&
           (entry = readdir(proc)) != NULL) {
        int opened = open_kswapd(alarms, dirfd(proc), entry->d_name);

        if (opened == 0) {
            found++;
        } else if (opened != -ESRCH) {
            r = opened;
        }
    }
    if (found == 0) {
        log_debug("not told of kswapd error=\"%s\"", strerror(-r));
    }
    if (proc != NULL) {
        (void)closedir(proc); /* only read */
    } else if (proc_fd >= 0) {
        (void)close(proc_fd); /* only read */
    }
}

static void open_pressure(struct alarm_linux *alarms, const char *root)
{
    int r = guest_linux_pressure_fd(root, SAMPLE_HINT_US);

    if (r >= 0) {
        r = add_source(alarms, ALARM_PRESSURE, r, NULL);
    }
    if (r < 0) {
        log_debug("not told of pressure error=\"%s\"", strerror(-r));
    }
}

void alarm_linux_open(struct alarm_linux *alarms, const char *root,
                      struct loop *loop)
{
    int root_fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);

    *alarms = (struct alarm_linux){.loop = loop};
    if (root_fd < 0) {
        return;
    }
    open_reclaim(alarms, root_fd);
    open_kswapds(alarms, root_fd);
    open_pressure(alarms, root);
    (void)close(root_fd); /* a path only */
}

void alarm_linux_close(struct alarm_linux *alarms)
{
    if (alarms == NULL) {
        return;
    }
    for (unsigned int i = 0; i < alarms->count; i++) {
        close_source(&alarms->sources[i]);
    }
    alarms->count = 0;
}

/* --- At work ------------------------------------------------------------- */

bool alarm_linux_has(const struct alarm_linux *alarms, enum alarm_kind kind)
{
    for (unsigned int i = 0; i < alarms->count; i++) {
        if (alarms->sources[i].kind == kind && alarms->sources[i].fd >= 0) {
            return true;
        }
    }
    return false;
}

const char *alarm_linux_names(const struct alarm_linux *alarms, char *text,
                              size_t size)
{
    static const enum alarm_kind fastest_first[] = {ALARM_RECLAIM, ALARM_KSWAPD,
                                                    ALARM_PRESSURE};
    size_t len = 0;

    for (size_t i = 0; i < sizeof(fastest_first) / sizeof(fastest_first[0]);
         i++) {
        if (alarm_linux_has(alarms, fastest_first[i]) && len < size) {
            len += (size_t)snprintf(text + len, size - len, "%s%s",
                                    len > 0 ? " " : "",
                                    alarm_kind_name(fastest_first[i]));
        }
    }
    return len > 0 ? text : alarm_kind_name(ALARM_NONE);
}

enum alarm_kind alarm_linux_woken_by(const struct alarm_linux *alarms)
{
    enum alarm_kind kind = ALARM_KINDS;

    do {
        kind--;
    } while (kind > ALARM_NONE && !alarms->rang[kind]);
    return kind;
}

/*
 * Others of the kind may still ring, unheard: a crowd of CPUs that reclaim
 * must cost one look, not one each.
 */
static void rest(struct alarm_linux *alarms, enum alarm_kind kind)
{
    for (unsigned int i = 0; i < alarms->count; i++) {
        if (alarms->sources[i].kind == kind && alarms->sources[i].fd >= 0) {
            loop_remove(alarms->loop, alarms->sources[i].fd);
        }
    }
    alarms->rests[kind] = true;
}

/* Those which rang unheard meanwhile do so at once: together, as one. */
static void wake(struct alarm_linux *alarms, enum alarm_kind kind)
{
    for (unsigned int i = 0; i < alarms->count; i++) {
        struct alarm_linux_source *source = &alarms->sources[i];

        if (source->kind == kind && source->fd >= 0 &&
            (arm(source) < 0 || listen_to(source) < 0)) {
            lose(source);
        }
    }
    alarms->rests[kind] = false;
}

uint64_t alarm_linux_settle(struct alarm_linux *alarms, bool in_vain,
                            uint64_t now_ms)
{
    uint64_t next_ms = UINT64_MAX;

    for (enum alarm_kind kind = ALARM_NONE + 1; kind < ALARM_KINDS; kind++) {
        if (alarms->rang[kind]) {
            alarm_rang(&alarms->kinds[kind], in_vain, now_ms);
            alarms->rang[kind] = false;
            rest(alarms, kind);
        } else if (alarms->rests[kind] &&
                   alarm_is_ready(&alarms->kinds[kind], now_ms)) {
            wake(alarms, kind);
        }
        if (alarms->rests[kind]) {
            next_ms = units_min(next_ms, alarms->kinds[kind].ready_ms);
        }
    }
    return next_ms;
}

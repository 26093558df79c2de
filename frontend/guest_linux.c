/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Descriptors and buffers; the text in them is procfs.c's business. */
#include "frontend/guest_linux.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/units.h"
#include "frontend/child.h"
#include "frontend/bell_xen.h"
#include "frontend/hooks.h"
#include "frontend/procfs.h"
#include "frontend/reclaim.h"
#include "frontend/share_xen.h"

/*
 * The largest file is /proc/vmstat: 3.9 KiB in Linux 6.18, and it grows a
 * little with each version.
 */
#define TEXT_MAX 16384

/* How often a sample is taken again because the balloon moved meanwhile. */
#define SAMPLE_TRIES 3

enum file {
    FILE_MEMINFO,
    FILE_SWAPS,
    FILE_VMSTAT,
    FILE_PRESSURE,
    FILE_BALLOON_CURRENT,
    FILE_BALLOON_TARGET,
    FILE_BALLOON_RETRIES,
    FILE_COUNT,
};

#define BALLOON_DIR "sys/devices/system/xen_memory/xen_memory0/"

/* Relative to the root. */
static const char *const file_paths[FILE_COUNT] = {
    [FILE_MEMINFO] = "proc/meminfo",
    [FILE_SWAPS] = "proc/swaps",
    [FILE_VMSTAT] = "proc/vmstat",
    [FILE_PRESSURE] = "proc/pressure/memory",
    [FILE_BALLOON_CURRENT] = BALLOON_DIR "info/current_kb",
    [FILE_BALLOON_TARGET] = BALLOON_DIR "target_kb",
    [FILE_BALLOON_RETRIES] = BALLOON_DIR "retry_count",
};

struct guest_linux {
    int root_fd;
    int fds[FILE_COUNT]; /* -1: this kernel has no such file */
    uint64_t page_kib;
    struct share_xen share;
    struct bell_xen bell;
    char text[TEXT_MAX];
    struct child child; /* a hook, or what reclaims */
    struct hooks hooks;
};

/*
 * The whole file, from its start, into kernel->text.  The kernel hands out
 * about a page at a time, hence the loop.  Its length or a negative errno.
 */
static int read_file(struct guest_linux *kernel, enum file file)
{
    size_t len = 0;

    if (kernel->fds[file] < 0) {
        return -ENOENT;
    }
    while (len < sizeof(kernel->text)) {
        ssize_t got = pread(kernel->fds[file], kernel->text + len,
                            sizeof(kernel->text) - len, (off_t)len);

        if (got == 0) {
            return (int)len;
        }
        if (got > 0) {
            len += (size_t)got;
        } else if (errno != EINTR) {
            return -errno;
        }
    }
    return -E2BIG;
}

static int read_number(struct guest_linux *kernel, enum file file,
                       uint64_t *ret_value)
{
    int len = read_file(kernel, file);

    return len < 0 ? len
                   : procfs_parse_number(kernel->text, (size_t)len, ret_value);
}

/* What is missing or unreadable here is a kernel without a balloon. */
static void read_balloon(struct guest_linux *kernel,
                         struct guest_sample *sample)
{
    sample->has_balloon = read_number(kernel, FILE_BALLOON_CURRENT,
                                      &sample->balloon_current_kib) == 0 &&
                          read_number(kernel, FILE_BALLOON_TARGET,
                                      &sample->balloon_target_kib) == 0;
    if (!sample->has_balloon) {
        sample->balloon_current_kib = 0;
        sample->balloon_target_kib = 0;
        return;
    }
    /* Only for the log, so it may be missing. */
    (void)read_number(kernel, FILE_BALLOON_RETRIES, &sample->balloon_retries);
}

static int read_memory(struct guest_linux *kernel, struct guest_sample *sample)
{
    int len, r;

    len = read_file(kernel, FILE_MEMINFO);
    if (len < 0) {
        return len;
    }
    r = procfs_parse_meminfo(kernel->text, (size_t)len, sample);
    if (r < 0) {
        return r;
    }
    /* Missing in a kernel without swap. */
    len = read_file(kernel, FILE_SWAPS);
    if (len >= 0) {
        (void)procfs_parse_swaps(kernel->text, (size_t)len, sample);
    }
    len = read_file(kernel, FILE_VMSTAT);
    if (len < 0) {
        return len;
    }
    r = procfs_parse_vmstat(kernel->text, (size_t)len, kernel->page_kib,
                            sample);
    if (r < 0) {
        return r;
    }
    /* Kernels without pressure (or with psi=0: EOPNOTSUPP) are common. */
    len = read_file(kernel, FILE_PRESSURE);
    if (len >= 0) {
        (void)procfs_parse_pressure(kernel->text, (size_t)len, sample);
    }
    return 0;
}

static int linux_sample(void *state, struct guest_sample *ret_sample)
{
    struct guest_linux *kernel = state;
    struct guest_sample sample;
    uint64_t after_kib;
    int r;

    for (int try = 0; try < SAMPLE_TRIES; try++) {
        sample = (struct guest_sample){0};
        read_balloon(kernel, &sample);
        r = read_memory(kernel, &sample);
        if (r < 0) {
            return r;
        }
        if (!sample.has_balloon ||
            read_number(kernel, FILE_BALLOON_CURRENT, &after_kib) < 0 ||
            after_kib == sample.balloon_current_kib) {
            break;
        }
    }
    *ret_sample = sample;
    return 0;
}

static int linux_set_balloon_target(void *state, uint64_t target_kib)
{
    struct guest_linux *kernel = state;
    char text[24];
    ssize_t written;
    int len;

    if (kernel->fds[FILE_BALLOON_TARGET] < 0) {
        return -ENODEV;
    }
    len = snprintf(text, sizeof(text), "%" PRIu64 "\n", target_kib);
    written = pwrite(kernel->fds[FILE_BALLOON_TARGET], text, (size_t)len, 0);
    if (written < 0) {
        return -errno;
    }
    return written == len ? 0 : -EIO;
}

static int linux_share_page(void *state, void **ret_page,
                            uint32_t *ret_reference)
{
    struct guest_linux *kernel = state;

    /* Each time: its module may be loaded later. */
    if (faccessat(kernel->root_fd, "dev/xen/gntalloc", F_OK, 0) < 0) {
        return -EOPNOTSUPP;
    }
    return share_xen_page(&kernel->share, ret_page, ret_reference);
}

static void linux_unshare_page(void *state, void *page)
{
    struct guest_linux *kernel = state;

    share_xen_unshare(&kernel->share, page);
}

static int linux_bind_bell(void *state, uint32_t *ret_port)
{
    struct guest_linux *kernel = state;

    if (faccessat(kernel->root_fd, "dev/xen/evtchn", F_OK, 0) < 0) {
        return -EOPNOTSUPP;
    }
    return bell_xen_bind(&kernel->bell, ret_port);
}

static int linux_ring_bell(void *state)
{
    const struct guest_linux *kernel = state;

    return bell_xen_ring(&kernel->bell);
}

static unsigned int linux_ways(void *state)
{
    struct guest_linux *kernel = state;
    unsigned int ways = 0;

    if (hooks_are_there(&kernel->hooks)) {
        ways |= GUEST_HAS_HOOKS;
    }
    if (reclaim_is_there("/")) {
        ways |= GUEST_CAN_RECLAIM;
    }
    return ways;
}

static int linux_run_hooks(void *state, const struct guest_shrink *shrink)
{
    struct guest_linux *kernel = state;

    hooks_start(&kernel->hooks, shrink->shrink_kib, shrink->target_kib,
                units_add(shrink->now_ms, shrink->left_ms), shrink->now_ms);
    return 0;
}

/* A write to memory.reclaim blocks, so we run ourselves once more for it. */
static int linux_reclaim(void *state, uint64_t kib)
{
    struct guest_linux *kernel = state;
    char size[24];
    const char *const arguments[] = {"xenballoon-frontend", "--reclaim", size,
                                     NULL};
    const char *const environment[] = {NULL};

    (void)snprintf(size, sizeof(size), "%" PRIu64 "K", kib);
    return child_start(&kernel->child, "/proc/self/exe", arguments,
                       environment);
}

static bool linux_is_at_work(void *state, uint64_t now_ms)
{
    struct guest_linux *kernel = state;
    int status;

    return child_runs(&kernel->child, &status) ||
           hooks_go_on(&kernel->hooks, status, now_ms);
}

static void linux_stop_work(void *state)
{
    struct guest_linux *kernel = state;

    hooks_stop(&kernel->hooks);
    child_stop(&kernel->child);
}

static const struct guest_ops linux_ops = {
    .sample = linux_sample,
    .set_balloon_target = linux_set_balloon_target,
    .share_page = linux_share_page,
    .unshare_page = linux_unshare_page,
    .bind_bell = linux_bind_bell,
    .ring_bell = linux_ring_bell,
    .ways = linux_ways,
    .run_hooks = linux_run_hooks,
    .reclaim = linux_reclaim,
    .is_at_work = linux_is_at_work,
    .stop_work = linux_stop_work,
};

static int open_root(const char *root)
{
    int fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);

    return fd < 0 ? -errno : fd;
}

static void open_files(struct guest_linux *kernel, int root_fd)
{
    for (int i = 0; i < FILE_COUNT; i++) {
        kernel->fds[i] = -1;
        if (i == FILE_BALLOON_TARGET) {
            kernel->fds[i] = openat(root_fd, file_paths[i], O_RDWR | O_CLOEXEC);
        }
        /* Who may not write may still look on. */
        if (kernel->fds[i] < 0) {
            kernel->fds[i] =
                openat(root_fd, file_paths[i], O_RDONLY | O_CLOEXEC);
        }
    }
}

static void close_files(struct guest_linux *kernel)
{
    for (int i = 0; i < FILE_COUNT; i++) {
        if (kernel->fds[i] >= 0) {
            (void)close(kernel->fds[i]); /* nothing is pending on any */
        }
    }
    (void)close(kernel->root_fd);
}

int guest_linux_open(const char *root, struct guest *ret_guest)
{
    struct guest_linux *kernel;
    struct guest_sample sample = {0};
    int root_fd, r;

    root_fd = open_root(root);
    if (root_fd < 0) {
        return root_fd;
    }
    kernel = calloc(1, sizeof(*kernel));
    if (kernel == NULL) {
        (void)close(root_fd);
        return -ENOMEM;
    }
    r = hooks_init(&kernel->hooks, root, 0, &kernel->child);
    if (r < 0) {
        (void)close(root_fd);
        free(kernel);
        return r;
    }
    kernel->page_kib = (uint64_t)sysconf(_SC_PAGESIZE) / 1024;
    kernel->root_fd = root_fd;
    open_files(kernel, root_fd);

    r = read_memory(kernel, &sample);
    if (r < 0) {
        close_files(kernel);
        free(kernel);
        return r;
    }
    ret_guest->ops = &linux_ops;
    ret_guest->state = kernel;
    return 0;
}

void guest_linux_close(struct guest *guest)
{
    struct guest_linux *kernel;

    if (guest == NULL || guest->state == NULL) {
        return;
    }
    kernel = guest->state;
    linux_stop_work(kernel);
    share_xen_close(&kernel->share);
    close_files(kernel);
    free(kernel);
    guest->state = NULL;
    guest->ops = NULL;
}

/*
 * Windows to ask for, the best first.  Without CAP_SYS_RESOURCE, Linux 6.4 and
 * later still give whole multiples of 2 s.
 */
static const unsigned int pressure_windows[] = {1, 4};

/* The kernel wants the NUL, too, and watches until the descriptor is closed. */
static int set_trigger(int fd, unsigned int stall_us)
{
    int r = -EINVAL;

    for (size_t i = 0;
         i < sizeof(pressure_windows) / sizeof(pressure_windows[0]); i++) {
        char trigger[48];
        int len;

        len = snprintf(trigger, sizeof(trigger), "some %u %u",
                       stall_us * pressure_windows[i],
                       SAMPLE_STALL_WINDOW_US * pressure_windows[i]);
        if (write(fd, trigger, (size_t)len + 1) >= 0) {
            return 0;
        }
        r = -errno;
    }
    return r;
}

int guest_linux_pressure_fd(const char *root, unsigned int stall_us)
{
    int root_fd, fd, r;

    root_fd = open_root(root);
    if (root_fd < 0) {
        return root_fd;
    }
    fd = openat(root_fd, file_paths[FILE_PRESSURE],
                O_RDWR | O_NONBLOCK | O_CLOEXEC);
    r = fd < 0 ? -errno : set_trigger(fd, stall_us);
    (void)close(root_fd);
    if (r < 0) {
        if (fd >= 0) {
            (void)close(fd);
        }
        return r;
    }
    return fd;
}

/* The kernel makes this directory on Xen, whatever is mounted there. */
bool guest_linux_is_on_xen(const char *root)
{
    int root_fd = open_root(root);
    bool is_on_xen;

    if (root_fd < 0) {
        return false;
    }
    is_on_xen = faccessat(root_fd, "proc/xen", F_OK, 0) == 0 ||
                faccessat(root_fd, "dev/xen/xenbus", F_OK, 0) == 0;
    (void)close(root_fd);
    return is_on_xen;
}

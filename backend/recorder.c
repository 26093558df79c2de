/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Files are only ever appended to, and renamed: FILE becomes FILE.1, FILE.1
 * becomes FILE.2, and the last one is forgotten.
 */
#include "backend/recorder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backend/fields.h"
#include "common/log.h"
#include "common/units.h"

void recorder_init(struct recorder *recorder)
{
    *recorder = (struct recorder){.fd = -1};
}

static void close_file(struct recorder *recorder)
{
    if (recorder->fd >= 0) {
        (void)close(recorder->fd);
    }
    recorder->fd = -1;
    free(recorder->beginning);
    recorder->beginning = NULL;
    moment_done(&recorder->before);
}

void recorder_done(struct recorder *recorder)
{
    if (recorder == NULL) {
        return;
    }
    close_file(recorder);
    moment_done(&recorder->now);
    recorder_init(recorder);
}

/* What is half written is closed by the newline before the next beginning. */
static void fail(struct recorder *recorder, int r, uint64_t now_ms)
{
    if (!recorder->has_failed) {
        log_warning("cannot record, balancing goes on without file=\"%s\": %s",
                    recorder->path, strerror(-r));
    }
    recorder->has_failed = true;
    recorder->retry_ms = now_ms + RECORDER_RETRY_MS;
    close_file(recorder);
}

/* ---- Files --------------------------------------------------------------- */

/* NUMBER 0 is the file itself. */
static void name_file(const struct recorder *recorder, unsigned int number,
                      char path[SETTINGS_PATH_MAX + 16])
{
    if (number == 0) {
        (void)snprintf(path, SETTINGS_PATH_MAX, "%s", recorder->path);
    } else {
        (void)snprintf(path, SETTINGS_PATH_MAX + 16, "%s.%u", recorder->path,
                       number);
    }
}

static int rotate(struct recorder *recorder, unsigned int files)
{
    char from[SETTINGS_PATH_MAX + 16];
    char to[SETTINGS_PATH_MAX + 16];

    close_file(recorder);
    if (files <= 1) {
        return unlink(recorder->path) < 0 ? -errno : 0;
    }
    for (unsigned int number = files - 1; number > 0; number--) {
        name_file(recorder, number - 1, from);
        name_file(recorder, number, to);
        if (rename(from, to) < 0 && errno != ENOENT) {
            return -errno;
        }
    }
    return 0;
}

/* Whether the file ends in the middle of a line, as after kill -9. */
static bool is_cut(const struct recorder *recorder)
{
    char last = '\n';

    return recorder->len > 0 &&
           pread(recorder->fd, &last, 1, (off_t)recorder->len - 1) == 1 &&
           last != '\n';
}

static int check_file(struct recorder *recorder)
{
    struct stat status;

    if (fstat(recorder->fd, &status) < 0) {
        return -errno;
    }
    /* On anything else a write could wait. */
    if (!S_ISREG(status.st_mode)) {
        return -EINVAL;
    }
    recorder->len = (uint64_t)status.st_size;
    /* Our own may not depend on who has started us; another's is as it is. */
    if (recorder->len == 0) {
        (void)fchmod(recorder->fd, 0640);
    }
    if (is_cut(recorder) && write(recorder->fd, "\n", 1) != 1) {
        return -errno;
    }
    return 0;
}

static int open_file(struct recorder *recorder)
{
    recorder->fd = open(
        recorder->path,
        O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0640);
    return recorder->fd < 0 ? -errno : check_file(recorder);
}

static int begin(struct recorder *recorder, const struct balancer *balancer)
{
    int r = open_file(recorder);

    if (r < 0) {
        return r;
    }
    recorder->beginning = moment_write_beginning(
        &balancer->snapshot, &balancer->host, balancer->memories);
    return recorder->beginning ? 0 : -ENOMEM;
}

static int prepare(struct recorder *recorder, const struct balancer *balancer)
{
    const struct settings *settings = balancer->settings;
    uint64_t max = units_max(settings->record_size_kib, 1) * 1024;
    int r;

    if (recorder->fd >= 0 && recorder->len < max) {
        return 0;
    }
    if (recorder->fd >= 0) {
        r = rotate(recorder, settings->record_files);
        if (r < 0) {
            return r;
        }
    }
    r = begin(recorder, balancer);
    if (r == 0 && recorder->len >= max) {
        /* It was full when we came. */
        r = rotate(recorder, settings->record_files);
        return r < 0 ? r : begin(recorder, balancer);
    }
    return r;
}

/* ---- Lines --------------------------------------------------------------- */

static int put(struct recorder *recorder, const char *line)
{
    size_t len = strlen(line);
    ssize_t written = write(recorder->fd, line, len);

    if (written < 0) {
        return -errno;
    }
    recorder->len += (uint64_t)written;
    return (size_t)written == len ? 0 : -ENOSPC;
}

static int note_new(struct recorder *recorder, const struct balancer *balancer)
{
    static const struct decide_memory nothing;
    struct moment *now = &recorder->now;
    int r = moment_resize(now, balancer->snapshot.count);

    for (unsigned int i = 0; r == 0 && i < balancer->snapshot.count; i++) {
        now->domains[i].is_new =
            fields_are_same(&fields_memory, &balancer->memories[i], &nothing);
    }
    return r;
}

static void note_plan(struct recorder *recorder,
                      const struct balancer *balancer)
{
    struct moment *now = &recorder->now;
    struct snapshot snapshot = balancer->snapshot;
    struct plan plan = balancer->plan;

    for (unsigned int i = 0; i < snapshot.count; i++) {
        now->snapshot.domains[i] = snapshot.domains[i];
        now->plan.steps[i] = plan.steps[i];
        (void)snprintf(now->domains[i].name, sizeof(now->domains[i].name), "%s",
                       balancer->domains[i].name);
    }
    snapshot.domains = now->snapshot.domains;
    plan.steps = now->plan.steps;
    now->snapshot = snapshot;
    now->plan = plan;
}

static int put_moment(struct recorder *recorder)
{
    char *line = moment_write(&recorder->now, &recorder->before);
    int r = line ? 0 : -ENOMEM;

    if (r == 0 && recorder->beginning) {
        r = put(recorder, recorder->beginning);
        free(recorder->beginning);
        recorder->beginning = NULL;
    }
    if (r == 0) {
        r = put(recorder, line);
    }
    free(line);
    return r;
}

/* ---- Looking on ---------------------------------------------------------- */

static void before(void *arg, const struct balancer *balancer)
{
    struct recorder *recorder = arg;
    const char *path = balancer->settings->record;
    uint64_t now_ms = balancer->snapshot.now_ms;
    int r;

    if (strcmp(recorder->path, path) != 0) {
        close_file(recorder);
        (void)snprintf(recorder->path, sizeof(recorder->path), "%s", path);
        recorder->has_failed = false;
    }
    if (path[0] == '\0' ||
        (recorder->has_failed && now_ms < recorder->retry_ms)) {
        return;
    }
    r = prepare(recorder, balancer);
    if (r == 0) {
        r = note_new(recorder, balancer);
    }
    if (r < 0) {
        fail(recorder, r, now_ms);
    }
}

static void after(void *arg, const struct balancer *balancer)
{
    struct recorder *recorder = arg;
    struct moment last;
    int r;

    if (recorder->fd < 0) {
        return;
    }
    note_plan(recorder, balancer);
    r = put_moment(recorder);
    if (r < 0) {
        fail(recorder, r, balancer->snapshot.now_ms);
        return;
    }
    if (recorder->has_failed) {
        log_info("recording again file=\"%s\"", recorder->path);
        recorder->has_failed = false;
    }
    last = recorder->before;
    recorder->before = recorder->now;
    recorder->now = last;
}

struct balancer_witness recorder_witness(struct recorder *recorder)
{
    return (struct balancer_witness){
        .before = before,
        .after = after,
        .arg = recorder,
    };
}

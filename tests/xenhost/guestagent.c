/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The agent inside a guest of the virtual Xen host: runs commands that dom0
 * puts into the store and sends their output and status back.
 *
 * It sleeps in a watch, because a guest that polls slows down all others in
 * emulation.  It must survive save and restore (a new domid, an empty ~/data,
 * every watch fires again), so it uses relative paths only and looks at the
 * state, never at the event.  Paths, relative to the guest:
 *
 *   data/xenhost/ready       "1" while the agent listens
 *   data/xenhost/cmd/ID      dom0: a command for the shell
 *   data/xenhost/out/ID/N    part N of its output, after '1' (standard
 *                            output) or '2' (standard error)
 *   data/xenhost/done/ID     "STATUS PARTS": complete, dom0 removes both
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <xenstore.h>

#define ROOT "data/xenhost"

/* A guest's record in the store must stay below 2048 bytes with its header. */
#define PART_BYTES 1500
#define OUTPUT_BYTES_MAX (256 * 1024)

struct output {
    int fd;
    char stream;
    char *bytes;
    size_t len;
};

static void log_line(const char *what, const char *detail)
{
    fprintf(stderr, "guestagent: %s%s%s\n", what, detail ? ": " : "",
            detail ? detail : "");
}

static void set_oom_score(const char *score)
{
    int fd = open("/proc/self/oom_score_adj", O_WRONLY);

    if (fd >= 0) {
        (void)!write(fd, score, strlen(score));
        close(fd);
    }
}

static bool store_write(struct xs_handle *xs, const char *path,
                        const char *bytes, size_t len)
{
    if (xs_write(xs, XBT_NULL, path, bytes, (unsigned)len))
        return true;
    log_line(path, strerror(errno));
    return false;
}

/* Reads what is there; false when the other end has closed. */
static bool output_read(struct output *output)
{
    char bytes[4096];
    ssize_t n = read(output->fd, bytes, sizeof(bytes));
    size_t keep;

    if (n < 0)
        return errno == EAGAIN || errno == EINTR;
    if (n == 0)
        return false;
    keep = (size_t)n;
    if (keep > OUTPUT_BYTES_MAX - output->len)
        keep = OUTPUT_BYTES_MAX - output->len;
    if (keep) {
        char *grown = realloc(output->bytes, output->len + keep);

        if (grown) {
            memcpy(grown + output->len, bytes, keep);
            output->bytes = grown;
            output->len += keep;
        }
    }
    return true;
}

static unsigned send_parts(struct xs_handle *xs, const char *id,
                           const struct output *output, unsigned number)
{
    char path[128], part[PART_BYTES + 1];
    size_t at;

    for (at = 0; at < output->len; at += PART_BYTES) {
        size_t len = output->len - at;

        if (len > PART_BYTES)
            len = PART_BYTES;
        part[0] = output->stream;
        memcpy(part + 1, output->bytes + at, len);
        snprintf(path, sizeof(path), ROOT "/out/%s/%u", id, number);
        if (!store_write(xs, path, part, len + 1))
            break;
        number++;
    }
    return number;
}

/*
 * Collects both outputs until the command itself has ended.  Something that
 * it left in the background may hold the pipes open: that is not waited for.
 */
static int collect(pid_t child, struct output outputs[2])
{
    struct pollfd polls[2];
    int status = 0, open_count = 2, i;

    for (i = 0; i < 2; i++)
        fcntl(outputs[i].fd, F_SETFL, O_NONBLOCK);
    while (open_count) {
        bool ended = waitpid(child, &status, WNOHANG) == child;

        open_count = 0;
        for (i = 0; i < 2; i++) {
            polls[i].fd = outputs[i].fd;
            polls[i].events = POLLIN;
            open_count += outputs[i].fd >= 0;
        }
        if (open_count && poll(polls, 2, ended ? 0 : 100) > 0)
            for (i = 0; i < 2; i++)
                if (polls[i].revents && !output_read(&outputs[i])) {
                    close(outputs[i].fd);
                    outputs[i].fd = -1;
                }
        if (ended) {
            /* One more look, for what came between poll and exit. */
            for (i = 0; i < 2; i++)
                while (outputs[i].fd >= 0) {
                    size_t before = outputs[i].len;

                    if (!output_read(&outputs[i]) ||
                        outputs[i].len == before)
                        break;
                }
            return status;
        }
    }
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    return status;
}

/* The part that runs in a process of its own, one for each command. */
static int run_command(const char *id, const char *command)
{
    struct output outputs[2] = { { .stream = '1' }, { .stream = '2' } };
    int out[2], err[2], status;
    struct xs_handle *xs;
    char path[128], text[64];
    unsigned parts;
    pid_t child;

    signal(SIGCHLD, SIG_DFL);
    if (pipe(out) || pipe(err))
        return 1;
    child = fork();
    if (child < 0)
        return 1;
    if (child == 0) {
        int null = open("/dev/null", O_RDONLY);

        set_oom_score("0");
        setsid();
        dup2(null, 0);
        dup2(out[1], 1);
        dup2(err[1], 2);
        for (int fd = 3; fd < 64; fd++)
            close(fd);
        execl("/bin/sh", "sh", "-c", command, (char *)NULL);
        _exit(127);
    }
    close(out[1]);
    close(err[1]);
    outputs[0].fd = out[0];
    outputs[1].fd = err[0];
    status = collect(child, outputs);
    status = WIFEXITED(status) ? WEXITSTATUS(status)
                               : 128 + WTERMSIG(status);

    xs = xs_open(0);
    if (!xs) {
        log_line("cannot open the store", strerror(errno));
        return 1;
    }
    parts = send_parts(xs, id, &outputs[0], 0);
    parts = send_parts(xs, id, &outputs[1], parts);
    snprintf(path, sizeof(path), ROOT "/done/%s", id);
    snprintf(text, sizeof(text), "%d %u", status, parts);
    store_write(xs, path, text, strlen(text));
    xs_close(xs);
    return 0;
}

static void take_commands(struct xs_handle *xs)
{
    unsigned count = 0, len, i;
    char **ids = xs_directory(xs, XBT_NULL, ROOT "/cmd", &count);

    for (i = 0; ids && i < count; i++) {
        char path[128], *command;

        snprintf(path, sizeof(path), ROOT "/cmd/%s", ids[i]);
        command = xs_read(xs, XBT_NULL, path, &len);
        /* Removed before it runs: a watch that fires again after a restore
         * must not run it twice. */
        if (command && len && xs_rm(xs, XBT_NULL, path)) {
            pid_t child = fork();

            /* A fresh image: after fork() the reader thread of libxenstore
             * is gone, so the store cannot be used in the child. */
            if (child == 0) {
                execl("/proc/self/exe", "guestagent", "--run", ids[i],
                      command, (char *)NULL);
                _exit(127);
            }
            if (child < 0)
                log_line("fork", strerror(errno));
        }
        free(command);
    }
    free(ids);
}

static bool say_ready(struct xs_handle *xs)
{
    unsigned len;
    char *ready = xs_read(xs, XBT_NULL, ROOT "/ready", &len);

    if (ready) {
        free(ready);
        return true;
    }
    return store_write(xs, ROOT "/ready", "1", 1);
}

int main(int argc, char **argv)
{
    struct xs_handle *xs;

    if (argc == 4 && strcmp(argv[1], "--run") == 0)
        return run_command(argv[2], argv[3]);
    if (argc != 1) {
        log_line("takes no arguments", NULL);
        return 2;
    }
    signal(SIGCHLD, SIG_IGN);
    set_oom_score("-1000");
    /* So that it answers while the guest is out of memory. */
    if (mlockall(MCL_CURRENT | MCL_FUTURE))
        log_line("mlockall", strerror(errno));
    xs = xs_open(0);
    if (!xs || !xs_watch(xs, ROOT "/cmd", "cmd")) {
        log_line("cannot watch the store", strerror(errno));
        return 1;
    }
    for (;;) {
        unsigned count;
        char **event = xs_read_watch(xs, &count);

        if (!event) {
            log_line("lost the store", strerror(errno));
            return 1;
        }
        free(event);
        say_ready(xs);
        take_commands(xs);
    }
}

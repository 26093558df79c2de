/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The command line tool as a program, against a control socket of ours: what
 * it asks, what it prints, and how it exits.  The loop waits for the program's
 * output to end, and for nothing else.
 */
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "backend/control.h"

#define COUNT_OF(table) (sizeof(table) / sizeof((table)[0]))

/* make check runs tests where the programs are. */
#define TOOL "./xenballoon"

#define ARGUMENTS_MAX 8

/* A program that hangs is a failure, not a wait. */
#define HANG_S 60

struct output {
    struct loop *loop;
    int fd; /* -1 at its end */
    char text[65536];
    size_t len;
};

struct host {
    struct loop loop;
    struct control *control;
    char folder[32];
    char socket[64];
    char asked[CONTROL_REQUEST_MAX];
    const char *answer;
    struct output out;
    struct output err;
};

static char *answer(void *arg, const char *line, bool is_root)
{
    struct host *host = arg;

    (void)is_root;
    (void)snprintf(host->asked, sizeof(host->asked), "%s", line);
    return strdup(host->answer);
}

static int start(void **state)
{
    struct host *host = calloc(1, sizeof(*host));

    assert_non_null(host);
    (void)snprintf(host->folder, sizeof(host->folder), "tool-XXXXXX");
    assert_non_null(mkdtemp(host->folder));
    (void)snprintf(host->socket, sizeof(host->socket), "%s/socket",
                   host->folder);
    assert_int_equal(loop_init(&host->loop), 0);
    assert_int_equal(control_new(&host->loop, host->socket, "root", answer,
                                 host, &host->control),
                     0);
    (void)alarm(HANG_S);
    *state = host;
    return 0;
}

static int stop(void **state)
{
    struct host *host = *state;

    (void)alarm(0);
    control_free(host->control);
    loop_done(&host->loop);
    (void)unlink(host->socket);
    (void)rmdir(host->folder);
    free(host);
    return 0;
}

static void output_ready(void *arg, short revents)
{
    struct output *output = arg;
    ssize_t got = read(output->fd, output->text + output->len,
                       sizeof(output->text) - 1 - output->len);

    (void)revents;
    if (got > 0) {
        output->len += (size_t)got;
        output->text[output->len] = '\0';
        return;
    }
    loop_remove(output->loop, output->fd);
    (void)close(output->fd);
    output->fd = -1;
}

static void watch_output(struct host *host, struct output *output, int fd)
{
    output->loop = &host->loop;
    output->fd = fd;
    output->len = 0;
    output->text[0] = '\0';
    assert_int_equal(loop_add(&host->loop, fd, POLLIN, output_ready, output),
                     0);
}

/* Runs the tool with words, divided by "|"; returns its exit status. */
static int run(struct host *host, const char *line)
{
    char copy[CONTROL_REQUEST_MAX];
    char *arguments[ARGUMENTS_MAX + 1] = {NULL};
    char *rest = copy;
    int out[2];
    int err[2];
    int count = 0;
    int status;
    pid_t pid;

    (void)snprintf(copy, sizeof(copy), TOOL "|--socket=%s%s%s", host->socket,
                   line[0] ? "|" : "", line);
    while (count < ARGUMENTS_MAX && rest) {
        arguments[count++] = strsep(&rest, "|");
    }
    host->asked[0] = '\0';
    assert_int_equal(pipe(out), 0);
    assert_int_equal(pipe(err), 0);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        (void)dup2(out[1], STDOUT_FILENO);
        (void)dup2(err[1], STDERR_FILENO);
        (void)execv(TOOL, arguments);
        _exit(127);
    }
    (void)close(out[1]);
    (void)close(err[1]);
    watch_output(host, &host->out, out[0]);
    watch_output(host, &host->err, err[0]);
    while (host->out.fd >= 0 || host->err.fd >= 0) {
        assert_int_equal(loop_wait(&host->loop, UINT64_MAX), 0);
    }
    assert_true(waitpid(pid, &status, 0) == pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static const char list_answer[] =
    "{\"domains\":[{\"domid\":3,\"name\":\"web1\",\"state\":\"managed\","
    "\"current_kib\":524288,\"target_kib\":524288,\"limit_kib\":525312,"
    "\"demand_kib\":500000,\"floor_kib\":131072,\"ceiling_kib\":1048576,"
    "\"reason_text\":\"grown: it needs more\"}]}";

static void without_a_command_domains_are_listed(void **state)
{
    struct host *host = *state;

    host->answer = list_answer;
    assert_int_equal(run(host, ""), 0);

    assert_string_equal(host->asked, "list");
    assert_true(strncmp(host->out.text, "NAME", 4) == 0);
    assert_non_null(strstr(host->out.text, "web1"));
    assert_non_null(strstr(host->out.text, "grown: it needs more\n"));
    assert_string_equal(host->err.text, "");
}

static void json_comes_through_as_it_is(void **state)
{
    static const char *const lines[] = {"list|--json", "--json|list", "-j",
                                        "list|-j"};
    struct host *host = *state;

    for (size_t i = 0; i < COUNT_OF(lines); i++) {
        host->answer = "{\"z\":1,\"a\":[{\"m\":null,\"b\":\"\\u001b\"}]}";
        assert_int_equal(run(host, lines[i]), 0);
        assert_string_equal(host->out.text,
                            "{\n  \"z\": 1,\n  \"a\": [\n    {\n"
                            "      \"m\": null,\n      \"b\": \"\\u001B\"\n"
                            "    }\n  ]\n}\n");
    }
}

static void words_reach_the_backend(void **state)
{
    static const struct {
        const char *line;
        const char *asked;
    } cases[] = {
        {"status", "status"},
        {"set|web1|floor=1G|weight=5", "set web1 floor=1G weight=5"},
        {"release|web 1", "release \"web 1\""},
        {"release|we\"b\\1", "release \"we\\\"b\\\\1\""},
        {"release|--|-5", "release -5"},
        {"version", "version"},
    };
    struct host *host = *state;

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        host->answer = "{}";
        assert_int_equal(run(host, cases[i].line), 0);
        assert_string_equal(host->asked, cases[i].asked);
        assert_string_equal(host->err.text, "");
    }
}

static void refusals_are_told_with_their_status(void **state)
{
    static const struct {
        const char *answer;
        int status;
        const char *err;
    } cases[] = {
        {"{\"error\":\"no domain has that name\",\"code\":\"domain\"}", 1,
         "xenballoon: no domain has that name\n"},
        {"{\"error\":\"only root may set\",\"code\":\"permission\"}", 4,
         "xenballoon: only root may set\n"},
        {"{\"error\":\"a\\u001bb\"}", 1, "xenballoon: a\\x1bb\n"},
        {"[]", 1, NULL},
        {"no JSON", 1, NULL},
        {"", 1, NULL},
    };
    struct host *host = *state;

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        host->answer = cases[i].answer;
        assert_int_equal(run(host, "set|web1|floor=1"), cases[i].status);
        assert_string_equal(host->out.text, "");
        if (cases[i].err) {
            assert_string_equal(host->err.text, cases[i].err);
        } else {
            assert_non_null(strstr(host->err.text, "is no backend"));
        }
    }
}

static void what_is_not_understood_is_not_asked(void **state)
{
    static const struct {
        const char *line;
        const char *err;
    } cases[] = {
        {"lst", "no command 'lst', did you mean 'list'?"},
        {"frobnicate", "no command 'frobnicate'\n"},
        {"set|web1", "expected 'xenballoon set DOMAIN WORD...'"},
        {"release", "expected 'xenballoon release DOMAIN'"},
        {"list|web1", "expected 'xenballoon list [--json]'"},
        {"--frobnicate", "--frobnicate"},
        {"release|a\nb", "control characters"},
        {"release|", "an empty word"},
    };
    struct host *host = *state;

    host->answer = "{}";
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        assert_int_equal(run(host, cases[i].line), 2);
        assert_string_equal(host->asked, "");
        assert_string_equal(host->out.text, "");
        if (!strstr(host->err.text, cases[i].err)) {
            fail_msg("%s: %s", cases[i].line, host->err.text);
        }
    }
}

static void without_a_backend_it_says_how_to_start_one(void **state)
{
    struct host *host = *state;

    control_free(host->control);
    host->control = NULL;
    assert_int_equal(run(host, "list"), 3);
    assert_non_null(strstr(host->err.text, host->socket));
    assert_non_null(
        strstr(host->err.text, "systemctl start xenballoon-backend"));
    assert_int_equal(run(host, "version"), 3);
    assert_true(strncmp(host->out.text, "xenballoon ", 11) == 0);
}

static void a_stale_socket_is_no_backend(void **state)
{
    struct host *host = *state;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    control_free(host->control);
    host->control = NULL;
    memcpy(address.sun_path, host->socket, strlen(host->socket) + 1);
    assert_int_equal(
        bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
    (void)close(fd);

    assert_int_equal(run(host, "list"), 3);
}

static void who_may_not_ask_is_told(void **state)
{
    struct host *host = *state;

    if (geteuid() == 0) {
        return; /* root may always */
    }
    assert_int_equal(chmod(host->socket, 0), 0);
    assert_int_equal(run(host, "list"), 4);
    assert_non_null(strstr(host->err.text, "group xenballoon"));
}

static void help_and_version_need_no_backend(void **state)
{
    struct host *host = *state;

    control_free(host->control);
    host->control = NULL;
    assert_int_equal(run(host, "--help"), 0);
    assert_non_null(strstr(host->out.text, "Usage: xenballoon"));
    assert_int_equal(run(host, "help"), 0);
    assert_non_null(strstr(host->out.text, "release"));
    assert_int_equal(run(host, "--version"), 0);
    assert_string_equal(host->out.text, "xenballoon " PACKAGE_VERSION "\n");
}

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void recordings_are_replayed_without_a_backend(void **state)
{
    static const char beginning[] =
        "{\"xenballoon_record\":1,\"version\":\"" PACKAGE_VERSION
        "\",\"domains\":[]}\n";
    static const struct {
        const char *line;
        int status;
        const char *out; /* a part of it */
        const char *err;
        const char *why;
    } cases[] = {
        {"", 0, ": 0 ticks, 0 changes, all decided the same\n", "", "no tick"},
        {"{\"domains\":[]}\n", 1, ":2: plan: next_ms: recorded 0, now ", "",
         "another plan"},
        {"{\"domains\":[]", 0, ":2: cut short", "", "the end is missing"},
        {"{\"domains\":7}\n", 1, "", ":2: domains: expected a list", "bad"},
    };
    struct host *host = *state;
    char path[64];
    char line[80];

    control_free(host->control);
    host->control = NULL;
    (void)snprintf(path, sizeof(path), "%s/record", host->folder);
    (void)snprintf(line, sizeof(line), "replay|%s", path);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char text[256];
        int status;

        (void)snprintf(text, sizeof(text), "%s%s", beginning, cases[i].line);
        write_file(path, text);
        status = run(host, line);
        if (status != cases[i].status ||
            !strstr(host->out.text, cases[i].out) ||
            !strstr(host->err.text, cases[i].err)) {
            fail_msg("%s: %d, %s%s", cases[i].why, status, host->out.text,
                     host->err.text);
        }
    }
    (void)unlink(path);
    assert_int_equal(run(host, line), 1);
    assert_non_null(strstr(host->err.text, "No such file"));
    assert_int_equal(run(host, "replay"), 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(without_a_command_domains_are_listed),
        TEST(json_comes_through_as_it_is),
        TEST(words_reach_the_backend),
        TEST(refusals_are_told_with_their_status),
        TEST(what_is_not_understood_is_not_asked),
        TEST(without_a_backend_it_says_how_to_start_one),
        TEST(a_stale_socket_is_no_backend),
        TEST(who_may_not_ask_is_told),
        TEST(help_and_version_need_no_backend),
        TEST(recordings_are_replayed_without_a_backend),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

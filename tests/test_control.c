/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The control socket with real clients, all in one thread: each turn of the
 * loop is a call that does not wait.
 */
#include <errno.h>
#include <grp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "backend/control.h"

#define COUNT_OF(table) (sizeof(table) / sizeof((table)[0]))

/* Enough for whatever is under way; the loop never waits. */
#define TURNS 64

struct host {
    struct loop loop;
    struct control *control;
    char folder[32];
    char socket[64];
    char group[64]; /* one that this process may give files to */
    unsigned int asked;
    bool last_is_root;
    char last_line[CONTROL_REQUEST_MAX];
    size_t answer_len; /* 0: echo the line */
    bool is_out_of_memory;
};

static char *answer(void *arg, const char *line, bool is_root)
{
    struct host *host = arg;
    char *text = NULL;

    host->asked++;
    host->last_is_root = is_root;
    (void)snprintf(host->last_line, sizeof(host->last_line), "%s", line);
    if (host->is_out_of_memory) {
        return NULL;
    }
    if (host->answer_len > 0) {
        text = malloc(host->answer_len + 1);
        assert_non_null(text);
        memset(text, 'x', host->answer_len);
        text[host->answer_len] = '\0';
        return text;
    }
    assert_true(asprintf(&text, "{\"echo\":\"%s\"}", line) >= 0);
    return text;
}

static int listen_there(struct host *host, struct control **ret)
{
    return control_new(&host->loop, host->socket, host->group, answer, host,
                       ret);
}

static int start(void **state)
{
    struct host *host = calloc(1, sizeof(*host));
    const struct group *group = getgrgid(getegid());

    assert_non_null(host);
    (void)snprintf(host->group, sizeof(host->group), "%s",
                   group ? group->gr_name : "");
    (void)snprintf(host->folder, sizeof(host->folder), "control-XXXXXX");
    assert_non_null(mkdtemp(host->folder));
    (void)snprintf(host->socket, sizeof(host->socket), "%s/socket",
                   host->folder);
    assert_int_equal(loop_init(&host->loop), 0);
    assert_int_equal(listen_there(host, &host->control), 0);
    *state = host;
    return 0;
}

static int stop(void **state)
{
    struct host *host = *state;

    control_free(host->control);
    loop_done(&host->loop);
    (void)unlink(host->socket);
    assert_int_equal(rmdir(host->folder), 0);
    free(host);
    return 0;
}

static void turn(struct host *host)
{
    for (int i = 0; i < TURNS; i++) {
        assert_int_equal(loop_wait(&host->loop, 0), 0);
    }
}

static int connect_there(const struct host *host)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    assert_true(fd >= 0);
    memcpy(address.sun_path, host->socket, strlen(host->socket) + 1);
    assert_int_equal(
        connect(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

static void put(int fd, const char *bytes, size_t len)
{
    assert_int_equal(send(fd, bytes, len, MSG_NOSIGNAL), len);
}

/* What has come so far; "closed" appended when that was all. */
static char *get(int fd, char *text, size_t size)
{
    size_t used = 0;
    ssize_t got;

    while ((got = recv(fd, text + used, size - used - 8, 0)) > 0) {
        used += (size_t)got;
    }
    text[used] = '\0';
    /* A client that was sent away with bytes unread sees a reset. */
    if (got == 0 || errno == ECONNRESET) {
        memcpy(text + used, "closed", 7);
    }
    return text;
}

static void one_request_gets_one_answer(void **state)
{
    struct host *host = *state;
    char text[256];
    int fd = connect_there(host);

    put(fd, "list\n", 5);
    turn(host);

    assert_string_equal(get(fd, text, sizeof(text)),
                        "{\"echo\":\"list\"}\nclosed");
    assert_int_equal(host->asked, 1);
    assert_true(host->last_is_root == (geteuid() == 0));
    (void)close(fd);
}

static void a_request_may_come_byte_by_byte(void **state)
{
    struct host *host = *state;
    static const char request[] = "set web1 floor=1G\n";
    char text[256];
    int fd = connect_there(host);

    for (size_t i = 0; i < strlen(request); i++) {
        assert_int_equal(host->asked, 0);
        put(fd, &request[i], 1);
        turn(host);
    }

    assert_string_equal(get(fd, text, sizeof(text)),
                        "{\"echo\":\"set web1 floor=1G\"}\nclosed");
    (void)close(fd);
}

static void the_longest_request_is_taken_and_no_longer_one(void **state)
{
    struct host *host = *state;
    char request[CONTROL_REQUEST_MAX + 1];
    char text[CONTROL_REQUEST_MAX + 64];
    int fd;

    memset(request, 'a', sizeof(request));
    request[CONTROL_REQUEST_MAX - 1] = '\n';
    fd = connect_there(host);
    put(fd, request, CONTROL_REQUEST_MAX);
    turn(host);
    assert_int_equal(host->asked, 1);
    assert_int_equal(strlen(host->last_line), CONTROL_REQUEST_MAX - 1);
    (void)close(fd);

    request[CONTROL_REQUEST_MAX - 1] = 'a';
    request[CONTROL_REQUEST_MAX] = '\n';
    fd = connect_there(host);
    put(fd, request, CONTROL_REQUEST_MAX + 1);
    turn(host);
    assert_int_equal(host->asked, 1);
    assert_non_null(strstr(get(fd, text, sizeof(text)),
                           "{\"error\":\"the request is too long\""));
    assert_non_null(strstr(text, "closed"));
    (void)close(fd);
}

static void what_is_no_line_of_text_is_refused(void **state)
{
    static const struct {
        const char *bytes;
        size_t len;
        const char *why;
    } cases[] = {
        {"li\0st\n", 6, "a byte of value 0"},
        {"list\r\n", 6, "the line end of another system"},
        {"\033[2J\n", 5, "an escape sequence"},
        {"list\x7f\n", 6, "delete"},
        {"\x01\x02\x03\n", 4, "garbage"},
    };
    struct host *host = *state;

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char text[256];
        int fd = connect_there(host);

        put(fd, cases[i].bytes, cases[i].len);
        turn(host);
        (void)get(fd, text, sizeof(text));
        if (!strstr(text, "{\"error\":") || !strstr(text, "closed") ||
            host->asked > 0) {
            fail_msg("%s: %s", cases[i].why, text);
        }
        (void)close(fd);
    }
}

static void a_request_without_newline_is_refused_at_its_end(void **state)
{
    struct host *host = *state;
    char text[256];
    int fd = connect_there(host);

    put(fd, "list", 4);
    turn(host);
    assert_string_equal(get(fd, text, sizeof(text)), "");
    assert_int_equal(shutdown(fd, SHUT_WR), 0);
    turn(host);

    assert_non_null(
        strstr(get(fd, text, sizeof(text)), "does not end in a newline"));
    assert_int_equal(host->asked, 0);
    (void)close(fd);
}

static void what_follows_a_request_is_ignored(void **state)
{
    struct host *host = *state;
    char text[256];
    int fd = connect_there(host);

    put(fd, "one\ntwo\n\xff", 9);
    turn(host);

    assert_string_equal(get(fd, text, sizeof(text)),
                        "{\"echo\":\"one\"}\nclosed");
    assert_int_equal(host->asked, 1);
    (void)close(fd);
}

static void clients_that_leave_leave_nothing_behind(void **state)
{
    struct host *host = *state;
    unsigned int before = host->loop.count;
    static const struct {
        const char *bytes;
        const char *why;
    } kinds[] = {
        {"", "before asking"}, {"li", "while asking"}, {"list\n", "after"}};

    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        int fd = connect_there(host);

        turn(host);
        put(fd, kinds[i].bytes, strlen(kinds[i].bytes));
        (void)close(fd);
        turn(host);
        if (host->loop.count != before) {
            fail_msg("%s", kinds[i].why);
        }
    }
}

static void a_long_answer_goes_out_as_the_client_reads(void **state)
{
    struct host *host = *state;
    const size_t len = 8 * 1024 * 1024;
    size_t total = 0;
    char buffer[65536];
    ssize_t got;
    int fd = connect_there(host);

    host->answer_len = len;
    put(fd, "list\n", 5);
    do {
        turn(host);
        while ((got = recv(fd, buffer, sizeof(buffer), 0)) > 0) {
            total += (size_t)got;
        }
    } while (got < 0 && errno == EAGAIN);

    assert_int_equal(got, 0);
    assert_int_equal(total, len + 1);
    (void)close(fd);
}

static void a_client_that_does_not_read_costs_its_slot_no_longer_than_patience(
    void **state)
{
    struct host *host = *state;
    unsigned int before = host->loop.count;
    int fd = connect_there(host);

    host->answer_len = 8 * 1024 * 1024;
    put(fd, "list\n", 5);
    turn(host);
    assert_int_equal(host->loop.count, before + 1);

    assert_int_equal(control_expire(host->control, 1000),
                     1000 + CONTROL_PATIENCE_MS);
    assert_int_equal(control_expire(host->control, 1000 + 1),
                     1000 + CONTROL_PATIENCE_MS);
    assert_int_equal(control_expire(host->control, 1000 + CONTROL_PATIENCE_MS),
                     UINT64_MAX);
    assert_int_equal(host->loop.count, before);
    (void)close(fd);
}

static void silent_clients_take_no_slot_for_ever(void **state)
{
    struct host *host = *state;
    int fds[CONTROL_CLIENTS_MAX];
    char text[256];
    int late;

    for (int i = 0; i < CONTROL_CLIENTS_MAX; i++) {
        fds[i] = connect_there(host);
        turn(host);
    }
    late = connect_there(host);
    put(late, "list\n", 5);
    turn(host);
    assert_string_equal(get(late, text, sizeof(text)), "");

    (void)control_expire(host->control, 1000);
    (void)control_expire(host->control, 1000 + CONTROL_PATIENCE_MS);
    turn(host);

    assert_string_equal(get(late, text, sizeof(text)),
                        "{\"echo\":\"list\"}\nclosed");
    for (int i = 0; i < CONTROL_CLIENTS_MAX; i++) {
        assert_string_equal(get(fds[i], text, sizeof(text)), "closed");
        (void)close(fds[i]);
    }
    (void)close(late);
}

static void without_memory_the_client_is_sent_away(void **state)
{
    struct host *host = *state;
    char text[256];
    int fd = connect_there(host);

    host->is_out_of_memory = true;
    put(fd, "list\n", 5);
    turn(host);

    assert_string_equal(get(fd, text, sizeof(text)), "closed");
    (void)close(fd);
}

static void without_descriptors_clients_wait(void **state)
{
    struct host *host = *state;
    struct rlimit old_limit;
    struct rlimit limit;
    char text[256];
    int fd = connect_there(host);

    put(fd, "list\n", 5);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &old_limit), 0);
    limit = old_limit;
    limit.rlim_cur = (rlim_t)fd + 1;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    turn(host);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &old_limit), 0);

    /* Nothing spins meanwhile: the listener is put aside until then. */
    assert_true(control_expire(host->control, 1000) > 1000);
    turn(host);
    assert_string_equal(get(fd, text, sizeof(text)), "");
    (void)control_expire(host->control, 2000);
    turn(host);
    assert_string_equal(get(fd, text, sizeof(text)),
                        "{\"echo\":\"list\"}\nclosed");
    (void)close(fd);
}

static void the_socket_is_for_owner_and_group(void **state)
{
    struct host *host = *state;
    struct stat status;

    assert_int_equal(stat(host->socket, &status), 0);
    assert_true(S_ISSOCK(status.st_mode));
    assert_int_equal(status.st_mode & 07777, 0660);
    assert_int_equal(status.st_gid, getegid());
}

static void an_unknown_group_opens_the_socket_to_nobody_else(void **state)
{
    struct host *host = *state;
    struct stat status;

    control_free(host->control);
    host->control = NULL;
    (void)snprintf(host->group, sizeof(host->group), "no-such-group-here");
    assert_int_equal(listen_there(host, &host->control), 0);

    assert_int_equal(stat(host->socket, &status), 0);
    assert_true((status.st_gid == 0 && (status.st_mode & 0777) == 0660) ||
                (status.st_mode & 0777) == 0600);
}

static void there_is_one_backend_a_socket(void **state)
{
    struct host *host = *state;
    struct control *second = NULL;
    char text[256];
    int fd;

    assert_int_equal(listen_there(host, &second), -EADDRINUSE);

    assert_null(second);
    fd = connect_there(host); /* the first one is none the worse */
    put(fd, "list\n", 5);
    turn(host);
    assert_string_equal(get(fd, text, sizeof(text)),
                        "{\"echo\":\"list\"}\nclosed");
    (void)close(fd);
}

static void a_socket_left_behind_is_replaced(void **state)
{
    struct host *host = *state;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    control_free(host->control);
    host->control = NULL;
    assert_int_equal(access(host->socket, F_OK),
                     -1); /* it has removed its own */
    memcpy(address.sun_path, host->socket, strlen(host->socket) + 1);
    assert_int_equal(
        bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
    (void)close(fd); /* as kill -9 leaves it */

    assert_int_equal(listen_there(host, &host->control), 0);

    fd = connect_there(host);
    (void)close(fd);
}

static void a_file_of_somebody_else_is_not_replaced(void **state)
{
    struct host *host = *state;
    FILE *file;

    control_free(host->control);
    host->control = NULL;
    file = fopen(host->socket, "w");
    assert_non_null(file);
    (void)fclose(file);

    assert_int_equal(listen_there(host, &host->control), -EEXIST);

    assert_int_equal(access(host->socket, F_OK), 0);
}

static void bad_paths_are_refused(void **state)
{
    struct host *host = *state;
    struct control *control = NULL;
    char path[200];

    memset(path, 'x', sizeof(path));
    path[sizeof(path) - 1] = '\0';
    assert_int_equal(
        control_new(&host->loop, path, host->group, answer, host, &control),
        -ENAMETOOLONG);
    assert_int_equal(
        control_new(&host->loop, "", host->group, answer, host, &control),
        -ENAMETOOLONG);
    assert_int_equal(control_new(&host->loop, "/nowhere/socket", host->group,
                                 answer, host, &control),
                     -ENOENT);
    control_free(NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(one_request_gets_one_answer),
        TEST(a_request_may_come_byte_by_byte),
        TEST(the_longest_request_is_taken_and_no_longer_one),
        TEST(what_is_no_line_of_text_is_refused),
        TEST(a_request_without_newline_is_refused_at_its_end),
        TEST(what_follows_a_request_is_ignored),
        TEST(clients_that_leave_leave_nothing_behind),
        TEST(a_long_answer_goes_out_as_the_client_reads),
        TEST(
            a_client_that_does_not_read_costs_its_slot_no_longer_than_patience),
        TEST(silent_clients_take_no_slot_for_ever),
        TEST(without_memory_the_client_is_sent_away),
        TEST(without_descriptors_clients_wait),
        TEST(the_socket_is_for_owner_and_group),
        TEST(an_unknown_group_opens_the_socket_to_nobody_else),
        TEST(there_is_one_backend_a_socket),
        TEST(a_socket_left_behind_is_replaced),
        TEST(a_file_of_somebody_else_is_not_replaced),
        TEST(bad_paths_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

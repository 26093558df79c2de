/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The loop: descriptors that come and go while it hands out events. */
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/loop.h"

struct end {
    struct loop *loop;
    int fds[2];        /* a pipe; the loop watches the first */
    struct end *other; /* to be done away with from ready() */
    unsigned int calls;
};

static void count_call(void *arg, short revents)
{
    struct end *end = arg;

    (void)revents;
    end->calls++;
}

static void open_end(struct end *end, struct loop *loop, loop_fn *ready)
{
    memset(end, 0, sizeof(*end));
    end->loop = loop;
    assert_int_equal(pipe(end->fds), 0);
    assert_int_equal(loop_add(loop, end->fds[0], POLLIN, ready, end), 0);
}

static void close_end(struct end *end)
{
    loop_remove(end->loop, end->fds[0]);
    (void)close(end->fds[0]);
    (void)close(end->fds[1]);
}

static void poke(const struct end *end)
{
    assert_int_equal(write(end->fds[1], "x", 1), 1);
}

static void ready_is_called_for_what_is_ready(void **state)
{
    struct loop loop;
    struct end a;
    struct end b;

    (void)state;
    assert_int_equal(loop_init(&loop), 0);
    open_end(&a, &loop, count_call);
    open_end(&b, &loop, count_call);

    assert_int_equal(loop_wait(&loop, 0), 0);
    assert_int_equal(a.calls + b.calls, 0);
    poke(&b);
    assert_int_equal(loop_wait(&loop, UINT64_MAX), 0);
    assert_int_equal(a.calls, 0);
    assert_int_equal(b.calls, 1);
    assert_int_equal(loop_change(&loop, b.fds[0], 0), 0);
    assert_int_equal(loop_wait(&loop, 0), 0);
    assert_int_equal(b.calls, 1);
    assert_int_equal(loop_change(&loop, b.fds[1], 0), -ENOENT);

    close_end(&a);
    close_end(&b);
    loop_done(&loop);
    loop_done(&loop);
    loop_done(NULL);
}

static void remove_other(void *arg, short revents)
{
    struct end *end = arg;

    count_call(arg, revents);
    loop_remove(end->loop, end->fds[0]);
    loop_remove(end->loop, end->other->fds[0]);
}

static void what_was_removed_is_not_called(void **state)
{
    struct loop loop;
    struct end a;
    struct end b;

    (void)state;
    assert_int_equal(loop_init(&loop), 0);
    open_end(&a, &loop, remove_other);
    open_end(&b, &loop, remove_other);
    a.other = &b;
    b.other = &a;
    poke(&a);
    poke(&b);

    assert_int_equal(loop_wait(&loop, 0), 0);

    assert_int_equal(a.calls + b.calls, 1);
    close_end(&a);
    close_end(&b);
    loop_done(&loop);
}

/* Closes other and puts a new, quiet pipe under its number. */
static void replace_other(void *arg, short revents)
{
    struct end *end = arg;
    struct end *other = end->other;
    int quiet[2];

    count_call(arg, revents);
    loop_remove(end->loop, end->fds[0]);
    loop_remove(end->loop, other->fds[0]);
    assert_int_equal(pipe(quiet), 0);
    assert_true(dup2(quiet[0], other->fds[0]) >= 0);
    (void)close(quiet[0]);
    (void)close(quiet[1]);
    assert_int_equal(loop_add(end->loop, other->fds[0], 0, count_call, other),
                     0);
}

static void a_new_descriptor_does_not_inherit_events(void **state)
{
    struct loop loop;
    struct end a;
    struct end b;

    (void)state;
    assert_int_equal(loop_init(&loop), 0);
    open_end(&a, &loop, replace_other);
    open_end(&b, &loop, replace_other);
    a.other = &b;
    b.other = &a;
    poke(&a);
    poke(&b);

    assert_int_equal(loop_wait(&loop, 0), 0);

    assert_int_equal(a.calls + b.calls, 1);
    close_end(&a);
    close_end(&b);
    loop_done(&loop);
}

static void there_is_an_end_to_descriptors(void **state)
{
    struct loop loop;
    int fd = 100;

    (void)state;
    assert_int_equal(loop_init(&loop), 0);
    while (loop.count < LOOP_FDS_MAX) {
        assert_int_equal(loop_add(&loop, fd++, 0, count_call, NULL), 0);
    }

    assert_int_equal(loop_add(&loop, fd, 0, count_call, NULL), -ENOSPC);
    loop_remove(&loop, 100);
    loop_remove(&loop, 5000);
    assert_int_equal(loop_add(&loop, fd, 0, count_call, NULL), 0);
    loop_done(&loop);
}

static void signals_are_seen_as_wishes(void **state)
{
    struct loop loop;

    (void)state;
    assert_int_equal(loop_init(&loop), 0);

    assert_int_equal(raise(SIGHUP), 0);
    assert_int_equal(loop_wait(&loop, UINT64_MAX), 0);
    assert_true(loop.reload);
    assert_false(loop.stop);

    assert_int_equal(raise(SIGTERM), 0);
    assert_int_equal(raise(SIGINT), 0);
    assert_int_equal(loop_wait(&loop, UINT64_MAX), 0);
    assert_true(loop.stop);
    loop_done(&loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ready_is_called_for_what_is_ready),
        cmocka_unit_test(what_was_removed_is_not_called),
        cmocka_unit_test(a_new_descriptor_does_not_inherit_events),
        cmocka_unit_test(there_is_an_end_to_descriptors),
        cmocka_unit_test(signals_are_seen_as_wishes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The simulated store does what was measured on xenstored and oxenstored: a
 * world that is kinder than they are would prove nothing.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/world/store.h"

#define HOME "/local/domain/7"

/* dom0, and guests 7 and 8; ~/data of 7 is its own. */
struct fixture {
    struct store *store;
    struct bus dom0;
    struct bus guest;
    struct bus other;
};

static void put(const struct bus *bus, const char *path, const char *value)
{
    assert_int_equal(
        bus_write(bus, BUS_NO_TRANSACTION, path, value, strlen(value)), 0);
}

static int set_up(void **state)
{
    static struct fixture fixture;

    memset(&fixture, 0, sizeof(fixture));
    fixture.store = store_new();
    store_connect(fixture.store, 0, "dom0", &fixture.dom0);
    store_connect(fixture.store, 7, "guest", &fixture.guest);
    store_connect(fixture.store, 8, "other", &fixture.other);
    put(&fixture.dom0, HOME "/memory/target", "4096");
    store_permit(fixture.store, HOME, 0, 7, TREE_READ);
    put(&fixture.dom0, HOME "/data", "");
    store_permit(fixture.store, HOME "/data", 7, 0, 0);
    *state = &fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;

    store_free(fixture->store);
    return 0;
}

/* The next event is for path under token; NULL: there is none. */
static void hears(const struct bus *bus, const char *path, const char *token)
{
    struct bus_event event;
    int r = bus_next_event(bus, &event);

    if (path == NULL) {
        assert_int_equal(r, 0);
        return;
    }
    assert_int_equal(r, 1);
    assert_string_equal(event.path, path);
    assert_string_equal(event.token, token);
}

static void holds(const struct bus *bus, bus_transaction t, const char *path,
                  const char *value)
{
    char text[BUS_VALUE_MAX + 1];
    int r = bus_read(bus, t, path, text, sizeof(text));

    if (value == NULL) {
        assert_int_equal(r, -ENOENT);
        return;
    }
    assert_int_equal(r, (int)strlen(value));
    assert_string_equal(text, value);
}

/* ---- Watches ------------------------------------------------------------ */

static void watch_fires_at_registration_and_for_everything_below(void **state)
{
    struct fixture *fixture = *state;
    struct bus *dom0 = &fixture->dom0;

    assert_int_equal(bus_watch(dom0, HOME "/memory", "m"), 0);
    assert_int_equal(bus_watch(dom0, HOME "/memory", "m"), -EEXIST);
    hears(dom0, HOME "/memory", "m");
    hears(dom0, NULL, NULL);

    put(dom0, HOME "/memory/target", "4096"); /* by itself, the same value */
    hears(dom0, HOME "/memory/target", "m");
    put(&fixture->guest, "data/x", "1");
    put(dom0, HOME "/memorytarget", "1");
    put(dom0, HOME, "1");
    hears(dom0, NULL, NULL);
}

static void removal_above_fires_once_with_the_watched_path(void **state)
{
    struct fixture *fixture = *state;
    struct bus *dom0 = &fixture->dom0;

    assert_int_equal(bus_watch(dom0, HOME "/memory/target", "t"), 0);
    assert_int_equal(bus_watch(dom0, HOME "/nothing", "n"), 0);
    hears(dom0, HOME "/memory/target", "t");
    hears(dom0, HOME "/nothing", "n");

    assert_int_equal(bus_remove(dom0, BUS_NO_TRANSACTION, HOME), 0);
    hears(dom0, HOME "/memory/target", "t");
    hears(dom0, NULL, NULL);

    assert_int_equal(bus_remove(dom0, BUS_NO_TRANSACTION, HOME), 0);
    hears(dom0, NULL, NULL);
}

static void special_watches_tell_of_domains(void **state)
{
    struct fixture *fixture = *state;
    struct bus *dom0 = &fixture->dom0;

    assert_int_equal(bus_watch(dom0, "@releaseDomain", "r"), 0);
    assert_int_equal(bus_watch(dom0, "@nonsense", "r"), -EINVAL);
    hears(dom0, "@releaseDomain", "r");
    store_fire(fixture->store, "@introduceDomain");
    hears(dom0, NULL, NULL);
    store_fire(fixture->store, "@releaseDomain");
    hears(dom0, "@releaseDomain", "r");
}

static void events_that_wait_come_after_unwatch(void **state)
{
    struct fixture *fixture = *state;
    struct bus *dom0 = &fixture->dom0;

    assert_int_equal(bus_watch(dom0, HOME, "h"), 0);
    assert_int_equal(bus_unwatch(dom0, HOME, "h"), 0);
    assert_int_equal(bus_unwatch(dom0, HOME, "h"), -ENOENT);
    put(dom0, HOME "/x", "1");
    hears(dom0, HOME, "h");
    hears(dom0, NULL, NULL);
}

static void guest_is_not_told_of_what_it_may_not_read(void **state)
{
    struct fixture *fixture = *state;
    struct bus *other = &fixture->other;

    assert_int_equal(bus_watch(other, HOME, "spy"), 0);
    hears(other, HOME, "spy");
    put(&fixture->dom0, HOME "/memory/target", "8192");
    hears(other, NULL, NULL);
}

/* ---- Guests ------------------------------------------------------------- */

static void guest_writes_its_data_and_reads_its_memory(void **state)
{
    struct fixture *fixture = *state;
    struct bus *guest = &fixture->guest;
    char text[16];

    put(guest, "data/balloon/report", "hello");
    holds(&fixture->dom0, BUS_NO_TRANSACTION, HOME "/data/balloon/report",
          "hello");
    holds(guest, BUS_NO_TRANSACTION, "memory/target", "4096");

    assert_int_equal(
        bus_write(guest, BUS_NO_TRANSACTION, "memory/target", "1", 1), -EACCES);
    assert_int_equal(bus_write(guest, BUS_NO_TRANSACTION, "own", "1", 1),
                     -EACCES);
    assert_int_equal(bus_remove(guest, BUS_NO_TRANSACTION, "memory"), -EACCES);
    assert_int_equal(bus_read(&fixture->other, BUS_NO_TRANSACTION,
                              HOME "/data/balloon/report", text, sizeof(text)),
                     -EACCES);
}

static void relative_watch_speaks_relatively_and_moves(void **state)
{
    struct fixture *fixture = *state;
    struct bus *guest = &fixture->guest;

    assert_int_equal(bus_watch(guest, "memory/target", "t"), 0);
    hears(guest, "memory/target", "t");

    put(&fixture->dom0, "/local/domain/9/memory/target", "1");
    store_permit(fixture->store, "/local/domain/9", 0, 9, TREE_READ);
    store_move(guest, 9);
    hears(guest, "memory/target", "t");
    put(&fixture->dom0, "/local/domain/9/memory/target", "2");
    hears(guest, "memory/target", "t");
    put(&fixture->dom0, HOME "/memory/target", "2");
    hears(guest, NULL, NULL);
    holds(guest, BUS_NO_TRANSACTION, "memory/target", "2");
}

static void quotas_bind_guests_alone(void **state)
{
    struct fixture *fixture = *state;
    char path[32];
    int i;

    fixture->store->limit_nodes = 10;
    fixture->store->limit_len = 4;
    for (i = 0; i < 9; i++) { /* and ~/data itself */
        (void)snprintf(path, sizeof(path), "data/%d", i);
        put(&fixture->guest, path, "1234");
    }
    assert_int_equal(
        bus_write(&fixture->guest, BUS_NO_TRANSACTION, "data/z", "", 0),
        -ENOSPC);
    assert_int_equal(
        bus_write(&fixture->guest, BUS_NO_TRANSACTION, "data/1", "12345", 5),
        -ENOSPC);
    put(&fixture->dom0, HOME "/data/z", "12345");
}

static void values_are_bytes(void **state)
{
    struct fixture *fixture = *state;
    char text[4];

    assert_int_equal(
        bus_write(&fixture->guest, BUS_NO_TRANSACTION, "data/x", "a\0b", 3), 0);
    assert_int_equal(bus_read(&fixture->dom0, BUS_NO_TRANSACTION,
                              HOME "/data/x", text, sizeof(text)),
                     3);
    assert_memory_equal(text, "a\0b", 4);
    assert_int_equal(
        bus_read(&fixture->dom0, BUS_NO_TRANSACTION, HOME "/data/x", text, 3),
        -E2BIG);
}

/* ---- Permissions -------------------------------------------------------- */

/* As the two directories of a device are made: permitted first, then filled. */
static void permission_goes_to_what_is_made_below(void **state)
{
    struct fixture *fixture = *state;
    struct bus *dom0 = &fixture->dom0;
    char text[16];
    bus_transaction t;

    assert_int_equal(bus_begin(dom0, &t), 0);
    assert_int_equal(bus_permit(dom0, t, HOME "/dir", 7, 0), -ENOENT);
    assert_int_equal(bus_write(dom0, t, HOME "/dir", "", 0), 0);
    assert_int_equal(bus_permit(dom0, t, HOME "/dir", 7, 0), 0);
    assert_int_equal(bus_write(dom0, t, HOME "/dir/state", "1", 1), 0);
    assert_int_equal(bus_read(&fixture->guest, BUS_NO_TRANSACTION,
                              HOME "/dir/state", text, sizeof(text)),
                     -ENOENT);
    assert_int_equal(bus_end(dom0, t, true), 0);

    put(&fixture->guest, "dir/state", "3");
    put(&fixture->guest, "dir/own", "1");
    holds(dom0, BUS_NO_TRANSACTION, HOME "/dir/state", "3");
    assert_int_equal(bus_read(&fixture->other, BUS_NO_TRANSACTION,
                              HOME "/dir/state", text, sizeof(text)),
                     -EACCES);
}

static void permission_leaves_what_is_there(void **state)
{
    struct fixture *fixture = *state;
    struct bus *dom0 = &fixture->dom0;

    put(dom0, HOME "/dir/old", "1");
    assert_int_equal(bus_permit(dom0, BUS_NO_TRANSACTION, HOME "/dir", 7, 0),
                     0);
    assert_int_equal(
        bus_write(&fixture->guest, BUS_NO_TRANSACTION, "dir/old", "2", 1),
        -EACCES);
    put(&fixture->guest, "dir/new", "2");
}

static void owner_alone_permits(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(
        bus_permit(&fixture->guest, BUS_NO_TRANSACTION, "data", 7, 8), 0);
    assert_int_equal(
        bus_permit(&fixture->other, BUS_NO_TRANSACTION, HOME "/data", 8, 8),
        -EACCES);
    assert_int_equal(
        bus_permit(&fixture->guest, BUS_NO_TRANSACTION, "memory", 7, 7),
        -EACCES);
    assert_int_equal(
        bus_permit(&fixture->guest, BUS_NO_TRANSACTION, "data/none", 7, 7),
        -ENOENT);
}

static void change_of_permission_is_a_change(void **state)
{
    struct fixture *fixture = *state;
    struct bus *dom0 = &fixture->dom0;
    bus_transaction t;

    assert_int_equal(bus_watch(dom0, HOME "/data", "d"), 0);
    hears(dom0, HOME "/data", "d");
    assert_int_equal(bus_begin(dom0, &t), 0);
    holds(dom0, t, HOME "/data", "");
    assert_int_equal(bus_permit(dom0, BUS_NO_TRANSACTION, HOME "/data", 7, 8),
                     0);
    hears(dom0, HOME "/data", "d");
    assert_int_equal(bus_end(dom0, t, true), -EAGAIN);
}

/* ---- Transactions ------------------------------------------------------- */

static void count_name(void *arg, const char *name)
{
    (void)snprintf((char *)arg + strlen(arg), 16, "%s ", name);
}

static void transaction_sees_itself_and_nobody_else_does(void **state)
{
    struct fixture *fixture = *state;
    struct bus *dom0 = &fixture->dom0;
    char names[64] = "";
    bus_transaction t;

    put(dom0, HOME "/tree/a", "1");
    put(dom0, HOME "/tree/b", "1");
    assert_int_equal(bus_begin(dom0, &t), 0);
    assert_int_equal(bus_remove(dom0, t, HOME "/tree/a"), 0);
    assert_int_equal(bus_write(dom0, t, HOME "/tree/c/d", "2", 1), 0);

    holds(dom0, t, HOME "/tree/a", NULL);
    holds(dom0, t, HOME "/tree/c", "");
    holds(dom0, t, HOME "/tree/c/d", "2");
    assert_int_equal(bus_list(dom0, t, HOME "/tree", count_name, names), 2);
    assert_string_equal(names, "b c ");
    holds(dom0, BUS_NO_TRANSACTION, HOME "/tree/a", "1");
    holds(dom0, BUS_NO_TRANSACTION, HOME "/tree/c/d", NULL);

    assert_int_equal(bus_end(dom0, t, true), 0);
    holds(dom0, BUS_NO_TRANSACTION, HOME "/tree/a", NULL);
    holds(dom0, BUS_NO_TRANSACTION, HOME "/tree/c/d", "2");
    assert_int_equal(bus_end(dom0, t, true), -ENOENT);
}

static void transaction_fires_when_it_is_committed(void **state)
{
    struct fixture *fixture = *state;
    struct bus *dom0 = &fixture->dom0;
    bus_transaction t;

    assert_int_equal(bus_watch(dom0, HOME "/memory", "m"), 0);
    hears(dom0, HOME "/memory", "m");
    assert_int_equal(bus_begin(dom0, &t), 0);
    assert_int_equal(bus_write(dom0, t, HOME "/memory/target", "1", 1), 0);
    hears(dom0, NULL, NULL);
    assert_int_equal(bus_end(dom0, t, true), 0);
    hears(dom0, HOME "/memory/target", "m");

    assert_int_equal(bus_begin(dom0, &t), 0);
    assert_int_equal(bus_write(dom0, t, HOME "/memory/target", "2", 1), 0);
    assert_int_equal(bus_end(dom0, t, false), 0);
    hears(dom0, NULL, NULL);
    holds(dom0, BUS_NO_TRANSACTION, HOME "/memory/target", "1");
}

/* What happens between what the transaction does and its end. */
static const struct {
    const char *why;
    const char *touched; /* read, or written if it begins with '=' */
    const char *changed; /* by another; removed if it begins with '-' */
    int result;
} meetings[] = {
    {"read and written", "/memory/target", "/memory/target", -EAGAIN},
    {"written by both", "=/memory/target", "/memory/target", -EAGAIN},
    {"read and removed", "/memory/target", "-/memory/target", -EAGAIN},
    {"removed from above", "/memory/target", "-", -EAGAIN},
    {"not there, then made", "/memory/new", "/memory/new", -EAGAIN},
    {"both make children", "=/memory/new", "/memory/newer", -EAGAIN},
    {"a neighbour", "/memory/target", "/memory/other", 0},
    {"a child of it", "/memory/target", "/memory/target/below", -EAGAIN},
    {"something else", "=/memory/target", "/name", 0},
};

static void transactions_that_meet_are_to_begin_again(void **state)
{
    struct fixture *fixture = *state;
    struct bus *dom0 = &fixture->dom0;
    unsigned int i;

    for (i = 0; i < sizeof(meetings) / sizeof(meetings[0]); i++) {
        bool writes = meetings[i].touched[0] == '=';
        bool removes = meetings[i].changed[0] == '-';
        char path[BUS_PATH_MAX];
        char value[BUS_VALUE_MAX + 1];
        bus_transaction t;

        print_message("# %s\n", meetings[i].why);
        put(dom0, HOME "/memory/target", "1");
        (void)bus_remove(dom0, BUS_NO_TRANSACTION, HOME "/memory/new");
        assert_int_equal(bus_begin(dom0, &t), 0);
        (void)snprintf(path, sizeof(path), HOME "%s",
                       meetings[i].touched + (writes ? 1 : 0));
        if (writes) {
            assert_int_equal(bus_write(dom0, t, path, "9", 1), 0);
        } else {
            (void)bus_read(dom0, t, path, value, sizeof(value));
        }
        (void)snprintf(path, sizeof(path), HOME "%s",
                       meetings[i].changed + (removes ? 1 : 0));
        if (removes) {
            (void)bus_remove(dom0, BUS_NO_TRANSACTION, path);
        } else {
            put(dom0, path, "5");
        }
        assert_int_equal(bus_end(dom0, t, true), meetings[i].result);
    }
}

/* ---- Ends --------------------------------------------------------------- */

static void lost_end_is_lost_for_good(void **state)
{
    struct fixture *fixture = *state;
    struct bus *dom0 = &fixture->dom0;
    struct bus_event event;
    bus_transaction t;

    store_lose(dom0);
    assert_int_equal(bus_next_event(dom0, &event), -ENOTCONN);
    assert_int_equal(bus_write(dom0, BUS_NO_TRANSACTION, HOME, "", 0),
                     -ENOTCONN);
    assert_int_equal(bus_begin(dom0, &t), -ENOTCONN);
    assert_int_equal(bus_watch(dom0, HOME, "h"), -ENOTCONN);
    assert_true(store_waiting(dom0) > 0); /* it wakes up to see it */
}

static void log_says_who_wrote_what_when(void **state)
{
    struct fixture *fixture = *state;
    const struct writes *log = &fixture->store->log;

    fixture->store->now_ms = 500;
    put(&fixture->dom0, HOME "/memory/target", "1");
    put(&fixture->guest, "data/x", "1");

    assert_int_equal(writes_count(log, 500, NULL, NULL), 2);
    assert_int_equal(writes_count(log, 500, "dom0", NULL), 1);
    assert_int_equal(writes_count(log, 500, "dom0", "/data"), 0);
    assert_int_equal(writes_count(log, 500, "guest", "/data"), 1);
    assert_int_equal(writes_count(log, 501, NULL, NULL), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(watch_fires_at_registration_and_for_everything_below),
        TEST(removal_above_fires_once_with_the_watched_path),
        TEST(special_watches_tell_of_domains),
        TEST(events_that_wait_come_after_unwatch),
        TEST(guest_is_not_told_of_what_it_may_not_read),
        TEST(guest_writes_its_data_and_reads_its_memory),
        TEST(relative_watch_speaks_relatively_and_moves),
        TEST(quotas_bind_guests_alone),
        TEST(values_are_bytes),
        TEST(permission_goes_to_what_is_made_below),
        TEST(permission_leaves_what_is_there),
        TEST(owner_alone_permits),
        TEST(change_of_permission_is_a_change),
        TEST(transaction_sees_itself_and_nobody_else_does),
        TEST(transaction_fires_when_it_is_committed),
        TEST(transactions_that_meet_are_to_begin_again),
        TEST(lost_end_is_lost_for_good),
        TEST(log_says_who_wrote_what_when),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

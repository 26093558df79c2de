/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guest's end of the device: the machine alone, and the whole frontend on
 * the simulated store, against a backend that this test plays by hand.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/log.h"
#include "common/page.h"
#include "common/protocol.h"
#include "common/report.h"
#include "frontend/frontend.h"
#include "tests/world/fault.h"
#include "tests/world/ledger.h"
#include "tests/world/model.h"
#include "tests/world/store.h"

#define COUNT_OF(table) (sizeof(table) / sizeof((table)[0]))

#define MIB UINT64_C(1024)
#define START_MS 5000
#define DOMID 7

/* --- The machine alone --------------------------------------------------- */

enum { U = 0, S1, S2, S3, S4, S5, S6 }; /* states */

static void next_step_follows_from_both_states(void **state)
{
    static const struct {
        const char *why;
        bool is_there;
        unsigned int wrote, own, backend;
        bool spoke;
        enum device_step step;
    } cases[] = {
        {"no device", false, U, U, U, false, DEVICE_WAIT},
        {"device is new", true, U, S1, S2, false, DEVICE_BEGIN},
        {"found a backend that works", true, U, S4, S4, false, DEVICE_BEGIN},
        {"found its predecessor's end", true, U, S6, S2, false, DEVICE_BEGIN},
        {"backend is not ready", true, U, S1, S1, false, DEVICE_WAIT},
        {"backend has no state", true, U, S1, U, false, DEVICE_WAIT},
        {"backend closes", true, S4, S4, S5, true, DEVICE_WAIT},
        {"no answer yet", true, S3, S3, S2, false, DEVICE_WAIT},
        {"no answer to us yet", true, S3, S3, S4, false, DEVICE_WAIT},
        {"answered", true, S3, S3, S4, true, DEVICE_CONFIRM},
        {"at work", true, S4, S4, S4, true, DEVICE_WAIT},
        {"backend began again", true, S4, S4, S2, true, DEVICE_BEGIN},
        {"device was made anew", true, S4, S1, S2, true, DEVICE_BEGIN},
        {"made anew in mid-handshake", true, S3, S1, S2, false, DEVICE_BEGIN},
        {"somebody closed it", true, S4, S6, S4, false, DEVICE_BEGIN},
        {"refused", true, S3, S3, S2, true, DEVICE_WAIT},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct device device = {.state = (enum protocol_state)cases[i].wrote};
        const struct device_view view = {
            .is_there = cases[i].is_there,
            .own = (enum protocol_state)cases[i].own,
            .backend = (enum protocol_state)cases[i].backend,
            .backend_spoke = cases[i].spoke,
        };
        enum device_step step = device_round(&device, &view, START_MS);

        if (step != cases[i].step) {
            fail_msg("%s: %d, not %d", cases[i].why, step, cases[i].step);
        }
    }
}

static void refusal_is_met_less_and_less_often(void **state)
{
    struct device_view view = {.is_there = true,
                               .own = PROTOCOL_INITIALISED,
                               .backend = PROTOCOL_INIT_WAIT,
                               .backend_spoke = true};
    struct device device = {0};
    unsigned int begun = 0;

    (void)state;
    device_begun(&device);
    for (uint64_t now_ms = 0; now_ms < 300000; now_ms += 100) {
        if (device_round(&device, &view, now_ms) == DEVICE_BEGIN) {
            device_begun(&device);
            begun++;
        } else {
            assert_true(device_next_ms(&device, now_ms) > now_ms);
            assert_true(device_next_ms(&device, now_ms) <=
                        now_ms + BACKOFF_LAST_MS);
        }
    }
    assert_in_range(begun, 10, 20); /* 1, 2, 4 ... 30 s */

    /* One that understands at last is as good as any. */
    view.backend = PROTOCOL_CONNECTED;
    assert_int_equal(device_round(&device, &view, 300000), DEVICE_CONFIRM);
    device_confirmed(&device);
    view.own = PROTOCOL_CONNECTED;
    assert_true(device_is_connected(&device, &view));
    view.backend = PROTOCOL_INIT_WAIT;
    assert_int_equal(device_round(&device, &view, 300001), DEVICE_BEGIN);
}

/* What the backend said before we began is no answer to us. */
static void answer_of_before_counts_no_more(void **state)
{
    struct device_view view = {.is_there = true,
                               .own = PROTOCOL_CONNECTED,
                               .backend = PROTOCOL_INIT_WAIT,
                               .backend_spoke = true};
    struct device device = {.state = PROTOCOL_CONNECTED};

    (void)state;
    assert_int_equal(device_round(&device, &view, START_MS), DEVICE_BEGIN);
    device_begun(&device);
    view.own = PROTOCOL_INITIALISED;
    view.backend_spoke = false;
    assert_int_equal(device_round(&device, &view, START_MS), DEVICE_WAIT);
    view.backend = PROTOCOL_CONNECTED;
    assert_int_equal(device_round(&device, &view, START_MS), DEVICE_WAIT);
    view.backend_spoke = true;
    assert_int_equal(device_round(&device, &view, START_MS), DEVICE_CONFIRM);
}

/* --- The whole frontend -------------------------------------------------- */

static const struct model_point points[] = {{0, 100 * MIB, 0, 0}};
static const struct model_nature nature = {
    .word = "plain",
    .points = points,
    .point_count = 1,
    .growth_kib_s = 1024 * MIB,
    .kernel_kib = 40 * MIB,
    .up_kib_s = 256 * MIB,
    .down_kib_s = 256 * MIB,
};

struct rig {
    struct store *store;
    struct ledger ledger;
    struct bus dom0, kernel_bus;
    struct model_nature nature;
    struct model model;
    struct guest guest;

    struct fault fault; /* between the frontend and the store */
    struct bus bus;
    struct frontend frontend;

    uint32_t domid;
    uint64_t now_ms, next_ms;
    bool backend_is_deaf;
};

static struct rig rig;

static const char *own(const char *name)
{
    static char path[2][BUS_PATH_MAX];
    static unsigned int turn;
    char *text = path[turn++ % 2];

    (void)snprintf(text, BUS_PATH_MAX, "/local/domain/%u/%s%s%s", rig.domid,
                   PROTOCOL_FRONTEND, name[0] != '\0' ? "/" : "", name);
    return text;
}

static const char *backends(const char *name)
{
    static char path[2][BUS_PATH_MAX];
    static unsigned int turn;
    char *text = path[turn++ % 2];

    (void)snprintf(text, BUS_PATH_MAX, "%s/%u/0%s%s", PROTOCOL_BACKEND_DIR,
                   rig.domid, name[0] != '\0' ? "/" : "", name);
    return text;
}

static void put(const char *path, const char *value)
{
    assert_int_equal(
        bus_write(&rig.dom0, BUS_NO_TRANSACTION, path, value, strlen(value)),
        0);
}

static bool holds(const char *path, const char *value)
{
    const char *found = store_peek(rig.store, path);

    return value == NULL ? found == NULL
                         : found != NULL && strcmp(found, value) == 0;
}

/* As the backend does, but for the transaction. */
static void make_device(bool has_page)
{
    put(backends(""), "");
    put(own(""), "");
    put(backends(PROTOCOL_NODE_STATE), "2");
    if (has_page) {
        put(backends(PROTOCOL_NODE_FEATURE_PAGE), "1");
    }
    put(own(PROTOCOL_NODE_STATE), "1");
    put(own(PROTOCOL_NODE_BACKEND), backends(""));
    store_permit(rig.store, backends(""), 0, rig.domid, TREE_READ);
    store_permit(rig.store, own(""), rig.domid, 0, TREE_READ);
}

static void remove_backend(void)
{
    assert_int_equal(bus_remove(&rig.dom0, BUS_NO_TRANSACTION, backends("")),
                     0);
}

static void make_home(void)
{
    char path[BUS_PATH_MAX];

    (void)snprintf(path, sizeof(path), "/local/domain/%u", rig.domid);
    put(path, "");
    (void)snprintf(path, sizeof(path), "/local/domain/%u/memory/target",
                   rig.domid);
    put(path, "1048576");
    (void)snprintf(path, sizeof(path), "/local/domain/%u/device", rig.domid);
    put(path, "");
    (void)snprintf(path, sizeof(path), "/local/domain/%u", rig.domid);
    store_permit(rig.store, path, 0, rig.domid, TREE_READ);
}

static void make_domain(uint32_t domid)
{
    rig.domid = domid;
    ledger_create(&rig.ledger, domid, "00000000-0000-0000-0000-000000000007",
                  false);
    (void)ledger_set_limit(&rig.ledger, domid, 2048 * MIB);
    (void)ledger_populate(&rig.ledger, domid, 1024 * MIB);
    make_home();
}

static int set_up(void **state)
{
    struct hypervisor unused;

    (void)state;
    log_to_nowhere();
    memset(&rig, 0, sizeof(rig));
    rig.store = store_new();
    ledger_init(&rig.ledger, 8192 * MIB);
    rig.nature = nature;
    rig.now_ms = START_MS;
    store_connect(rig.store, 0, "dom0", &rig.dom0);
    make_domain(DOMID);
    store_connect(rig.store, DOMID, "kernel", &rig.kernel_bus);
    model_boot(&rig.model, &rig.nature, &rig.ledger, &rig.kernel_bus, DOMID,
               rig.now_ms);
    rig.guest = model_guest(&rig.model);
    store_connect(rig.store, DOMID, "frontend", &rig.fault.bus);
    fault_wrap(&rig.fault, &rig.bus, &unused);
    frontend_init(&rig.frontend, &rig.bus, &rig.guest, DECIDE_HEARTBEAT_MS);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    frontend_done(&rig.frontend);
    assert_null(rig.model.shared);
    store_free(rig.store);
    ledger_done(&rig.ledger);
    return 0;
}

static void answer(void)
{
    if (!rig.backend_is_deaf && holds(own(PROTOCOL_NODE_STATE), "3") &&
        holds(backends(PROTOCOL_NODE_STATE), "2")) {
        put(backends(PROTOCOL_NODE_STATE), "4");
    }
}

static int tick(void)
{
    int r;

    model_run(&rig.model, rig.now_ms);
    rig.store->now_ms = rig.now_ms;
    r = frontend_tick(&rig.frontend, rig.now_ms, &rig.next_ms);
    if (r == 0) {
        assert_true(rig.next_ms > rig.now_ms);
    }
    answer();
    return r;
}

/* Every tick that is due within the time; returns how many. */
static unsigned int run(uint64_t for_ms)
{
    const uint64_t end_ms = rig.now_ms + for_ms;
    unsigned int ticks = 0;

    while (rig.now_ms < end_ms) {
        assert_int_equal(tick(), 0);
        ticks++;
        if (store_waiting(&rig.fault.bus) > 0) {
            rig.next_ms = rig.now_ms + 1;
        }
        rig.now_ms = rig.next_ms < end_ms ? rig.next_ms : end_ms;
    }
    return ticks;
}

static uint64_t writes(void)
{
    return store_counts(&rig.fault.bus)->writes;
}

static void is_connected(void)
{
    assert_true(holds(own(PROTOCOL_NODE_STATE), "4"));
    assert_true(holds(own(PROTOCOL_NODE_VERSION), "1"));
    assert_true(device_is_connected(&rig.frontend.device,
                                    &rig.frontend.observer.device));
}

/* What dom0 gets to see in the page that the guest names. */
static void read_page(struct report *ret_report, uint32_t *ret_sequence)
{
    const char *reference = store_peek(rig.store, own(PROTOCOL_NODE_PAGE_REF));
    const unsigned char *page;
    const char *text = NULL;
    uint32_t word;
    int len;

    assert_non_null(reference);
    page = ledger_granted(&rig.ledger, rig.domid,
                          (uint32_t)strtoul(reference, NULL, 10));
    assert_non_null(page);
    memcpy(&word, page + PAGE_SEQUENCE_OFFSET, sizeof(word));
    len = page_read(page, word, word, &text, ret_sequence);
    assert_true(len > 0);
    assert_int_equal(report_parse(text, (size_t)len, ret_report), 0);
}

static void handshake_by_a_record(void **state)
{
    struct report report;
    const char *text;

    (void)state;
    make_device(false);
    (void)run(1000);

    is_connected();
    assert_true(holds(own(PROTOCOL_NODE_TRANSPORT), "record"));
    assert_true(holds(own(PROTOCOL_NODE_PAGE_REF), NULL));
    text = store_peek(rig.store, own(PROTOCOL_NODE_REPORT));
    assert_non_null(text);
    assert_int_equal(report_parse(text, strlen(text), &report), 0);
    assert_int_equal(report.target_kib, 1024 * MIB);
    assert_null(rig.model.shared);
}

static void handshake_by_a_page(void **state)
{
    struct report report;
    uint32_t sequence;

    (void)state;
    make_device(true);
    (void)run(1000);

    is_connected();
    assert_true(holds(own(PROTOCOL_NODE_TRANSPORT), "page"));
    assert_true(holds(own(PROTOCOL_NODE_REPORT), NULL));
    read_page(&report, &sequence);
    assert_int_equal(report.target_kib, 1024 * MIB);
}

static void kernel_without_gntalloc_gets_a_record(void **state)
{
    (void)state;
    rig.nature.has_no_grants = true;
    make_device(true);
    (void)run(1000);

    is_connected();
    assert_true(holds(own(PROTOCOL_NODE_TRANSPORT), "record"));
}

/* All that the first transaction writes is there at once, or nothing. */
static void handshake_is_one_transaction(void **state)
{
    (void)state;
    rig.backend_is_deaf = true;
    make_device(false);
    assert_int_equal(tick(), 0);
    assert_int_equal(tick(), 0);

    assert_int_equal(store_counts(&rig.fault.bus)->commits, 1);
    assert_true(holds(own(PROTOCOL_NODE_STATE), "3"));
    assert_true(holds(own(PROTOCOL_NODE_TRANSPORT), "record"));
    assert_non_null(store_peek(rig.store, own(PROTOCOL_NODE_REPORT)));
}

static void calm_guest_with_a_page_writes_nothing(void **state)
{
    struct report report;
    uint32_t before, after;
    uint64_t written;

    (void)state;
    make_device(true);
    (void)run(30000);
    written = writes();
    read_page(&report, &before);

    (void)run(10 * 60 * 1000);

    assert_int_equal(writes(), written);
    read_page(&report, &after);
    assert_in_range((after - before) / 2, 60, 61); /* the heartbeats */
}

static void news_in_a_page_rings(void **state)
{
    struct report report;
    char text[16];
    uint32_t sequence;

    (void)state;
    make_device(true);
    (void)run(30000);
    put("/local/domain/7/memory/target", "1048000");
    (void)run(500);

    read_page(&report, &sequence);
    assert_int_equal(report.target_kib, 1048000);
    (void)snprintf(text, sizeof(text), "%u", sequence);
    assert_true(holds(own(PROTOCOL_NODE_DOORBELL), text));
}

static void own_writes_wake_nobody(void **state)
{
    (void)state;
    make_device(false);
    (void)run(30000);

    assert_int_equal(store_waiting(&rig.fault.bus), 0);
    assert_in_range(run(60000), 6, 30); /* by the model's sleep, not events */
    assert_int_equal(store_waiting(&rig.fault.bus), 0);
}

static void restarted_backend_hears_everything_anew(void **state)
{
    static const struct {
        bool has_page;
        const char *transport;
    } cases[] = {{false, "record"}, {true, "page"}};

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        (void)set_up(state);
        make_device(cases[i].has_page);
        (void)run(1000);
        is_connected();
        (void)bus_remove(&rig.dom0, BUS_NO_TRANSACTION,
                         own(PROTOCOL_NODE_TRANSPORT));

        put(backends(PROTOCOL_NODE_STATE), "2");
        (void)run(1000);

        is_connected();
        assert_true(holds(own(PROTOCOL_NODE_TRANSPORT), cases[i].transport));
        (void)tear_down(state);
    }
}

/* The one before has taken our 3 with it; the next says 2 where 2 was. */
static void backend_restarted_in_mid_handshake_is_answered(void **state)
{
    (void)state;
    rig.backend_is_deaf = true;
    make_device(false);
    (void)run(5000);
    assert_true(holds(own(PROTOCOL_NODE_STATE), "3"));
    put(own(PROTOCOL_NODE_REPORT), "stale");

    put(backends(PROTOCOL_NODE_STATE), "2");
    (void)run(5000);

    assert_false(holds(own(PROTOCOL_NODE_REPORT), "stale"));
    rig.backend_is_deaf = false;
    answer();
    (void)run(1000);
    is_connected();
}

static void backend_that_never_answers_is_not_pestered(void **state)
{
    uint64_t written;

    (void)state;
    rig.backend_is_deaf = true;
    make_device(false);
    (void)run(5000);
    written = writes();

    assert_in_range(run(10 * 60 * 1000), 60, 65);

    assert_int_equal(writes(), written);
}

/* Killed: its predecessor's state and page reference are still there. */
static void frontend_killed_at_any_step_begins_again(void **state)
{
    for (int page = 0; page < 2; page++) {
        for (unsigned int ticks = 0; ticks < 6; ticks++) {
            (void)set_up(state);
            make_device(page == 1);
            for (unsigned int i = 0; i < ticks; i++) {
                assert_int_equal(tick(), 0);
                rig.now_ms++;
            }
            store_disconnect(&rig.fault.bus);
            model_frontend_ended(&rig.model);
            store_connect(rig.store, DOMID, "frontend", &rig.fault.bus);
            frontend_init(&rig.frontend, &rig.bus, &rig.guest,
                          DECIDE_HEARTBEAT_MS);

            for (int i = 0; i < 5; i++) {
                assert_int_equal(tick(), 0);
                rig.now_ms += 20;
                /* A backend at 4 that sees 3 answers, too. */
                if (holds(own(PROTOCOL_NODE_STATE), "3")) {
                    put(backends(PROTOCOL_NODE_STATE), "4");
                }
            }
            is_connected();
            if (page == 1) {
                struct report report;
                uint32_t sequence;

                read_page(&report, &sequence);
            }
            (void)tear_down(state);
        }
    }
}

static void stopped_frontend_closes_and_may_start_again(void **state)
{
    (void)state;
    make_device(true);
    (void)run(1000);

    assert_int_equal(frontend_stop(&rig.frontend), 0);
    frontend_done(&rig.frontend);
    frontend_done(&rig.frontend);
    assert_true(holds(own(PROTOCOL_NODE_STATE), "6"));
    assert_null(rig.model.shared);
    put(backends(PROTOCOL_NODE_STATE), "2");
    frontend_rejoin(&rig.frontend);
    (void)run(1000);

    is_connected();
}

static void frontend_without_a_device_stops_without_a_word(void **state)
{
    (void)state;
    (void)run(1000);
    assert_int_equal(frontend_stop(&rig.frontend), 0);
    assert_int_equal(writes(), 0);
}

/* Saved and restored, or migrated: another id, another store, dead grants. */
static void moved_guest_begins_again_in_its_new_domain(void **state)
{
    static const char *const ids[] = {"/local/domain/7", "/local/domain/9"};
    struct report report;
    uint32_t sequence;

    (void)state;
    make_device(true);
    (void)run(30000);
    remove_backend();
    assert_int_equal(bus_remove(&rig.dom0, BUS_NO_TRANSACTION, ids[0]), 0);
    ledger_destroy(&rig.ledger, DOMID);
    make_domain(9);
    model_move(&rig.model, 9, rig.now_ms);
    store_move(&rig.kernel_bus, 9);
    store_move(&rig.fault.bus, 9);
    (void)run(30000); /* no backend has seen it yet */
    assert_true(holds(own(PROTOCOL_NODE_STATE), NULL));
    assert_int_equal(rig.frontend.observer.allowance_kib, 0);

    make_device(true);
    (void)run(1000);

    is_connected();
    read_page(&report, &sequence);
    assert_int_equal(store_watches(&rig.fault.bus), OBSERVE_WATCHES);
}

/* The same id again, and the device there before the guest woke up. */
static void moved_guest_is_not_fooled_by_old_names(void **state)
{
    struct report report;
    uint32_t sequence;

    (void)state;
    make_device(true);
    (void)run(30000);
    ledger_destroy(&rig.ledger, DOMID);
    remove_backend();
    assert_int_equal(
        bus_remove(&rig.dom0, BUS_NO_TRANSACTION, "/local/domain/7"), 0);
    make_domain(DOMID);
    make_device(true);
    store_move(&rig.fault.bus, DOMID);
    (void)run(1000);

    is_connected();
    read_page(&report, &sequence);
}

static void backend_that_is_gone_is_missed_and_met_again(void **state)
{
    uint64_t written;

    (void)state;
    make_device(false);
    (void)run(5000);
    remove_backend();
    (void)run(1000);
    written = writes();
    assert_in_range(run(10 * 60 * 1000), 60, 65);
    assert_int_equal(writes(), written);

    make_device(false);
    (void)run(1000);
    is_connected();
}

static void names_of_no_backend_are_no_device(void **state)
{
    static const char *const names[] = {
        "",
        "/",
        "7",
        PROTOCOL_BACKEND_DIR,
        PROTOCOL_BACKEND_DIR "/",
        PROTOCOL_BACKEND_DIR "/7",
        PROTOCOL_BACKEND_DIR "/7/",
        PROTOCOL_BACKEND_DIR "/7/1",
        PROTOCOL_BACKEND_DIR "/7/00",
        PROTOCOL_BACKEND_DIR "/07/0",
        PROTOCOL_BACKEND_DIR "/-7/0",
        PROTOCOL_BACKEND_DIR "/32752/0",
        PROTOCOL_BACKEND_DIR "/7/0/",
        PROTOCOL_BACKEND_DIR "/7/0/state",
        PROTOCOL_BACKEND_DIR "//0",
        "/local/domain/0/backend/vbd/7/0",
        "/local/domain/1/backend/balloon/7/0",
        "local/domain/0/backend/balloon/7/0",
        "%s%n",
        "/local/domain/0/backend/balloon/7777777777777777777777777777777/0",
    };

    (void)state;
    make_device(false);
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        put(own(PROTOCOL_NODE_BACKEND), names[i]);
        put(own(PROTOCOL_NODE_STATE), "1");
        (void)run(1000);
        if (rig.frontend.observer.device.is_there ||
            !holds(own(PROTOCOL_NODE_STATE), "1")) {
            fail_msg("taken for a backend: \"%s\"", names[i]);
        }
    }
    assert_int_equal(bus_write(&rig.dom0, BUS_NO_TRANSACTION,
                               own(PROTOCOL_NODE_BACKEND),
                               PROTOCOL_BACKEND_DIR "/7/0\0/0",
                               strlen(PROTOCOL_BACKEND_DIR "/7/0") + 3),
                     0);
    (void)run(1000);
    assert_false(rig.frontend.observer.device.is_there);

    put(own(PROTOCOL_NODE_BACKEND), backends(""));
    (void)run(12000);
    is_connected();
}

static void states_of_no_backend_are_waited_out(void **state)
{
    static const char *const states[] = {
        "",
        "0",
        "1",
        "3",
        "5",
        "6",
        "7",
        "99",
        "-2",
        "02",
        "2 ",
        "two",
        "22222222222222222222222222222222",
    };

    (void)state;
    make_device(false);
    for (size_t i = 0; i < COUNT_OF(states); i++) {
        put(backends(PROTOCOL_NODE_STATE), states[i]);
        (void)run(500);
        if (!holds(own(PROTOCOL_NODE_STATE), "1")) {
            fail_msg("begun with a backend at \"%s\"", states[i]);
        }
    }
    put(backends(PROTOCOL_NODE_STATE), "2");
    (void)run(1000);
    is_connected();
}

static void allowance_is_a_number_or_nothing(void **state)
{
    static const struct {
        const char *text;
        uint64_t kib;
    } cases[] = {
        {"65536", 65536},   {"", 0},   {"64M", 0},
        {"131072", 131072}, {"-1", 0}, {"99999999999999999999999", 0},
        {"0", 0},
    };

    (void)state;
    make_device(false);
    (void)run(1000);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct decide_input input = {0};

        put(backends(PROTOCOL_NODE_ALLOWANCE), cases[i].text);
        assert_int_equal(
            observe_bus(&rig.frontend.observer, &rig.bus, rig.now_ms, &input),
            0);
        assert_int_equal(input.allowance_kib, cases[i].kib);
    }
    put(backends(PROTOCOL_NODE_ALLOWANCE), "65536");
    (void)run(100);
    assert_int_equal(rig.frontend.observer.allowance_kib, 65536);
    assert_int_equal(bus_remove(&rig.dom0, BUS_NO_TRANSACTION,
                                backends(PROTOCOL_NODE_ALLOWANCE)),
                     0);
    (void)run(100);
    assert_int_equal(rig.frontend.observer.allowance_kib, 0);
}

/* Whichever call fails, and however: it connects in the end, and once. */
static void store_may_fail_at_each_call(void **state)
{
    static const int errors[] = {-EAGAIN, -EIO, -ENOSPC, -ENOMEM, -ENOTCONN};
    uint64_t at = 1;
    bool struck = true;

    for (; struck; at++) {
        for (size_t i = 0; i < COUNT_OF(errors); i++) {
            unsigned int lost = 0;

            (void)set_up(state);
            make_device(at % 2 == 0);
            rig.fault.kind = FAULT_FAIL;
            rig.fault.at = at;
            rig.fault.error = errors[i];
            for (int ticks = 0; ticks < 16; ticks++) {
                /* What it fails in last it has time to make good. */
                if (ticks == 10) {
                    rig.fault.kind = FAULT_NONE;
                }
                if (tick() == -ENOTCONN) {
                    store_disconnect(&rig.fault.bus);
                    store_connect(rig.store, DOMID, "frontend", &rig.fault.bus);
                    frontend_rejoin(&rig.frontend);
                    lost++;
                }
                rig.now_ms += 10000;
                if (holds(own(PROTOCOL_NODE_STATE), "3")) {
                    put(backends(PROTOCOL_NODE_STATE), "4");
                }
            }
            struck = rig.fault.has_struck;
            if (!holds(own(PROTOCOL_NODE_STATE), "4")) {
                fail_msg("call %ju fails with %d: state %s", (uintmax_t)at,
                         errors[i],
                         store_peek(rig.store, own(PROTOCOL_NODE_STATE)));
            }
            assert_true(lost <= 1);
            assert_int_equal(store_transactions(&rig.fault.bus), 0);
            is_connected();
            (void)tear_down(state);
        }
    }
    assert_true(at > 20);
}

static void remake_device(void *arg)
{
    (void)arg;
    put(own(PROTOCOL_NODE_STATE), "1");
    put(backends(PROTOCOL_NODE_STATE), "2");
    put(own(PROTOCOL_NODE_BACKEND), backends(""));
}

/* The backend may act between any two calls of ours. */
static void device_may_be_made_anew_between_any_two_calls(void **state)
{
    bool struck = true;
    uint64_t at;

    for (at = 1; struck; at++) {
        (void)set_up(state);
        make_device(at % 2 == 0);
        rig.fault.kind = FAULT_MEDDLE;
        rig.fault.at = at;
        rig.fault.meddle = remake_device;
        (void)run(3000);

        struck = rig.fault.has_struck;
        rig.fault.kind = FAULT_NONE;
        (void)run(20000);
        is_connected();
        (void)tear_down(state);
    }
    assert_true(at > 25);
}

/* To a domain whose device is there already. */
static void move_guest(void *arg)
{
    (void)arg;
    remove_backend();
    assert_int_equal(
        bus_remove(&rig.dom0, BUS_NO_TRANSACTION, "/local/domain/7"), 0);
    ledger_destroy(&rig.ledger, DOMID);
    make_domain(9);
    make_device(true);
    model_move(&rig.model, 9, rig.now_ms);
    store_move(&rig.kernel_bus, 9);
    store_move(&rig.fault.bus, 9);
}

static void guest_may_be_moved_between_any_two_calls(void **state)
{
    struct report report;
    uint32_t sequence;
    bool struck = true;
    uint64_t at;

    for (at = 1; struck; at++) {
        (void)set_up(state);
        make_device(true);
        rig.fault.kind = FAULT_MEDDLE;
        rig.fault.at = at;
        rig.fault.meddle = move_guest;
        (void)run(3000);

        struck = rig.fault.has_struck;
        rig.fault.kind = FAULT_NONE;
        (void)run(20000);
        is_connected();
        read_page(&report, &sequence);
        (void)tear_down(state);
    }
    assert_true(at > 25);
}

/* Those that need more than one rig make them themselves. */
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(next_step_follows_from_both_states),
        cmocka_unit_test(refusal_is_met_less_and_less_often),
        cmocka_unit_test(answer_of_before_counts_no_more),
        TEST(handshake_by_a_record),
        TEST(handshake_by_a_page),
        TEST(kernel_without_gntalloc_gets_a_record),
        TEST(handshake_is_one_transaction),
        TEST(calm_guest_with_a_page_writes_nothing),
        TEST(news_in_a_page_rings),
        TEST(own_writes_wake_nobody),
        cmocka_unit_test(restarted_backend_hears_everything_anew),
        TEST(backend_restarted_in_mid_handshake_is_answered),
        TEST(backend_that_never_answers_is_not_pestered),
        cmocka_unit_test(frontend_killed_at_any_step_begins_again),
        TEST(stopped_frontend_closes_and_may_start_again),
        TEST(frontend_without_a_device_stops_without_a_word),
        TEST(moved_guest_begins_again_in_its_new_domain),
        TEST(moved_guest_is_not_fooled_by_old_names),
        TEST(backend_that_is_gone_is_missed_and_met_again),
        TEST(names_of_no_backend_are_no_device),
        TEST(states_of_no_backend_are_waited_out),
        TEST(allowance_is_a_number_or_nothing),
        cmocka_unit_test(store_may_fail_at_each_call),
        cmocka_unit_test(device_may_be_made_anew_between_any_two_calls),
        cmocka_unit_test(guest_may_be_moved_between_any_two_calls),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Mutants of the rates: what bounds the cost of a guest that rings, writes or
 * begins anew without end is forgotten in every tick.
 */
#include "backend/device.h"
#include "backend/pages.h"
#include "common/log.h"
#include "common/protocol.h"
#include "common/report.h"
#include "tests/mutants.h"

#define STORM_MS (5 * SECOND_MS)

/* Looks in that time, and some for heartbeats and the others. */
#define LOOKS (STORM_MS / BALANCER_REPORT_MIN_MS + 5)

/* Reads and writes of the store at one of them; making a device is more. */
#define REQUESTS 10
#define MAKING_REQUESTS 30

#define OWN(node) PROTOCOL_FRONTEND "/" node

/* ---- What is forgotten -------------------------------------------------- */

static struct hypervisor_ops hypervisor_now;
static struct hypervisor_ops hypervisor_was;

static struct {
    struct balancer *balancer;
    void (*one)(struct balancer_domain *domain);
} forget;

/* Each tick begins with it. */
static int list_and_forget(void *state, uint32_t first,
                           struct hypervisor_domain *domains, unsigned int max)
{
    unsigned int i;

    for (i = 0; i < forget.balancer->count; i++) {
        forget.one(&forget.balancer->domains[i]);
    }
    return hypervisor_was.list(state, first, domains, max);
}

static void forget_by(struct scenario *scenario,
                      void (*one)(struct balancer_domain *domain))
{
    forget.balancer = &scenario->world.daemon.balancer;
    forget.one = one;
    hypervisor_now.list = list_and_forget;
}

static void no_look(struct balancer_domain *domain)
{
    domain->device.look_ms = 0;
    domain->device.copied_ms = 0;
}

static void forget_looks(struct scenario *scenario)
{
    forget_by(scenario, no_look);
}

static void no_making(struct balancer_domain *domain)
{
    domain->device.made_ms = 0;
}

static void forget_makings(struct scenario *scenario)
{
    forget_by(scenario, no_making);
}

static void no_word(struct balancer_domain *domain)
{
    domain->device.saying.said = SAYING_NOTHING;
}

static void forget_words(struct scenario *scenario)
{
    forget_by(scenario, no_word);
}

static void proven(struct balancer_domain *domain)
{
    domain->bell.is_proven = true;
}

static void trust_bells(struct scenario *scenario)
{
    forget_by(scenario, proven);
}

static void not_refused(struct balancer_domain *domain)
{
    domain->bell.is_refused = false;
}

static void forget_refusals(struct scenario *scenario)
{
    forget_by(scenario, not_refused);
}

/* ---- Scenarios ---------------------------------------------------------- */

static struct character *one_guest(struct scenario *scenario)
{
    scenario_init(scenario, 4096 * MIB);
    return scenario_add(scenario, "guest", 500 * MIB, 1000 * MIB, 100 * MIB);
}

static void guest_with_bell(struct scenario *scenario)
{
    one_guest(scenario)->config.has_bell = true;
}

static void guest_with_page(struct scenario *scenario)
{
    (void)one_guest(scenario);
}

static void guest_with_record(struct scenario *scenario)
{
    one_guest(scenario)->nature.has_no_grants = true;
}

/* ---- What happens ------------------------------------------------------- */

static unsigned int lines;

/* Of the backend's: guests have logs of their own. */
static void count_line(enum log_level level, const char *line)
{
    (void)level;
    lines += strstr(line, "domid=") != NULL ? 1 : 0;
}

static uint64_t requests(const struct scenario *scenario)
{
    const struct store_counts *counts =
        store_counts(&scenario->world.daemon.fault.bus);

    return counts->reads + counts->writes;
}

static void put(struct domu *domu, const char *path, const char *value)
{
    (void)bus_write(&domu->frontend_bus, BUS_NO_TRANSACTION, path, value,
                    strlen(value));
}

/* The guest does that without a pause; then it is counted what that cost. */
static void storm(struct scenario *scenario,
                  void (*act)(struct scenario *scenario, struct domu *domu),
                  uint64_t most_copies, uint64_t most_requests,
                  unsigned int most_lines)
{
    struct world *world = &scenario->world;
    struct domu *domu = world_find(world, "guest");
    uint64_t copies;
    uint64_t asked;
    unsigned int i;

    (void)world_run_for(world, 10 * SECOND_MS);
    copies = world->ledger.counts.copies;
    asked = requests(scenario);
    lines = 0;
    log_to_taker(count_line, LOG_LEVEL_INFO);
    for (i = 0; i < STORM_MS; i++) {
        act(scenario, domu);
        (void)world_run_for(world, 1);
    }
    log_to_nowhere();
    copies = world->ledger.counts.copies - copies;
    asked = requests(scenario) - asked;
    if (copies > most_copies) {
        world_break(world, "a storm of %llu copies",
                    (unsigned long long)copies);
    } else if (asked > most_requests) {
        world_break(world, "a storm of %llu requests",
                    (unsigned long long)asked);
    } else if (lines > most_lines) {
        world_break(world, "a storm of %u lines", lines);
    }
}

static void ring(struct scenario *scenario, struct domu *domu)
{
    ledger_ring(&scenario->world.ledger, domu->domid, domu->model.bell);
}

static void bell_rings(struct scenario *scenario)
{
    storm(scenario, ring, LOOKS, LOOKS, 1);
}

static void ring_doorbell(struct scenario *scenario, struct domu *domu)
{
    (void)scenario;
    put(domu, OWN(PROTOCOL_NODE_DOORBELL), "2");
}

static void doorbell_rings(struct scenario *scenario)
{
    storm(scenario, ring_doorbell, LOOKS, LOOKS, 1);
}

static void spoil_record(struct scenario *scenario, struct domu *domu)
{
    (void)scenario;
    put(domu, OWN(PROTOCOL_NODE_REPORT), "version=1");
}

static void record_is_written(struct scenario *scenario)
{
    storm(scenario, spoil_record, 0, 2 * LOOKS, 1);
}

static void take_apart(struct scenario *scenario, struct domu *domu)
{
    (void)scenario;
    (void)bus_remove(&domu->frontend_bus, BUS_NO_TRANSACTION,
                     PROTOCOL_FRONTEND);
}

static void directory_goes(struct scenario *scenario)
{
    storm(scenario, take_apart, LOOKS,
          (STORM_MS / DEVICE_MAKE_MS + 1) * MAKING_REQUESTS, 2);
}

static void flap(struct scenario *scenario, struct domu *domu)
{
    static const char *const states[] = {"3", "x"};

    put(domu, OWN(PROTOCOL_NODE_STATE),
        states[scenario->world.now_ms / (2 * BALANCER_REPORT_MIN_MS) % 2]);
}

static void state_flaps(struct scenario *scenario)
{
    storm(scenario, flap, 0, LOOKS * 2 * REQUESTS, 2);
}

static void do_nothing(struct scenario *scenario, struct domu *domu)
{
    (void)scenario;
    (void)domu;
}

static void bell_cannot_be_armed(struct scenario *scenario)
{
    (void)world_run_for(&scenario->world, SECOND_MS);
    scenario->world.ledger.arm_failures = UINT32_MAX;
    ring(scenario, world_find(&scenario->world, "guest"));
    storm(scenario, do_nothing, 5, LOOKS, 1);
}

static void offer_bad_port(struct scenario *scenario, struct domu *domu)
{
    if (scenario->world.now_ms % BALANCER_REPORT_MIN_MS == 0) {
        put(domu, OWN(PROTOCOL_NODE_EVENT_CHANNEL), "99");
        put(domu, OWN(PROTOCOL_NODE_STATE), "3");
    }
}

static void bad_ports_are_offered(struct scenario *scenario)
{
    storm(scenario, offer_bad_port, LOOKS, LOOKS * 2 * REQUESTS, 2);
}

static const struct mutant mutants[] = {
    {"bells are heard as they ring", forget_looks, guest_with_bell, bell_rings,
     "copies"},
    {"doorbells are heard as they ring", forget_looks, guest_with_page,
     doorbell_rings, "copies"},
    {"records are read as they are written", forget_looks, guest_with_record,
     record_is_written, "requests"},
    {"devices are made as they go", forget_makings, guest_with_page,
     directory_goes, "requests"},
    {"all is said that there is to say", forget_words, guest_with_record,
     state_flaps, "lines"},
    {"what cannot be armed is bound for ever", trust_bells, guest_with_bell,
     bell_cannot_be_armed, "copies"},
    {"each bad port is refused by itself", forget_refusals, guest_with_bell,
     bad_ports_are_offered, "lines"},
};

/* ---- The tests ---------------------------------------------------------- */

static void arm(struct scenario *scenario)
{
    struct daemon *daemon = &scenario->world.daemon;

    hypervisor_was = hypervisor_now = *daemon->hypervisor.ops;
    daemon->hypervisor.ops = &hypervisor_now;
}

static void each_rate_is_needed(void **state)
{
    unsigned int i;

    (void)state;
    for (i = 0; i < sizeof(mutants) / sizeof(mutants[0]); i++) {
        mutant_check(&mutants[i], arm);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_rate_is_needed),
    };

    log_to_nowhere();
    return cmocka_run_group_tests(tests, NULL, NULL);
}

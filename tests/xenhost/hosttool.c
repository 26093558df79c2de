/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What scenarios need in dom0 beyond the shell: figures straight from Xen,
 * commands for the agent in a guest, a record of watch events.
 *
 * It shares no code with the programs under test, so that it can judge them.
 *
 *   hosttool domid NAME
 *   hosttool domains             domid name current limit outstanding flags
 *   hosttool domain NAME FIELD   current_kib limit_kib outstanding_kib flags
 *   hosttool host FIELD          free_kib total_kib outstanding_kib
 *   hosttool wait NAME SECONDS   until the agent of the guest is ready
 *   hosttool run NAME SECONDS COMMAND
 *   hosttool watch PATH...       "MS PATH" for each event until killed
 *   hosttool set NAME KIB        limit and target, as the toolstack would
 *   hosttool peer NAME KIB PERCENT
 *                                dom0's end of peerwriter, until killed: the
 *                                guest gets PERCENT of what it uses, or KIB
 *   hosttool reports ROUNDS NAME...
 *                                time to read the reports of all: of their
 *                                shared pages, and as records in the store
 *
 * Exit status: that of COMMAND for run; 124 when time is up; 125 when there
 * is no such guest (any more); 2 for wrong use; 1 for other failures.
 */
#include <stddef.h>
#include <xenctrl.h>
#include <xengnttab.h>
#include <xenstore.h>

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

#define DOMAINS_MAX 1024
#define PAGE_KIB 4
#define COMMAND_BYTES_MAX 2000 /* oxenstored refuses more than 2048 */

enum { TIME_IS_UP = 124, NO_GUEST = 125 };

static const char *const flag_names[] = {
    "dying", "hvm", "shutdown", "paused", "blocked", "running"
};

static uint64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static int complain(const char *what)
{
    fprintf(stderr, "hosttool: %s: %s\n", what, strerror(errno));
    return 1;
}

static struct xs_handle *open_store(void)
{
    struct xs_handle *xs = xs_open(0);

    if (!xs) {
        complain("cannot open the store");
        exit(1);
    }
    return xs;
}

static char *name_of(struct xs_handle *xs, uint32_t domid)
{
    char path[64];
    unsigned len;

    snprintf(path, sizeof(path), "/local/domain/%" PRIu32 "/name", domid);
    return xs_read(xs, XBT_NULL, path, &len);
}

/* Highest domid first: after a restore the dying old one may still be seen. */
static int find_domid(struct xs_handle *xs, const char *name)
{
    unsigned count = 0, i;
    char **ids = xs_directory(xs, XBT_NULL, "/local/domain", &count);
    int found = -1;

    for (i = 0; ids && i < count; i++) {
        int domid = atoi(ids[i]);
        char *its_name = name_of(xs, (uint32_t)domid);

        if (its_name && strcmp(its_name, name) == 0 && domid > found)
            found = domid;
        free(its_name);
    }
    free(ids);
    return found;
}

static int list_domains(xc_domaininfo_t **list)
{
    xc_interface *xch = xc_interface_open(NULL, NULL, 0);
    int count;

    *list = calloc(DOMAINS_MAX, sizeof(**list));
    if (!xch || !*list) {
        complain("cannot open Xen's interface");
        exit(1);
    }
    count = xc_domain_getinfolist(xch, 0, DOMAINS_MAX, *list);
    if (count < 0) {
        complain("xc_domain_getinfolist");
        exit(1);
    }
    xc_interface_close(xch);
    return count;
}

static void print_flags(uint32_t flags)
{
    bool first = true;
    unsigned i;

    for (i = 0; i < sizeof(flag_names) / sizeof(flag_names[0]); i++)
        if (flags & (1u << i)) {
            printf("%s%s", first ? "" : ",", flag_names[i]);
            first = false;
        }
    puts(first ? "-" : "");
}

static int cmd_domains(void)
{
    struct xs_handle *xs = open_store();
    xc_domaininfo_t *list;
    int count = list_domains(&list), i;

    for (i = 0; i < count; i++) {
        char *name = name_of(xs, list[i].domain);

        printf("%u %s %" PRIu64 " %" PRIu64 " %" PRIu64 " ", list[i].domain,
               name ? name : "-", (uint64_t)list[i].tot_pages * PAGE_KIB,
               (uint64_t)list[i].max_pages * PAGE_KIB,
               (uint64_t)list[i].outstanding_pages * PAGE_KIB);
        print_flags(list[i].flags);
        free(name);
    }
    free(list);
    xs_close(xs);
    return 0;
}

static int cmd_domain(const char *name, const char *field)
{
    struct xs_handle *xs = open_store();
    int domid = find_domid(xs, name), count, i, status = NO_GUEST;
    xc_domaininfo_t *list;

    xs_close(xs);
    if (domid < 0)
        return NO_GUEST;
    count = list_domains(&list);
    for (i = 0; i < count; i++) {
        if (list[i].domain != domid)
            continue;
        status = 0;
        if (strcmp(field, "current_kib") == 0)
            printf("%" PRIu64 "\n", (uint64_t)list[i].tot_pages * PAGE_KIB);
        else if (strcmp(field, "limit_kib") == 0)
            printf("%" PRIu64 "\n", (uint64_t)list[i].max_pages * PAGE_KIB);
        else if (strcmp(field, "outstanding_kib") == 0)
            printf("%" PRIu64 "\n",
                   (uint64_t)list[i].outstanding_pages * PAGE_KIB);
        else if (strcmp(field, "flags") == 0)
            print_flags(list[i].flags);
        else
            status = 2;
    }
    free(list);
    return status;
}

static int cmd_host(const char *field)
{
    xc_interface *xch = xc_interface_open(NULL, NULL, 0);
    xc_physinfo_t info;
    uint64_t pages;

    memset(&info, 0, sizeof(info));
    if (!xch || xc_physinfo(xch, &info))
        return complain("xc_physinfo");
    xc_interface_close(xch);
    if (strcmp(field, "free_kib") == 0)
        pages = info.free_pages;
    else if (strcmp(field, "total_kib") == 0)
        pages = info.total_pages;
    else if (strcmp(field, "outstanding_kib") == 0)
        pages = info.outstanding_pages;
    else
        return 2;
    printf("%" PRIu64 "\n", pages * PAGE_KIB);
    return 0;
}

static int cmd_domid(const char *name)
{
    struct xs_handle *xs = open_store();
    int domid = find_domid(xs, name);

    xs_close(xs);
    if (domid < 0)
        return NO_GUEST;
    printf("%d\n", domid);
    return 0;
}

/* Sleeps until a watch fires, a moment has passed, or time is up. */
static bool sleep_until_event(struct xs_handle *xs, uint64_t deadline_ms)
{
    struct pollfd poll_fd = { .fd = xs_fileno(xs), .events = POLLIN };
    uint64_t now = now_ms();
    char **event;

    if (now >= deadline_ms)
        return false;
    poll(&poll_fd, 1, deadline_ms - now < 500 ? (int)(deadline_ms - now)
                                              : 500);
    while ((event = xs_check_watch(xs)) != NULL)
        free(event);
    return true;
}

static int cmd_wait(const char *name, uint64_t deadline_ms)
{
    struct xs_handle *xs = open_store();
    int domid = -1, status = TIME_IS_UP;
    char path[128], *ready;
    unsigned len;

    for (;;) {
        int found = find_domid(xs, name);

        if (found != domid && found >= 0) {
            domid = found;
            snprintf(path, sizeof(path),
                     "/local/domain/%d/data/xenhost/ready", domid);
            xs_watch(xs, path, "ready");
        }
        ready = domid >= 0 ? xs_read(xs, XBT_NULL, path, &len) : NULL;
        if (ready) {
            free(ready);
            status = 0;
            break;
        }
        if (!sleep_until_event(xs, deadline_ms))
            break;
    }
    xs_close(xs);
    return status;
}

/* Prints the output of a command and clears it away. */
static int take_result(struct xs_handle *xs, const char *base, const char *id,
                       const char *done)
{
    int status = 1;
    unsigned parts = 0, i, len;
    char path[256];

    if (sscanf(done, "%d %u", &status, &parts) != 2) {
        fprintf(stderr, "hosttool: strange result '%s'\n", done);
        return 1;
    }
    for (i = 0; i < parts; i++) {
        char *part;

        snprintf(path, sizeof(path), "%s/out/%s/%u", base, id, i);
        part = xs_read(xs, XBT_NULL, path, &len);
        if (!part || !len)
            return complain(path);
        fwrite(part + 1, 1, len - 1, part[0] == '1' ? stdout : stderr);
        free(part);
    }
    snprintf(path, sizeof(path), "%s/out/%s", base, id);
    xs_rm(xs, XBT_NULL, path);
    snprintf(path, sizeof(path), "%s/done/%s", base, id);
    xs_rm(xs, XBT_NULL, path);
    return status;
}

static int cmd_run(const char *name, uint64_t deadline_ms, const char *command)
{
    struct xs_handle *xs = open_store();
    int domid = find_domid(xs, name), status = TIME_IS_UP;
    char base[128], path[256], id[64], *done, *its_name;
    unsigned len;

    if (domid < 0) {
        fprintf(stderr, "hosttool: no guest '%s'\n", name);
        return NO_GUEST;
    }
    if (strlen(command) > COMMAND_BYTES_MAX) {
        fprintf(stderr, "hosttool: command of more than %d bytes\n",
                COMMAND_BYTES_MAX);
        return 2;
    }
    snprintf(base, sizeof(base), "/local/domain/%d/data/xenhost", domid);
    snprintf(id, sizeof(id), "%d-%" PRIu64, (int)getpid(), now_ms());
    snprintf(path, sizeof(path), "%s/done/%s", base, id);
    if (!xs_watch(xs, path, "done"))
        return complain(path);
    snprintf(path, sizeof(path), "%s/cmd/%s", base, id);
    if (!xs_write(xs, XBT_NULL, path, command, (unsigned)strlen(command)))
        return complain(path);
    snprintf(path, sizeof(path), "%s/done/%s", base, id);
    for (;;) {
        done = xs_read(xs, XBT_NULL, path, &len);
        if (done) {
            status = take_result(xs, base, id, done);
            free(done);
            break;
        }
        its_name = name_of(xs, (uint32_t)domid);
        if (!its_name) {
            fprintf(stderr, "hosttool: guest '%s' has gone\n", name);
            status = NO_GUEST;
            break;
        }
        free(its_name);
        if (!sleep_until_event(xs, deadline_ms)) {
            fprintf(stderr, "hosttool: guest '%s' did not answer in time\n",
                    name);
            break;
        }
    }
    xs_close(xs);
    return status;
}

static int cmd_watch(char **paths, int count)
{
    struct xs_handle *xs = open_store();
    bool *registered = calloc((size_t)count, sizeof(*registered));
    char token[16];
    int i;

    for (i = 0; i < count; i++) {
        snprintf(token, sizeof(token), "%d", i);
        if (!xs_watch(xs, paths[i], token))
            return complain(paths[i]);
    }
    for (;;) {
        unsigned len;
        char **event = xs_read_watch(xs, &len);

        if (!event)
            return complain("xs_read_watch");
        i = atoi(event[XS_WATCH_TOKEN]);
        /* The first event only says that the watch is in place. */
        if (registered[i]) {
            printf("%" PRIu64 " %s\n", now_ms(), event[XS_WATCH_PATH]);
            fflush(stdout);
        }
        registered[i] = true;
        free(event);
    }
}

/* What the toolstack allows above the target (LIBXL_MAXMEM_CONSTANT). */
#define LIMIT_SLACK_KIB 1024

/* A limit that allows the target first; lowered, the target would do alone. */
static int set_target(struct xs_handle *xs, xc_interface *xch, int domid,
                      uint64_t target_kib)
{
    char path[128], text[32];

    if (xc_domain_setmaxmem(xch, (uint32_t)domid,
                            target_kib + LIMIT_SLACK_KIB))
        return complain("xc_domain_setmaxmem");
    snprintf(path, sizeof(path), "/local/domain/%d/memory/target", domid);
    snprintf(text, sizeof(text), "%" PRIu64, target_kib);
    if (!xs_write(xs, XBT_NULL, path, text, (unsigned)strlen(text)))
        return complain(path);
    return 0;
}

static int cmd_set(const char *name, uint64_t target_kib)
{
    xc_interface *xch = xc_interface_open(NULL, NULL, 0);
    struct xs_handle *xs = open_store();
    int domid = find_domid(xs, name);

    if (!xch)
        return complain("cannot open Xen's interface");
    return domid < 0 ? NO_GUEST : set_target(xs, xch, domid, target_kib);
}

/*
 * Obeys a guest that says what it uses, at once: so much of that is its share,
 * 130 % with Qubes' qmemman.  What that does besides (sharing out, waiting for
 * others to give) is left out, in its favour.
 */
static int cmd_peer(const char *name, uint64_t least_kib, uint64_t percent)
{
    xc_interface *xch = xc_interface_open(NULL, NULL, 0);
    struct xs_handle *xs = open_store();
    int domid = find_domid(xs, name);
    uint64_t last_kib = 0;
    char path[128];
    unsigned len;

    if (!xch || domid < 0)
        return NO_GUEST;
    snprintf(path, sizeof(path), "/local/domain/%d/data/meminfo", domid);
    if (!xs_watch(xs, path, "used"))
        return complain(path);
    for (;;) {
        char **event = xs_read_watch(xs, &len);
        char *used = xs_read(xs, XBT_NULL, path, &len);
        uint64_t wanted_kib =
            used ? strtoull(used, NULL, 10) * percent / 100 : least_kib;

        free(event);
        free(used);
        if (wanted_kib < least_kib)
            wanted_kib = least_kib;
        if (wanted_kib != last_kib &&
            set_target(xs, xch, domid, wanted_kib) != 0)
            return 1;
        last_kib = wanted_kib;
    }
}

/* About what a report is as text. */
#define RECORD_BYTES 700
#define GUESTS_MAX 32
#define PAGE_BYTES (PAGE_KIB * 1024)

static uint64_t now_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static int compare_us(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

/* What is copied, and a record of the same guest to read instead. */
static int prepare_report(struct xs_handle *xs, const char *name,
                          xengnttab_grant_copy_segment_t *segment,
                          char record[128])
{
    static unsigned char pages[GUESTS_MAX][PAGE_BYTES], text[RECORD_BYTES];
    static unsigned count;
    int domid = find_domid(xs, name);
    char path[128], *ref;
    unsigned len;

    snprintf(path, sizeof(path), "/local/domain/%d/device/balloon/0/page-ref",
             domid);
    ref = xs_read(xs, XBT_NULL, path, &len);
    if (!ref)
        return complain(path);
    segment->source.foreign.ref = (uint32_t)strtoul(ref, NULL, 10);
    segment->source.foreign.domid = (uint16_t)domid;
    segment->dest.virt = pages[count++];
    segment->len = PAGE_BYTES;
    segment->flags = GNTCOPY_source_gref;
    free(ref);
    memset(text, 'x', sizeof(text));
    snprintf(record, 128, "/local/domain/%d/data/record", domid);
    if (!xs_write(xs, XBT_NULL, record, text, sizeof(text)))
        return complain(record);
    return 0;
}

/* Prints "COPY_US STORE_US", medians of the rounds, each for all guests. */
static int cmd_reports(unsigned rounds, char **names, int count)
{
    xengnttab_grant_copy_segment_t segments[GUESTS_MAX];
    uint64_t *copy_us = calloc(rounds, sizeof(*copy_us));
    uint64_t *store_us = calloc(rounds, sizeof(*store_us));
    xengnttab_handle *grants = xengnttab_open(NULL, 0);
    struct xs_handle *xs = open_store();
    char records[GUESTS_MAX][128];
    int i;

    if (!grants || !copy_us || !store_us || !rounds || count > GUESTS_MAX)
        return complain("cannot begin");
    memset(segments, 0, sizeof(segments));
    for (i = 0; i < count; i++)
        if (prepare_report(xs, names[i], &segments[i], records[i]))
            return 1;
    for (unsigned round = 0; round < rounds; round++) {
        uint64_t begin_us = now_us();

        if (xengnttab_grant_copy(grants, (uint32_t)count, segments))
            return complain("xengnttab_grant_copy");
        copy_us[round] = now_us() - begin_us;
        begin_us = now_us();
        for (i = 0; i < count; i++) {
            unsigned len;

            free(xs_read(xs, XBT_NULL, records[i], &len));
        }
        store_us[round] = now_us() - begin_us;
    }
    for (i = 0; i < count; i++)
        if (segments[i].status != GNTST_okay) {
            fprintf(stderr, "hosttool: copy: status %d\n", segments[i].status);
            return 1;
        }
    qsort(copy_us, rounds, sizeof(*copy_us), compare_us);
    qsort(store_us, rounds, sizeof(*store_us), compare_us);
    printf("%" PRIu64 " %" PRIu64 "\n", copy_us[rounds / 2],
           store_us[rounds / 2]);
    return 0;
}

int main(int argc, char **argv)
{
    const char *verb = argc > 1 ? argv[1] : "";
    uint64_t deadline_ms =
        now_ms() + (argc > 3 ? strtoull(argv[3], NULL, 10) * 1000 : 0);

    if (strcmp(verb, "domid") == 0 && argc == 3)
        return cmd_domid(argv[2]);
    if (strcmp(verb, "domains") == 0 && argc == 2)
        return cmd_domains();
    if (strcmp(verb, "domain") == 0 && argc == 4)
        return cmd_domain(argv[2], argv[3]);
    if (strcmp(verb, "host") == 0 && argc == 3)
        return cmd_host(argv[2]);
    if (strcmp(verb, "wait") == 0 && argc == 4)
        return cmd_wait(argv[2], deadline_ms);
    if (strcmp(verb, "run") == 0 && argc == 5)
        return cmd_run(argv[2], deadline_ms, argv[4]);
    if (strcmp(verb, "watch") == 0 && argc >= 3)
        return cmd_watch(argv + 2, argc - 2);
    if (strcmp(verb, "reports") == 0 && argc >= 4)
        return cmd_reports((unsigned)strtoul(argv[2], NULL, 10), argv + 3,
                           argc - 3);
    if (strcmp(verb, "set") == 0 && argc == 4)
        return cmd_set(argv[2], strtoull(argv[3], NULL, 10));
    if (strcmp(verb, "peer") == 0 && argc == 5)
        return cmd_peer(argv[2], strtoull(argv[3], NULL, 10),
                        strtoull(argv[4], NULL, 10));
    fprintf(stderr, "hosttool: wrong use; see the head of hosttool.c\n");
    return 2;
}

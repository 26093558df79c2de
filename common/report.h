/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The report: what a guest says of itself, as text in one store node.
 *
 *     version=1 state=running heartbeat_ms=10000 current_kib=131072 ...
 *
 * Fields are separated by one space, in any order; each at most once.  A
 * reader skips names that it does not know, so a newer guest may say more.
 * version and state must be there; a running guest also says heartbeat_ms,
 * total_kib and available_kib.  What else is missing reads as 0 or absent; the
 * two pressure fields come together or not at all.
 * Raw signals only: the judgement is the backend's.
 *
 * report_parse() is the one place that turns a guest's bytes into values.
 */
#ifndef BALLOON_COMMON_REPORT_H
#define BALLOON_COMMON_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Names longer than this are skipped unread. */
#define REPORT_NAME_MAX 32

/* Fields in one report, known and unknown; more is refused. */
#define REPORT_FIELDS_MAX 64

/*
 * Bounds of heartbeat_ms.  Below the first, a guest would keep the backend
 * busy by being punctual; above the second, its silence would be noticed too
 * late to matter.
 */
#define REPORT_HEARTBEAT_MIN_MS 1000
#define REPORT_HEARTBEAT_MAX_MS 60000

enum report_state {
    REPORT_RUNNING, /* the frontend is at work */
    REPORT_STOPPED, /* it was stopped in an orderly way; no other fields */
};

/* What the kernel's balloon driver is doing, as the frontend sees it. */
enum report_balloon {
    REPORT_BALLOON_IDLE,   /* at its target */
    REPORT_BALLOON_MOVING, /* on its way */
    REPORT_BALLOON_STUCK,  /* off its target and not moving */
    REPORT_BALLOON_ABSENT, /* no driver in this kernel */
};

struct report {
    enum report_state state;
    enum report_balloon balloon;
    uint64_t heartbeat_ms; /* the next report comes within this */

    /* The kernel's balloon: what it holds and what it was told. */
    uint64_t current_kib;
    uint64_t balloon_target_kib;
    /*
     * memory/target as the guest read it with this sample; 0 if it could not.
     * Kernels count less than Xen does by a constant (video memory, firmware
     * holes): target_kib + reflex_kib - balloon_target_kib, once all have
     * settled.
     */
    uint64_t target_kib;

    /* /proc/meminfo */
    uint64_t total_kib;
    uint64_t available_kib;
    uint64_t free_kib;
    uint64_t anonymous_kib;
    uint64_t file_active_kib;
    uint64_t file_inactive_kib;
    uint64_t committed_kib;
    uint64_t swap_total_kib;
    uint64_t swap_free_kib;

    /* /proc/vmstat: counters since the guest's boot */
    uint64_t swapped_in_kib;
    uint64_t swapped_out_kib;
    uint64_t refaults;
    uint64_t major_faults;
    uint64_t allocation_stalls;
    uint64_t oom_kills;

    /* /proc/pressure/memory: totals since boot, in microseconds */
    bool has_pressure;
    uint64_t pressure_some_us;
    uint64_t pressure_full_us;

    /* What the guest says it cannot go below; ranks, never grants. */
    uint64_t floor_kib;

    /*
     * By how much the frontend has raised the kernel's target above
     * memory/target by itself, out of its allowance.
     */
    uint64_t reflex_kib;
};

/* The words of the record, for people and tools alike. */
const char *report_state_name(enum report_state state);
const char *report_balloon_name(enum report_balloon balloon);

/*
 * The record for report, without newline.  Returns its length, or -ENOSPC
 * when size (which counts the NUL) is too small; PROTOCOL_REPORT_MAX is
 * always enough.
 */
int report_format(const struct report *report, char *text, size_t size);

/*
 * Parses len untrusted bytes.  0 and *ret_report when it is a report of a
 * version we know and hangs together: amounts within UNITS_KIB_MAX, available
 * and free within total, swap_free within swap_total, heartbeat within bounds
 * (it is brought within them rather than refused).  Otherwise -EINVAL, or
 * -EPROTONOSUPPORT for another version.
 */
int report_parse(const char *untrusted_text, size_t len,
                 struct report *ret_report);

#endif

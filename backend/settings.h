/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the operator wants: of the host, and of each domain by name.  Plain
 * values; conffile.c fills them from backend.conf, the control socket changes
 * those of a running domain.
 */
#ifndef BALLOON_BACKEND_SETTINGS_H
#define BALLOON_BACKEND_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

/* xl itself sets no limit; the longest name in use here, NUL included. */
#define SETTINGS_NAME_MAX 128

#define SETTINGS_WEIGHT_MIN 1
#define SETTINGS_WEIGHT_MAX 65536
/* As credit scheduler weights do: 256 is an ordinary domain. */
#define SETTINGS_WEIGHT_DEFAULT 256

/*
 * Kept free in Xen when nothing else is said.  Above low_mem_virq_limit
 * (64 MiB), where Xen begins to warn, and enough for the overhead of a domain
 * being built (2 MiB and its page tables); a guess to be revisited by the
 * policy that learns it.
 */
#define SETTINGS_RESERVE_DEFAULT_KIB (UINT64_C(128) * 1024)

/* libxl refuses less than 128 MiB (LIBXL_MIN_DOM0_MEM), far too low for use. */
#define SETTINGS_DOM0_FLOOR_MIN_KIB (UINT64_C(128) * 1024)
#define SETTINGS_DOM0_FLOOR_DEFAULT_KIB (UINT64_C(1024) * 1024)

/* As ESX has had it since its first version: three quarters. */
#define SETTINGS_IDLE_TAX_DEFAULT_PERMYRIAD 7500

#define SETTINGS_IDLE_TAX_MAX_PERCENT 99

/* As Hyper-V's buffer: up to twenty times what is used. */
#define SETTINGS_HEADROOM_MIN_PERMYRIAD 100
#define SETTINGS_HEADROOM_MAX_PERCENT 2000

/* Xen's own reserve is going: the last quarter of it. */
#define SETTINGS_EMERGENCY_DEFAULT_PERMYRIAD 2500

/*
 * What a guest has to make room before a large shrink.  Two seconds drop
 * gigabytes of page cache, and hold up who waits for it no longer than a guest
 * that is slow to give.  The most is what somebody who waits might bear.
 */
#define SETTINGS_INTENT_WAIT_DEFAULT_MS 2000
#define SETTINGS_INTENT_WAIT_MAX_MS 60000

/* Of a file's name, NUL included. */
#define SETTINGS_PATH_MAX 512

/* About a day of a host of 20 domains that are not all at rest: a guess. */
#define SETTINGS_RECORD_SIZE_DEFAULT_KIB (UINT64_C(64) * 1024)
#define SETTINGS_RECORD_FILES_DEFAULT 4
#define SETTINGS_RECORD_FILES_MAX 1000

enum settings_has {
    SETTINGS_HAS_FLOOR = 1 << 0,
    SETTINGS_HAS_CEILING = 1 << 1,
    SETTINGS_HAS_WEIGHT = 1 << 2,
    SETTINGS_HAS_HEADROOM = 1 << 3,
};

/* One domain's; fields without their bit in has are to be derived. */
struct settings_domain {
    char name[SETTINGS_NAME_MAX];
    unsigned int has; /* of enum settings_has */
    bool leave_alone;
    uint64_t floor_kib;
    uint64_t ceiling_kib;
    uint64_t weight;
    uint64_t headroom_permyriad; /* of what is used; 0: the policy's own */
};

struct settings {
    uint64_t reserve_kib;
    uint64_t dom0_floor_kib;
    uint64_t headroom_permyriad; /* of those that have none; 0: as above */
    uint64_t idle_tax_permyriad; /* see snapshot.h */
    uint64_t emergency_permyriad;
    uint64_t intent_wait_ms;         /* 0: shrinks are not announced */
    char record[SETTINGS_PATH_MAX];  /* "": nothing is recorded */
    uint64_t record_size_kib;        /* of one file, about */
    unsigned int record_files;       /* at least 1 */
    struct settings_domain *domains; /* owned; sorted by name */
    unsigned int count;
};

/* The defaults, with no domain named. */
void settings_init(struct settings *settings);
void settings_done(struct settings *settings);

/* NULL when the name has no entry. */
const struct settings_domain *settings_find(const struct settings *settings,
                                            const char *name);

/*
 * Copies entry in; an entry of the same name is replaced.  0, or -ENOMEM, or
 * -ENOSPC above SETTINGS_DOMAINS_MAX.
 */
int settings_add(struct settings *settings,
                 const struct settings_domain *entry);
#define SETTINGS_DOMAINS_MAX 16384

/*
 * One "key=value" word, as in backend.conf and "xenballoon set": floor=SIZE,
 * ceiling=SIZE, weight=N, headroom=PERCENT, or "leave-alone".  A word that entry already has is
 * refused.  On failure returns -EINVAL, leaves entry as it was, and writes into
 * expected what would have been right, to be read after "expected".
 */
#define SETTINGS_EXPECTED_MAX 160
int settings_parse_word(struct settings_domain *entry, const char *word,
                        char expected[SETTINGS_EXPECTED_MAX]);

/* Takes over from over what over has. */
void settings_override(struct settings_domain *base,
                       const struct settings_domain *over);

/* -EINVAL when floor is above ceiling; expected says both figures. */
int settings_check(const struct settings_domain *entry,
                   char expected[SETTINGS_EXPECTED_MAX]);

#endif

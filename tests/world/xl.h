/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * xl of the simulated host: what libxl 4.17 does to Xen and to the store, in
 * its order, and xenstored's own words about domains that come and go.
 */
#ifndef BALLOON_TESTS_WORLD_XL_H
#define BALLOON_TESTS_WORLD_XL_H

#include "tests/world/world.h"

/*
 * xl create: the domain is built while time goes on.  Returns it, or NULL
 * when its memory could not be claimed: then there is no such domain.
 */
struct domu *xl_create(struct world *world, const struct domu_config *config);

/* What is to be done with a domain that is built, saved or taken apart. */
void xl_run(struct world *world, struct domu *domu);
uint64_t xl_next_ms(const struct domu *domu);

/* Its nodes go first, then the domain, bit by bit. */
void xl_destroy(struct world *world, struct domu *domu);

/* The guest stops by itself; its nodes and frames stay until xl_destroy(). */
void xl_crash(struct world *world, struct domu *domu);

/* The limit that xl gives with a target. */
uint64_t xl_limit_kib(const struct domu *domu, uint64_t target_kib);

/* 0, or -EINVAL above static-max. */
int xl_mem_set(struct world *world, struct domu *domu, uint64_t memory_kib);

/* 0, or -EINVAL below the target. */
int xl_mem_max(struct world *world, struct domu *domu, uint64_t memory_kib);

/* The domain is gone from the host; its state is in a file. */
void xl_save(struct world *world, struct domu *domu);

/* 0, or -ENOMEM. */
int xl_restore(struct world *world, struct domu *domu);

/*
 * To another host and, after a while, back: suspended, gone, and built anew
 * when there is memory for it.
 */
void xl_migrate(struct world *world, struct domu *domu);

/*
 * The same of one that runs on while its memory is copied.  When it does not fit
 * into what its target was at the beginning, it stays, and
 * world->failed_migrations counts it.
 */
void xl_migrate_live(struct world *world, struct domu *domu);

/* Taken apart and built anew, with the target that it had. */
void xl_reboot(struct world *world, struct domu *domu);

/*
 * xl shutdown: the guest is asked to, and its kernel halts after_ms later.
 * What its programs do meanwhile is the caller's.
 */
void xl_shutdown(struct world *world, struct domu *domu, uint64_t after_ms);

/* What was to become of the domain by itself. */
void xl_end(struct world *world, struct domu *domu);

#endif

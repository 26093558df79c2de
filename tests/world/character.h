/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Characters: guests in a few words.  Each begins as a willing one, and is
 * then given its wants and its faults.
 */
#ifndef BALLOON_TESTS_WORLD_CHARACTER_H
#define BALLOON_TESTS_WORLD_CHARACTER_H

#include <stdint.h>

#include "tests/world/dice.h"
#include "tests/world/domu.h"
#include "tests/world/model.h"

#define CHARACTER_POINTS_MAX 8

enum character_kind {
    CHARACTER_WILLING,
    CHARACTER_SLOW,       /* 4 MiB a second */
    CHARACTER_TRICKLING,  /* slower than anything that counts as progress */
    CHARACTER_FLOORED,    /* gives nothing below what it was built with */
    CHARACTER_CEILINGED,  /* takes nothing above what it was built with */
    CHARACTER_STUCK,      /* its balloon never moves */
    CHARACTER_HICCUPPING, /* stuck for 8 s in every 20 */
    CHARACTER_GREEDY,     /* says it needs three times what it does */
    CHARACTER_MODEST,     /* says it needs a third of what it does */
    CHARACTER_FLAPPING,   /* wants twice as much every other 7 s */
    CHARACTER_STATIC,     /* without a frontend */
    CHARACTER_HANGING,    /* its frontend hangs after a while */
    CHARACTER_GARBLED,    /* writes garbage instead of reports */
    CHARACTER_DYING,      /* crashes after a while, and is left lying */
    CHARACTER_REBOOTING,  /* again and again */
    CHARACTER_MIGRATING,  /* away and back, again and again */
    CHARACTER_KINDS
};

/* Must stay where it is while its domain lives. */
struct character {
    char name[DOMU_NAME_MAX];
    struct model_point points[CHARACTER_POINTS_MAX];
    struct model_nature nature;
    struct domu_config config;
};

/* "willing", "stuck", ... */
const char *character_word(enum character_kind kind);

/*
 * A willing PV guest without swap, whose frontend starts 1 s after its kernel
 * and whose programs want wants_kib of memory and nothing of files.
 */
void character_init(struct character *character, const char *name,
                    uint64_t memory_kib, uint64_t maxmem_kib,
                    uint64_t wants_kib);

/* From at_ms on (after its boot) they want this instead. */
void character_wants(struct character *character, uint64_t at_ms,
                     uint64_t wants_kib);

/* Gives it the faults of its kind. */
void character_turn(struct character *character, enum character_kind kind);

/* Any kind, any size up to max_kib, any wants; the same for the same dice. */
void character_draw(struct character *character, struct dice *dice,
                    unsigned int number, uint64_t max_kib);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Characters; see character.h.
 */
#include "tests/world/character.h"

#include <stdio.h>
#include <string.h>

#include "common/units.h"

#define MIB UINT64_C(1024)

/* As fast as kernel balloons were seen to be, without emulation. */
#define UP_KIB_S (400 * MIB)
#define DOWN_KIB_S (200 * MIB)

/* A service that starts. */
#define GROWTH_KIB_S (20 * MIB)

/* A small kernel and its init. */
#define KERNEL_KIB (48 * MIB)

/* Less than what libxl lets a domain have above its target. */
#define OFFSET_KIB 900

static const char *const words[] = {
    [CHARACTER_WILLING] = "willing",       [CHARACTER_SLOW] = "slow",
    [CHARACTER_TRICKLING] = "trickling",   [CHARACTER_FLOORED] = "floored",
    [CHARACTER_CEILINGED] = "ceilinged",   [CHARACTER_STUCK] = "stuck",
    [CHARACTER_HICCUPPING] = "hiccupping", [CHARACTER_GREEDY] = "greedy",
    [CHARACTER_MODEST] = "modest",         [CHARACTER_FLAPPING] = "flapping",
    [CHARACTER_STATIC] = "static",         [CHARACTER_HANGING] = "hanging",
    [CHARACTER_GARBLED] = "garbled",       [CHARACTER_DYING] = "dying",
    [CHARACTER_REBOOTING] = "rebooting",   [CHARACTER_MIGRATING] = "migrating",
};

const char *character_word(enum character_kind kind)
{
    return words[kind];
}

void character_init(struct character *character, const char *name,
                    uint64_t memory_kib, uint64_t maxmem_kib,
                    uint64_t wants_kib)
{
    memset(character, 0, sizeof(*character));
    (void)snprintf(character->name, sizeof(character->name), "%s", name);
    character->nature.word = words[CHARACTER_WILLING];
    character->nature.points = character->points;
    character->nature.growth_kib_s = GROWTH_KIB_S;
    character->nature.kernel_kib = KERNEL_KIB;
    character->nature.up_kib_s = UP_KIB_S;
    character->nature.down_kib_s = DOWN_KIB_S;
    character->config.name = character->name;
    character->config.memory_kib = memory_kib;
    character->config.maxmem_kib = maxmem_kib;
    character->config.nature = &character->nature;
    character->config.frontend_ms = 1000;
    character->config.heartbeat_ms = 10000;
    character_wants(character, 0, wants_kib);
}

void character_wants(struct character *character, uint64_t at_ms,
                     uint64_t wants_kib)
{
    struct model_point point = {.at_ms = at_ms, .anonymous_kib = wants_kib};

    if (character->nature.point_count < CHARACTER_POINTS_MAX) {
        character->points[character->nature.point_count++] = point;
    }
}

static void flap(struct character *character)
{
    struct model_point *points = character->points;

    points[1] = points[0];
    points[1].at_ms = 7000;
    points[1].anonymous_kib *= 2;
    character->nature.point_count = 2;
    character->nature.repeat_ms = 14000;
    character->nature.growth_kib_s = 10 * GROWTH_KIB_S;
}

static void end_after(struct character *character, uint64_t life_ms,
                      enum domu_end end)
{
    character->config.life_ms = life_ms;
    character->config.end = end;
}

void character_turn(struct character *character, enum character_kind kind)
{
    struct model_nature *nature = &character->nature;
    struct domu_config *config = &character->config;

    nature->word = words[kind];
    switch (kind) {
    case CHARACTER_SLOW:
        nature->up_kib_s = nature->down_kib_s = 4 * MIB;
        break;
    case CHARACTER_TRICKLING:
        nature->up_kib_s = nature->down_kib_s = 8;
        break;
    case CHARACTER_FLOORED:
        nature->floor_kib = config->memory_kib;
        break;
    case CHARACTER_CEILINGED:
        nature->ceiling_kib = config->memory_kib;
        break;
    case CHARACTER_STUCK:
        nature->stuck_until_ms = UINT64_MAX;
        break;
    case CHARACTER_HICCUPPING:
        nature->stuck_period_ms = 20000;
        nature->stuck_for_ms = 8000;
        break;
    case CHARACTER_GREEDY:
        nature->lie_permyriad = 30000;
        break;
    case CHARACTER_MODEST:
        nature->lie_permyriad = 3333;
        break;
    case CHARACTER_FLAPPING:
        flap(character);
        break;
    case CHARACTER_STATIC:
        config->frontend_ms = DOMU_NEVER;
        break;
    case CHARACTER_HANGING:
        config->hangs_ms = 9000;
        break;
    case CHARACTER_GARBLED:
        config->writes_garbage = true;
        break;
    case CHARACTER_DYING:
        end_after(character, 33000, DOMU_CRASHES);
        break;
    case CHARACTER_REBOOTING:
        end_after(character, 28000, DOMU_REBOOTS);
        break;
    case CHARACTER_MIGRATING:
        end_after(character, 23000, DOMU_MIGRATES);
        break;
    case CHARACTER_WILLING:
    case CHARACTER_KINDS:
        break;
    }
}

/* ---- Any ---------------------------------------------------------------- */

static uint64_t draw_size(struct dice *dice, uint64_t low_kib,
                          uint64_t high_kib)
{
    return units_whole_pages(
        dice_between(dice, units_min(low_kib, high_kib), high_kib));
}

static void draw_kernel(struct character *character, struct dice *dice)
{
    struct model_nature *nature = &character->nature;

    nature->swap_kib =
        dice_chance(dice, 50) ? 0 : draw_size(dice, 0, 512 * MIB);
    nature->cold_kib =
        dice_chance(dice, 50) ? 0 : draw_size(dice, 0, 512 * MIB);
    nature->growth_kib_s = dice_between(dice, MIB, 200 * MIB);
    nature->up_kib_s = dice_between(dice, 20 * MIB, 1000 * MIB);
    nature->down_kib_s = dice_between(dice, 20 * MIB, 500 * MIB);
    nature->extra_kib =
        draw_size(dice, units_less(character->config.videoram_kib, OFFSET_KIB),
                  character->config.videoram_kib + OFFSET_KIB);
    nature->uncounted_kib =
        character->config.is_hvm ? draw_size(dice, 0, 24 * MIB) : 0;
    nature->has_no_pressure = dice_chance(dice, 20);
}

void character_draw(struct character *character, struct dice *dice,
                    unsigned int number, uint64_t max_kib)
{
    uint64_t maxmem = draw_size(dice, 160 * MIB, max_kib);
    uint64_t memory =
        dice_chance(dice, 40) ? maxmem : draw_size(dice, 160 * MIB, maxmem);
    uint64_t points = dice_between(dice, 0, CHARACTER_POINTS_MAX - 1);
    uint64_t at_ms = 0;
    char name[DOMU_NAME_MAX];

    (void)snprintf(name, sizeof(name), "guest-%u", number);
    character_init(character, name, memory, maxmem,
                   draw_size(dice, 0, memory - 80 * MIB));
    while (points-- > 0) {
        at_ms += dice_between(dice, 500, 20000);
        character_wants(character, at_ms, draw_size(dice, 0, maxmem));
        character->points[character->nature.point_count - 1].file_kib =
            dice_chance(dice, 70) ? 0 : draw_size(dice, 0, maxmem / 4);
        character->points[character->nature.point_count - 1].idle_kib =
            dice_chance(dice, 70) ? 0 : draw_size(dice, 0, maxmem / 2);
    }
    if (dice_chance(dice, 50)) {
        character->config.is_hvm = true;
        character->config.videoram_kib =
            dice_chance(dice, 50) ? 0 : draw_size(dice, 4 * MIB, 16 * MIB);
    }
    character->config.frontend_ms = dice_between(dice, 0, 4000);
    character->config.heartbeat_ms = dice_between(dice, 1000, 20000);
    draw_kernel(character, dice);
    if (dice_chance(dice, 50)) {
        character_turn(character, (enum character_kind)dice_between(
                                      dice, 0, CHARACTER_KINDS - 1));
    }
}

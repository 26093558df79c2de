/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The settings as a sorted array, and the words that fill an entry of it.
 */
#include "backend/settings.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/nearest.h"
#include "common/number.h"

void settings_init(struct settings *settings)
{
    *settings = (struct settings){
        .reserve_kib = SETTINGS_RESERVE_DEFAULT_KIB,
        .idle_tax_permyriad = SETTINGS_IDLE_TAX_DEFAULT_PERMYRIAD,
        .emergency_permyriad = SETTINGS_EMERGENCY_DEFAULT_PERMYRIAD,
        .intent_wait_ms = SETTINGS_INTENT_WAIT_DEFAULT_MS,
        .dom0_floor_kib = SETTINGS_DOM0_FLOOR_DEFAULT_KIB,
        .record_size_kib = SETTINGS_RECORD_SIZE_DEFAULT_KIB,
        .record_files = SETTINGS_RECORD_FILES_DEFAULT,
    };
}

void settings_done(struct settings *settings)
{
    if (!settings) {
        return;
    }
    free(settings->domains);
    *settings = (struct settings){0};
}

/* The index of name, or of the place where it belongs. */
static unsigned int find_place(const struct settings *settings,
                               const char *name)
{
    unsigned int low = 0;
    unsigned int high = settings->count;

    while (low < high) {
        unsigned int middle = low + (high - low) / 2;

        if (strcmp(settings->domains[middle].name, name) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static bool stands_at(const struct settings *settings, unsigned int place,
                      const char *name)
{
    return place < settings->count &&
           strcmp(settings->domains[place].name, name) == 0;
}

const struct settings_domain *settings_find(const struct settings *settings,
                                            const char *name)
{
    unsigned int place = find_place(settings, name);

    return stands_at(settings, place, name) ? &settings->domains[place] : NULL;
}

/* The room doubles whenever the count has become a power of two. */
static int make_room(struct settings *settings)
{
    unsigned int count = settings->count;
    struct settings_domain *domains;

    if (count == SETTINGS_DOMAINS_MAX) {
        return -ENOSPC;
    }
    if ((count & (count - 1)) != 0) {
        return 0;
    }
    domains = realloc(settings->domains,
                      (count ? 2 * (size_t)count : 1) * sizeof(*domains));
    if (!domains) {
        return -ENOMEM;
    }
    settings->domains = domains;
    return 0;
}

int settings_add(struct settings *settings, const struct settings_domain *entry)
{
    unsigned int place = find_place(settings, entry->name);
    int r;

    if (stands_at(settings, place, entry->name)) {
        settings->domains[place] = *entry;
        return 0;
    }
    r = make_room(settings);
    if (r < 0) {
        return r;
    }
    memmove(&settings->domains[place + 1], &settings->domains[place],
            (settings->count - place) * sizeof(*settings->domains));
    settings->domains[place] = *entry;
    settings->count++;
    return 0;
}

/* What may be said of a domain; the parsers get what stands behind "=". */

static int parse_floor(struct settings_domain *entry, const char *value)
{
    return number_parse_size(value, &entry->floor_kib);
}

static int parse_ceiling(struct settings_domain *entry, const char *value)
{
    return number_parse_size(value, &entry->ceiling_kib);
}

static int parse_weight(struct settings_domain *entry, const char *value)
{
    uint64_t weight;
    int r = number_parse(value, strlen(value), SETTINGS_WEIGHT_MAX, &weight);

    if (r < 0) {
        return r;
    }
    if (weight < SETTINGS_WEIGHT_MIN) {
        return -ERANGE;
    }
    entry->weight = weight;
    return 0;
}

static int parse_headroom(struct settings_domain *entry, const char *value)
{
    uint64_t permyriad;
    int r =
        number_parse_percent(value, SETTINGS_HEADROOM_MAX_PERCENT, &permyriad);

    if (r < 0) {
        return r;
    }
    if (permyriad < SETTINGS_HEADROOM_MIN_PERMYRIAD) {
        return -ERANGE;
    }
    entry->headroom_permyriad = permyriad;
    return 0;
}

static const struct word {
    const char *key;
    enum settings_has bit;
    int (*parse)(struct settings_domain *entry, const char *value);
} words[] = {
    {"floor", SETTINGS_HAS_FLOOR, parse_floor},
    {"ceiling", SETTINGS_HAS_CEILING, parse_ceiling},
    {"weight", SETTINGS_HAS_WEIGHT, parse_weight},
    {"headroom", SETTINGS_HAS_HEADROOM, parse_headroom},
};

#define WORDS (sizeof(words) / sizeof(words[0]))

static const char *const known_keys[] = {"floor", "ceiling", "weight",
                                         "headroom", "leave-alone"};

#define KNOWN_KEYS (sizeof(known_keys) / sizeof(known_keys[0]))

static const struct word *find_word(const char *key, size_t len)
{
    for (size_t i = 0; i < WORDS; i++) {
        if (strlen(words[i].key) == len &&
            strncmp(words[i].key, key, len) == 0) {
            return &words[i];
        }
    }
    return NULL;
}

static void expect_known_key(const char *key, size_t len,
                             char expected[SETTINGS_EXPECTED_MAX])
{
    const char *meant = nearest_word(key, len, known_keys, KNOWN_KEYS);

    (void)snprintf(expected, SETTINGS_EXPECTED_MAX,
                   "floor=SIZE, ceiling=SIZE, weight=N, headroom=PERCENT or "
                   "leave-alone%s%s%s",
                   meant ? " (did you mean " : "", meant ? meant : "",
                   meant ? "?)" : "");
}

static void expect_value(const struct word *word,
                         char expected[SETTINGS_EXPECTED_MAX])
{
    if (word->bit == SETTINGS_HAS_WEIGHT) {
        (void)snprintf(expected, SETTINGS_EXPECTED_MAX,
                       "weight=N with N from %d to %d, an ordinary domain "
                       "having %d",
                       SETTINGS_WEIGHT_MIN, SETTINGS_WEIGHT_MAX,
                       SETTINGS_WEIGHT_DEFAULT);
        return;
    }
    if (word->bit == SETTINGS_HAS_HEADROOM) {
        (void)snprintf(expected, SETTINGS_EXPECTED_MAX,
                       "headroom=PERCENT from 1 to %d, of what it needs",
                       SETTINGS_HEADROOM_MAX_PERCENT);
        return;
    }
    (void)snprintf(expected, SETTINGS_EXPECTED_MAX,
                   "%s=SIZE such as %s=512M (K, M, G or T; without a unit: "
                   "MiB)",
                   word->key, word->key);
}

static void expect_once(const char *key, char expected[SETTINGS_EXPECTED_MAX])
{
    (void)snprintf(expected, SETTINGS_EXPECTED_MAX, "%s only once", key);
}

static int parse_leave_alone(struct settings_domain *entry,
                             char expected[SETTINGS_EXPECTED_MAX])
{
    if (entry->leave_alone) {
        expect_once("leave-alone", expected);
        return -EINVAL;
    }
    entry->leave_alone = true;
    return 0;
}

int settings_parse_word(struct settings_domain *entry, const char *word,
                        char expected[SETTINGS_EXPECTED_MAX])
{
    size_t key_len = strcspn(word, "=");
    const struct word *known = find_word(word, key_len);

    if (strcmp(word, "leave-alone") == 0) {
        return parse_leave_alone(entry, expected);
    }
    if (!known) {
        expect_known_key(word, key_len, expected);
        return -EINVAL;
    }
    if (entry->has & known->bit) {
        expect_once(known->key, expected);
        return -EINVAL;
    }
    if (word[key_len] == '\0' || known->parse(entry, word + key_len + 1) < 0) {
        expect_value(known, expected);
        return -EINVAL;
    }
    entry->has |= known->bit;
    return 0;
}

void settings_override(struct settings_domain *base,
                       const struct settings_domain *over)
{
    if (over->has & SETTINGS_HAS_FLOOR) {
        base->floor_kib = over->floor_kib;
    }
    if (over->has & SETTINGS_HAS_CEILING) {
        base->ceiling_kib = over->ceiling_kib;
    }
    if (over->has & SETTINGS_HAS_WEIGHT) {
        base->weight = over->weight;
    }
    if (over->has & SETTINGS_HAS_HEADROOM) {
        base->headroom_permyriad = over->headroom_permyriad;
    }
    base->has |= over->has;
}

int settings_check(const struct settings_domain *entry,
                   char expected[SETTINGS_EXPECTED_MAX])
{
    const unsigned int both = SETTINGS_HAS_FLOOR | SETTINGS_HAS_CEILING;
    char floor[NUMBER_SIZE_TEXT];
    char ceiling[NUMBER_SIZE_TEXT];

    if ((entry->has & both) != both || entry->floor_kib <= entry->ceiling_kib) {
        return 0;
    }
    (void)snprintf(
        expected, SETTINGS_EXPECTED_MAX,
        "a floor no higher than the ceiling, not a floor of %s "
        "above a ceiling of %s",
        number_format_size(floor, sizeof(floor), entry->floor_kib),
        number_format_size(ceiling, sizeof(ceiling), entry->ceiling_kib));
    return -EINVAL;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libxlutil reads the values; the scanner tells which keys there are and where
 * they stand.  Both see the same bytes, so the n-th item of the one is the n-th
 * of the other.
 */
#include "backend/conffile.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/configlines.h"
#include "backend/xlconf_xen.h"
#include "common/escape.h"
#include "common/nearest.h"
#include "common/number.h"
#include "common/textfile.h"
#include "common/units.h"

/* What is shown of a word from the file. */
#define SHOWN_MAX 64

struct reading {
    const char *name;
    char *error; /* of CONFFILE_ERROR_MAX bytes */
    const struct xlconf *conf;
    struct settings settings;
};

/* One line for the operator; returns -EINVAL to be handed on. */
static int __attribute__((format(printf, 4, 5)))
fail(const struct reading *reading, unsigned int line, const char *key,
     const char *format, ...)
{
    va_list arguments;
    int used = snprintf(reading->error, CONFFILE_ERROR_MAX,
                        "%s:%u: %s: ", reading->name, line, key);

    if (used > 0 && used < CONFFILE_ERROR_MAX) {
        va_start(arguments, format);
        (void)vsnprintf(reading->error + used,
                        CONFFILE_ERROR_MAX - (size_t)used, format, arguments);
        va_end(arguments);
    }
    return -EINVAL;
}

static const char *shown(char text[SHOWN_MAX], const char *word)
{
    return escape_text(text, SHOWN_MAX, word, strlen(word));
}

/* ---- reserve, dom0_floor ---- */

static int read_size(const struct reading *reading, const char *key,
                     unsigned int line, uint64_t *ret_kib)
{
    const char *value = xlconf_string(reading->conf, key);
    char text[SHOWN_MAX];

    if (!value) {
        return fail(reading, line, key,
                    "a list, expected one size such as "
                    "\"512M\"");
    }
    if (number_parse_size(value, ret_kib) < 0) {
        return fail(reading, line, key,
                    "\"%s\" is no size, expected one such as \"512M\" (K, M, G "
                    "or T; without a unit: MiB)",
                    shown(text, value));
    }
    return 0;
}

static int read_reserve(struct reading *reading, const struct configlines *at,
                        unsigned int line)
{
    (void)at;
    return read_size(reading, "reserve", line, &reading->settings.reserve_kib);
}

static int read_dom0_floor(struct reading *reading,
                           const struct configlines *at, unsigned int line)
{
    static const char key[] = "dom0_floor";
    uint64_t floor_kib;
    int r = read_size(reading, key, line, &floor_kib);

    (void)at;
    if (r < 0) {
        return r;
    }
    if (floor_kib < SETTINGS_DOM0_FLOOR_MIN_KIB) {
        return fail(reading, line, key,
                    "too low, expected at least 128M, below which dom0 does "
                    "not run");
    }
    reading->settings.dom0_floor_kib = floor_kib;
    return 0;
}

/* ---- headroom, idle_tax, emergency ---- */

static int read_percent(const struct reading *reading, const char *key,
                        unsigned int line, unsigned int least,
                        unsigned int most, uint64_t *ret_permyriad)
{
    const char *value = xlconf_string(reading->conf, key);
    uint64_t permyriad;
    char text[SHOWN_MAX];

    if (!value) {
        return fail(reading, line, key,
                    "a list, expected one percentage from %u to %u", least,
                    most);
    }
    if (number_parse_percent(value, most, &permyriad) < 0 ||
        permyriad < (uint64_t)least * 100) {
        return fail(reading, line, key,
                    "\"%s\" will not do, expected a percentage from %u to %u",
                    shown(text, value), least, most);
    }
    *ret_permyriad = permyriad;
    return 0;
}

static int read_headroom(struct reading *reading, const struct configlines *at,
                         unsigned int line)
{
    (void)at;
    return read_percent(reading, "headroom", line, 1,
                        SETTINGS_HEADROOM_MAX_PERCENT,
                        &reading->settings.headroom_permyriad);
}

static int read_idle_tax(struct reading *reading, const struct configlines *at,
                         unsigned int line)
{
    (void)at;
    return read_percent(reading, "idle_tax", line, 0,
                        SETTINGS_IDLE_TAX_MAX_PERCENT,
                        &reading->settings.idle_tax_permyriad);
}

static int read_emergency(struct reading *reading, const struct configlines *at,
                          unsigned int line)
{
    (void)at;
    return read_percent(reading, "emergency", line, 0, 100,
                        &reading->settings.emergency_permyriad);
}

/* ---- intent_wait ---- */

/* Digits, then "ms" or "s". */
static int parse_wait(const char *value, uint64_t *ret_ms)
{
    size_t digits = strspn(value, "0123456789");
    uint64_t unit_ms;
    uint64_t number;

    if (strcmp(value + digits, "s") == 0) {
        unit_ms = 1000;
    } else if (strcmp(value + digits, "ms") == 0 || strcmp(value, "0") == 0) {
        unit_ms = 1;
    } else {
        return -EINVAL;
    }
    if (number_parse(value, digits, SETTINGS_INTENT_WAIT_MAX_MS / unit_ms,
                     &number) < 0) {
        return -EINVAL;
    }
    *ret_ms = number * unit_ms;
    return 0;
}

static int read_intent_wait(struct reading *reading,
                            const struct configlines *at, unsigned int line)
{
    static const char key[] = "intent_wait";
    const char *value = xlconf_string(reading->conf, key);
    char text[SHOWN_MAX];

    (void)at;
    if (!value || parse_wait(value, &reading->settings.intent_wait_ms) < 0) {
        return fail(reading, line, key,
                    "%s%s%s, expected a time such as \"2s\" or \"500ms\", at "
                    "most %ds, or \"0\"",
                    value ? "\"" : "", value ? shown(text, value) : "a list",
                    value ? "\"" : "", SETTINGS_INTENT_WAIT_MAX_MS / 1000);
    }
    return 0;
}

/* ---- record, record_size, record_files ---- */

static int read_record(struct reading *reading, const struct configlines *at,
                       unsigned int line)
{
    static const char key[] = "record";
    const char *value = xlconf_string(reading->conf, key);
    char text[SHOWN_MAX];

    (void)at;
    if (!value || value[0] != '/') {
        return fail(reading, line, key,
                    "%s%s%s, expected a file such as "
                    "\"/var/log/xenballoon/record\", with its whole path",
                    value ? "\"" : "", value ? shown(text, value) : "a list",
                    value ? "\"" : "");
    }
    if (strlen(value) >= sizeof(reading->settings.record)) {
        return fail(reading, line, key,
                    "\"%s\" is too long, expected at most %zu bytes",
                    shown(text, value), sizeof(reading->settings.record) - 1);
    }
    (void)snprintf(reading->settings.record, sizeof(reading->settings.record),
                   "%s", value);
    return 0;
}

static int read_record_size(struct reading *reading,
                            const struct configlines *at, unsigned int line)
{
    static const char key[] = "record_size";
    uint64_t size_kib;
    int r = read_size(reading, key, line, &size_kib);

    (void)at;
    if (r < 0) {
        return r;
    }
    if (size_kib < UNITS_KIB_PER_MIB) {
        return fail(reading, line, key, "too small, expected at least 1M");
    }
    reading->settings.record_size_kib = size_kib;
    return 0;
}

static int read_record_files(struct reading *reading,
                             const struct configlines *at, unsigned int line)
{
    static const char key[] = "record_files";
    const char *value = xlconf_string(reading->conf, key);
    uint64_t files = 0;

    (void)at;
    if (!value ||
        number_parse(value, strlen(value), SETTINGS_RECORD_FILES_MAX, &files) <
            0 ||
        files == 0) {
        return fail(reading, line, key,
                    "expected how many files are kept, from 1 to %d",
                    SETTINGS_RECORD_FILES_MAX);
    }
    reading->settings.record_files = (unsigned int)files;
    return 0;
}

/* ---- domains ---- */

/* Cuts one word off *rest at the comma, without the blanks around it. */
static char *take_word(char **rest)
{
    static const char blanks[] = " \t";
    char *word = *rest + strspn(*rest, blanks);
    char *comma = strchr(word, ',');
    size_t len;

    *rest = comma ? comma + 1 : NULL;
    if (comma) {
        *comma = '\0';
    }
    len = strlen(word);
    while (len > 0 && strchr(blanks, word[len - 1])) {
        len--;
    }
    word[len] = '\0';
    return word;
}

static int read_name(const struct reading *reading, unsigned int line,
                     const char *name, struct settings_domain *entry)
{
    char text[SHOWN_MAX];

    if (entry->name[0] != '\0') {
        return fail(reading, line, "name",
                    "\"%s\" is a second name, expected one domain an entry",
                    shown(text, name));
    }
    if (name[0] == '\0') {
        return fail(reading, line, "name",
                    "empty, expected the name of a domain");
    }
    if (strlen(name) >= sizeof(entry->name)) {
        return fail(reading, line, "name",
                    "\"%s\" is too long, expected at most %zu bytes",
                    shown(text, name), sizeof(entry->name) - 1);
    }
    (void)snprintf(entry->name, sizeof(entry->name), "%s", name);
    return 0;
}

static int read_word(const struct reading *reading, unsigned int line,
                     const char *word, struct settings_domain *entry)
{
    static const char name[] = "name=";
    char expected[SETTINGS_EXPECTED_MAX];
    char text[SHOWN_MAX];
    char key[SHOWN_MAX];

    if (strncmp(word, name, strlen(name)) == 0) {
        return read_name(reading, line, word + strlen(name), entry);
    }
    if (word[0] == '\0') {
        return fail(reading, line, "domains",
                    "nothing between two commas, expected words such as "
                    "floor=256M, or no comma");
    }
    if (settings_parse_word(entry, word, expected) < 0) {
        return fail(reading, line,
                    escape_text(key, sizeof(key), word, strcspn(word, "=")),
                    "\"%s\" is not understood, expected %s", shown(text, word),
                    expected);
    }
    return 0;
}

static int read_words(const struct reading *reading, unsigned int line,
                      char *words, struct settings_domain *entry)
{
    char *rest = words;

    while (rest) {
        int r = read_word(reading, line, take_word(&rest), entry);

        if (r < 0) {
            return r;
        }
    }
    return 0;
}

static int add_domain(struct reading *reading, unsigned int line,
                      const struct settings_domain *entry)
{
    char expected[SETTINGS_EXPECTED_MAX];
    char text[SHOWN_MAX];
    int r;

    if (entry->name[0] == '\0') {
        return fail(reading, line, "domains",
                    "no name, expected an entry such as \"name=web1, "
                    "floor=256M\"");
    }
    if (settings_check(entry, expected) < 0) {
        return fail(reading, line, "floor", "for \"%s\", expected %s",
                    shown(text, entry->name), expected);
    }
    if (settings_find(&reading->settings, entry->name)) {
        return fail(reading, line, "name",
                    "\"%s\" stands here twice, expected one entry a domain",
                    shown(text, entry->name));
    }
    r = settings_add(&reading->settings, entry);
    if (r == -ENOSPC) {
        return fail(reading, line, "domains",
                    "too many domains, expected at most %d",
                    SETTINGS_DOMAINS_MAX);
    }
    return r;
}

static int read_domain(struct reading *reading, unsigned int line, int index)
{
    const char *item = xlconf_list_item(reading->conf, "domains", index);
    struct settings_domain entry = {0};
    char *words;
    int r;

    if (!item) {
        return fail(reading, line, "domains",
                    "a list in the list, expected \"name=NAME, WORD...\"");
    }
    words = strdup(item);
    if (!words) {
        return -ENOMEM;
    }
    r = read_words(reading, line, words, &entry);
    free(words);
    return r < 0 ? r : add_domain(reading, line, &entry);
}

static int read_domains(struct reading *reading, const struct configlines *at,
                        unsigned int line)
{
    struct configlines items = *at;
    struct configlines_place item = {.line = line};
    int count = xlconf_list_len(reading->conf, "domains");

    if (count < 0) {
        return fail(reading, line, "domains",
                    "no list, expected [ \"name=NAME, WORD...\", ... ]");
    }
    for (int i = 0; i < count; i++) {
        int r;

        (void)configlines_next(&items, &item);
        r = read_domain(reading, item.line, i);
        if (r < 0) {
            return r;
        }
    }
    return 0;
}

/* ---- The keys ---- */

/* at stands behind the key, before its value. */
typedef int read_key_fn(struct reading *reading, const struct configlines *at,
                        unsigned int line);

enum {
    KEY_RESERVE,
    KEY_DOM0_FLOOR,
    KEY_HEADROOM,
    KEY_IDLE_TAX,
    KEY_EMERGENCY,
    KEY_INTENT_WAIT,
    KEY_RECORD,
    KEY_RECORD_SIZE,
    KEY_RECORD_FILES,
    KEY_DOMAINS,
    KEYS
};

static const char *const key_names[KEYS] = {
    [KEY_RESERVE] = "reserve",
    [KEY_DOM0_FLOOR] = "dom0_floor",
    [KEY_HEADROOM] = "headroom",
    [KEY_IDLE_TAX] = "idle_tax",
    [KEY_EMERGENCY] = "emergency",
    [KEY_INTENT_WAIT] = "intent_wait",
    [KEY_RECORD] = "record",
    [KEY_RECORD_SIZE] = "record_size",
    [KEY_RECORD_FILES] = "record_files",
    [KEY_DOMAINS] = "domains",
};

static read_key_fn *const key_readers[KEYS] = {
    [KEY_RESERVE] = read_reserve,
    [KEY_DOM0_FLOOR] = read_dom0_floor,
    [KEY_HEADROOM] = read_headroom,
    [KEY_IDLE_TAX] = read_idle_tax,
    [KEY_EMERGENCY] = read_emergency,
    [KEY_INTENT_WAIT] = read_intent_wait,
    [KEY_RECORD] = read_record,
    [KEY_RECORD_SIZE] = read_record_size,
    [KEY_RECORD_FILES] = read_record_files,
    [KEY_DOMAINS] = read_domains,
};

static int find_key(const struct configlines_place *place)
{
    for (int i = 0; i < KEYS; i++) {
        if (strlen(key_names[i]) == place->len &&
            memcmp(key_names[i], place->text, place->len) == 0) {
            return i;
        }
    }
    return -ENOENT;
}

static int fail_unknown(const struct reading *reading,
                        const struct configlines_place *place)
{
    const char *meant = nearest_word(place->text, place->len, key_names, KEYS);
    char key[SHOWN_MAX];

    return fail(reading, place->line,
                escape_text(key, sizeof(key), place->text, place->len),
                "no such key, expected reserve, dom0_floor, headroom, "
                "idle_tax, emergency, intent_wait, record, record_size, "
                "record_files or "
                "domains%s%s%s",
                meant ? " (did you mean " : "", meant ? meant : "",
                meant ? "?)" : "");
}

static int read_key(struct reading *reading, unsigned int first_lines[KEYS],
                    const struct configlines *at,
                    const struct configlines_place *place)
{
    int key = find_key(place);

    if (key < 0) {
        return fail_unknown(reading, place);
    }
    if (first_lines[key] != 0) {
        return fail(reading, place->line, key_names[key],
                    "given before in line %u, expected only once",
                    first_lines[key]);
    }
    if (place->kind == CONFIGLINES_ADDITION) {
        return fail(reading, place->line, key_names[key],
                    "\"+=\" adds to nothing, expected \"=\"");
    }
    first_lines[key] = place->line;
    return key_readers[key](reading, at, place->line);
}

static int read_keys(struct reading *reading, const char *text, size_t len)
{
    unsigned int first_lines[KEYS] = {0};
    struct configlines lines;
    struct configlines_place place;

    configlines_init(&lines, text, len);
    while (configlines_next(&lines, &place)) {
        int r;

        if (place.kind == CONFIGLINES_ITEM) {
            continue;
        }
        r = read_key(reading, first_lines, &lines, &place);
        if (r < 0) {
            return r;
        }
    }
    return 0;
}

/* ---- The text ---- */

/* The key whose value a syntax error in that line is part of. */
static const char *key_at_line(const char *text, size_t len, unsigned int line,
                               char key[SHOWN_MAX])
{
    struct configlines lines;
    struct configlines_place place;

    (void)snprintf(key, SHOWN_MAX, "syntax");
    configlines_init(&lines, text, len);
    while (configlines_next(&lines, &place) && place.line <= line) {
        if (place.kind != CONFIGLINES_ITEM) {
            (void)escape_text(key, SHOWN_MAX, place.text, place.len);
        }
    }
    return key;
}

static int fail_syntax(const struct reading *reading, const char *text,
                       size_t len, const struct xlconf_error *error)
{
    char key[SHOWN_MAX];

    if (error->line == 0) {
        (void)snprintf(reading->error, CONFFILE_ERROR_MAX,
                       "%s: %s, expected a configuration file", reading->name,
                       error->what);
        return -EINVAL;
    }
    return fail(reading, error->line, key_at_line(text, len, error->line, key),
                "%s, expected KEY = NUMBER, KEY = \"TEXT\" (in quotes) or "
                "KEY = [ \"TEXT\", ... ]",
                error->what);
}

static int fail_system(const struct reading *reading, int r)
{
    (void)snprintf(reading->error, CONFFILE_ERROR_MAX, "%s: %s", reading->name,
                   strerror(-r));
    return r;
}

int conffile_parse(const char *name, const char *text, size_t len,
                   struct settings *ret_settings,
                   char error[CONFFILE_ERROR_MAX])
{
    struct reading reading = {.name = name, .error = error};
    struct xlconf_error syntax;
    struct xlconf *conf = NULL;
    int r;

    settings_init(&reading.settings);
    r = xlconf_parse(text, len, &conf, &syntax);
    if (r == -EINVAL) {
        return fail_syntax(&reading, text, len, &syntax);
    }
    if (r < 0) {
        return fail_system(&reading, r);
    }
    reading.conf = conf;
    r = read_keys(&reading, text, len);
    xlconf_free(conf);
    if (r < 0) {
        settings_done(&reading.settings);
        return r == -EINVAL ? r : fail_system(&reading, r);
    }
    *ret_settings = reading.settings;
    return 0;
}

int conffile_read(const char *path, struct settings *ret_settings,
                  char error[CONFFILE_ERROR_MAX])
{
    const struct reading reading = {.name = path, .error = error};
    char *text = NULL;
    size_t len = 0;
    int r = textfile_read(path, XLCONF_TEXT_MAX + 1, &text, &len);

    if (r < 0) {
        return fail_system(&reading, r);
    }
    r = conffile_parse(path, text, len, ret_settings, error);
    free(text);
    return r;
}

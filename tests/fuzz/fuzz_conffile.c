/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any bytes as backend.conf: settings that hold together, or one printable line
 * that says why not.
 */
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "backend/conffile.h"
#include "backend/configlines.h"
#include "common/units.h"

/*
 * For the leak sanitizer, when there is one: libxlutil 4.17 loses the lists it
 * has begun when it meets an error in a list in a list.
 */
const char *__lsan_default_suppressions(void);

const char *__lsan_default_suppressions(void)
{
    return "leak:libxlutil";
}

static void must(int holds)
{
    if (!holds) {
        abort();
    }
}

static void check_settings(const struct settings *settings)
{
    char expected[SETTINGS_EXPECTED_MAX];

    must(settings->reserve_kib <= UNITS_KIB_MAX);
    must(settings->dom0_floor_kib >= SETTINGS_DOM0_FLOOR_MIN_KIB);
    for (unsigned int i = 0; i < settings->count; i++) {
        const struct settings_domain *domain = &settings->domains[i];

        must(domain->name[0] != '\0');
        must(settings_find(settings, domain->name) == domain);
        must(settings_check(domain, expected) == 0);
    }
}

static void check_error(const char *error)
{
    must(strncmp(error, "F:", 2) == 0);
    for (; *error; error++) {
        must(*error >= 0x20 && *error < 0x7f);
    }
}

/* Also of bytes that libxlutil would refuse. */
static void check_scanner(const char *text, size_t len)
{
    struct configlines lines;
    struct configlines_place place;
    unsigned int line = 1;

    configlines_init(&lines, text, len);
    while (configlines_next(&lines, &place)) {
        must(place.line >= line);
        must(place.len > 0);
        must(place.text >= text && place.text + place.len <= text + len);
        line = place.line;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    struct settings settings;
    char error[CONFFILE_ERROR_MAX] = "";

    check_scanner(text, size);
    if (conffile_parse("F", text, size, &settings, error) == 0) {
        check_settings(&settings);
        settings_done(&settings);
    } else {
        check_error(error);
    }
    return 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* backend.conf: what is taken, and what is said of what is not, and where. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "backend/conffile.h"

#define COUNT_OF(table) (sizeof(table) / sizeof((table)[0]))
#define MIB UINT64_C(1024)
#define GIB (1024 * MIB)

/* Expects the text to be taken; the caller frees. */
static struct settings good(const char *text)
{
    struct settings settings;
    char error[CONFFILE_ERROR_MAX] = "";
    int r = conffile_parse("F", text, strlen(text), &settings, error);

    if (r != 0) {
        fail_msg("refused: %s", error);
    }
    return settings;
}

static void empty_texts_are_all_defaults(void **state)
{
    static const char *const texts[] = {
        "",
        "\n",
        "\n\n  \t\n",
        "# nothing",
        "# nothing\n",
        ";;\n;",
        "domains = [ ]",
        "domains = [\n# none\n]\n",
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        struct settings settings = good(texts[i]);

        assert_int_equal(settings.reserve_kib, SETTINGS_RESERVE_DEFAULT_KIB);
        assert_int_equal(settings.dom0_floor_kib,
                         SETTINGS_DOM0_FLOOR_DEFAULT_KIB);
        assert_int_equal(settings.count, 0);
        settings_done(&settings);
    }
}

static void sizes_are_taken_as_xl_takes_them(void **state)
{
    static const struct {
        const char *text;
        uint64_t reserve_kib;
        const char *why;
    } cases[] = {
        {"reserve = 256", 256 * MIB, "a bare number is MiB"},
        {"reserve = \"256\"", 256 * MIB, "in quotes, too"},
        {"reserve = '2G'", 2 * GIB, "a unit, in single quotes"},
        {"reserve=\"65536k\"", 64 * MIB, "lower case"},
        {"  reserve\t=\t\"1GiB\"  ;", GIB, "blanks and a semicolon"},
        {"reserve = 0", 0, "none at all"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct settings settings = good(cases[i].text);

        if (settings.reserve_kib != cases[i].reserve_kib) {
            fail_msg("%s", cases[i].why);
        }
        settings_done(&settings);
    }
}

static void percentages_are_taken_with_and_without_a_sign(void **state)
{
    struct settings settings = good("idle_tax = 0\nheadroom = \"2000%\"\n"
                                    "emergency = 100\n"
                                    "domains = [ \"name=a, headroom=7%\" ]\n");

    (void)state;
    assert_int_equal(settings.idle_tax_permyriad, 0);
    assert_int_equal(settings.headroom_permyriad, 200000);
    assert_int_equal(settings.emergency_permyriad, 10000);
    assert_int_equal(settings_find(&settings, "a")->headroom_permyriad, 700);
    settings_done(&settings);
}

static void time_for_intent_is_taken_in_seconds_or_less(void **state)
{
    static const struct {
        const char *text;
        uint64_t wait_ms;
    } cases[] = {
        {"", 2000},
        {"intent_wait = \"500ms\"\n", 500},
        {"intent_wait = \"60s\"\n", 60000},
        {"intent_wait = 0\n", 0},
        {"intent_wait = \"0s\"\n", 0},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct settings settings = good(cases[i].text);

        assert_int_equal(settings.intent_wait_ms, cases[i].wait_ms);
        settings_done(&settings);
    }
}

static void recording_is_taken(void **state)
{
    struct settings settings = good("record = \"/var/log/x\"\n"
                                    "record_size = \"2M\"\n"
                                    "record_files = 1000\n");

    (void)state;
    assert_string_equal(settings.record, "/var/log/x");
    assert_int_equal(settings.record_size_kib, 2 * MIB);
    assert_int_equal(settings.record_files, 1000);
    settings_done(&settings);

    settings = good("");
    assert_string_equal(settings.record, "");
    assert_int_equal(settings.record_size_kib, 64 * MIB);
    assert_int_equal(settings.record_files, 4);
    settings_done(&settings);
}

static void domains_are_taken_word_by_word(void **state)
{
    struct settings settings =
        good("dom0_floor = \"2G\"\n"
             "domains = [ \"name=web1, floor=256M, ceiling=2G, weight=512\",\n"
             "  'name=db,leave-alone', # a comment\n"
             "  \"floor=1G,name= a name \",\n"
             "  \"name=\\\"quoted\\\"\" ]\n"
             "reserve = \"64M\"\n");
    const struct settings_domain *web = settings_find(&settings, "web1");
    const struct settings_domain *db = settings_find(&settings, "db");
    const struct settings_domain *spaced = settings_find(&settings, " a name");

    (void)state;
    assert_int_equal(settings.count, 4);
    assert_int_equal(settings.dom0_floor_kib, 2 * GIB);
    assert_int_equal(settings.reserve_kib, 64 * MIB);
    assert_non_null(web);
    assert_int_equal(web->has, SETTINGS_HAS_FLOOR | SETTINGS_HAS_CEILING |
                                   SETTINGS_HAS_WEIGHT);
    assert_int_equal(web->floor_kib, 256 * MIB);
    assert_int_equal(web->ceiling_kib, 2 * GIB);
    assert_int_equal(web->weight, 512);
    assert_false(web->leave_alone);
    assert_non_null(db);
    assert_true(db->leave_alone);
    assert_int_equal(db->has, 0);
    assert_non_null(spaced);
    assert_int_equal(spaced->floor_kib, GIB);
    assert_non_null(settings_find(&settings, "\"quoted\""));
    settings_done(&settings);
}

static const struct {
    const char *text;
    const char *error; /* its beginning */
    const char *why;
} bad[] = {
    /* Recording */
    {"record = \"log\"",
     "F:1: record: \"log\", expected a file such as "
     "\"/var/log/xenballoon/record\", with its whole path",
     "a relative path"},
    {"record = []", "F:1: record: a list, expected a file", "a list"},
    {"record_size = 0", "F:1: record_size: too small, expected at least 1M",
     "none"},
    {"record_size = \"x\"", "F:1: record_size: \"x\" is no size", "no size"},
    {"record_files = 0",
     "F:1: record_files: expected how many files are kept, from 1 to 1000",
     "none"},
    {"record_files = 1001", "F:1: record_files: expected how many", "many"},
    {"record_files = []", "F:1: record_files: expected how many", "a list"},

    {"idle_tax = 100",
     "F:1: idle_tax: \"100\" will not do, expected a percentage from 0 to 99",
     "idle memory for nobody"},
    {"headroom = \"0%\"", "F:1: headroom: \"0%\" will not do", "no room"},
    {"emergency = [ \"1\" ]", "F:1: emergency: a list, expected one", "a list"},
    {"intent_wait = 2", "F:1: intent_wait: \"2\", expected a time", "no unit"},
    {"intent_wait = \"61s\"", "F:1: intent_wait: \"61s\", expected a time",
     "too long"},
    {"intent_wait = \"s\"", "F:1: intent_wait: \"s\", expected a time",
     "no number"},
    {"intent_wait = \"-1ms\"", "F:1: intent_wait: \"-1ms\", expected a time",
     "back in time"},
    {"intent_wait = [ \"1s\" ]", "F:1: intent_wait: a list, expected a time",
     "a list"},

    /* Keys */
    {"rserve = 1",
     "F:1: rserve: no such key, expected reserve, dom0_floor, headroom, "
     "idle_tax, emergency, intent_wait, record, record_size, record_files or "
     "domains (did "
     "you mean reserve?)",
     "a letter left out"},
    {"\n\nfrobnicate = 1\n",
     "F:3: frobnicate: no such key, expected reserve, dom0_floor, headroom, "
     "idle_tax, ",
     "nothing near"},
    {"dom0.floor = 1", "F:1: dom0.floor: no such key", "a dot is a letter"},
    {"reserve = 1\n# c\nreserve = 1",
     "F:3: reserve: given before in line 1, expected only once", "twice"},
    {"reserve = 1; reserve = 1", "F:1: reserve: given before in line 1",
     "twice in a line"},
    {"domains = []\ndomains += []\n", "F:2: domains: given before in line 1",
     "an addition is a second time"},
    {"\nreserve += 1", "F:2: reserve: \"+=\" adds to nothing, expected \"=\"",
     "an addition to nothing"},

    /* Sizes */
    {"reserve = \"lots\"",
     "F:1: reserve: \"lots\" is no size, expected one such as \"512M\"",
     "no number"},
    {"\nreserve = \"\"", "F:2: reserve: \"\" is no size", "empty"},
    {"reserve = \"-1\"", "F:1: reserve: \"-1\" is no size", "negative"},
    {"reserve = 0x10", "F:1: reserve: \"0x10\" is no size", "hexadecimal"},
    {"reserve = \"99999999999999999999G\"", "F:1: reserve: ", "too large"},
    {"reserve = [ 1 ]", "F:1: reserve: a list, expected one size", "a list"},
    {"dom0_floor = \"a\\nb\"", "F:1: dom0_floor: \"a\\x0ab\" is no size",
     "a newline in a value stays out of the message"},
    {"dom0_floor = 64",
     "F:1: dom0_floor: too low, expected at least 128M, below which dom0 does "
     "not run",
     "dom0 would die"},

    /* Domains */
    {"domains = 5", "F:1: domains: no list, expected [", "a number"},
    {"domains = [\n \"name=a\",\n\n [ \"name=b\" ] ]",
     "F:4: domains: a list in the list", "a list in the list"},
    {"domains = [\n \"name=a\",\n \"floor=1\" ]",
     "F:3: domains: no name, expected an entry such as", "no name"},
    {"domains = [ \"\" ]", "F:1: domains: nothing between two commas",
     "an empty entry"},
    {"domains = [ \"name=a,,floor=1\" ]",
     "F:1: domains: nothing between two commas", "two commas"},
    {"domains = [ \"name=a,\" ]", "F:1: domains: nothing between two commas",
     "a comma at the end"},
    {"domains = [ \"name=\" ]", "F:1: name: empty", "an empty name"},
    {"domains = [ \"name=a, name=b\" ]", "F:1: name: \"b\" is a second name",
     "two names"},
    {"domains = [ \"name=a\",\n # c\n\"name=b\", 'name=a' ]",
     "F:3: name: \"a\" stands here twice, expected one entry a domain",
     "a domain twice"},
    {"domains = [\n\"name=a\", \"name=b, flor=1G\" ]",
     "F:2: flor: \"flor=1G\" is not understood, expected floor=SIZE, "
     "ceiling=SIZE, weight=N, headroom=PERCENT or leave-alone (did you mean "
     "floor?)",
     "a letter left out of a word"},
    {"domains = [ \"name=a, leave-alone=1\" ]",
     "F:1: leave-alone: ", "a word that takes no value"},
    {"domains = [ \"name=a, floor\" ]",
     "F:1: floor: \"floor\" is not understood, expected floor=SIZE such as",
     "no value"},
    {"domains = [ \"name=a, floor=\" ]", "F:1: floor: \"floor=\" is not",
     "an empty value"},
    {"domains = [ \"name=a, weight=0\" ]",
     "F:1: weight: \"weight=0\" is not understood, expected weight=N with N "
     "from 1 to 65536",
     "a weight of nothing"},
    {"domains = [ \"name=a, weight=65537\" ]", "F:1: weight: ", "too heavy"},
    {"domains = [ \"name=a, floor=1G, floor=2G\" ]",
     "F:1: floor: \"floor=2G\" is not understood, expected floor only once",
     "a word twice"},
    {"domains = [ \"name=a, leave-alone, leave-alone\" ]",
     "F:1: leave-alone: ", "left alone twice"},
    {"domains = [ \"name=b\",\n \"name=a, floor=2G, ceiling=1G\" ]",
     "F:2: floor: for \"a\", expected a floor no higher than the ceiling",
     "floor above ceiling"},
    {"domains = [ \"name=a\\033[2J, flor=1\" ]",
     "F:1: ", "what a terminal obeys stays out of the message"},

    /* Syntax: libxlutil's word, on the right line */
    {"\nreserve = 512M\n",
     "F:2: reserve: near `M': lexical error, expected KEY = NUMBER, KEY = "
     "\"TEXT\" (in quotes) or KEY = [ \"TEXT\", ... ]",
     "quotes forgotten"},
    {"reserve", "F:1: syntax: near <newline>: syntax error, expected KEY",
     "no value, at the end"},
    {"\n\nreserve\n\n", "F:3: syntax: near <newline>", "no value"},
    {"\nreserve =\n\n\n", "F:2: reserve: near <newline>", "no value behind ="},
    {"\nreserve = # 1\n", "F:2: reserve: near `# 1'", "a comment as value"},
    {"\nreserve = \"1\nreserve = 1", "F:2: reserve: near `\"1'", "open quote"},
    {"reserve = 1 dom0_floor = 1", "F:1: dom0_floor: ", "two in a line"},
    {"domains = [\n\"name=a\"\n\"name=b\" ]", "F:3: domains: near `\"name=b\"'",
     "a comma forgotten"},
    {"domains = [\n\"name=a\",\n", "F:2: domains: ", "an open list"},
    {"reserve = 1\n]\n", "F:2: reserve: near `]'", "a bracket too many"},
    {"reserve = 1\r\n", "F:1: reserve: near `", "line ends of another system"},
    {"Reserve = 1\n", "F:1: Reserve: ", "upper case"},
    {"\xc3\xa4 = 1\n", "F:1: syntax: ", "no ASCII"},
    {"reserve = \"\\x41\"", "F:1: reserve: ", "an escape nobody reads"},
};

static void bad_texts_are_refused_with_line_key_and_reason(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct settings settings = {.reserve_kib = 1};
        char error[CONFFILE_ERROR_MAX] = "";
        int r = conffile_parse("F", bad[i].text, strlen(bad[i].text), &settings,
                               error);

        if (r != -EINVAL ||
            strncmp(error, bad[i].error, strlen(bad[i].error)) != 0 ||
            !strstr(error, "expected")) {
            fail_msg("%s: %d, %s", bad[i].why, r, error);
        }
        if (settings.reserve_kib != 1) {
            fail_msg("%s: settings were given out", bad[i].why);
        }
        for (const char *at = error; *at; at++) {
            if (*at < 0x20 || *at > 0x7e) {
                fail_msg("%s: a byte that is no text", bad[i].why);
            }
        }
    }
}

static void bytes_of_value_0_are_refused(void **state)
{
    static const char text[] = "reserve = 1\ndomains = [ \"na\0me\" ]";
    struct settings settings;
    char error[CONFFILE_ERROR_MAX];
    int r = conffile_parse("F", text, sizeof(text) - 1, &settings, error);

    (void)state;
    assert_int_equal(r, -EINVAL);
    assert_true(strncmp(error, "F:2: domains: a byte of value 0", 31) == 0);
}

static void huge_texts_are_refused(void **state)
{
    size_t len = 1024 * 1024 + 1;
    char *text = malloc(len);
    struct settings settings;
    char error[CONFFILE_ERROR_MAX];

    (void)state;
    assert_non_null(text);
    memset(text, '\n', len);
    assert_int_equal(conffile_parse("F", text, len, &settings, error), -EINVAL);
    assert_string_equal(error,
                        "F: longer than 1 MiB, expected a configuration file");
    assert_int_equal(conffile_parse("F", text, len - 1, &settings, error), 0);
    settings_done(&settings);
    free(text);
}

static void long_words_do_not_overrun_the_message(void **state)
{
    char text[8192];
    struct settings settings;
    char error[CONFFILE_ERROR_MAX];

    (void)state;
    for (size_t len = 1; len < sizeof(text) - 64; len += 97) {
        int used = snprintf(text, sizeof(text), "domains = [ \"name=");

        memset(text + used, 'x', len);
        (void)snprintf(text + (size_t)used + len,
                       sizeof(text) - (size_t)used - len, "\" ]");
        if (conffile_parse("F", text, strlen(text), &settings, error) == 0) {
            assert_true(len < SETTINGS_NAME_MAX);
            settings_done(&settings);
        } else {
            assert_true(len >= SETTINGS_NAME_MAX);
            assert_true(strlen(error) < CONFFILE_ERROR_MAX);
        }
    }
}

static void files_are_read(void **state)
{
    char path[] = "conffile-XXXXXX";
    struct settings settings;
    char error[CONFFILE_ERROR_MAX];
    int fd = mkstemp(path);

    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "reserve = 7\n", 12), 12);
    (void)close(fd);
    assert_int_equal(conffile_read(path, &settings, error), 0);
    assert_int_equal(settings.reserve_kib, 7 * MIB);
    settings_done(&settings);
    (void)unlink(path);
}

static void files_that_cannot_be_read_are_named(void **state)
{
    char folder[] = "conffile-XXXXXX";
    char pipe_path[64];
    struct settings settings;
    char error[CONFFILE_ERROR_MAX];

    (void)state;
    assert_non_null(mkdtemp(folder));
    (void)snprintf(pipe_path, sizeof(pipe_path), "%s/pipe", folder);
    assert_int_equal(mkfifo(pipe_path, 0600), 0);

    assert_int_equal(conffile_read("/nowhere/b.conf", &settings, error),
                     -ENOENT);
    assert_string_equal(error, "/nowhere/b.conf: No such file or directory");
    assert_int_equal(conffile_read(folder, &settings, error), -EISDIR);
    assert_true(strncmp(error, folder, strlen(folder)) == 0);
    assert_int_equal(conffile_read(pipe_path, &settings, error), -EINVAL);
    assert_true(strncmp(error, pipe_path, strlen(pipe_path)) == 0);

    (void)unlink(pipe_path);
    (void)rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(empty_texts_are_all_defaults),
        cmocka_unit_test(sizes_are_taken_as_xl_takes_them),
        cmocka_unit_test(percentages_are_taken_with_and_without_a_sign),
        cmocka_unit_test(time_for_intent_is_taken_in_seconds_or_less),
        cmocka_unit_test(recording_is_taken),
        cmocka_unit_test(domains_are_taken_word_by_word),
        cmocka_unit_test(bad_texts_are_refused_with_line_key_and_reason),
        cmocka_unit_test(bytes_of_value_0_are_refused),
        cmocka_unit_test(huge_texts_are_refused),
        cmocka_unit_test(long_words_do_not_overrun_the_message),
        cmocka_unit_test(files_are_read),
        cmocka_unit_test(files_that_cannot_be_read_are_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

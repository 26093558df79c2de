/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * xenballoon: asks the backend, or works without it.  A table of commands;
 * options may stand anywhere.  Built without the backend, for guests, it has the
 * commands that need none.
 */
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "common/escape.h"
#include "common/nearest.h"
#include "control/command.h"
#ifdef HAVE_BACKEND
#include "simulate/main.h"
#endif

#define PROGRAM "xenballoon"
#define DEFAULT_SOCKET RUNSTATEDIR "/xenballoon/backend.sock"
#define DEFAULT_STATUS RUNSTATEDIR "/xenballoon/guest.json"

/* More words than any command takes. */
#define WORDS_MAX 15

static int command_help(const struct command_call *call);
#ifdef HAVE_BACKEND
static int command_simulate(const struct command_call *call);
#endif

static const struct command {
    const char *name;
    int (*run)(const struct command_call *call);
    const char *words;
    const char *description;
    int min_words;
    int max_words;
} commands[] = {
#ifdef HAVE_BACKEND
    {"list", command_list, "[--json]",
     "each domain: what it has, needs, and why", 0, 0},
    {"status", command_status, "[--json]",
     "the host: what is free, promised and lacking", 0, 0},
    {"set", command_set, "DOMAIN WORD...",
     "floor=SIZE, ceiling=SIZE, weight=N, headroom=PERCENT for its life", 2,
     WORDS_MAX},
    {"release", command_release, "DOMAIN", "manage it again after xl mem-set",
     1, 1},
    {"replay", command_replay, "FILE...",
     "decide again what was recorded, and compare", 1, WORDS_MAX},
    {"simulate", command_simulate, "...",
     "what if: a host played, see simulate --help", 0, WORDS_MAX},
#endif
    {"guest", command_guest, "[--json]",
     "in a guest: what is ballooned away, and why", 0, 0},
#ifdef HAVE_BACKEND
    {"version", command_version, "", "of this program and of the backend", 0,
     0},
#endif
    {"help", command_help, "", "this text", 0, 0},
};

#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

static void print_help(void)
{
    (void)printf("Usage: " PROGRAM " [OPTION]... [COMMAND [WORD]...]\n"
                 "Shows and steers how xenballoon-backend moves memory between "
                 "Xen domains.\n\n"
                 "Commands (without one: %s):\n",
                 commands[0].name);
    for (size_t i = 0; i < COMMANDS; i++) {
        (void)printf("  %-8s  %-14s  %s\n", commands[i].name, commands[i].words,
                     commands[i].description);
    }
    (void)printf("\nDOMAIN is a name or an id.\n\n"
                 "  -j, --json         the backend's answer as it is, in JSON\n"
                 "  -S, --socket PATH  where the backend listens\n"
                 "                     (" DEFAULT_SOCKET ")\n"
                 "      --status-file PATH\n"
                 "                     what a guest's frontend writes\n"
                 "                     (" DEFAULT_STATUS ")\n"
                 "  -h, --help         print this and exit\n"
                 "  -V, --version      print the version and exit\n\n"
                 "See " PROGRAM "(1).\n");
}

static int command_help(const struct command_call *call)
{
    (void)call;
    print_help();
    return COMMAND_OK;
}

#ifdef HAVE_BACKEND
/* Its options are its own: main() hands it over when it stands first. */
static int command_simulate(const struct command_call *call)
{
    (void)call;
    (void)fputs(PROGRAM ": expected options of simulate behind it\n", stderr);
    return COMMAND_USAGE;
}
#endif

static int usage_error(void)
{
    (void)fprintf(stderr, "Try '" PROGRAM " --help'.\n");
    return COMMAND_USAGE;
}

static const struct command *find_command(const char *name)
{
    for (size_t i = 0; i < COMMANDS; i++) {
        if (strcmp(commands[i].name, name) == 0) {
            return &commands[i];
        }
    }
    return NULL;
}

static int fail_unknown(const char *name)
{
    const char *known[COMMANDS];
    const char *meant;
    char text[64];

    for (size_t i = 0; i < COMMANDS; i++) {
        known[i] = commands[i].name;
    }
    meant = nearest_word(name, strlen(name), known, COMMANDS);
    (void)fprintf(stderr, PROGRAM ": no command '%s'%s%s%s\n",
                  escape_text(text, sizeof(text), name, strlen(name)),
                  meant ? ", did you mean '" : "", meant ? meant : "",
                  meant ? "'?" : "");
    return usage_error();
}

static int run(const struct command *command, const struct command_call *call)
{
    if (call->count < command->min_words || call->count > command->max_words) {
        (void)fprintf(stderr, PROGRAM ": expected '" PROGRAM " %s %s'\n",
                      command->name, command->words);
        return usage_error();
    }
    return command->run(call);
}

/* 0 when standard output is no terminal: nothing is cut for a file. */
static size_t terminal_width(void)
{
    struct winsize size;

    return isatty(STDOUT_FILENO) && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0
               ? size.ws_col
               : 0;
}

/* Of a full disk or a closed pipe the exit status must tell. */
static int flush_output(int status)
{
    if (fflush(stdout) != 0 || ferror(stdout)) {
        perror(PROGRAM ": standard output");
        return status == COMMAND_OK ? COMMAND_REFUSED : status;
    }
    return status;
}

int main(int argc, char **argv)
{
    enum { OPTION_STATUS_FILE = 256 };
    static const struct option names[] = {
        {"json", no_argument, NULL, 'j'},
        {"socket", required_argument, NULL, 'S'},
        {"status-file", required_argument, NULL, OPTION_STATUS_FILE},
        {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, 'V'},
        {NULL, 0, NULL, 0},
    };
    struct command_call call = {.socket = DEFAULT_SOCKET,
                                .status_path = DEFAULT_STATUS};
    const struct command *command = &commands[0];
    int c;

#ifdef HAVE_BACKEND
    if (argc > 1 && strcmp(argv[1], "simulate") == 0) {
        return flush_output(simulate_main(argc - 1, argv + 1));
    }
#endif
    while ((c = getopt_long(argc, argv, "jS:hV", names, NULL)) != -1) {
        switch (c) {
        case 'j':
            call.is_json = true;
            break;
        case 'S':
            call.socket = optarg;
            break;
        case OPTION_STATUS_FILE:
            call.status_path = optarg;
            break;
        case 'h':
            print_help();
            return flush_output(COMMAND_OK);
        case 'V':
            (void)puts(PROGRAM " " PACKAGE_VERSION);
            return flush_output(COMMAND_OK);
        default:
            return usage_error();
        }
    }
    if (optind < argc) {
        command = find_command(argv[optind]);
        if (!command) {
            return fail_unknown(argv[optind]);
        }
        optind++;
    }
    call.width = terminal_width();
    call.words = argv + optind;
    call.count = argc - optind;
    return flush_output(run(command, &call));
}

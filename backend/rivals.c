/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Processes are told by their own name, or by the script that an interpreter
 * runs; never by words further on, or an editor that has qmemman's file open
 * would count.  And only root's: nobody else's can move memory, and anybody
 * could call his so to keep the daemon from starting.
 */
#include "backend/rivals.h"

#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/process.h"
#include "backend/xlconf_xen.h"
#include "common/textfile.h"

static const struct rival {
    const char *process;
    const char *what;
    const char *unit;
} rivals[] = {
    {"qmemmand", "Qubes' qmemman", "qubes-qmemman"},
    {"qubes-qmemman", "Qubes' qmemman", "qubes-qmemman"},
    {"squeezed", "XAPI's squeezed", "squeezed"},
};

static const struct rival *find_rival(const char *process)
{
    for (size_t i = 0; i < sizeof(rivals) / sizeof(rivals[0]); i++) {
        if (strcmp(rivals[i].process, process) == 0) {
            return &rivals[i];
        }
    }
    return NULL;
}

static const struct rival *rival_by_comm(const char *proc_dir, const char *pid)
{
    const struct rival *rival;
    size_t len;
    char *comm = process_read(proc_dir, pid, "comm", &len);

    if (!comm) {
        return NULL;
    }
    comm[strcspn(comm, "\n")] = '\0';
    rival = find_rival(comm);
    free(comm);
    return rival;
}

/* The first argument that is no option: the script of an interpreter. */
static const char *script_of(const char *command, const char *end)
{
    const char *at = command + strlen(command) + 1;

    while (at < end && *at == '-') {
        at += strlen(at) + 1;
    }
    return at < end ? at : "";
}

/* command holds the arguments, each with a NUL behind it. */
static const struct rival *rival_by_command(const char *proc_dir,
                                            const char *pid)
{
    const struct rival *rival;
    size_t len;
    char *command = process_read(proc_dir, pid, "cmdline", &len);

    if (!command) {
        return NULL;
    }
    rival = find_rival(process_base_name(command));
    if (!rival && strncmp(process_base_name(command), "python", 6) == 0) {
        rival =
            find_rival(process_base_name(script_of(command, command + len)));
    }
    free(command);
    return rival;
}

static bool is_rival(void *arg, const char *proc_dir, const char *pid)
{
    char *text = arg;
    const struct rival *rival = rival_by_comm(proc_dir, pid);

    if (!rival) {
        rival = rival_by_command(proc_dir, pid);
    }
    if (!rival) {
        return false;
    }
    (void)snprintf(text, RIVALS_TEXT_MAX,
                   "%s is running and moves the same memory (%s, pid %.10s); "
                   "stop it: systemctl disable --now %s",
                   rival->what, rival->process, pid, rival->unit);
    return true;
}

bool rivals_find_process(const char *proc_dir, char text[RIVALS_TEXT_MAX])
{
    return process_find(proc_dir, is_rival, text);
}

/* ---- xl's autoballoon ---- */

enum autoballoon {
    AUTOBALLOON_AUTO,
    AUTOBALLOON_ON,
    AUTOBALLOON_OFF,
};

/* As xl reads it: a word that it does not know leaves it at "auto". */
static enum autoballoon autoballoon_from(const struct xlconf *conf)
{
    const char *value = xlconf_string(conf, "autoballoon");

    if (!value) {
        return AUTOBALLOON_AUTO;
    }
    if (strcmp(value, "on") == 0 || strcmp(value, "1") == 0) {
        return AUTOBALLOON_ON;
    }
    if (strcmp(value, "off") == 0 || strcmp(value, "0") == 0) {
        return AUTOBALLOON_OFF;
    }
    return AUTOBALLOON_AUTO;
}

static enum autoballoon read_autoballoon(const char *xl_conf)
{
    enum autoballoon autoballoon = AUTOBALLOON_AUTO;
    struct xlconf *conf = NULL;
    struct xlconf_error error;
    char *text;
    size_t len;

    if (textfile_read(xl_conf, XLCONF_TEXT_MAX, &text, &len) < 0) {
        return AUTOBALLOON_AUTO;
    }
    /* Of a file that xl itself cannot read, the worst is assumed. */
    if (xlconf_parse(text, len, &conf, &error) == 0) {
        autoballoon = autoballoon_from(conf);
    }
    xlconf_free(conf);
    free(text);
    return autoballoon;
}

/*
 * xl's own test of Xen's command line: dom0_mem= with one or more amounts,
 * each perhaps as a minimum or maximum, and perhaps relative or in percent.
 */
#define AMOUNT "-?[0-9]+[bBkKmMgGtT]?"
#define SHARE "(" AMOUNT "\\+)?[0-9]{1,2}%"

static bool has_dom0_mem(const char *xen_command_line)
{
    regex_t regex;
    bool is_there;

    if (regcomp(&regex,
                "(^| )dom0_mem=((min:|max:)?(" SHARE "|" AMOUNT "),?)+( |$)",
                REG_EXTENDED | REG_NOSUB) != 0) {
        return false;
    }
    is_there = regexec(&regex, xen_command_line, 0, NULL, 0) == 0;
    regfree(&regex);
    return is_there;
}

bool rivals_find_autoballoon(const char *xl_conf, const char *xen_command_line,
                             char text[RIVALS_TEXT_MAX])
{
    enum autoballoon autoballoon = read_autoballoon(xl_conf);

    if (autoballoon == AUTOBALLOON_OFF ||
        (autoballoon == AUTOBALLOON_AUTO && has_dom0_mem(xen_command_line))) {
        return false;
    }
    (void)snprintf(text, RIVALS_TEXT_MAX,
                   "xl would shrink dom0 for each new domain (autoballoon is "
                   "%s); set autoballoon=\"off\" in %s%s",
                   autoballoon == AUTOBALLOON_ON ? "on" : "auto", xl_conf,
                   autoballoon == AUTOBALLOON_ON ? ""
                                                 : ", or give Xen a dom0_mem=");
    return true;
}

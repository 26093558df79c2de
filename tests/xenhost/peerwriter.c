/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guest's end of a way that is common elsewhere, to compare with: every
 * 100 ms it looks how much is used, and tells dom0 when that has changed by
 * much.  `hosttool peer` is the other end.
 *
 *   peerwriter CHANGE_KIB
 *
 * Period, formula and rules are those of Qubes' meminfo-writer (with 30000 for
 * CHANGE_KIB); so is that it is an ordinary process, without priority over what
 * it reports on.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xenstore.h>

#define PERIOD_MS 100

#define CURRENT_FILE                                                           \
    "/sys/devices/system/xen_memory/xen_memory0/info/current_kb"

static size_t read_file(int fd, char *text, size_t room)
{
    ssize_t len = pread(fd, text, room - 1, 0);

    if (len < 0)
        len = 0;
    text[len] = '\0';
    return (size_t)len;
}

static uint64_t value(const char *meminfo, const char *key)
{
    const char *at = strstr(meminfo, key);

    return at ? strtoull(at + strlen(key), NULL, 10) : 0;
}

static uint64_t used_kib(const char *meminfo, uint64_t current_kib)
{
    return current_kib + value(meminfo, "\nSwapTotal:") -
           value(meminfo, "\nBuffers:") - value(meminfo, "\nCached:") -
           value(meminfo, "\nMemFree:") - value(meminfo, "\nSwapFree:");
}

/* Half the change will do when it rises and little is left. */
static bool is_news(uint64_t used, uint64_t told, uint64_t total,
                    uint64_t change)
{
    if (used > told)
        return used - told > change ||
               (used / 10 > (total + 12) / 13 && used - told > change / 2);
    return told - used > change;
}

int main(int argc, char **argv)
{
    uint64_t change = argc > 1 ? strtoull(argv[1], NULL, 10) : 0;
    int meminfo_fd = open("/proc/meminfo", O_RDONLY);
    int current_fd = open(CURRENT_FILE, O_RDONLY);
    struct xs_handle *xs = xs_open(0);
    uint64_t told = 0;

    if (!change) {
        fputs("usage: peerwriter CHANGE_KIB\n", stderr);
        return 2;
    }
    if (!xs || meminfo_fd < 0 || current_fd < 0) {
        perror("peerwriter");
        return 1;
    }
    for (;; poll(NULL, 0, PERIOD_MS)) {
        char meminfo[4096], current[32], text[32];
        uint64_t used;

        read_file(meminfo_fd, meminfo, sizeof(meminfo));
        read_file(current_fd, current, sizeof(current));
        used = used_kib(meminfo, strtoull(current, NULL, 10));
        if (!is_news(used, told, value(meminfo, "MemTotal:"), change))
            continue;
        snprintf(text, sizeof(text), "%" PRIu64, used);
        if (!xs_write(xs, XBT_NULL, "data/meminfo", text,
                      (unsigned)strlen(text))) {
            perror("peerwriter: data/meminfo");
            return 1;
        }
        told = used;
    }
}

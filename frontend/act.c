/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Does as it is told, and says whether it worked. */
#include "frontend/act.h"

#include "common/protocol.h"

int act_publish(const struct bus *bus, const struct report *report)
{
    char text[PROTOCOL_REPORT_MAX];
    int len;

    len = report_format(report, text, sizeof(text));
    if (len < 0) {
        return len;
    }
    return bus_write(bus, BUS_NO_TRANSACTION, PROTOCOL_REPORT, text,
                     (size_t)len);
}

int act_set_target(const struct guest *guest, const struct decision *decision)
{
    return guest_set_balloon_target(guest, decision->kernel_target_kib);
}

int act_publish_stopped(const struct bus *bus)
{
    const struct report stopped = {.state = REPORT_STOPPED};

    return act_publish(bus, &stopped);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Bound once, or given up. */
#include "frontend/bell.h"

#include <inttypes.h>

#include "common/log.h"

/* A port that was bound before this device was there is not of this domain. */
static void give_up(struct bell *bell)
{
    if (bell->port == 0 || bell->is_lost) {
        return;
    }
    bell->is_lost = true;
    log_warning("guest was moved: its event channel is dead and stays open, as "
                "to close it would crash the kernel; so will the end of this "
                "program: do not stop it, reboot the guest port=%" PRIu32,
                bell->port);
}

int bell_open(struct bell *bell, const struct guest *guest, bool is_offered,
              bool is_moved, uint32_t *ret_port)
{
    int r = 0;

    *ret_port = 0;
    if (is_moved) {
        give_up(bell);
    }
    if (!is_offered || !bell->is_wanted || bell->is_lost) {
        return 0;
    }
    if (bell->port == 0) {
        r = guest_bind_bell(guest, &bell->port);
    }
    if (r < 0) {
        bell->port = 0;
        return r;
    }
    *ret_port = bell->port;
    return 0;
}

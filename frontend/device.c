/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From states to the next write.  Pure: no clock, no store. */
#include "frontend/device.h"

/* The backend is ready to be spoken to. */
static bool is_open(const struct device_view *view)
{
    return view->backend == PROTOCOL_INIT_WAIT ||
           view->backend == PROTOCOL_CONNECTED;
}

static bool has_begun(const struct device *device)
{
    return device->state == PROTOCOL_INITIALISED ||
           device->state == PROTOCOL_CONNECTED;
}

/*
 * It was told everything and has gone to InitWait: a backend that started
 * anew, or one that does not understand us.  The first will understand, the
 * second must not be asked without end.
 */
static enum device_step ask_again(struct device *device, uint64_t now_ms)
{
    if (!device->is_refused) {
        device->is_refused = true;
        backoff_failed(&device->refused, now_ms);
    }
    return backoff_is_due(&device->refused, now_ms) ? DEVICE_BEGIN
                                                    : DEVICE_WAIT;
}

enum device_step device_round(struct device *device,
                              const struct device_view *view, uint64_t now_ms)
{
    if (!view->is_there || view->backend == PROTOCOL_UNKNOWN) {
        *device = (struct device){0};
        return DEVICE_WAIT;
    }
    device->has_answer |= view->backend_spoke;
    if (!is_open(view)) {
        return DEVICE_WAIT;
    }
    if (!has_begun(device) || view->own != device->state) {
        return DEVICE_BEGIN;
    }
    if (view->backend == PROTOCOL_CONNECTED) {
        return device->state == PROTOCOL_INITIALISED && device->has_answer
                   ? DEVICE_CONFIRM
                   : DEVICE_WAIT;
    }
    if (device->state == PROTOCOL_CONNECTED) {
        return DEVICE_BEGIN;
    }
    return device->has_answer ? ask_again(device, now_ms) : DEVICE_WAIT;
}

void device_begun(struct device *device)
{
    device->state = PROTOCOL_INITIALISED;
    device->has_answer = false;
    device->is_refused = false;
}

void device_confirmed(struct device *device)
{
    device->state = PROTOCOL_CONNECTED;
    backoff_clear(&device->refused);
}

bool device_allowance_stands(const struct device_view *view)
{
    return view->is_there && is_open(view);
}

bool device_is_connected(const struct device *device,
                         const struct device_view *view)
{
    return view->is_there && device->state == PROTOCOL_CONNECTED &&
           view->own == PROTOCOL_CONNECTED &&
           view->backend == PROTOCOL_CONNECTED;
}

uint64_t device_next_ms(const struct device *device, uint64_t now_ms)
{
    return device->is_refused ? backoff_next_ms(&device->refused, now_ms)
                              : UINT64_MAX;
}

#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The service files let each daemon have what its sources open: a device that is
# not allowed fails only under systemd, and quietly, since there is another way.

# shellcheck source-path=SCRIPTDIR source=tap.sh
. "$(dirname "$0")/tap.sh"

# opened FOLDER...: the devices of Xen that the sources name
opened() {
    for dir in "$@"; do
        for file in "$srcdir/$dir"/*.[ch]; do
            uncomment "$file"
        done
    done | grep -o 'dev/xen/[a-z]*' | sort -u
}

# forbidden UNIT DEVICE...: those that the unit does not allow
forbidden() {
    unit=$srcdir/$1
    shift
    for device in "$@"; do
        grep -q "^DeviceAllow=/$device rw\$" "$unit" || echo "$device"
    done
}

# What libxenctrl opens by itself, and libxenstore for all.
# shellcheck disable=SC2046
verdict "the backend's unit allows what it opens" "$(
    forbidden backend/xenballoon-backend.service.in dev/xen/privcmd \
        dev/xen/hypercall dev/xen/xenbus $(opened backend common))"
# libxengnttab and libxenevtchn open theirs by themselves.
# shellcheck disable=SC2046
verdict "the frontend's unit allows what it opens" "$(
    forbidden frontend/xenballoon-frontend.service.in dev/xen/gntalloc \
        dev/xen/evtchn dev/xen/xenbus $(opened frontend common))"

tap_done

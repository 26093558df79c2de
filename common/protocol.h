/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * xenballoon's part of the store, version 1.  A node that is not described
 * here does not exist; changing a described one means a new version.
 *
 * Roles
 * =====
 * The frontend runs in a guest and reports what the guest holds and needs.
 * The backend runs in dom0 and moves memory/target.  The guest's own kernel
 * obeys memory/target; neither end touches frames itself.
 *
 * "~" is /local/domain/<domid> of the guest.
 *
 * Nodes of the toolstack (libxl), for reference
 * =============================================
 *
 * ~/memory/target        KiB, decimal.  What the guest is asked to hold.
 *      Written by libxl, and by the backend in one transaction with its own
 *      record below.  Watched by the guest's kernel, which obeys at once.
 * ~/memory/static-max    KiB.  The ceiling of the domain's life.  libxl.
 * ~/memory/videoram      KiB.  Part of the limit, not of the target.  libxl.
 * /vm/<uuid>/memory      MiB.  Written by libxl_set_memory_target only, that
 *      is by "xl mem-set": an event there means the operator has spoken.
 *
 * Frontend's nodes
 * ================
 *
 * ~/data/balloon/report            (private to this protocol)
 *      Values:   one line of text, see report.h; at most 1536 bytes
 *      Writer:   frontend; owned by the guest, so hostile until parsed
 *      Reader:   backend
 *      The last report.  Written when it has changed enough, at least every
 *      heartbeat, and as "version=1 state=stopped" when the frontend stops.
 *      ~/data is writable by a guest from its birth, so neither end has to be
 *      there before the other.  It is not carried over by save, restore and
 *      migration: the watches of the guest fire again and it writes anew.
 *
 *      The split device (device/balloon/0, backend/balloon/<domid>/0 with
 *      XenbusState) and the shared page will take this node's place in a
 *      later version; the record's fields stay.
 *
 * Backend's nodes
 * ===============
 *
 * /local/domain/0/backend/balloon/<domid>/0/    (private to dom0)
 *      Writer:   backend; readable by dom0 alone
 *      What a backend must know about a domain after a restart.  Removed by
 *      the backend when the domain is gone, also one that died while no
 *      backend ran.
 *
 *   ../../learned
 *             KiB, of the host: the largest sum that was wanted within seconds.
 *   uuid      the domain's handle, 36 characters.  A record whose uuid is not
 *             the domain's is of an older domain and is discarded.
 *   target    KiB.  The last value of ~/memory/target that this backend wrote
 *             or took over.  When ~/memory/target differs from it, somebody
 *             else wrote: the operator, who wins.
 *   operator  "1" while the operator holds the target ("xl mem-set"), absent
 *             otherwise.
 *   floor     KiB, \
 *   ceiling   KiB,  } what "xenballoon set" gave, for the domain's life
 *   weight    1 to 65536, |
 *   headroom  permyriad, / of what it needs
 */
#ifndef BALLOON_COMMON_PROTOCOL_H
#define BALLOON_COMMON_PROTOCOL_H

#define PROTOCOL_VERSION 1

/* Relative to the guest, so that it survives a change of domid. */
#define PROTOCOL_REPORT "data/balloon/report"
#define PROTOCOL_MEMORY "memory"
#define PROTOCOL_TARGET "memory/target"
#define PROTOCOL_STATIC_MAX "memory/static-max"
#define PROTOCOL_VIDEORAM "memory/videoram"

#define PROTOCOL_BACKEND_DIR "/local/domain/0/backend/balloon"
#define PROTOCOL_LEARNED PROTOCOL_BACKEND_DIR "/learned"
#define PROTOCOL_DEVICE "0"

/*
 * A guest's node must stay below 2048 bytes with its header, permissions and
 * child names (xenstored's entry quota); this leaves room for all of them.
 */
#define PROTOCOL_REPORT_MAX 1536

#endif

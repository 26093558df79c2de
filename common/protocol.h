/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * xenballoon's part of the store: a split device of the kind "balloon",
 * version 1.  A node that is not described here does not exist; changing a
 * described one means a new version.
 *
 * Roles
 * =====
 * The frontend runs in a guest and reports what the guest holds and needs.
 * The backend runs in dom0 and moves memory/target.  The guest's own kernel
 * obeys memory/target; neither end touches frames itself.
 *
 * "~" is /local/domain/<domid> of the guest; "KiB" is a decimal number.
 *
 * Nodes of the toolstack (libxl), for reference
 * =============================================
 *
 * ~/memory/target        KiB.  What the guest is asked to hold.
 *      Written by libxl, and by the backend in one transaction with its own
 *      record below.  Watched by the guest's kernel, which obeys at once.
 * ~/memory/static-max    KiB.  The ceiling of the domain's life.  libxl.
 * ~/memory/videoram      KiB.  Part of the limit, not of the target.  libxl.
 * /vm/<uuid>/memory      MiB.  Written by libxl_set_memory_target only, that
 *      is by "xl mem-set": an event there means the operator has spoken.
 *
 * The device
 * ==========
 * Both directories are made by the backend in one transaction, for every
 * domain that has a memory/target and is alive, dom0 excepted.  They carry
 * nothing that has to outlive the guest, and nothing of libxl's: it neither
 * waits for this device nor removes it.  The frontend's directory goes with
 * the domain; the backend's is removed by the backend, also that of a domain
 * which died while no backend ran.
 *
 * What a guest's kernel sees is a device without a driver: it does nothing
 * with it, and says nothing of it, also when it is suspended.
 *
 * ~/device/balloon/0/              Owner: the guest; readable by dom0.
 *      Whatever is in it is the guest's word, so hostile until parsed.
 *
 *   backend        "/local/domain/0/backend/balloon/<domid>/0"    (backend)
 *   backend-id     "0"                                            (backend)
 *   state          XenbusState.  "1" by the backend, then the     (both)
 *                  frontend's alone.
 *   version        of this protocol: "1"                          (frontend)
 *   transport      "record" or "page"                             (frontend)
 *   page-ref       grant reference, with transport "page":        (frontend)
 *                  of a page that is laid out as page.h says,
 *                  granted to dom0, read-only being enough
 *   event-channel  with transport "page", optional: port, 1 to    (frontend)
 *                  131071, an unbound one for dom0, rung instead
 *                  of the doorbell as long as the backend has
 *                  feature-event-channel.  The same one may be
 *                  offered at the next handshake, unless the guest
 *                  has been moved.  Only when the owner of the
 *                  guest asks for it: see xenballoon-frontend(8)
 *                  for its danger.
 *   feature-reflex "1": it can make use of an allowance           (frontend)
 *   feature-intent "1": it answers announcements                  (frontend)
 *   report         with transport "record": the report, one line  (frontend)
 *                  of text, see report.h; at most 1536 bytes
 *   doorbell       with transport "page": the page's sequence, in (frontend)
 *                  decimal, whenever the page holds news; not at
 *                  a mere heartbeat
 *   answer         "<number> <state> <KiB>": to the announcement  (frontend)
 *                  of that number; state is "working" or "ready",
 *                  KiB is what the guest can do without now
 *
 * /local/domain/0/backend/balloon/<domid>/0/
 *                                  Owner: dom0; readable by the guest.
 *
 *   frontend       "/local/domain/<domid>/device/balloon/0"
 *   frontend-id    "<domid>"
 *   state          XenbusState of the backend
 *   version        the highest version of this protocol that it speaks: "1"
 *   feature-page   "1": it can read pages; absent: records only
 *   feature-event-channel
 *                  "1": it binds event channels; absent: it is rung by the
 *                  doorbell alone.  Removed when it could not bind the port
 *                  that it was given.
 *   allowance      KiB that the guest may take by itself above memory/target,
 *                  by raising its kernel's own target; absent: 0.  Xen enforces
 *                  it.  What was taken is asked back by a lower allowance.
 *                  Stands as long as the backend is at 2 or 4, through every
 *                  handshake: a backend that starts leaves it as it found it
 *                  until the guest has reported.
 *   announcement   "<number> <KiB> <ms>": memory/target is to become KiB, in
 *                  so many ms at the latest, counted from the write; sooner
 *                  when the answer is "ready".  Absent, or of another number:
 *                  the one before is over, whether it was carried out or not.
 *                  The same number with another time: it has been given so
 *                  long, from that write, as the answer is "working".
 *   reason         a word of reason.h: why memory/target is what it is;
 *                  written with it
 *
 * Handshake
 * =========
 * XenbusState as in Xen's io/xenbus.h: 1 Initialising, 2 InitWait,
 * 3 Initialised, 4 Connected, 5 Closing, 6 Closed.
 *
 *      backend                                  frontend
 *      makes both directories:
 *      own state 2                              state 1
 *                                               sees 2: chooses a transport,
 *                                               shares its page, writes all
 *                                               its nodes, its first report
 *                                               and state 3 in one transaction
 *      sees 3: reads them; what it understands
 *      makes it Connected: own state 4;
 *      what it does not, InitWait: own
 *      state 2 and a line in the log
 *      (either is written, also when it is what
 *      it was: that is the answer)
 *                                               sees 4: state 4
 *      ... reports and announcements, as long as both are at 4 ...
 *                                               stops: state 6
 *      sees 6: no more reports will come,
 *      own state 2
 *
 * A frontend that starts, or whose own state is not what it last wrote, does
 * not care for what was: it begins again, with 3 as soon as the backend is at
 * 2 or 4.  So it does when the backend has gone to 2 by itself.
 * A backend that starts goes to 2 for each device that it finds, so that every
 * frontend reports anew: no report from before its time is ever used.
 *
 * After save, restore or migration the guest has another domid, another store
 * and dead grants: its directory is not there until the backend makes it, all
 * its watches fire, and the frontend begins again.  All its paths are relative.
 *
 * Rates
 * =====
 * A frontend rings or reports at most every 100 ms (50 ms when it has just
 * helped itself), bad news at once if the last was long enough ago.  The
 * backend reads a guest at most every 100 ms however often it rings.
 *
 * The backend's record
 * ====================
 *
 * /local/domain/0/xenballoon/      Owner: dom0; readable by nobody else.
 *      What a backend must know after a restart.  A domain's is removed by
 *      the backend when the domain is gone, also one that died while no
 *      backend ran.
 *
 *   learned           KiB, of the host: the largest sum that was wanted within
 *                     seconds
 *   <domid>/uuid      the domain's handle, 36 characters.  A record whose uuid
 *                     is not the domain's is of an older domain, discarded.
 *   <domid>/target    KiB.  The last value of ~/memory/target that this backend
 *                     wrote or took over.  When ~/memory/target differs from
 *                     it, somebody else wrote: the operator, who wins.
 *   <domid>/operator  "1" while the operator holds the target ("xl mem-set"),
 *                     absent otherwise.
 *   <domid>/floor     KiB, \
 *   <domid>/ceiling   KiB,  } what "xenballoon set" gave, for the domain's
 *   <domid>/weight    1 to 65536, } life
 *   <domid>/headroom  permyriad, / of what it needs
 */
#ifndef BALLOON_COMMON_PROTOCOL_H
#define BALLOON_COMMON_PROTOCOL_H

#define PROTOCOL_VERSION 1

/* Of Xen's public/io/xenbus.h; those that are used here. */
enum protocol_state {
    PROTOCOL_UNKNOWN = 0, /* absent, or not a state */
    PROTOCOL_INITIALISING = 1,
    PROTOCOL_INIT_WAIT = 2,
    PROTOCOL_INITIALISED = 3,
    PROTOCOL_CONNECTED = 4,
    PROTOCOL_CLOSING = 5,
    PROTOCOL_CLOSED = 6,
};

/* Relative to the guest, so that it survives a change of domid. */
#define PROTOCOL_MEMORY "memory"
#define PROTOCOL_TARGET "memory/target"
#define PROTOCOL_STATIC_MAX "memory/static-max"
#define PROTOCOL_VIDEORAM "memory/videoram"

#define PROTOCOL_FRONTEND "device/balloon/0"
#define PROTOCOL_BACKEND_DIR "/local/domain/0/backend/balloon"
#define PROTOCOL_DEVICE "0"

/* Nodes in either directory of the device */
#define PROTOCOL_NODE_STATE "state"
#define PROTOCOL_NODE_VERSION "version"

/* In the frontend's */
#define PROTOCOL_NODE_BACKEND "backend"
#define PROTOCOL_NODE_BACKEND_ID "backend-id"
#define PROTOCOL_NODE_TRANSPORT "transport"
#define PROTOCOL_NODE_PAGE_REF "page-ref"
#define PROTOCOL_NODE_EVENT_CHANNEL "event-channel"
#define PROTOCOL_NODE_FEATURE_REFLEX "feature-reflex"
#define PROTOCOL_NODE_FEATURE_INTENT "feature-intent"
#define PROTOCOL_NODE_REPORT "report"
#define PROTOCOL_NODE_DOORBELL "doorbell"
#define PROTOCOL_NODE_ANSWER "answer"

/* In the backend's */
#define PROTOCOL_NODE_FRONTEND "frontend"
#define PROTOCOL_NODE_FRONTEND_ID "frontend-id"
#define PROTOCOL_NODE_FEATURE_PAGE "feature-page"
#define PROTOCOL_NODE_FEATURE_EVENT_CHANNEL "feature-event-channel"
#define PROTOCOL_NODE_ALLOWANCE "allowance"
#define PROTOCOL_NODE_ANNOUNCEMENT "announcement"
#define PROTOCOL_NODE_REASON "reason"

#define PROTOCOL_TRANSPORT_RECORD "record"
#define PROTOCOL_TRANSPORT_PAGE "page"

#define PROTOCOL_RECORD_DIR "/local/domain/0/xenballoon"
#define PROTOCOL_LEARNED PROTOCOL_RECORD_DIR "/learned"

/*
 * A guest's node must stay below 2048 bytes with its header, permissions and
 * child names (xenstored's entry quota); this leaves room for all of them.
 */
#define PROTOCOL_REPORT_MAX 1536

#endif

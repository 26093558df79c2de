/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A page of this guest that dom0 may read, by libxengnttab (/dev/xen/gntalloc).
 * Its interface is a stable one, so that one build serves every Xen.
 */
#ifndef BALLOON_FRONTEND_SHARE_XEN_H
#define BALLOON_FRONTEND_SHARE_XEN_H

#include <stdint.h>

/* All zero: not open yet. */
struct share_xen {
    void *handle;
};

/*
 * A zeroed page, and its grant reference.  0; -EOPNOTSUPP when this program
 * was built without the library; or another negative errno.  The library says
 * on standard error when there is no gntalloc, so look first.
 */
int share_xen_page(struct share_xen *share, void **ret_page,
                   uint32_t *ret_reference);

/* Also when the grant is long dead, after save, restore or migration. */
void share_xen_unshare(struct share_xen *share, void *page);

/* Pages that are still shared stay so until the process ends. */
void share_xen_close(struct share_xen *share);

#endif

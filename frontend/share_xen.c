/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The library's handle is opened with the first page, and kept. */
#include "frontend/share_xen.h"

#include <errno.h>

#ifdef HAVE_XENGNTTAB

#include <stddef.h>
#include <string.h>
#include <xengnttab.h>

#include "common/page.h"

#define DOM0 0

static int open_handle(struct share_xen *share)
{
    if (share->handle != NULL) {
        return 0;
    }
    share->handle = xengntshr_open(NULL, 0);
    return share->handle != NULL ? 0 : errno != 0 ? -errno : -EIO;
}

int share_xen_page(struct share_xen *share, void **ret_page,
                   uint32_t *ret_reference)
{
    void *page;
    int r;

    r = open_handle(share);
    if (r < 0) {
        return r;
    }
    /* Not writable: dom0 only ever copies from it. */
    page = xengntshr_share_pages(share->handle, DOM0, 1, ret_reference, 0);
    if (page == NULL) {
        return errno != 0 ? -errno : -EIO;
    }
    memset(page, 0, PAGE_BYTES);
    *ret_page = page;
    return 0;
}

void share_xen_unshare(struct share_xen *share, void *page)
{
    if (page != NULL) {
        /* A page that cannot be unmapped is lost to us alone. */
        (void)xengntshr_unshare(share->handle, page, 1);
    }
}

void share_xen_close(struct share_xen *share)
{
    if (share->handle != NULL) {
        (void)xengntshr_close(share->handle); /* nothing is pending */
        share->handle = NULL;
    }
}

#else

int share_xen_page(struct share_xen *share, void **ret_page,
                   uint32_t *ret_reference)
{
    (void)share;
    (void)ret_page;
    (void)ret_reference;
    return -EOPNOTSUPP;
}

void share_xen_unshare(struct share_xen *share, void *page)
{
    (void)share;
    (void)page;
}

void share_xen_close(struct share_xen *share)
{
    (void)share;
}

#endif

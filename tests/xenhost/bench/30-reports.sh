# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2016
# xenhost: timeout=900
#
# Reading the reports of eight guests: one batched grant copy of their pages
# against a read of the store for each.

guests=()
for number in 1 2 3 4 5 6 7 8; do
    guests+=("reader$number")
    guest_create_nowait "reader$number" type=pv memory=104 maxmem=128
done
for guest in "${guests[@]}"; do guest_wait "$guest"; done
backend_start <<<'reserve = "128M"'
have_pages() {
    local guest
    for guest in "${guests[@]}"; do
        store_exists "/local/domain/$(domid "$guest")/device/balloon/0/page-ref" ||
            return 1
    done
}
if ! quietly_until 60 have_pages; then
    skip 'reports by page' 'the guests share no pages'
    return
fi
read -r copy_us store_us <<<"$(hosttool reports 200 "${guests[@]}")"
emit "$(jq -c -n --argjson copy "${copy_us:-0}" --argjson store \
    "${store_us:-0}" --argjson guests ${#guests[@]} '
    {bench: "read-reports", guests: $guests, copy_us: $copy, store_us: $store,
     ratio: (if $copy > 0 then $store / $copy * 10 | round / 10 else null end)
    }')"
check 'a batched copy is faster than the store' "[ ${copy_us:-0} -gt 0 ] &&
    [ ${copy_us:-0} -lt ${store_us:-0} ]"

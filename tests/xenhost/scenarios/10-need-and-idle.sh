# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2016
# xenhost: timeout=420
#
# One guest needs, the other is idle and fat: memory flows to the need, and
# back when the need changes sides.  a is PV and b PVH, so both kinds give and
# both take.  Xen has next to nothing to spare: what one gets the other gave.

working_set=300M

guest_create_nowait a type=pv memory=100 maxmem=512 swap=256
guest_create_nowait b type=pvh memory=440 maxmem=512 swap=256
guest_wait a
guest_wait b
a_start=$(xen_current_kib a)
b_start=$(xen_current_kib b)

backend_start <<END
reserve = "$(($(host_free_kib) - 16384))K"
END
wait_until 30 'both guests are managed' \
    '[ "$(listed a state)$(listed b state)" = managedmanaged ]'

# flow TAKER DONOR: a load of three times a's start size in TAKER.
flow() {
    local taker=$1 donor=$2 donor_before
    donor_before=$(xen_current_kib "$donor")
    load_start "$taker" \
        "alloc $working_set rate=10M/s; touch 5s rate=40M/s; release"
    load_wait "$taker" 150
    note "$taker $(xen_current_kib "$taker") KiB, $donor" \
        "$donor_before -> $(xen_current_kib "$donor") KiB, swapped" \
        "$(guest_swapped_kib "$taker") KiB, slowest touch" \
        "$(load_result "$taker" slowest_touch_us) us"
    check_equal "load in $taker met no OOM kill" "$(guest_oom_kills "$taker")" 0
    check_between "load in $taker swapped a few MiB at most" \
        "$(guest_swapped_kib "$taker")" 0 8192
    check "$donor gave at least 100 MiB" \
        "[ $((donor_before - $(xen_current_kib "$donor"))) -ge 102400 ]"
    check_equal "$donor met no OOM kill" "$(guest_oom_kills "$donor")" 0
}

flow a b
check "a holds three times what it began with" \
    "[ $(xen_current_kib a) -ge $((3 * a_start)) ]"
check_equal "the list says why a has what it has" \
    "$(xb list --json | jq -r '[.domains[] | select(.name == "a") |
        .last_change.reason | test("needs")] | any')" true

# a's load has ended; now b needs, and gets it back.
flow b a
check "b holds more than three quarters of what it began with" \
    "[ $(xen_current_kib b) -ge $((b_start * 3 / 4)) ]"

check_between 'Xen kept its reserve' "$(host_free_kib)" \
    $(($(xb status --json | jq .host.reserve_kib) - 4096)) 99999999
check_not 'the backend warned of nothing' \
    'backend_log | grep -E "^<[0-4]>|warning|error"'

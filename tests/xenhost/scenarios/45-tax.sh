# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# xenhost: timeout=600
#
# 17 on the scale of this host: idle memory is taxed.  Two guests of the same
# weight hold a half each of all that they may hold, S.  One uses part of its
# half, u; the other comes to need more than there is.
#
#   without a tax   each keeps its half
#   with the tax    what is idle costs four times what is used does.  Prices are
#                   equal where u + 4 (idle - u) = S - idle: (S + 3 u) / 5
#
# In this order, because a guest that swaps all the time has nothing for its
# balloon to take: only the idle one has to give.

half_kib=$((240 * 1024))
for guest in idle busy; do
    guest_create_nowait $guest type=pv memory=240 maxmem=640 \
        frontend_args='--heartbeat 2'
done
for guest in idle busy; do guest_wait $guest; done
used_kib() { echo $(($(xen_current_kib "$1") - $(guest_available_kib "$1"))); }

for guest in idle busy; do
    check "$guest has a disk to swap to" guest_swap_to_disk $guest 600M
done

reserve_kib=$(host_free_kib)
# configuration TAX [IDLE]: nothing is free but what the two hold, and their
# floors are below what they use.
configuration() {
    cat <<END
reserve = "${reserve_kib}K"
idle_tax = $1
domains = [ "name=idle, floor=64M${2:+, $2}", "name=busy, floor=64M" ]
END
}
states_are() { [ "$(listed idle state) $(listed busy state)" = "$1" ]; }
# near KIB: the idle one's target, within a seventh
near() {
    local off=$(($(target_kib idle) - $1))
    [ "${off#-}" -le $(($1 / 7)) ]
}
# It does not only pass by.
stays_near() { near "$1" && pause 8 && near "$1"; }
busy_needs_all() {
    [ "$(listed busy demand_kib)" -ge $((2 * half_kib)) ]
}
host_is_short() { [ "$(xb status --json | jq -r .host.state)" = short ]; }

backend_start <<<"$(configuration 0 leave-alone)"
wait_until 60 'one is managed, and one left alone' states_are 'fixed managed'
# What it needs beyond what it has shows in what somebody waits for: a touch of
# what is in swap, now and then.
load_start busy \
    'alloc 500M rate=40M/s fill=plain; touch 600s rate=2M/s pattern=random'
wait_until 120 'the busy one needs all there is' busy_needs_all

check 'both are managed from now on' backend_reload <<<"$(configuration 0)"
wait_until 30 'and there is not enough for both' host_is_short
pause 10
check "without a tax the idle one keeps its half ($(target_kib idle) KiB)" \
    near $half_kib

active_kib=$(used_kib idle)
rule_kib=$(((2 * half_kib + 3 * active_kib) / 5))
check 'idle memory is taxed' backend_reload <<<"$(configuration 75)"
wait_until 60 "the idle one keeps about $rule_kib KiB" stays_near $rule_kib
note "it uses $active_kib KiB, and keeps $(target_kib idle);" \
    "the busy one has $(target_kib busy)"
check 'it lost three quarters of what was idle, at most' \
    "[ $(target_kib idle) -ge $((active_kib + (half_kib - active_kib) / 4)) ]"
check_equal 'nobody was killed' \
    "$(guest_oom_kills idle)$(guest_oom_kills busy)" 00

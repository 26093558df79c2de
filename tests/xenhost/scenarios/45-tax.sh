# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2016
# xenhost: timeout=600
#
# Scenario 17 on the scale of this host: idle memory is taxed.  One guest has
# read files that nobody needs, the other wants more than there is; both have
# swap that costs nothing, as on a disk.  The price of what is idle is four times
# that of what is used, so of all that both may hold, S, of which a is active in
# the first, this keeps (S + 3 a) / 5.  When it wakes, it has its half.

total_kib=$((400 * 1024))
for guest in idle busy; do
    guest_create_nowait $guest type=pv memory=200 maxmem=400 swap=320 \
        frontend_args='--heartbeat 2'
done
for guest in idle busy; do guest_wait $guest; done
state_is() { [ "$(listed "$1" state)" = "$2" ]; }
both_are_managed() { state_is idle managed && state_is busy managed; }

check 'idle has a disk to read' guest_run idle \
    'disk=zram$(cat /sys/class/zram-control/hot_add) &&
        echo 160M >/sys/block/$disk/disksize && echo $disk >/run/disk'
check 'and fills its cache from it' guest_run -t 120 idle \
    'dd if=/dev/$(cat /run/disk) of=/dev/null bs=1M count=110'
backend_start <<<"reserve = \"$(host_free_kib)K\""
wait_until 60 'both are managed' both_are_managed

load_start busy 'alloc 380M fill=plain rate=40M/s; touch 200s rate=40M/s'
pause 25
active_kib=$(($(xen_current_kib idle) - $(guest_available_kib idle)))
fair_kib=$(((total_kib + 3 * active_kib) / 5))
has_given() { [ "$(target_kib idle)" -le $((fair_kib * 12 / 10)) ]; }
wait_until 60 "idle gives what the tax takes: it keeps about $fair_kib KiB" \
    has_given
note "idle $(target_kib idle) KiB, $active_kib of it active," \
    "busy $(target_kib busy)"
check "and no more than three quarters of what is idle" \
    "[ $(target_kib idle) -ge $((fair_kib * 8 / 10)) ]"
check_equal 'nobody was killed' \
    "$(guest_oom_kills idle)$(guest_oom_kills busy)" 00

load_start idle 'alloc 260M fill=plain rate=20M/s; touch 60s rate=40M/s'
has_half() { [ "$(target_kib idle)" -ge $((total_kib * 9 / 20)) ]; }
wait_until 60 'it wakes, and has its half' has_half
note "idle $(target_kib idle) KiB, busy $(target_kib busy)"
check_equal 'and nobody was killed for it' \
    "$(guest_oom_kills idle)$(guest_oom_kills busy)" 00

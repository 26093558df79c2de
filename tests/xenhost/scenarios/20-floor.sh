# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2016
# xenhost: timeout=300
#
# A guest whose floor is its ceiling is never touched, not even by a write of
# the same value, while two others fight over too little memory.

guest_create_nowait fixed type=pvh memory=128 maxmem=512
guest_create_nowait a type=pv memory=160 maxmem=512 swap=256
guest_create_nowait b type=pvh memory=160 maxmem=512 swap=256
guest_wait fixed
guest_wait a
guest_wait b

backend_start <<END
reserve = "$(($(host_free_kib) - 65536))K"
domains = [ "name=fixed, floor=128M, ceiling=128M",
            "name=a, weight=512",
            "name=b, floor=96M" ]
END
wait_until 30 'a and b are managed' \
    '[ "$(listed a state)$(listed b state)" = managedmanaged ]'
check_equal 'the third is shown as fixed' "$(listed fixed state)" fixed
before=$(target_kib fixed)
limit_before=$(xen_limit_kib fixed)
store_watch_count_start fixed "/local/domain/$(domid fixed)/memory"

load_start a 'alloc 200M rate=10M/s; hold 5s'
load_start b 'alloc 200M rate=10M/s; hold 5s'
load_wait a 90
load_wait b 90
note "a $(xen_current_kib a) KiB, b $(xen_current_kib b) KiB," \
    "free $(host_free_kib) KiB"

check_equal 'no write reached its memory nodes' \
    "$(store_watch_count_stop fixed)" 0
check_equal 'its target is what it was' "$(target_kib fixed)" "$before"
check_equal 'so is its limit' "$(xen_limit_kib fixed)" "$limit_before"
check 'the one of double weight holds more' \
    "[ $(xen_current_kib a) -gt $(xen_current_kib b) ]"
check 'b is not below its floor' "[ $(target_kib b) -ge 98304 ]"
check_equal 'no guest met an OOM kill' \
    "$(guest_oom_kills a)$(guest_oom_kills b)$(guest_oom_kills fixed)" 000

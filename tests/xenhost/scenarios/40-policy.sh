# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2016
# xenhost: timeout=1500
#
# Who gets and who gives, on the scale of this host; the numbers are those of the
# scenarios that the simulated host plays at their real sizes.
#
#   12, 25  The host cannot see inside, guests can: only the one whose memory is
#           page cache gives; hardly anything comes from the busy one.
#    1, 20  More is promised than there is: peaks that come one after the other
#           are all served, each by what the others no longer need.
#
# All of it is recorded, decided again from the record, and simulated.
#
# Number 27 is the fight in 20-neighbours.sh, 20 both ways is 10-flow.sh, and 17,
# the idle tax, 45-tax.sh.

guest_create_nowait cache type=pv memory=240 maxmem=384 swap=64 \
    frontend_args='--heartbeat 2'
guest_create_nowait busy type=pv memory=160 maxmem=384 swap=64 \
    frontend_args='--heartbeat 2'
guest_create_nowait needy type=pv memory=112 maxmem=384 swap=64 \
    frontend_args='--heartbeat 2'
guests=(cache busy needy)
for guest in "${guests[@]}"; do
    guest_wait $guest
done
state_is() { [ "$(listed "$1" state)" = "$2" ]; }
all_are() {
    local name
    for name in "${guests[@]}"; do state_is "$name" "$1" || return 1; done
}
kills() {
    local name sum=0
    for name in "${guests[@]}"; do
        sum=$((sum + $(guest_oom_kills "$name")))
    done
    echo $sum
}
note_all() {
    local name line=$1:
    for name in "${guests[@]}"; do
        line+=" $name $(xen_current_kib "$name") (needs"
        line+=" $(listed "$name" demand_kib)),"
    done
    note "$line free $(host_free_kib)"
}

# --- 12, 25: choose by what is inside ---------------------------------------

# A disk of zeros in the guest, which costs nothing: reading it fills its cache.
check 'cache has a disk to read' guest_run cache \
    'disk=zram$(cat /sys/class/zram-control/hot_add) &&
        echo 160M >/sys/block/$disk/disksize && echo $disk >/run/disk'
check 'and fills its cache from it' guest_run -t 120 cache \
    'dd if=/dev/$(cat /run/disk) of=/dev/null bs=1M count=120'
load_start busy 'alloc 64M rate=40M/s; touch 60s rate=10M/s'
pause 5
cache_before=$(xen_current_kib cache)
backend_start <<END
reserve = "$(($(host_free_kib) - 8 * 1024))K"
record = "$work/record"
END
wait_until 60 'all are managed' all_are managed
pause 5
note_all 'before needy needs'
busy_before=$(xen_current_kib busy)
load_start needy 'alloc 64M rate=4M/s; hold 4s'
load_wait needy 180
note_all 'needy was served'
gave=$((cache_before - $(xen_current_kib cache)))
busy_gave=$((busy_before - $(xen_current_kib busy)))
check "the cache gave at least 32 MiB ($gave KiB)" "[ $gave -ge 32768 ]"
check "and nine tenths of all ($busy_gave KiB came from the busy one)" \
    "[ $((busy_gave * 9)) -le $gave ]"
check_equal 'nobody was killed' "$(kills)" 0
load_wait busy 300

# --- 1, 20: peaks that differ -------------------------------------------------

promised=$((3 * 384 * 1024))
held=0
for guest in "${guests[@]}"; do
    held=$((held + $(xen_current_kib "$guest")))
done
check "twice as much is promised as there is ($held KiB)" \
    "[ $((held * 2)) -le $promised ]"
# What it was given at most, since so many lines of the log.
most_given_kib() {
    backend_log | tail -n +"$2" |
        sed -n "s/.*name=\"$1\".* to_kib=\([0-9]*\).*/\1/p" | sort -n | tail -n 1
}
for guest in needy cache busy; do
    lines=$(backend_log | wc -l)
    load_start $guest 'alloc 140M rate=6M/s; touch 2s rate=20M/s'
    load_wait $guest 240
    note_all "$guest has had its peak"
    check "$guest got what it needed" \
        "[ $(most_given_kib $guest "$lines") -ge $((180 * 1024)) ]"
done
check_equal 'nobody was killed for it' "$(kills)" 0
check_between 'needy swapped a few MiB at most' \
    "$(guest_swapped_kib needy)" 0 8192
check_between 'and busy' "$(guest_swapped_kib busy)" 0 8192

# --- what was recorded ----------------------------------------------------------

check 'what was recorded is decided again, bit for bit' \
    xb replay "$work/record"
note "$(xb replay "$work/record")"
check 'and can be played on a host of another size' \
    "xb simulate --host-memory 1G --json $work/record | jq -e .rises_kib"

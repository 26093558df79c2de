# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2016
# xenhost: timeout=1200
#
# PEERS 17 on the scale of this host: idle memory is taxed.  Two guests of the
# same weight hold a half each of all that they may hold, S.  One uses a quarter
# of its half, u; the other comes to need more than there is.
#
#   with the tax   what is idle costs four times what is used does.  Prices are
#                  equal where u + 4 (idle - u) = S - idle: (S + 3 u) / 5
#   without        it gets its half back, as far as it held that lately
#
# A measurement, not a scenario: a guest that swaps all the time has nothing for
# its balloon to take, so that it takes long until the busy one has given what
# is not its own, and on a busy machine it may be called stuck meanwhile.

half_kib=$((400 * 1024))
for guest in idle busy; do
    guest_create_nowait $guest type=pv memory=400 maxmem=1024 \
        frontend_args='--heartbeat 2'
done
for guest in idle busy; do guest_wait $guest; done
both_are_managed() {
    [ "$(listed idle state) $(listed busy state)" = 'managed managed' ]
}
used_kib() { echo $(($(xen_current_kib "$1") - $(guest_available_kib "$1"))); }

# A frontend does not count on swap that is compressed: what goes there stays in
# memory.  Under a disk's name this is a disk, and takes next to no memory for
# pages of one word over and over.
for guest in idle busy; do
    check "$guest has a disk to swap to" guest_run $guest \
        'insmod /modules/zsmalloc.ko && insmod /modules/zram.ko &&
            echo 900M >/sys/block/zram0/disksize &&
            mknod /dev/disk b $(tr : " " </sys/block/zram0/dev) &&
            mkswap /dev/disk >/dev/null && swapon /dev/disk'
done
# A need shows in what somebody waits for, and only for a while: so it goes round
# and round in more memory than there is.  Programs that end and begin leave
# something for the balloon to take.
busy_load() {
    local step=0
    printf 'alloc 800M rate=80M/s fill=plain'
    for ((; step < 60; step++)); do
        printf ';touch 4s rate=20M/s;release 60M;hold 1s'
        printf ';alloc 60M fill=plain'
    done
}

reserve_kib=$(host_free_kib)
# configuration [LINE]: nothing is free but what the two hold, and their floors
# are below what they use.
configuration() {
    cat <<END
reserve = "${reserve_kib}K"
domains = [ "name=idle, floor=64M", "name=busy, floor=64M" ]
$*
END
}
# near KIB: the idle one's target, within a seventh
near() {
    local off=$(($(target_kib idle) - $1))
    [ "${off#-}" -le $(($1 / 7)) ]
}
# It does not only pass by.
stays_near() { near "$1" && pause 8 && near "$1"; }
host_is_short() { [ "$(xb status --json | jq -r .host.state)" = short ]; }
kills() { echo "$(guest_oom_kills idle)$(guest_oom_kills busy)"; }

backend_start <<<"$(configuration)"
wait_until 60 'both are managed' both_are_managed
begun=$SECONDS
load_start busy "$(busy_load)"
wait_until 240 'more is needed than there is' host_is_short
active_kib=$(used_kib idle)
rule_kib=$((($(target_kib idle) + $(target_kib busy) + 3 * active_kib) / 5))
wait_until 240 "the idle one keeps about $rule_kib KiB" \
    stays_near $rule_kib
taxed_kib=$(target_kib idle) taxed_s=$((SECONDS - begun))
check_equal 'nobody was killed' "$(kills)" 00

check 'the tax is abolished' backend_reload <<<"$(configuration 'idle_tax = 0')"
begun=$SECONDS
# A seventh of its half is what it forgets of it in two minutes, at most.
wait_until 240 'it is given back what it held lately' \
    stays_near $((half_kib * 13 / 14))
untaxed_kib=$(target_kib idle) untaxed_s=$((SECONDS - begun))
check_equal 'nobody was killed for it' "$(kills)" 00
emit "$(jq -c -n --argjson active "$active_kib" --argjson rule "$rule_kib" \
    --argjson taxed "$taxed_kib" --argjson taxed_s "$taxed_s" \
    --argjson half "$half_kib" --argjson untaxed "$untaxed_kib" \
    --argjson untaxed_s "$untaxed_s" '
    {bench: "idle-tax", active_kib: $active, rule_kib: $rule,
     taxed_kib: $taxed, taxed_s: $taxed_s, half_kib: $half,
     untaxed_kib: $untaxed, untaxed_s: $untaxed_s}')"

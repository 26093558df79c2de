# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2016
# xenhost: timeout=900
#
# A guest that helps itself, and one that is warned.
#
#   reflex  with its allowance a guest without swap survives a burst while dom0
#           is dead; the next backend makes good what it took, or asks it back
#   intent  a large shrink is announced: hooks run with the amount, and the
#           target moves when they are done

guest_create_nowait p type=pv memory=128 maxmem=400 \
    frontend_args='--heartbeat 2'
guest_create_nowait q type=pv memory=112 maxmem=400 \
    frontend_args='--heartbeat 2'
for guest in p q; do guest_wait $guest; done
managed() { [ "$(listed "$1" state)" = managed ]; }
both_managed() { managed p && managed q; }
has_allowance() { [ "$(listed p allowance_kib)" -ge $((48 * 1024)) ]; }
above_target() { echo $(($(xen_current_kib p) - $(target_kib p))); }

# --- reflex ------------------------------------------------------------------

backend_start <<<'reserve = "128M"'
wait_until 60 'both are managed' both_managed
wait_until 60 'p may take 48 MiB by itself at least' has_allowance
check_equal 'and was told so' "$(store_read \
    "/local/domain/0/backend/balloon/$(domid p)/0/allowance")" \
    "$(listed p allowance_kib)"
pause 5

backend_kill9
check_between 'p is at its target' "$(above_target)" -2048 2048
target=$(target_kib p)
# All that it has, and 24 MiB that it has not.
load_start p "alloc $(($(guest_available_kib p) / 1024 + 24))M; hold 20s"
# A burst in the midst of a handshake would be another test.
took_16() {
    [ "$(above_target)" -ge 16384 ] && load_log p | grep -q '"step":"hold"'
}
wait_until 90 'with dom0 dead, p takes what it needs' took_16
check_equal 'nobody moved its target' "$(target_kib p)" "$target"
note "p holds $(above_target) KiB above its target"

backend_start <<<'reserve = "128M"'
made_good() { [ "$(target_kib p)" -ge $((target + 16384)) ]; }
wait_until 60 'a new backend makes it good' made_good
load_wait p 120
check_equal 'nothing was killed for want of memory' "$(guest_oom_kills p)" 0
at_target() { [ "$(above_target)" -le 2048 ]; }
wait_until 60 'and p holds no more than its target again' at_target

# --- intent ------------------------------------------------------------------

check 'p is to hold 360 MiB' xb set p floor=360M
has_360() { [ "$(xen_current_kib p)" -ge $((359 * 1024)) ]; }
wait_until 60 'and gets them' has_360
# What is free needs no warning, page cache does: of a disk of zeros, which costs
# nothing, and is kept open, or its cache would go.
guest_start p 'insmod /modules/zsmalloc.ko; insmod /modules/zram.ko
    echo 300M >/sys/block/zram0/disksize; exec 9</dev/zram0
    dd of=/dev/null bs=1M count=240 <&9; sleep 1000'
has_cache() { [ "$(guest_meminfo p Buffers)" -ge 200000 ]; }
wait_until 120 'p fills its page cache' has_cache
check 'p has a hook' guest_run p 'mkdir -p /etc/xenballoon/hooks.d &&
    printf "#!/bin/sh\nsleep 3\nenv >/run/hook.env\n" \
        >/etc/xenballoon/hooks.d/shrink &&
    chmod 755 /etc/xenballoon/hooks.d/shrink'
backend_stop
backend_start <<<"reserve = \"$(($(host_free_kib) - 16 * 1024))K\""
wait_until 60 'both are managed again' both_managed
check 'p may give' xb set p floor=96M
before=$(target_kib p)
check 'q is to hold 300 MiB' xb set q floor=300M
asked() {
    store_exists "/local/domain/0/backend/balloon/$(domid p)/0/announcement"
}
wait_until 20 'p is warned' asked
check_equal 'its target has not moved yet' "$(target_kib p)" "$before"
hooked() { guest_run p test -s /run/hook.env; }
wait_until 20 'its hook runs' hooked
check_between 'and knows how much is asked for' "$(guest_run p \
    'sed -n "s/^XENBALLOON_SHRINK_KIB=//p" /run/hook.env')" 65536 262144
shrunk() { [ "$(target_kib p)" -le $((before - 65536)) ]; }
wait_until 30 'then its target moves' shrunk
q_has() { [ "$(xen_current_kib q)" -ge $((299 * 1024)) ]; }
wait_until 120 'and q gets what it needs' q_has
check_equal 'nothing was killed in p' "$(guest_oom_kills p)" 0
check_equal 'nor in q' "$(guest_oom_kills q)" 0

# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2016
# xenhost: dom0=1200 timeout=400
#
# A managed guest is saved and restored: the frontend in it lives on, finds the
# store under another domid, and the backend takes the guest up again.  It rings
# by an event channel, which is dead after that and must stay open.  Then one
# that helped itself while no backend ran is saved, and restored as the manual
# says.  Dom0 is large because the file of a saved guest is in its memory.

guest_create a type=pv memory=112 maxmem=224 \
    frontend_args='--heartbeat 1 --event-channel'
state_is() { [ "$(listed "$1" state)" = "$2" ]; }
holds() { [ "$(xen_current_kib "$1")" -ge $(($2 * 1024 - 1024)) ]; }

backend_start <<<'reserve = "64M"'
wait_until 60 'a is managed' state_is a managed
check 'a is to hold 160 MiB' xb set a floor=160M
wait_until 60 'a gets them' holds a 160
rings() {
    store_exists "/local/domain/$(domid a)/device/balloon/0/event-channel"
}
check 'it rings by an event channel' rings
id_before=$(domid a)
pid_before=$(guest_frontend a pid)

check 'a is saved' guest_save a "$save_folder/a"
wait_until 20 'it leaves the list' '[ -z "$(listed a state)" ]'
check_not 'its record is removed' \
    store_exists "/local/domain/0/xenballoon/$id_before"
check_not 'and the backend'"'"'s end of its device' \
    store_exists "/local/domain/0/backend/balloon/$id_before"
check 'a is restored' guest_restore a "$save_folder/a"
check 'under another domid' "[ $(domid a) != $id_before ]"
wait_until 60 'a is managed again' state_is a managed
check_equal 'by the same frontend' "$(guest_frontend a pid)" "$pid_before"
check_not 'which rings by the store from now on' rings
check_not 'and its kernel is well' guest_run a 'dmesg | grep -e BUG -e Oops'
check 'it holds what it held' holds a 160

check 'a is to hold 200 MiB' xb set a floor=200M
wait_until 60 'its balloon still moves' holds a 200
check_equal 'it met no OOM kill' "$(guest_oom_kills a)" 0

# --- saved with more than its target ----------------------------------------

guest_destroy a
guest_create b type=pv memory=112 maxmem=256 frontend_args='--heartbeat 1'
may_take() { [ "$(listed b allowance_kib)" -ge $((32 * 1024)) ]; }
above_target() { echo $(($(xen_current_kib b) - $(target_kib b))); }
took_8() {
    [ "$(above_target)" -ge 8192 ] && load_log b | grep -q '"step":"hold"'
}
wait_until 60 'b may take 32 MiB by itself' may_take
pause 3
backend_kill9
load_start b "alloc $(($(guest_available_kib b) / 1024 + 12))M; hold 10m"
wait_until 90 'with no backend, b takes more than its target' took_8
held=$(xen_current_kib b)
note "b holds $(above_target) KiB above its target"
rm -f "$save_folder/a"
check 'b is saved' guest_save b "$save_folder/b"
# xl makes the new domain by the target: its memory does not fit in.
check_not 'xl cannot restore it by its own' guest_restore b "$save_folder/b"
check 'the file is still there' test -s "$save_folder/b"
sed -i "s/^memory = .*/memory = $((held / 1024 + 1))/" "$work/b.cfg"
restore_as() {
    xl restore "$1" "$2" >>"$work/b.create.log" 2>&1 &&
        hosttool wait b "$guest_boot_s"
}
check 'by a configuration with as much as it held it is restored' \
    restore_as "$work/b.cfg" "$save_folder/b"
backend_start <<<'reserve = "64M"'
wait_until 60 'b is managed again' state_is b managed
check 'with all that was in it' guest_run b 'pidof memload'
check_equal 'it met no OOM kill' "$(guest_oom_kills b)" 0

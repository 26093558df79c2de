# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2016
# xenhost: dom0=1200 timeout=400
#
# A managed guest is saved and restored: the frontend in it lives on, finds the
# store under another domid, and the backend takes the guest up again.  Dom0 is
# large because the file of a saved guest is in its memory.

guest_create a type=pv memory=112 maxmem=224 frontend_args='--heartbeat 1'
state_is() { [ "$(listed "$1" state)" = "$2" ]; }
holds() { [ "$(xen_current_kib "$1")" -ge $(($2 * 1024 - 1024)) ]; }

backend_start <<<'reserve = "64M"'
wait_until 60 'a is managed' state_is a managed
check 'a is to hold 160 MiB' xb set a floor=160M
wait_until 60 'a gets them' holds a 160
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
check 'it holds what it held' holds a 160

check 'a is to hold 200 MiB' xb set a floor=200M
wait_until 60 'its balloon still moves' holds a 200
check_equal 'it met no OOM kill' "$(guest_oom_kills a)" 0

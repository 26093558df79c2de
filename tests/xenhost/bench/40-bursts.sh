# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2016
# xenhost: timeout=5400
#
# 200 random bursts in six guests at the same time, half of them without swap,
# on a host that has what all of them may want at once, and no more: the kernel
# kills nobody.

guest_count=6
bursts_of=(34 34 33 33 33 33)
burst_min_kib=$((16 * 1024))
burst_max_kib=$((56 * 1024))
seed=$(($(now_ms) % 100000))
note "seed $seed"

guests=()
for ((i = 0; i < guest_count; i++)); do
    guests+=("burst$i")
    guest_create_nowait "burst$i" type=pv memory=112 maxmem=256 \
        swap=$((i % 2 * 64)) frontend_args='--heartbeat 2'
done
for guest in "${guests[@]}"; do guest_wait "$guest"; done

# What they use now, the largest burst in each, and a guest's least head-room.
held_kib=0 needed_kib=0
for guest in "${guests[@]}"; do
    current_kib=$(xen_current_kib "$guest")
    available_kib=$(guest_available_kib "$guest")
    held_kib=$((held_kib + current_kib))
    needed_kib=$((needed_kib + current_kib - available_kib + burst_max_kib +
        8 * 1024))
done
reserve_kib=$((held_kib + $(host_free_kib) - needed_kib))
note "they hold $held_kib KiB, may need $needed_kib, reserve $reserve_kib"
backend_start <<<"reserve = \"${reserve_kib}K\""
all_managed() {
    [ "$(xb list --json | jq '[.domains[] |
        select(.state == "managed")] | length')" = $guest_count ]
}
wait_until 120 'all are managed' all_managed

kills_before=0
for guest in "${guests[@]}"; do
    kills_before=$((kills_before + $(guest_oom_kills "$guest")))
done
for ((i = 0; i < guest_count; i++)); do
    guest_run "burst$i" "rm -f /run/job/done; setsid sh -c \
'memburst ${bursts_of[i]} $burst_min_kib $burst_max_kib 1000 3000 \
$((seed + i)); echo \$? >/run/job/done' </dev/null >/run/job/bursts 2>&1 &"
done
kills_after=0 begin=$SECONDS
for guest in "${guests[@]}"; do
    guest_run -t 3600 "$guest" \
        'until [ -s /run/job/done ]; do sleep 1; done' || note "$guest: $?"
    guest_run "$guest" cat /run/job/bursts |
        jq -c --arg guest "$guest" '. + {guest: $guest}' >>"$work/bursts.json"
    kills_after=$((kills_after + $(guest_oom_kills "$guest")))
done
cp "$work/bursts.json" "$log_folder/bench-bursts.json"
killed=$((kills_after - kills_before))
emit "$(jq -c -s --argjson guests $guest_count --argjson killed "$killed" \
    --argjson seed "$seed" --argjson seconds $((SECONDS - begin)) '
    {bench: "bursts-without-kill", bursts: length, guests: $guests,
     killed: $killed, stalled: map(select(.stall_ms)) | length,
     longest_chunk_ms: map(.longest_chunk_ms) | max, seconds: $seconds,
     seed: $seed}' "$work/bursts.json")"
check_equal 'all bursts were made' "$(wc -l <"$work/bursts.json")" 200
check_equal 'nobody was killed' "$killed" 0

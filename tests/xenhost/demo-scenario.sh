# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2016
# xenhost: timeout=900
#
# The main job on a real Xen, told as it happens: `demo` boots the host, runs
# this in dom0 and draws what it emits.  What is claimed at the end is checked.
#
# Emitted, with tabs between the fields:
#   phase   TEXT
#   host    SECONDS FREE RESERVE TOTAL WRITES
#   domain  NAME TYPE STATE CURRENT TARGET LIMIT DEMAND FLOOR CEILING USED WHY
#   frame                        all domains of one moment have been told
#   held    TEXT                 a line of the summary
# Memory in KiB; "-" is unknown.

working_set=210M
reservation_kib=$((144 * 1024))

say() { local IFS=$'\t'; emit "$*"; }

list_rows='.domains[] | select(.domid != 0) | ["domain", .name, .type, .state,
    .current_kib, .target_kib, .limit_kib, (.demand_kib // "-"), .floor_kib,
    .ceiling_kib,
    (if .report then .current_kib - .report.available_kib else "-" end),
    .reason_text] | map(tostring) | join("\t")'
host_row='.host | ["host", $s, .free_kib, .reserve_kib, .total_kib, .writes] |
    map(tostring) | join("\t")'

begin_ms=$(now_ms)
frame() {
    local line
    say "$(xb status --json |
        jq -r --arg s "$((($(now_ms) - begin_ms) / 1000))" "$host_row")"
    xb list --json | jq -r "$list_rows" |
        while IFS= read -r line; do emit "$line"; done
    emit frame
}

# Draws while COMMAND... fails, at most SECONDS.
watch_until() {
    local until_s=$((SECONDS + $1))
    shift
    until evaluate "$@" >/dev/null 2>&1; do
        [ $SECONDS -lt $until_s ] || return 1
        frame
        pause 0.7
    done
    frame
}

mib() { echo "$(($1 / 1024))"; }
told=""
remember() { # MOMENT
    local name
    told="$1:"
    for name in archive web database; do
        told+="$(printf '  %s %4d MiB' $name "$(mib "$(xen_current_kib $name)")")"
    done
    say held "$told"
}

say phase 'creating three guests: archive (PV), web (PV) and database (PVH)'
guest_create_nowait archive type=pv memory=420 maxmem=512
guest_create_nowait web type=pv memory=112 maxmem=512 swap=128
guest_create_nowait database type=pvh memory=144 maxmem=192
guest_wait archive
guest_wait web
guest_wait database

backend_start <<END
# Xen has next to nothing to spare: what one guest gets, another has to give.
reserve = "$(($(host_free_kib) - 40 * 1024))K"
domains = [ "name=database, floor=${reservation_kib}K" ]
END

say phase 'at rest: archive holds much and uses little'
watch_until 90 '[ "$(xb list --json |
    jq "[.domains[] | select(.state == \"managed\")] | length")" = 3 ]'
check 'all three guests are managed' \
    '[ "$(listed archive state)$(listed web state)$(listed database state)" = \
        managedmanagedmanaged ]'
watch_until 4 false
remember 'at rest'
archive_before=$(xen_current_kib archive)
web_before=$(xen_current_kib web)

say phase 'web begins to need memory: a working set of twice its size'
load_start web "alloc $working_set rate=8M/s; touch 4s rate=40M/s; hold 12s"
watch_until 120 '[ "$(xen_current_kib web)" -ge $((web_before * 5 / 2)) ]'
remember 'web needs'
web_peak=$(xen_current_kib web)
check 'web got two and a half times what it had' \
    "[ $web_peak -ge $((web_before * 5 / 2)) ]"
check 'archive, which was idle, gave it' \
    "[ $(xen_current_kib archive) -lt $((archive_before - 81920)) ]"

say phase 'the operator gives database more: xl mem-set database 176'
check 'xl mem-set succeeds' xl mem-set database 176
watch_until 30 '[ "$(xen_current_kib database)" -ge $((175 * 1024)) ] &&
    [ "$(listed database state)" = operator ]'
remember 'after mem-set'
check_between 'database holds what the operator gave' \
    "$(xen_current_kib database)" $((175 * 1024)) $((179 * 1024))
check_equal "and is shown as the operator's" "$(listed database state)" operator

say phase 'web finishes its work'
watch_until 120 'guest_run web test -s /run/job/load.status'
load_wait web 60
check_equal 'web met no OOM kill' "$(guest_oom_kills web)" 0
check_between 'web swapped a few MiB at most' "$(guest_swapped_kib web)" 0 8192
remember 'web is done'

say phase 'now archive needs: its memory comes back'
xb release database
load_start archive 'alloc 200M rate=8M/s; hold 6s'
archive_low=$(xen_current_kib archive)
watch_until 150 'guest_run archive test -s /run/job/load.status'
load_wait archive 60
remember 'archive needs'
check 'archive has grown again' \
    "[ $(xen_current_kib archive) -ge $((archive_low + 40960)) ]"
check_equal 'archive met no OOM kill' "$(guest_oom_kills archive)" 0
check 'database never fell below its reservation' \
    "[ $(target_kib database) -ge $reservation_kib ]"
check_between 'Xen kept its reserve' "$(host_free_kib)" \
    $(($(xb status --json | jq .host.reserve_kib) - 4096)) 99999999

say phase 'at rest again'
watch_until 3 false

#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What the built things may need of others.
#
# Deciding is pure: what the archives of both policies need from elsewhere is
# memory functions, assertions, and what the compiler adds by itself (128-bit
# integer arithmetic, stack protector, sanitizers, coverage, fuzzing).  No
# clock, allocation, input, output or logging.  Floating point is refused by
# the compiler (PURE_CFLAGS in configure.ac), or shows here as a helper of the
# compiler's library.

# shellcheck source-path=SCRIPTDIR source=tap.sh
. "$(dirname "$0")/tap.sh"

NM=${NM:-nm}
allowed='^(mem(cmp|cpy|move|set)|__mem(cpy|move|set)_chk|__assert_fail'
allowed="$allowed|__u?(div|mod)(mod)?[dt]i[34]|__multi3|__mulo[dt]i4"
allowed="$allowed|__stack_chk_fail|_GLOBAL_OFFSET_TABLE_"
allowed="$allowed|__(asan|ubsan|lsan|sanitizer|sancov)_.*|___asan_gen_.*"
allowed="$allowed|__(start|stop)___sancov_.*|__gcov_.*|__llvm_.*)\$"

# What none of its members brings along.
undefined() {
    "$NM" "$1" | awk '
        NF == 2 && $1 ~ /^[UwWvV]$/ { wanted[$2] = 1 }
        NF == 3 && $2 ~ /^[TDBRSGVW]$/ { here[$3] = 1 }
        END {
            for (name in wanted)
                if (!(name in here))
                    print name
        }' | sort
}

defined() {
    "$NM" "$1" | awk 'NF == 3 && $2 == "T" { print $3 }'
}

# Data that can be written: a hidden state.  Tables of pointers are constant,
# too, once they are relocated.
writable() {
    "$NM" -f sysv "$1" | awk -F'|' '
        {
            gsub(/ /, "")
        }
        $3 ~ /^[DdBbCSsG]$/ && $7 !~ /^\.data\.rel\.ro/ { print $1, $7 }'
}

for archive in backend/libpolicy.a frontend/libfrontendpolicy.a; do
    [ -e "$archive" ] || continue
    verdict "$archive: defines something" \
        "$([ -n "$(defined "$archive")" ] || echo "no symbol in $archive")"
    verdict "$archive: calls nothing but memory functions and assertions" \
        "$(undefined "$archive" | grep -Ev "$allowed")"
    # Instrumentation counts in data of its own.
    [ -n "${INSTRUMENT_CFLAGS:-}" ] ||
        verdict "$archive: keeps no state" "$(writable "$archive")"
done

# One build serves every guest, so it needs libraries of a stable interface.
if [ -x xenballoon-frontend ] && [ -z "${INSTRUMENT_CFLAGS:-}" ]; then
    verdict "xenballoon-frontend links libc and libraries of Xen's that are stable" "$(
        "${READELF:-readelf}" -d xenballoon-frontend |
            sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' |
            grep -Ev '^(libc|libxenstore|libxengnttab|libxenevtchn|ld-linux[a-z0-9_-]*)\.so')"
fi

tap_done

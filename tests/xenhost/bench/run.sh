#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# make bench-xen: the measurements on the virtual host.  Each is a scenario that
# emits its figures, one JSON object a line; only these go to standard output.
#
#   run.sh [FILE]...     all scenarios of this folder without FILE

set -u -o pipefail
here=$(cd "$(dirname "$(readlink -f "$0")")" && pwd) || exit 2
[ $# -gt 0 ] || set -- "$here"/[0-9]*.sh

"$here/../xenhost" run "$@" |
    while IFS= read -r line; do
        case $line in
        '{'*) printf '%s\n' "$line" ;;
        *) printf '%s\n' "$line" >&2 ;;
        esac
    done

#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Who may know what: the layers of the tree, read from the sources.  An
# adapter alone knows Xen, the loop alone waits, main.c alone reads a clock,
# the environment and its arguments, and a decision knows no way to the world.

# shellcheck source-path=SCRIPTDIR source=tap.sh
. "$(dirname "$0")/tap.sh"

sources() {
    for dir in "$@"; do
        find "$srcdir/$dir" -name '*.[ch]' | sort
    done
}

product() {
    sources common frontend backend control simulate
}

# offenders PATTERN EXCEPT [code|all] < FILES: the lines of the files that
# match PATTERN, but for those files whose path matches EXCEPT.
offenders() {
    while IFS= read -r file; do
        printf '%s\n' "${file#"$srcdir"/}" | grep -Eq "$2" && continue
        uncomment "$file" "${3:-code}" |
            grep -E "^[^:]*:[0-9]+:.*($1)"
    done
}

# What stands before a function's name when it is called, not a member or a
# part of a longer name.
call='(^|[^A-Za-z0-9_.>])'

# includes FILE: itself and all headers of ours that it takes in.
includes() {
    awk -v top="$srcdir" -v first="$1" '
    function scan(file,    line, name, dir, found) {
        if (file in seen)
            return
        seen[file] = 1
        print file
        dir = file
        sub(/[^\/]*$/, "", dir)
        lines[file] = ""
        while ((getline line < file) > 0)
            if (line ~ /^[ \t]*#[ \t]*include[ \t]*"/)
                lines[file] = lines[file] "\n" line
        close(file)
        queue(file, dir)
    }
    function queue(file, dir,    n, i, part, name) {
        n = split(lines[file], part, "\n")
        for (i = 2; i <= n; i++) {
            name = part[i]
            gsub(/^[^"]*"|".*$/, "", name)
            if ((getline _ < (dir name)) >= 0) {
                close(dir name)
                todo[++last] = dir name
            } else {
                todo[++last] = top "/" name
            }
        }
    }
    BEGIN {
        todo[++last] = first
        for (next_one = 1; next_one <= last; next_one++)
            scan(todo[next_one])
    }'
}

verdict "only *_xen.c includes Xen's headers" \
    "$(product | offenders '#[ \t]*include[ \t]*[<"](xen|xs[._]|libxl)' \
       '_xen\.c$')"
verdict "only xlconf_xen.c includes libxlutil's" \
    "$(product | offenders '#[ \t]*include[ \t]*[<"]libxl' \
       '^backend/xlconf_xen\.c$')"

findings=
for file in $(sources frontend backend | grep '/decide\.c$'); do
    for part in $(includes "$file"); do
        table=$(uncomment "$part" code | grep -E 'struct [a-z_]+_ops[ \t]*\{')
        [ -z "$table" ] ||
            findings="$findings${file#"$srcdir"/} takes in $table
"
    done
done
verdict "no decide.c takes in a table of functions" "$findings"

verdict "only loop.c waits" \
    "$(product | offenders \
       "${call}(p?poll|p?select|epoll_[a-z0-9_]+|usleep|sleep|nanosleep|clock_nanosleep)[ \t]*\(" \
       '^common/loop\.c$')"
verdict "only main.c reads a clock" \
    "$(product | offenders \
       "${call}(time|clock|clock_gettime|gettimeofday|ftime|timespec_get)[ \t]*\(" \
       '/main\.c$')"
verdict "only main.c reads the environment and its arguments" \
    "$(product | offenders \
       "${call}((secure_)?getenv|getopt(_long(_only)?)?|argp_parse)[ \t]*\(" \
       '/main\.c$')"
verdict "only main.c exits" \
    "$(product | offenders "${call}(exit|_exit|quick_exit|abort|errx?)[ \t]*\(" \
       '/main\.c$')"
verdict "only *_linux.c names kernel files in the guest's half" \
    "$(sources frontend common |
       offenders '"/(proc|sys)[/"]' '^frontend/[a-z]+_linux\.c$' all)"
verdict "no floating point" \
    "$(product | offenders \
       '(^|[^A-Za-z0-9_])(float|double)([^A-Za-z0-9_]|$)' '^$')"

verdict "common/ knows neither end" \
    "$(sources common | offenders '#[ \t]*include[ \t]*"(frontend|backend|control|simulate)/' '^$')"
verdict "frontend/ knows common/ only" \
    "$(sources frontend | offenders '#[ \t]*include[ \t]*"(backend|control|simulate)/' '^$')"
verdict "backend/ knows common/ only" \
    "$(sources backend |
       offenders '#[ \t]*include[ \t]*"(frontend|control|simulate)/' '^$')"
verdict "control/ knows common/ only, main.c simulate/, replay.c backend/" \
    "$(sources control |
       offenders '#[ \t]*include[ \t]*"simulate/' '/main\.c$')$(
       sources control |
       offenders '#[ \t]*include[ \t]*"(frontend|backend)/' \
           '^control/replay\.c$')"

tap_done

# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
#
# The little TAP that the tests written in shell need: sourced by them.
#
#   verdict TEXT FINDINGS   ok when FINDINGS is empty; otherwise "not ok", with
#                           each finding as a comment
#   tap_done                prints the plan; its status is that of the test

srcdir=${srcdir:-$(dirname "$0")/..}
tap_count=0
tap_failed=0

verdict() {
    tap_count=$((tap_count + 1))
    if [ -z "$2" ]; then
        echo "ok $tap_count - $1"
    else
        tap_failed=$((tap_failed + 1))
        printf '%s\n' "$2" | sed 's/^/#   /'
        echo "not ok $tap_count - $1"
    fi
}

tap_done() {
    echo "1..$tap_count"
    [ "$tap_failed" -eq 0 ] && [ "$tap_count" -gt 0 ]
}

# uncomment FILE: the file as "FILE:LINE:text" without comments, and with the
# insides of string literals emptied when the second argument is "code".
uncomment() {
    awk -v file="${1#"$srcdir"/}" -v what="${2:-all}" '
    {
        out = ""
        in_string = ""
        for (i = 1; i <= length($0); i++) {
            c = substr($0, i, 1)
            two = substr($0, i, 2)
            if (in_comment) {
                if (two == "*/") {
                    in_comment = 0
                    i++
                }
            } else if (in_string != "") {
                if (c == "\\") {
                    if (what != "code")
                        out = out two
                    i++
                    continue
                }
                if (c == in_string)
                    in_string = ""
                else if (what == "code")
                    continue
                out = out c
            } else if (two == "/*") {
                in_comment = 1
                i++
            } else if (two == "//") {
                break
            } else {
                # <sys/...> and "..." of an #include are kept by "code", too.
                if ((c == "\"" || c == "\047") && $0 !~ /^[ \t]*#[ \t]*include/)
                    in_string = c
                out = out c
            }
        }
        if (out !~ /^[ \t]*$/)
            print file ":" FNR ":" out
    }' "$1"
}

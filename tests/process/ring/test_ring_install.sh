#!/bin/sh
# SPDX-License-Identifier: MIT
# libringcast as a stranger gets it: installed into an empty prefix, found with pkg-config, linked shared and static.
# usage: test_ring_install.sh CMAKE BUILD_DIRECTORY PROGRAM.c COMPILER SANITIZERS
set -eu

cmake=$1 build=$2 program=$3 compiler=$4 sanitizers=$5
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM
prefix=$work/prefix
fail() {
    echo "$*" >&2
    exit 1
}

"$cmake" --install "$build" --prefix "$prefix" --component libringcast >"$work/log"
pc=$(find "$prefix" -name libringcast.pc)
[ -n "$pc" ] || fail "no libringcast.pc was installed"
mv "$prefix" "$work/moved" # an installed tree may be moved
PKG_CONFIG_PATH=$(dirname "$work/moved/${pc#"$prefix"/}")
export PKG_CONFIG_PATH
flags=${sanitizers:+-fsanitize=$sanitizers}
libraries=$(pkg-config --variable=libdir libringcast)

# The header is all there is, and it compiles alone.
headers=$(cd "$work/moved" && find . -name '*.h')
[ "$headers" = ./include/ringcast.h ] || fail "unexpected headers: $headers"
echo '#include <ringcast.h>' >"$work/alone.c"
"$compiler" -std=c17 -Wall -Wextra -Werror -fsyntax-only $(pkg-config --cflags libringcast) "$work/alone.c"
if command -v c++ >/dev/null; then
    c++ -x c++ -std=c++11 -Wall -Wextra -Werror -fsyntax-only $(pkg-config --cflags libringcast) "$work/alone.c"
fi

"$compiler" -std=c17 $flags $(pkg-config --cflags libringcast) "$program" $(pkg-config --libs libringcast) \
    -o "$work/shared"
static=$(pkg-config --static --libs libringcast | sed 's/-lringcast/-l:libringcast.a/')
"$compiler" -std=c17 $flags $(pkg-config --cflags libringcast) "$program" $static -o "$work/static"
readelf -d "$work/shared" | grep -q 'NEEDED.*libringcast\.so\.1\]' || fail "not linked to libringcast.so.1"
! readelf -d "$work/static" | grep -q 'NEEDED.*libringcast' || fail "the static program needs the shared library"

# An example for strangers is short.
[ "$(wc -l <"$program")" -lt 80 ] || fail "$program has 80 lines or more"

# Both run: without arguments they say how they are used, and exit with 2.
for kind in shared static; do
    status=0
    LD_LIBRARY_PATH=$libraries "$work/$kind" 2>"$work/said" || status=$?
    [ $status = 2 ] && grep -q usage "$work/said" || fail "$kind: exit status $status: $(cat "$work/said")"
done

exported=$(nm -D --defined-only "$libraries/libringcast.so" | sed -n 's/.* [TDBR] \([^@]*\).*/\1/p' |
    grep -v '^ringcast_' || true)
[ -z "$exported" ] || fail "exported beside ringcast_*: $exported"

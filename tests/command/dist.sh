#!/usr/bin/env bash
# What is shipped: a tar of always the same bytes, and a version that is known in one place.
# shellcheck disable=SC2154 # root, work and bin are from tap.sh
# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh"
unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES

version=$(sed -n 's/^VERSION = //p' "$root/Makefile")
is 'every program is of the version that the Makefile names' "$(for program in "$bin"/*; do "$program" -V; done | sed 's/.* //' | sort -u)" "$version"
is '... which is the newest that pnow-changes(7) tells of' "$(sed -n 's/^\.Sh \([0-9]\)/\1/p' "$root/man/pnow-changes.7" | head -n 1)" "$version"

if ! git -c safe.directory='*' -C "$root" rev-parse -q --verify HEAD &>/dev/null; then
	skip 'make dist' 'no git here, or no checkout'
	finish
	exit
fi
export GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=safe.directory GIT_CONFIG_VALUE_0='*'
# dist FOLDER FILE: made there.
dist()
{
	make -s -C "$1" dist DIST="$work/$2" 2>/dev/null
}
# Another folder, day, time zone and mask, and files that nobody has committed.
git clone -q "$root" other
echo >other/left-over
find other -path other/.git -prune -o -exec touch -d '2001-01-01' {} +
like 'make dist says what it has made' "$(dist "$root" one.tar.gz)" "$work/one.tar.gz"
(umask 077 && TZ=Asia/Tokyo dist other two.tar.gz >/dev/null)
holds 'two builds of one commit are the same bytes' cmp one.tar.gz two.tar.gz
tar xzf one.tar.gz
is '... and hold what is committed' "$(cd "pnow-$version" && find . -type f | sed 's#^\./##' | sort)" "$(git -C "$root" ls-tree -r --name-only HEAD | sort)"
echo >>other/README.md
like 'what is not committed is left out, aloud' "$(make -s -C other dist DIST="$work/three.tar.gz" 2>&1; cmp one.tar.gz three.tar.gz)" "what is not committed is left out*three.tar.gz"
holds 'a tree without git can be built' make -n -C "pnow-$version" all
finish

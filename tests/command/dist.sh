#!/usr/bin/env bash
# What is shipped: a tar of always the same bytes, a version that is known in one place, and its tag.
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
git clone -q --no-tags "$root" other
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

# ---- Tags.

told=$(sed -n 's/^\.Sh \([0-9]\)/v\1/p' "$root/man/pnow-changes.7")
is 'pnow-changes(7) tells of each version that has a tag' "$(git -C "$root" tag -l 'v[0-9]*' | grep -vxF "$told")" ''
is '... and what is tagged is of that version' "$(git -C "$root" describe --exact-match --match 'v[0-9]*' 2>/dev/null || echo "v$version")" "v$version"
export GIT_COMMITTER_NAME=somebody GIT_COMMITTER_EMAIL=somebody@example.com
# What make release says, and which tags there are then.
release()
{
	make -s -C other "$@" release 2>&1
	git -C other tag
}
like 'make release tags no tree that is not committed' "$(release)" 'release: commit first *'
git -C other checkout -q README.md
like '... and no version that pnow-changes(7) does not tell of' "$(release VERSION=99)" "release: the Makefile says 99, the newest in man/pnow-changes.7 is $version"*
is '... else it tags the commit, and makes its tar' "$(release)" ".build/pnow-$version.tar.gz
tagged v$version; to publish it: git push origin v$version
v$version"
is '... which then is described by it' "$(git -C other describe --exact-match)" "v$version"
like '... once' "$(release)" "*already exists*needs another VERSION*"
finish

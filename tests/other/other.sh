#!/usr/bin/env bash
# other.sh SUITE [ARGUMENT ...]: what is committed, built and tested in another Debian, as a newcomer to it would: make deps, make,
# make check, with the arguments. Its root is made by mmdebstrap, and kept in .build/other/SUITE: without it all begins anew.
set -euo pipefail
cd "$(dirname "$0")/../.."
suite=$1 root=.build/other/$1 tree=.build/other/$1/root/pnow
shift
if ! command -v mmdebstrap >/dev/null || [ "$(id -u)" -ne 0 ]; then
	echo 'check-other makes a root of its own: it needs mmdebstrap, and to be run as root' >&2
	exit 77
fi
if [ ! -d "$tree" ]; then
	rm -rf "$root"
	mkdir -p "$(dirname "$root")"
	mmdebstrap --variant=apt --include=ca-certificates,git,make "$suite" "$root"
	git init -q "$tree"
fi
git -C "$tree" fetch -q "$PWD" HEAD
git -C "$tree" reset -q --hard FETCH_HEAD

# Nobody else sees its mounts, and what it leaves running ends with it.
# shellcheck disable=SC2016 # the inner shells'
unshare --mount --pid --fork bash -c '
	mount -t proc proc "$1/proc" && mount --rbind /dev "$1/dev" && mount --rbind /sys "$1/sys" || exit
	exec chroot "$1" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 "${@:2}"' - "$root" ${TMPDIR:+"TMPDIR=$TMPDIR"} \
	bash -c 'cd /root/pnow && . /etc/os-release && make deps && make CI=1 -j"$(nproc)" all && make CI=1 check "$@" && echo "passed in $PRETTY_NAME"' - "$@"

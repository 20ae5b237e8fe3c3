#!/usr/bin/env bash
# The package of make deb, $DEB: lintian, what is in it, and how it is installed, used, upgraded and removed, in a fresh root that
# mmdebstrap makes of this Debian; without mmdebstrap, or its archive, in a copy of this machine's root.
# shellcheck disable=SC2154 # root, work and bin are from tap.sh
# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh"
if [ ! -s "${DEB-}" ]; then
	skip 'the package' 'none was built here'
	finish
	exit
fi
version=$(sed -n 's/^VERSION = //p' "$root/Makefile")

is 'it has the version of the Makefile' "$(dpkg-deb -f "$DEB" Version)" "$version"
if command -v lintian >/dev/null; then
	is 'lintian finds no error and nothing to warn of' "$(lintian "$DEB" 2>&1 | grep '^[EW]:')" ''
else
	skip 'lintian finds no error and nothing to warn of' 'no lintian here'
fi
for library in libcurl4 libsqlite3-0 libmicrohttpd12 libseccomp2 libssl3 zlib1g; do
	like "it depends on $library" "$(dpkg-deb -f "$DEB" Depends)," "*${library}[ ,]*"
done
like 'it recommends libpq5' "$(dpkg-deb -f "$DEB" Recommends)" '*libpq5 *'
is '... and does not depend on it: a state in a file does without' "$(dpkg-deb -f "$DEB" Depends | grep -o libpq5)" ''
dpkg-deb -x "$DEB" tree
is 'it has every program' "$(ls tree/usr/bin)" "$(ls "$bin")"
is '... with its page' "$(for page in "$root"/man/*.[1-9]; do name=${page##*/} && [ -s "tree/usr/share/man/man${page##*.}/$name.gz" ] || echo "$page"; done)" ''
is '... and its completions' "$(cd tree/usr/share/bash-completion/completions && ls --ignore=pnow)" "$(ls "$bin")"
is 'it has every unit' "$(ls tree/lib/systemd/system)" "$(ls "$root/examples/systemd")"
is 'nothing in it is of another prefix' "$(grep -rl /usr/local tree)" ''

# The version before: that of its tag or, where there is none, this one under an older number.
before=$(git -C "$root" tag -l 'v[0-9]*' --sort=-v:refname --merged HEAD 2>/dev/null | grep -vxF "v$version" | head -n 1)
if [ -n "$before" ]; then
	git clone -q --branch "$before" "$root" before 2>/dev/null && (unset MAKEFLAGS MAKELEVEL MFLAGS MAKEOVERRIDES && make -s -C before deb >made)
	cp before/.build/deb/pnow_*.deb older.deb
else
	dpkg-deb -R "$DEB" older
	sed -i 's/^Version: .*/Version: 0.0.1/' older/DEBIAN/control
	dpkg-deb -b --root-owner-group older older.deb >made
fi
older=$(dpkg-deb -f older.deb Version)
cp "$DEB" newer.deb
# What is done there, as root.
cat >inside.sh <<'END'
cd /root || exit
shown() { stat -c '%n %a %U' /etc/pnow /etc/pnow/secrets /etc/pnow/tokens /var/backups/pnow /var/lib/pnow | xargs; }
as_pnow() { su -s /bin/sh pnow -c "$*"; }
state() { cksum </var/lib/pnow/p.db; }
install() { DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends "./$1" >>log 2>&1; }
apt-get update -q >log 2>&1
install older.deb; echo "installed $? $(dpkg-query -W -f '${Version}' pnow)"
shown
echo '{"practice":"p","timezone":"UTC","pipelines":"non-surgical","state":"/var/lib/pnow/p.db","patientnow":{"practice_id":"1"}}' >/etc/pnow/p.json
as_pnow 'echo "{\"id\":\"e\",\"type\":\"patient.updated\",\"payload\":{},\"patient\":{\"id\":\"7\"}}" | pnow-inbox -c /etc/pnow/p.json add'
before=$(state)
install newer.deb; echo "upgraded $? $(dpkg-query -W -f '${Version}' pnow)"
[ "$(state)" = "$before" ] && as_pnow pnow-inbox -c /etc/pnow/p.json list | sed 's/.*"id"/"id"/'
before=$(state)
dpkg -r pnow >>log 2>&1; echo "removed $?"
dpkg -P pnow >>log 2>&1; echo "purged $?"
ls /usr/bin/pnow-* /lib/systemd/system/pnow-* 2>/dev/null
[ "$(state)" = "$before" ] && ls /etc/pnow
END
cat >outside.sh <<'END'
mkdir layers && mount -t tmpfs none layers && mkdir layers/up layers/work layers/root && cd layers || exit 77
. /etc/os-release
if mmdebstrap -q --variant=apt "$VERSION_CODENAME" root 2>mmdebstrap.log; then
	echo "in a fresh root" >&2
else
	mount -t overlay none -o lowerdir=/,upperdir=up,workdir=work root || exit 77
	echo "in a copy of this root: $(tail -n 1 mmdebstrap.log)" >&2
fi
mount --bind /dev root/dev && mount -t proc none root/proc || exit 77
cp ../older.deb ../newer.deb ../inside.sh root/root
chroot root env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin bash /root/inside.sh
END
promise='it is installed, used, upgraded and removed, and what is remembered stays'
done=$(unshare -m bash outside.sh 2>where)
if [ $? -eq 77 ]; then
	skip "$promise" "no mounts here: $(head -n 1 where)"
else
	is "$promise, $(grep '^in a ' where)" "$done" "installed 0 $older
/etc/pnow 755 root /etc/pnow/secrets 700 pnow /etc/pnow/tokens 700 pnow /var/backups/pnow 700 pnow /var/lib/pnow 700 pnow
{\"id\":\"e\",\"state\":\"waiting\"}
upgraded 0 $version
\"id\":\"e\"}
removed 0
purged 0
p.json
secrets
tokens"
fi
finish

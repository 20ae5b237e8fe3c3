#!/usr/bin/env bash
# The house keeps its promises: make does what is needed and no more, and what is installed works where it was installed.
# shellcheck disable=SC2154 # from tap.sh: root, work
# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh"

ok() { # ok STATUS PROMISE
	if [ "$1" -eq 0 ]; then pass "$2"; else fail "$2"; fi
}

is 'the top level has what it should, and nothing else' "$(git -C "$root" ls-files | cut -d/ -f1 | grep -v '^\.' | sort -u | xargs)" \
	'LICENSE Makefile README.md cmd examples lib man tests'

# A copy, so that touching and building disturbs nobody.
cp -R "$root/cmd" "$root/lib" "$root/man" "$root/examples" "$root/Makefile" "$work"
unset SAN CI MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES
make -s -j2 PREFIX="$work/usr" all >"$work/log" 2>&1
ok $? 'make builds from a clean tree'
again=$(make PREFIX="$work/usr" all 2>&1)
[ -z "$again" ] || [ "$again" = "make: Nothing to be done for 'all'." ]
ok $? 'make does nothing the second time'
# whatever the file system's clock can tell apart
find . -path ./.build -prune -o -exec touch -d '2 hours ago' {} +
find .build -exec touch -d '1 hour ago' {} +
touch lib/value/money.h
rebuilt=$(make PREFIX="$work/usr" all 2>&1)
grep -qE '^CC +.*crm-map/map.o$' <<<"$rebuilt" && ! grep -q 'categorize.o' <<<"$rebuilt"
ok $? 'a changed header rebuilds what includes it, and nothing else'
rebuilt=$(make -n PREFIX="$work/usr" CFLAGS=-DOTHER all 2>&1 | grep -c -- '-c -o')
[ "$rebuilt" -gt 20 ]
ok $? 'a changed flag rebuilds everything'
rebuilt=$(make PREFIX="$work/other" all 2>&1 | grep '^CC')
is 'another PREFIX rebuilds what looks for the profiles, and nothing else' "$(sed 's/.* //' <<<"$rebuilt")" .build/release/lib/conf/profile.o
touch lib/value/money.c
like 'V=1 shows the commands' "$(make V=1 PREFIX="$work/other" all 2>&1)" "*cc *-c -o .build/release/lib/value/money.o lib/value/money.c*"
holds 'make help lists what can be made' grep -q '^make check ' <(make help)
make PREFIX="$work/usr" install >"$work/log" 2>&1
ok $? 'make install'
mkdir "$work/stage"
make PREFIX="$work/usr" DESTDIR="$work/stage" install >"$work/log" 2>&1 && [ -x "$work/stage$work/usr/bin/pnow-sync" ]
ok $? 'DESTDIR stages an installation'
rm -rf lib/profiles
printf '{"practice":"p","timezone":"UTC","pipelines":"non-surgical","state":"s.db","patientnow":{"practice_id":"1"}}\n' >conf.json
echo '{"event":"Merged","eventId":"e","data":{"patientId":1}}' | "$work/usr/bin/pnow-enrich" -n -c conf.json >"$work/out" 2>"$work/err"
[ $? -eq 0 ] && [ ! -s "$work/err" ]
ok $? 'an installed command finds its installed profile'
[ -s usr/share/man/man1/crm-push.1 ] && [ -s usr/share/man/man7/pnow.7 ] && [ -s usr/share/man/man5/pnow.conf.5 ]
ok $? 'the pages are installed'
is 'pages and examples name the PREFIX' "$(grep -rl /usr/local usr | xargs)$(grep -c "$work/usr/share/pnow/profiles" usr/share/man/man1/pnow-enrich.1)" 1
make PREFIX="$work/usr" uninstall >"$work/log" 2>&1
is 'make uninstall takes away what install has put there' "$(find usr ! -type d)" ''
is 'what make mutate breaks stands where its list says' "$("$root/tests/mutate/mutate.bash" -n 2>&1)" ''
make clean >/dev/null && [ ! -e .build ]
ok $? 'make clean leaves nothing'
finish

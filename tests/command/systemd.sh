#!/usr/bin/env bash
# The units of examples/systemd, as they are copied: systemd enables them, finds nothing wrong with them, and they may do little; no
# token of an API is to be had from the hook's.
# shellcheck disable=SC2154 # root, work and bin are from tap.sh
# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh"
units=$work/etc/systemd/system
mkdir -p "$units"
cp "$root"/examples/systemd/* "$units"
cd "$units" || exit 1

# hardening UNIT: from what it may not do on.
hardening()
{
	sed -n '/^NoNewPrivileges/,/^UMask/p' "$1"
}
is 'what they may not do is said in the same words' "$(for unit in pnow-[!t]*.service; do hardening "$unit" | cksum; done | sort -u | wc -l)" 1
is 'each names its pages, which there are' "$(for unit in *; do
	pages=$(sed -n 's/^Documentation=//p' "$unit" | tr ' ' '\n' | sed 's/^man:\(.*\)(\(.\))$/\1.\2/')
	for page in ${pages:-none}; do [ -f "$root/man/$page" ] || echo "$unit: $page"; done
done)" ''
for limit in MemoryMax= TasksMax= IPAddressDeny= LimitCORE=0; do
	is "each has a limit: $limit" "$(grep -L "^$limit" pnow-[!t]*.service)" ''
done
is 'no token of an API is to be had where webhooks come in' \
	"$(grep -L '^InaccessiblePaths=-/etc/pnow/tokens$' pnow-hook*.service)" ''
is '... and the practice of the examples has its tokens there, and the secrets of webhooks elsewhere' \
	"$(sed 's#^ *//.*##; s# // .*##' "$root/examples/practice/glow-denver.json" | jq -r '[paths(scalars) as $p | select($p[-1] | test("_file$")) | ($p[0] + " " + getpath($p) | sub("[^/]*$"; ""))] | .[]' | xargs)" \
	'patientnow /etc/pnow/tokens/ crm /etc/pnow/tokens/ hooks /etc/pnow/secrets/'
is 'every program that they start is one of ours, or the shell' \
	"$(sed -n 's/^ExecStart=\([^ ]*\).*/\1/p' ./*.service | sort -u | while read -r program; do [ -x "$bin/${program##*/}" ] || echo "$program"; done)" /bin/sh
is "... and they take the units' words" "$(grep -h '^ExecStart=/usr/local' ./*.service | sed "s#^ExecStart=##; s#/usr/local/bin/#$bin/#g; s# -C /etc/pnow# -C none#; s#/etc/pnow/%i#none#; s#\${PORT}#1#" |
	while read -r line; do $line </dev/null 2>&1 | grep -i usage; done)" ''

if command -v systemctl >enabled; then
	is 'each that is to be enabled can be' "$(systemctl --root="$work" enable pnow-hook pnow-hook@glow-denver pnow-hook-each.socket pnow-inbox pnow-inbox@glow-denver \
		pnow-check.timer pnow-dump.timer 2>err; find . -name '*.wants' -exec ls {} + | grep pnow | sort | xargs)" \
		'pnow-check.timer pnow-dump.timer pnow-hook-each.socket pnow-hook.service pnow-hook@glow-denver.service pnow-inbox.service pnow-inbox@glow-denver.service'
	rm -r ./*.wants
else
	skip 'each that is to be enabled can be' 'no systemctl here'
fi
if command -v systemd-analyze >found; then
	# The programs and the user of the examples are not on every machine that runs this.
	sed -i "s#/usr/local/bin/pnow-[a-z]*\|/usr/sbin/sendmail#$(command -v true)#; s/^User=pnow/User=root/" ./*.service
	is 'systemd finds nothing wrong with them' "$(systemd-analyze --man=no verify ./pnow-*.* 2>&1)" ''
	mkdir pnow-.service.d pnow-hook.service.d
	cp "$root/examples/postgresql/systemd.conf" pnow-.service.d
	cp "$root/examples/postgresql/systemd-hook.conf" pnow-hook.service.d
	is '... nor with what they need besides for a database' "$(systemd-analyze --man=no verify ./pnow-[!.]*.service 2>&1)" ''
	rm -r ./*.service.d
	sed -i 's/^User=root/User=pnow/' ./*.service
	for unit in pnow-[!t]*.service; do
		exposure=$(systemd-analyze security --offline=yes --no-pager "./$unit" 2>&1 | sed -nE 's/.*exposure level for .*: ([0-9.]+) .*/\1/p')
		is "$unit may do little ($exposure of 10)" "$(awk -v is="$exposure" 'BEGIN { print is != "" && is <= 1.5 }')" 1
	done
else
	skip 'systemd finds nothing wrong with them' 'no systemd-analyze here'
	skip 'and they may do little' 'no systemd-analyze here'
fi
finish

#!/usr/bin/env bash
# What Tab brings, in each shell: what the programs' help tells, and what is in the practice's inbox.
# shellcheck disable=SC2154 # root, work and bin are from tap.sh
# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh"
unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES

make -s -C "$root" PREFIX="$work/usr" install-completions
mkdir "$work/usr/share/pnow/profiles" practices
cp "$root"/lib/profiles/*.json "$work/usr/share/pnow/profiles"
for practice in denver austin; do
	printf '{"practice":"%s","timezone":"UTC","pipelines":"non-surgical","state":"%s.db","patientnow":{"practice_id":"1"}}\n' $practice $practice >practices/$practice.json
done
export PNOW_CONFIG=$work/practices/denver.json
# comes WORD ...: what the last of them may become, in a line.
comes()
{
	"$work/usr/share/pnow/complete" "$@" | cut -f 1 | paste -sd ' '
}

is 'no state file is made by asking' "$(comes pnow-inbox show ''; ls practices)" "
austin.json
denver.json"
echo '{"id":"first-1","type":"patient.updated","payload":{},"patient":{"id":"7"}}
{"id":"second-2","type":"bill.completed","payload":{},"patient":{"id":"8"},"bill":{"id":"b"}}' | pnow-inbox add >/dev/null

is 'subcommands' "$(comes pnow-inbox '')" "$(pnow-inbox -h | sed -n '1s/.* \([a-z|]*|[a-z|]*\).*/\1/p' | tr '|' ' ')"
like '... with what they do' "$("$work/usr/share/pnow/complete" pnow-inbox drop)" $'drop\tgive up'
is '... by their beginning' "$(comes pnow-inbox re)" 'retry results'
is '... of pnow-profile, too' "$(comes pnow-profile '')" 'explain event test check learn'
is 'options of a subcommand' "$(comes pnow-inbox -v list -)" '-n -s -t -w'
is 'options of each program are those of its help' "$(for program in "$bin"/*; do
	help=$("$program" -h | sed -n 's/^  -h, -V.*/-h\n-V/p; t; s/^  \(-.\).*/\1/p' | paste -sd ' ')
	[ "$(comes "${program##*/}" -)" = "$help" ] || echo "$program"
done)" ''
is 'states' "$(comes pnow-inbox list -s '')" 'waiting running done unchanged ignored skipped dead dropped'
is '... of a list' "$(comes pnow-inbox retry -s dead,d)" 'dead,done dead,dead dead,dropped'
is 'types: all that there are' "$(comes pnow-inbox run -1t '' | tr ' ' '\n' | sort)" "$(sed -n 's/.*{*"\([a-z]*\.[a-z]*\)".*/\1/p' "$root/lib/value/event.c" | sort -u)"
is '... and what an export holds' "$(comes pnow-csv -e a)" 'appointment appointment.booked appointment.status'
is 'resources' "$(comes pnow-fetch -l '')" 'patient appointment bill membership'
is 'ids, the newest first' "$(comes pnow-inbox trace '')" 'second-2 first-1'
is '... with type and state' "$("$work/usr/share/pnow/complete" pnow-inbox show f | sed 's/, 2.*//')" $'first-1\tpatient.updated, waiting'
is '... of the practice that -c names' "$(comes pnow-inbox -c practices/austin.json show '')" ''
is '... to drop: only what can be' "$(pnow-inbox drop second-2 >/dev/null; comes pnow-inbox drop '')" first-1
is 'practices' "$(comes crm-push -c "$work")" "$work/practices/austin.json $work/practices/denver.json FILES"
is '... folders of them' "$(comes pnow-inbox -C '')" FOLDERS
is 'profiles' "$(comes pnow-profile -p patientnow-p)" "$(cd "$root/lib/profiles" && printf '%s\n' patientnow-p*.json | sed 's/\.json//' | paste -sd ' ') FILES"
is 'what goes behind --' "$(comes pnow-inbox run -- ''; comes pnow-inbox run -- pnow-sync -n)" "pnow-sync
-n"
is 'a number is the own business of who types' "$(comes pnow-inbox list -n '')" ''

echo '{"id":"urn:x:3","type":"patient.updated","payload":{},"patient":{"id":"9"}}' | pnow-inbox add >"$work/added"
printf '%s\n' "pnow-inbox sh$(printf '\t')fir" 'pnow-inbox trace urn:' 'pnow-inbox list -s dead,dr' 'pnow-inbox run -1t bill' 'pnow-fetch -l app' \
	"crm-push -c $work/practices/au" | sed $'s/$/\t\001echo /' >keys
completed="pnow-inbox show first-1
pnow-inbox trace urn:x:3
pnow-inbox list -s dead,dropped
pnow-inbox run -1t bill.completed
pnow-fetch -l appointment
crm-push -c $work/practices/austin.json"
# typed SHELL: what it makes of the keys at a terminal: Control-A and echo show each line as it was completed, behind what was typed ahead.
typed()
{
	{ cat keys; echo exit; } | EDITOR='' VISUAL='' TERM=dumb SHELL=$BASH script -qec "$1" /dev/null 2>&1 | tr -d '\r' | grep -a '^[a-z-]*-' | tail -n 6
}
cat >bashrc <<END
. $work/usr/share/bash-completion/completions/pnow-inbox
END
if command -v script >/dev/null; then
	is 'bash completes a subcommand, ids, states, types, resources and practices at a terminal' "$(typed "bash --noprofile --rcfile bashrc -i")" "$completed"
else
	skip 'bash completes a subcommand, ids, states, types, resources and practices at a terminal' 'no script(1) here'
fi
# shellcheck source=/dev/null
. bashrc
COMP_LINE='pnow-inbox -c pr' COMP_POINT=16 COMP_WORDS=(pnow-inbox -c pr) COMP_CWORD=2
_pnow pnow-inbox pr -c 2>/dev/null
is '... and files' "${COMPREPLY[*]}" practices
if command -v zsh >/dev/null && command -v script >/dev/null; then
	mkdir zdot
	printf 'fpath=(%q $fpath)\nautoload -U compinit\ncompinit -u -D\n' "$work/usr/share/zsh/site-functions" >zdot/.zshrc
	is 'zsh does, too' "$(ZDOTDIR=$work/zdot typed "zsh -d -i")" "$completed"
else
	skip 'zsh does, too' 'no zsh here'
fi
if command -v fish >/dev/null; then
	fish()
	{
		XDG_DATA_DIRS=$work/usr/share:/usr/local/share:/usr/share command fish -c "complete -C '$1'"
	}
	is 'fish completes a subcommand' "$(fish 'pnow-inbox sh')" "show	the event, as a pipeline reads it"
	like '... an id' "$(fish 'pnow-inbox show fi')" 'first-1	patient.updated, waiting, *'
	is '... with colons, states, types, resources and practices' "$(for line in 'pnow-inbox trace urn:' 'pnow-inbox list -s dead,dr' 'pnow-inbox run -1t bill' 'pnow-fetch -l app' \
		"crm-push -c $work/practices/au"; do fish "$line"; done | cut -f 1 | sort -u | xargs)" \
		"$work/practices/austin.json appointment bill.completed dead,dropped urn:x:3"
	is '... and files' "$(fish 'pnow-inbox -c pract' | cut -f 1)" practices/
else
	skip 'fish completes' 'no fish here'
fi
finish

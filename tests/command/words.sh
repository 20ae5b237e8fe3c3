#!/usr/bin/env bash
# The pages and the README tell the truth: their examples run as printed and print what is shown, every command, option, key,
# error code and name of the code is in its page, and the scripts in examples/workflows do what they say.
#
# An example of a page is what stands indented under EXAMPLES, read from the page as mandoc renders it. Any of them can be
# pasted: a line is a command, together with the lines after it until bash has a whole one; what follows behind "# " is what it
# prints ("..." stands for anything; milliseconds are not compared). Each page runs in a new folder, set up by the first
# example of pnow(7). What is not as printed: the ports, since others may be taken, and the folders of an installation.
# A server that does not end is left running until the page ends or wants another one; text without a command is what servers
# have printed meanwhile. In the README a block "sh" is commands, a block "text" behind it what they print.
# shellcheck disable=SC2154 # from tap.sh: work, bin, root, started
# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh"

pages=("$root"/man/*.[1-9])
samples=$work/doc/examples
mkdir "$work/doc"
cp -R "$root/examples" "$samples"

sandbox_port=$(free_port)
until hook_port=$(free_port) && [ "$hook_port" != "$sandbox_port" ]; do :; done

# Ports and folders in a text from a page.
localized()
{
	sed -e "s/8042/$sandbox_port/g; s/8080/$hook_port/g" -e "s#/usr/local/share/doc/pnow/examples#$samples#g" \
		-e "s#/usr/local/share/pnow/profiles#$root/lib/profiles#g"
}

localized <"$root/examples/rehearsal/glow-denver.json" >"$samples/rehearsal/glow-denver.json"

rendered()
{
	mandoc -T ascii -O width=160 "$1" | sed $'s/.\b//g'
}

# examples_of PAGE [SECTION]: the lines of a page's examples, and an empty line between two.
examples_of()
{
	rendered "$1" | awk -v section="${2:-EXAMPLES}" '
		/^[^ ]/ { on = $0 == section; next }
		!on || /^$/ { next }
		/^           / { print substr($0, 12); open = 1; next }
		open { print ""; open = 0 }'
}

# Whether bash takes a text for a whole command.
whole()
{
	[ "${1: -1}" != \\ ] && [ -z "$(bash -n <<<"$1" 2>&1)" ]
}

# Splits the transcript on stdin into files $1/N.command and $1/N.shown; text without a command has no N.command.
split_transcript()
{
	local line command='' n=0 in_command=false
	while IFS= read -r line; do
		if $in_command; then
			command+=$'\n'$line
		elif [[ $line == '#'* ]]; then
			line=${line:1}
			printf '%s\n' "${line# }" >>"$1/$n.shown"
		else
			n=$((n + 1))
			[ -z "$line" ] || in_command=true
			command=$line
		fi
		if $in_command && whole "$command"; then
			printf '%s\n' "$command" >"$1/$n.command"
			in_command=false
		fi
	done
	$in_command && printf '%s\n' "$command" >"$1/$n.command"
	printf '%d\n' "$n" >"$1/count"
}

# Splits the README's blocks in the same way.
split_readme()
{
	awk -v folder="$2" '
		/^```sh$/ { n++; to = folder "/" n ".command"; next }
		/^```text$/ { to = folder "/" n ".shown"; next }
		/^```/ { to = ""; next }
		to { print > to }
		END { print n + 0 > (folder "/count") }' "$1"
}

# Milliseconds differ from run to run.
timeless()
{
	sed -E 's/"ms":[0-9]+/"ms":0/g; s/, [0-9]+ ms/, 0 ms/g; s/ [0-9]+ ms$/ 0 ms/'
}

# Whether a text is what is shown, "..." being anything.
fits()
{
	local pattern
	pattern=$(printf '%s' "$2" | sed -e 's/[][*?\\]/\\&/g' -e 's/\.\.\./*/g')
	# shellcheck disable=SC2053
	[[ $1 == $pattern ]]
}

# Runs the commands of a folder one after another in this shell; what each prints is in N.out. Called in a subshell.
run_commands()
{
	local folder=$1 n command last
	# shellcheck disable=SC2317 # at a terminal it shows no progress either
	curl() { command curl -sS "$@"; }
	local -A servers=()
	for ((n = 1; n <= $(cat "$folder/count"); n++)); do
		[ -e "$folder/$n.command" ] || continue
		command=$(localized <"$folder/$n.command")
		last=${command##*$'\n'}
		case $command in
		pnow-hook* | pnow-sandbox*)
			if [ -n "${servers[${command%% *}]:-}" ]; then
				kill "${servers[${command%% *}]}"
				wait "${servers[${command%% *}]}"
			fi
			[[ $last == *'&' ]] || command+=' &' last='&'
			;;
		esac
		: >"$folder/$n.out"
		eval "$command" >"$folder/$n.out" 2>&1 </dev/null
		printf '%d\n' $? >"$folder/$n.status"
		[[ $last == *'&' ]] || continue
		servers[${command%% *}]=$!
		: >"$folder/$n.server"
		[ "${command%% *}" = pnow-inbox ] || await "$folder/$n.out"
		kill -0 $! 2>/dev/null || printf '69\n' >"$folder/$n.status"
	done
}

# Reports one test for each command and each text of a folder.
judge()
{
	local folder=$1 name=$2 n out shown what status
	for ((n = 1; n <= $(cat "$folder/count"); n++)); do
		shown=''
		[ ! -e "$folder/$n.shown" ] || shown=$(localized <"$folder/$n.shown" | timeless)
		if [ ! -e "$folder/$n.command" ]; then
			[ -z "$shown" ] || judge_text "$folder" "$name" "$shown"
			continue
		fi
		what="$name: $(head -n 1 "$folder/$n.command")"
		out=$(timeless <"$folder/$n.out")
		status=$(cat "$folder/$n.status")
		[ ! -e "$folder/$n.server" ] || shown+=${shown:+...}
		if [ -n "$shown" ] && ! fits "$out" "$shown"; then
			fail "$what" "printed: $out" "shown: $shown"
		elif [ -z "$shown" ] && [ "$status" -ge 64 ]; then
			fail "$what" "status $status" "$out"
		else
			pass "$what"
		fi
	done
}

# Text without a command: each line was printed by one of the servers.
judge_text()
{
	local line all
	all=$(cat "$1"/*.out | timeless)
	while IFS= read -r line; do
		if fits "$all" "...$line..."; then pass "$2: shows ${line:0:40}"; else fail "$2: shows $line" "$all"; fi
	done <<<"$3"
}

# Ends what this shell has started.
end_servers()
{
	local processes
	mapfile -t processes < <(jobs -p)
	[ ${#processes[@]} -eq 0 ] || kill "${processes[@]}" 2>/dev/null
	wait
}

# Runs what is in a folder of commands in a new folder, after the rehearsal where that is to come first.
run_folder()
{
	local folder=$1 name=$2 first=$3
	mkdir "$folder/here"
	(
		cd "$folder/here" || exit
		[ -z "$first" ] || run_commands "$first"
		run_commands "$folder"
		end_servers
	)
	judge "$folder" "$name"
}

test_examples()
{
	local page name first=$work/rehearsal
	mkdir "$first"
	examples_of "$root/man/pnow.7" | awk 'NF == 0 { exit } { print }' | split_transcript "$first"
	# the second practice that an example of pnow-hook(1) speaks of
	jq -n '{practice: "shine", timezone: "America/Chicago", pipelines: "non-surgical"}' >"$samples/rehearsal/shine.json"
	mkdir "$work/newcomer"
	examples_of "$root/man/pnow.7" 'A FIRST PRACTICE' | split_transcript "$work/newcomer"
	run_folder "$work/newcomer" "pnow.7, a first practice" ''
	for page in "${pages[@]}"; do
		name=$(basename "$page")
		mkdir "$work/$name"
		examples_of "$page" | split_transcript "$work/$name"
		if [ "$(cat "$work/$name/count")" -eq 0 ]; then
			fail "$name has examples"
		elif [ "$name" = pnow.7 ]; then
			run_folder "$work/$name" "$name" ''
		else
			run_folder "$work/$name" "$name" "$first"
		fi
	done
}

# The script of the first practice is its page: each command is there, in order, and it prints what the page shows.
test_first_practice()
{
	local folder=$work/newcomer script=$samples/first-practice/first-practice n text rest missing='' shown=''
	rest=$(cat "$script")
	for ((n = 1; n <= $(cat "$folder/count"); n++)); do
		[ ! -e "$folder/$n.shown" ] || shown+=$(cat "$folder/$n.shown")$'\n'
		[ -e "$folder/$n.command" ] || continue
		text=$(sed 's#/usr/local/share/doc/pnow/examples#"$examples"#' "$folder/$n.command")
		[[ $rest == *"$text"* ]] || missing+=$text$'\n'
		rest=${rest#*"$text"}
	done
	is 'first-practice: the commands of pnow.7' "$missing" ''
	localized <"$script" >"$samples/first-practice/here"
	(mkdir "$folder/script" && cd "$folder/script" && timeout 300 bash "$samples/first-practice/here") >"$folder/out" 2>&1
	is 'first-practice: it prints what the page shows' "$? $(grep -v '^== ' "$folder/out" | grep .)" "0 $(localized <<<"$shown" | grep .)"
}

test_readme()
{
	local folder=$work/readme
	mkdir "$folder"
	split_readme "$root/README.md" "$folder"
	mkdir "$folder/here" "$folder/here/.build" "$folder/here/.build/release"
	ln -s "$bin" "$folder/here/.build/release/bin"
	cp -R "$samples" "$folder/here/examples"
	(
		# shellcheck disable=SC2317 # it is built already
		make() { :; }
		cd "$folder/here" || exit
		run_commands "$folder"
		end_servers
	)
	judge "$folder" README.md
	is 'README.md: its links lead somewhere' '' \
		"$(grep -oE '\]\([^)#:]+\)' "$root/README.md" | tr -d ']()' | while read -r to; do [ -e "$root/$to" ] || echo "$to"; done)"
	like 'README.md: what make deps installs reads a page from the checkout' "$(man -l "$root/man/pnow.7" 2>&1)" '*A FIRST PRACTICE*'
	is 'README.md: the targets of make are there' '' "$(grep -oE '(`|^    )make [a-z -]+' "$root/README.md" | sed 's/.*make //' | xargs -n 1 |
		sort -u | while read -r target; do grep -qE "^([a-z-]+ )*$target( [a-z-]+)*:" "$root/Makefile" || echo "$target"; done)"
}

# ---- What is in the code is in the pages.

# The words of the first text that are not in the second.
missing_in()
{
	local word
	while IFS= read -r word; do
		[ -z "$word" ] || grep -qF -- "$word" <<<"$2" || printf '%s ' "$word"
	done <<<"$1"
}

sources_of()
{
	local path=$root/cmd/$1
	if [ -d "$path" ]; then cat "$path"/*.c; else cat "$path".*; fi
}

# The letters that getopt takes, those of the usage text, those with an entry in the page; subcommands have their own.
letters_of()
{
	sources_of "$1" | grep -oE '(options_next\([^"]*"\+?|\.letters = "\+?|getopts )[a-zA-Z0-9:]+' | sed -E 's/.*[" +]//' | grep -o '[a-zA-Z0-9]'
}

usage_letters()
{
	local word
	"$bin/$1" -h | grep -oE '^ +-[a-zA-Z0-9](, -[a-zA-Z])*' | grep -oE '[a-zA-Z0-9]'
	"$bin/$1" -h | grep -q -- '^ *-h' || printf 'h\nV\n'
	[ "$1" != pnow-inbox ] || for word in $(subcommands); do
		"$bin/$1" "$word" -h | grep -oE '^ +-[a-zA-Z0-9]' | tr -d ' -'
	done
}

subcommands()
{
	"$bin/pnow-inbox" -h | head -n 1 | grep -oE '[a-z|]+\|[a-z]+' | tr '|' '\n'
}

page_letters()
{
	grep -E '^\.It Fl ' "$root/man/$1.1" | grep -oE 'Fl [a-zA-Z0-9]( |$)' | cut -c 4
}

test_commands()
{
	local path name
	for path in "$root"/cmd/*; do
		name=$(basename "$path")
		name=${name%.*}
		if [ ! -e "$root/man/$name.1" ]; then
			fail "$name has a page"
			continue
		fi
		is "$name: -h tells every option" "$(usage_letters "$name" | sort -u | xargs)" "$(letters_of "$name" | sort -u | xargs)"
		is "$name: so does its page" "$(page_letters "$name" | sort -u | xargs)" "$(letters_of "$name" | sort -u | xargs)"
		is "$name: --help and --version are -h and -V" "$("$name" --help 2>&1; "$name" --version 2>&1)" "$("$name" -h; "$name" -V)"
		is "$name: what was asked for cannot be written" "$("$name" -h 2>&1 >/dev/full; echo $?)" \
			"$name: cannot write standard output: No space left on device
73"
		is "$name: the page says what each exit status is" 1 "$(grep -c '^.Sh EXIT STATUS' "$root/man/$name.1")"
	done
}

error_codes()
{
	find "$root/lib" "$root/cmd" -name '*.c' ! -path '*/pnow-sandbox/*' ! -path '*/pnow-hook/*' -exec cat {} + | tr '\n\t' '  ' |
		grep -oE '(fail(ure)?\([^"();]*"|code = [^";]*"|\{[0-9]{3}, [0-9]{3}, "|write_(malformed|pieces)\([^";]*"|"quota_exhausted" : ")[a-z_]+"|"lost" : "[a-z]+"' |
		sed -E 's/.*"([a-z_]+)"$/\1/' | sort -u
	printf 'lost\nquota_exhausted\n'
}

conf_keys()
{
	grep -oE '\{"[a-z_.]+", store_' "$root/lib/conf/conf.c" | cut -d'"' -f2
	grep -oE '"hooks\." name "\.[a-z_]+"' "$root/lib/conf/conf.c" | sed -E 's/.*"(\.[a-z_]+)"/hooks.SENDER\1/'
	grep -oE 'apart\[\] = \{[^}]*' "$root/lib/conf/conf.c" | grep -oE '"[a-z._]+"' | tr -d '"'
}

profile_keys()
{
	sed 's#^ *//.*##' "$root"/lib/profiles/*.json | jq -r 'keys[], (.event | keys[] | "event." + .), (.bill | keys[])'
	grep -oE '\{"[a-z_.]+", (settings_)?store_' "$root/lib/conf/profile.c" | cut -d'"' -f2 |
		sed -E 's/^(paging|signature|appointment_types|challenge|patient)\.//'
}

column_names()
{
	sed -n '/^const struct field properties/,/^};/p; /^const struct field custom_fields/,/^};/p' "$root/lib/value/field.c" |
		grep -E '^	\{"' | cut -d'"' -f2
}

stage_names()
{
	sed -n '/ table\[\] = {/,/^};/p' "$root/lib/value/category.c" | grep -oE '"[^"]+"' | tr -d '"'
	sed -n '/ names\[\] = {/,/^};/p' "$root/lib/value/category.c" | grep -oE '"[^"]+"' | tr -d '"' | grep -v ' Appointment$'
}

facts()
{
	sed -n '/ facts\[EVENT_KINDS\]/,/^};/p' "$root/lib/value/event.c" | grep -oE '"[a-z_0-9]+"' | tr -d '"'
}

# every PAGE WHAT WORDS: each of them, and there are some, is in the page.
every()
{
	if [ -z "$3" ]; then
		fail "$2: the test finds them in the code"
	else
		is "$1 has every $2" "$(missing_in "$3" "$(rendered "$root/man/$1" | tr -s ' \n' ' ')")" ''
	fi
}

# Blocks of a page that cannot be pasted: they have a prompt, or a here-document, whose end the page indents.
unpasteable()
{
	awk '/^\.Bd -literal/ { on = 1; next } /^\.Ed/ { on = 0 } /^\.Dl \$ / || on && (/^\$ / || /<<-?[\x27"]?[A-Z]/) { print FILENAME ": " $0 }' "$@"
}

test_pages()
{
	local page xr missing=''
	is 'examples can be pasted: no prompts, no here-documents' "$(unpasteable "${pages[@]}")" ''
	every pnow.conf.5 'key of the configuration' "$(conf_keys)"
	every pnow.conf.5 'key of a profile' "$(profile_keys)"
	is 'what a profile can say is one table, of a page at most' "$(sed -n '/^\.Ss What an EMR does/,/^\.El/p' "$root/man/pnow.conf.5" | awk '/^\.It/ { n++ } END { print (n > 20 && n < 40) }')" 1
	every pnow-event.5 'error code' "$(error_codes)"
	every pnow-event.5 'fact' "$(facts)"
	every pnow-event.5 'type of event' "$(sed -n '/types\[EVENT_TYPES\]/,/^};/p' "$root/lib/value/event.c" | grep -oE '"[a-z]+\.[a-z]+"' | tr -d '"')"
	every pnow-event.5 'operation' "$(grep -oE '\{"[a-z]+\.[a-z]+", [a-z_]+, [A-Z]+\}' "$root/cmd/crm-push/action.c" | cut -d'"' -f2)"
	every pnow-event.5 'status' "$(sed -n '/words\[\] = {/,/;/p' "$root/cmd/crm-push/result.c" | grep -oE '"[a-z]+"' | tr -d '"')"
	every pnow-operations.7 'finding of check' "$(sed -n '/^\.It Cm token refused/,/^\.El/s/^\.It Cm /The mail says: /p' "$root/man/pnow-inbox.1")"
	every pnow-inbox.1 'subcommand' "$(subcommands)"
	every pnow-inbox.1 'state' "$(sed -n '/states\[\] = {/,/;/p' "$root/lib/state/inbox_people.c" | grep -oE '"[a-z]+"' | tr -d '"')"
	every pnow-inbox.1 'record of a dump' "$(grep -oE '^	\{"[a-z_]+",' "$root/lib/state/dump.c" | tr -d '	{",')"
	every pnow-inbox.1 'kind of moment' "$(sed -n '/whats\[\] = {/,/;/p' "$root/cmd/pnow-inbox/trace.c" | grep -oE '"[a-z]+"' | tr -d '"')"
	every crm-map.1 'property and field' "$(column_names)"
	every categorize.1 'stage and category' "$(stage_names)"
	for page in "${pages[@]}"; do
		while read -r _ xr section _; do
			[ -e "$root/man/$xr.$section" ] || missing+="$(basename "$page"): $xr($section) "
		done < <(grep -E '^\.Xr (pnow|crm-|categorize)' "$page")
	done
	is 'pages refer only to pages that there are' "$missing" ''
	is 'mandoc has nothing to say about the pages' "$(mandoc -T lint -W warning "${pages[@]}" 2>&1)" ''
}

# ---- examples/workflows

# what TYPE FILTER: what the CRM holds of Ana after an event of this type.
state()
{
	curl -s "127.0.0.1:$sandbox_port/_/state?email=ana@example.com" | jq -c ".contacts[0] | $1"
}

# workflow TYPE [SED]: sends the example of a type, changed, through its script.
workflow()
{
	tr -d '\n' <"$samples/webhooks/$1.json" | sed "${2:-}" | "$root/examples/workflows/$1" 2>&1 | jq -c '[.status, .warnings]'
}

test_workflows()
{
	local script sandbox done='["done",[]]'
	mkdir "$work/workflows" && cd "$work/workflows" || exit
	cp "$samples"/rehearsal/* "$samples"/practice/*.csv . && chmod 600 ./*.token hook.secret
	export PNOW_CONFIG=glow-denver.json
	for script in "$root"/examples/workflows/*; do
		holds "workflows/$(basename "$script") can be run" test -x "$script"
	done
	pnow-sandbox -s "$samples/sandbox/seed.json" -l "127.0.0.1:$sandbox_port" >out &
	sandbox=$!
	started+=("$sandbox")
	await out

	sed 's#^ *//.*##; s#/etc/pnow/[a-z]*/##; s#/var/lib/pnow/##' "$samples/practice/glow-denver.json" |
		jq --arg api "http://127.0.0.1:$sandbox_port" '.patientnow.base_url = $api + "/patientnow" | .crm.base_url = $api + "/crm"' >practice.json
	for conf in glow-denver practice; do
		is "the practice of the examples passes its own check ($conf)" "$(crm-setup -c $conf.json >setup.json; echo $?)" 0
	done

	is 'workflows/patient.created' "$(workflow patient.created)" "$done"
	is 'workflows/patient.created: contact, no note, no workflow' \
		"$(state '[.firstName, .email, .phone, .gender, .source, .fields["PNOW ID"], (.notes + .workflows | length)]')" \
		'["Ana","ana@example.com","+13035550142","female","Google","10234",0]'
	is 'workflows/appointment.booked' "$(workflow appointment.booked 's/"Downtown"/"Glow Downtown"/')" "$done"
	is 'workflows/appointment.booked: next visit, note, workflow, stage, and the adaptation' \
		"$(state '[.fields["Next Visit Service", "Next Visit Date", "PNOW Location"], (.notes | length), .workflows[0], .opportunities[0].stage]')" \
		'["Botox","2026-12-01","Downtown",1,"PatientNow Appointments Update","Booked"]'
	is 'workflows/appointment.status' "$(workflow appointment.status)" "$done"
	is 'workflows/appointment.status: last visit, note, workflow, stage' \
		"$(state '[.fields["Last Visit Date"], (.notes | length), (.workflows | length), .opportunities[0].stage]')" \
		'["2026-12-01",2,2,"Patient"]'
	is 'workflows/bill.completed' "$(workflow bill.completed)" "$done"
	is 'workflows/bill.completed: lifetime value, opportunity, fields, note, workflows' \
		"$(state '[.fields["Patient Lifetime Value", "Last Visit Service", "PNOW DOB"], (.opportunities[0].monetaryValue + 0), (.notes | length), .workflows[-2:][]] | map(tostring)')" \
		'["450.00","Botox, Dysport, Hydrafacial","1984-03-02","450","3","PatientNow Order Paid","PatientNow Birthday"]'
	is 'workflows/membership.created' "$(workflow membership.created)" "$done"
	is 'workflows/membership.created: fields, tag, workflow, no note' \
		"$(state '[.fields["PNOW Membership Program Name"], .tags[0], .workflows[-1], (.notes | length)] | map(tostring | ascii_downcase)')" \
		'["glow club","membership - glow club","patientnow membership update","3"]'
	is 'workflows/patient.updated' "$(workflow patient.updated)" "$done"
	is 'workflows/patient.updated: name, phone, unsubscribed, no note, no workflow' \
		"$(state '[.lastName, .phone, .fields["PNOW Unsubscribed"], (.notes | length), (.workflows | length)]')" \
		'["Lopez-Reyes","+13035550199","false",3,5]'

	local fatima
	fatima=$(curl -s "127.0.0.1:$sandbox_port/_/state?email=fatima@example.com" | jq -r '.contacts[0].id')
	curl -s "127.0.0.1:$sandbox_port/crm/contacts/$fatima/tags" -H 'Authorization: Bearer sandbox-crm-token' -H 'Version: 2021-07-28' \
		-H 'Content-Type: application/json' -d '{"tags":["pnowcreate"]}' >/dev/null
	is 'workflows/contact.tagged' "$(jq -c --arg id "$fatima" '{id: "t", type: "contact.tagged", payload: (. + {$id})}' \
		"$samples/webhooks/contact.tagged.json" | "$root/examples/workflows/contact.tagged" | jq -c '[.status, .warnings]')" "$done"
	is 'workflows/contact.tagged: a patient, its id and a note on the contact, the tag gone' \
		"$(curl -s "127.0.0.1:$sandbox_port/_/state" | jq -c '[.patients[-1].lastName, (.contacts[] | select(.firstName == "Fatima")
			| .fields["PNOW ID"], (.notes | length), (.tags | length))]')" '["Haddad","10240",1,0]'

	# examples/README.md: each event through the script of its type
	cp -R "$samples/workflows" by && cd by || exit
	awk '/^```sh$/ { on = 1; next } /^```/ { on = 0 } on' "$samples/README.md" >how && . ./how && cd ..
	is 'examples/README.md: by-type, an event of its type' "$(tr -d '\n' <"$samples/webhooks/appointment.booked.json" |
		sed 's/88123/5/' | pnow-enrich | by/by-type 2>&1 | jq -r .status)" 'done'
	is 'examples/README.md: by-type, an event without one' \
		"$(printf '%s\n' '{"id":"1","event":"RoomCleaned","payload":{}}' | by/by-type | jq -r .status)" ignored
	kill "$sandbox"
}

if command -v mandoc >/dev/null; then
	test_examples
	test_first_practice
	test_commands
	test_pages
else
	skip 'the pages' 'mandoc is not installed'
fi
test_readme
test_workflows
finish

# shellcheck shell=bash
# How many events a second are acknowledged, and how many of those are really there at the end: pnow-hook, and "webhook" beside
# it. BENCH_SECONDS (5) for each. And the inbox: what a run settles, and how soon a pipeline has an event.
# shellcheck disable=SC2154 # from common.bash
seconds=${BENCH_SECONDS:-5}

# post_all RUN PATH CONNECTIONS SECONDS: posts to $port; what was acknowledged is in $acknowledged, a second in $rate, the
# milliseconds that 99 of 100 took at most in $p99.
post_all()
{
	local took
	read -r acknowledged took p99 < <(wrk -t1 -c"$3" -d"$4s" --timeout 30s -s "$bench/post.lua" "http://127.0.0.1:$port$2" -- "$1" |
		awk '/^acknowledged/ { print $2, $4, $6 }')
	rate=$(awk -v n="$acknowledged" -v s="$took" 'BEGIN { printf "%.0f", n / s }')
}

stored()
{
	sqlite3 -cmd '.timeout 10000' "$1" "SELECT count(*) FROM inbox WHERE id LIKE '$2-%'"
}

# inbox_of NAME: a configuration NAME.json with its inbox in NAME.db.
inbox_of()
{
	printf 'open sesame, please' >secret && chmod 600 secret
	cat >"$1.json" <<-END
		{"practice": "glow", "timezone": "America/Denver", "pipelines": "non-surgical", "state": "$work/$1.db",
		 "hooks": {"patientnow": {"verify": "token", "header": "X-Token", "secret_file": "$work/secret"}}}
	END
}

listener()
{
	inbox_of listener
	listen listener.json
	post_all listener /hook/glow/patientnow 16 "$seconds"
	stop
	row '  pnow-hook -l, storing; 16 connections' "$rate" "$acknowledged" "$(stored listener.db listener)" '' "99 % within $p99 ms"
}

from_inetd()
{
	have inetd || { echo 'pnow-hook from inetd: not measured, openbsd-inetd is missing'; return; }
	inbox_of inetd
	listen inetd.json
	stop
	echo "127.0.0.1:$port stream tcp nowait.1000000 $(id -un) $(command -v pnow-hook) pnow-hook -c $work/inetd.json" >inetd.conf
	inetd -i inetd.conf &
	started+=($!)
	sleep 0.5
	post_all inetd /hook/glow/patientnow 8 "$seconds"
	sleep 1 # the last requests finish without wrk
	stop
	row '  pnow-hook from inetd, storing; 8 connections' "$rate" "$acknowledged" "$(stored inetd.db inetd)"
}

# The other program: takes a webhook if its token is right, and runs a script that appends the body to a file. It answers
# before that has run, so it is given a short time only, and then as long as something comes, 30 s at most.
webhook_beside()
{
	have webhook || { echo 'webhook: not measured, the package webhook is missing'; return; }
	local waited quiet=0 there=-1 before
	printf '#!/bin/sh\nprintf "%%s\\n" "$1" >>%s/webhook.events\n' "$work" >append
	chmod +x append
	: >webhook.events
	cat >hooks.json <<-END
		[{"id": "glow", "execute-command": "$work/append", "command-working-directory": "$work",
		  "pass-arguments-to-command": [{"source": "entire-payload"}],
		  "trigger-rule": {"match": {"type": "value", "value": "open sesame, please", "parameter": {"source": "header", "name": "X-Token"}}}}]
	END
	inbox_of webhook
	listen webhook.json # finds a free port
	stop
	webhook -hooks hooks.json -ip 127.0.0.1 -port "$port" >webhook.out 2>&1 &
	started+=($!)
	sleep 0.5
	post_all webhook /hooks/glow 16 2
	for ((waited = 0; waited < 15; waited++)); do
		before=$there there=$(wc -l <webhook.events)
		quiet=$((there == before ? quiet + 1 : 0))
		[ "$quiet" -lt 3 ] || break
		sleep 2
	done
	stop
	row '  webhook (Debian), a script that appends; 16 connections' "$rate" "$acknowledged" "$there" '' 'answers first; not flushed'
}

# Good senders, one after another, each with a connection of its own, in a crowd of hostile ones: from connect to answer.
crowd()
{
	local said hostile
	inbox_of crowd
	listen crowd.json
	for hostile in 0 10000; do
		read -r -a said < <("$bin/../crash/crowd" -i $((hostile / 2)) -d $((hostile / 2)) -n 500 "$port" /hook/glow/patientnow 'X-Token: open sesame, please')
		printf '  pnow-hook -l among %d idle and %d dripping senders: median %s ms, 99 %% %s ms, longest %s ms; %s of 500 answered\n' \
			$((hostile / 2)) $((hostile / 2)) "${said[5]}" "${said[7]}" "${said[9]}" "${said[0]}"
	done
	stop
}

settle()
{
	local events=${BENCH_INBOX_EVENTS:-50000} start end
	inbox_of run
	awk -v n="$events" 'BEGIN { for (i = 1; i <= n; i++) printf "{\"id\":\"b%d\",\"type\":\"patient.updated\",\"practice\":\"glow\",\"patient\":{\"id\":\"%d\",\"first_name\":\"Ana\"}}\n", i, i % 20000 }' |
		pnow-inbox -c run.json add >add.out
	start=$EPOCHREALTIME
	pnow-inbox -c run.json run -1 -- cat >run.out
	end=$EPOCHREALTIME
	rate=$(awk -v n="$events" -v a="$start" -v b="$end" 'BEGIN { printf "%.0f", n / (b - a) }')
	row "  pnow-inbox run -1 -- cat; $events events" "$rate" "$events" \
		"$(sqlite3 run.db "SELECT count(*) FROM inbox WHERE state='done'")" '' settled
}

# From before the request is sent until the event is on the pipeline's standard input: the commit and HTTP are in it.
latency()
{
	local i sent body='{"event":"PatientUpdated","eventId":"t%d","data":{"patientId":"%d"}}'
	inbox_of latency
	listen latency.json
	cat >stamp <<-'END'
		#!/usr/bin/env bash
		while IFS= read -r line; do
			now=$EPOCHREALTIME
			printf '%s %s\n' "$now" "${line:7:8}" >>stamps
			printf '%s\n' "$line"
		done
	END
	chmod +x stamp
	pnow-inbox -c latency.json run -- ./stamp >latency.out 2>latency.err &
	started+=($!)
	sleep 0.5
	for ((i = 1; i <= 200; i++)); do
		# shellcheck disable=SC2059 # the body is a format
		sent=$(printf "$body" $i $i)
		exec 3<>"/dev/tcp/127.0.0.1/$port"
		printf '%s t%d\n' "$EPOCHREALTIME" $i >>sent
		printf 'POST /hook/glow/patientnow HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\nX-Token: open sesame, please\r\nContent-Length: %d\r\n\r\n%s' \
			${#sent} "$sent" >&3
		cat <&3 >answer
		exec 3<&-
		sleep "0.0$((RANDOM % 40 + 10))"
	done
	sleep 1
	stop
	awk 'NR == FNR { sent[$2] = $1; next } { sub(/".*/, "", $2); if ($2 in sent) print ($1 - sent[$2]) * 1000 }' sent stamps |
		sort -n >latencies
	printf '  from the request to the standard input of a pipeline: median %s ms, 99 %% %s ms, of %d events\n' \
		"$(awk '{ a[NR] = $1 } END { printf "%.1f", a[int((NR + 1) / 2)] }' latencies)" \
		"$(awk '{ a[NR] = $1 } END { printf "%.1f", a[int(NR * 0.99)] }' latencies)" "$(wc -l <latencies)"
}

bench_hook()
{
	title 'webhooks, and the inbox' 'events/s' acknowledged there
	if have wrk; then
		listener
		from_inetd
		webhook_beside
	else
		echo '  pnow-hook and webhook: not measured, wrk is missing'
	fi
	crowd
	settle
	latency
}

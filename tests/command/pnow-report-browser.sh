#!/usr/bin/env bash
# pnow-report's page in a real browser, which opens it from a file: on a phone and a desk, in light and dark, with letters of twice the
# size, printed, and as a screen reader is told of it.
# shellcheck disable=SC2154 # from tap.sh: root, work, started
# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh"
# shellcheck source=tests/command/browser.bash
. "$root/tests/command/browser.bash"
# ---- A page with all that it can have: three weeks of a practice, an empty day, every state, an audit.

# shellcheck disable=SC2016 # jq's
jq -nc 'def time: todate | sub("Z$"; ".000Z");
	1793577600 as $start
	| {practice: "glow", configuration: "/etc/pnow/glow.json", timezone: "UTC", since: ($start | time), until: ($start + 21 * 86400 | time),
		patientnow_limit: 1000, crm_limits: [{location_id: "L", day_max: 200000}],
		pipelines: [{name: "Surgical", stages: ["Consult Booked", "Consult Complete"], lost: "Cancelled / No-Show"}]},
	(range(400) as $n | ($start + ($n * 4500)) as $at | select($n * 4500 / 86400 | floor != 8)
		| ["done", "done", "done", "done", "unchanged", "ignored", "skipped", "dead", "waiting"][$n % 9] as $state
		| {id: "event-\($n)", type: ["appointment.booked", "appointment.status", "bill.completed", "patient.updated"][$n % 4], practice: "glow",
			patient_id: "p\($n / 3 | floor)", status: ($state | if . == "dead" then "failed" elif . == "waiting" then null else . end),
			calls: 4, patientnow_calls: 1, received: ($at | time), at: ($at + 1 + $n % 70 | time), state: $state, warnings: [],
			actions: [if $state != "done" then empty elif $n % 4 == 2 then
					{op: "ltv.add", amount: "1450.00", items: [{name: "A treatment with quite a long name \($n % 7)", amount: "1450.00"}]}
				elif $n % 4 < 2 then {op: "opportunity.move", pipeline: "Surgical", stage: ["Consult Booked", "Consult Complete"][$n % 2]} else empty end]}
		+ if $state == "dead" then {error: {code: "not_found", message: "patient \($n): 404"}}
			elif $state == "skipped" then {reason: "no e-mail and no phone, and no contact is known for this patient"}
			elif $n % 20 == 0 then {uncategorized: "Tattoo Removal"} else {} end)' >results
echo '{"id":"d1","practice":"glow","status":"differs","differences":[{"name":"opportunity.stage"}]}' >audit
pnow-report -C -a audit <results >page.html
pnow-report </dev/null >empty.html

# ---- What is promised of it.

overlapping='(() => {
	const out = [];
	for (const axis of document.querySelectorAll(".x, .y")) {
		const boxes = [...axis.children].map(e => e.getBoundingClientRect()).filter(b => b.width);
		for (let i = 0; i < boxes.length; i++) for (let j = 0; j < i; j++)
			if (boxes[i].left < boxes[j].right && boxes[j].left < boxes[i].right && boxes[i].top < boxes[j].bottom && boxes[j].top < boxes[i].bottom)
				out.push(axis.className + " " + axis.children[i].textContent);
	}
	return out
})()'
for screen in '390 light' '390 dark' '1280 light' '1280 dark' '390 light 200' '1280 light 200'; do
	# shellcheck disable=SC2086 # words
	open $screen
	is "$screen: nothing is cut off or sticks out" "$(value "$whole")" '[]'
	is "$screen: no label of an axis lies on another" "$(value "$overlapping")" '[]'
done
open 390 light
is 'on a phone no table has to be scrolled' "$(value '[...document.querySelectorAll(".scroll")].filter(e => e.scrollWidth > e.clientWidth + 1).map(e => e.ariaLabel)')" '[]'

open 1280 light
light=$(value 'getComputedStyle(document.body).backgroundColor')
open 1280 dark
like 'dark is dark' "$light $(value 'getComputedStyle(document.body).backgroundColor')" '*25[0-9], 25[0-9], 25[0-9])" "rgb(16, 22, 28)"'
is 'a bar is as high as its day has events: a quarter more is a quarter higher' "$(value '(() => {
	const bars = [...document.querySelector("svg[role=img]").querySelectorAll("g")].map(g => {
		const rects = [...g.querySelectorAll("rect:not(.hit)")].map(r => r.getBoundingClientRect());
		return {n: +g.querySelector("title").textContent.match(/: (\d+) event/)[1], high: rects.reduce((sum, r) => sum + r.height, 0)}
	});
	const each = bars.filter(b => b.n).map(b => b.high / b.n);
	return [bars.length, bars.filter(b => !b.n && !b.high).length, Math.max(...each) / Math.min(...each) < 1.02]
})()')" '[21,1,true]'
is 'headings go down step by step, from one h1' "$(value '(() => { const levels = [...document.querySelectorAll("h1,h2,h3,h4")].map(h => +h.tagName[1]);
	return [levels.filter(l => l === 1).length, levels.every((l, i) => !i || l - levels[i - 1] <= 1), levels.filter(l => l === 2).length] })()')" '[1,true,9]'
is 'each table has a caption, and heads of rows and columns; each chart says what is in it' "$(value '[
	[...document.querySelectorAll("table")].every(t => t.caption && t.querySelector("th[scope=col]") && t.querySelector("th[scope=row]")),
	[...document.querySelectorAll("svg")].every(s => s.getAttribute("aria-label") || s.ariaHidden === "true")]')" '[true,true]'

# tables: how many tables, and heads of rows, a screen reader is told of.
tables()
{
	local role
	ask DOM.getDocument '{"depth":0}'
	local root_node
	root_node=$(jq .result.root.nodeId <<<"$answer")
	for role in table rowheader; do
		ask Accessibility.queryAXTree "{\"nodeId\":$root_node,\"role\":\"$role\"}"
		jq '.result.nodes | map(select(.ignored | not)) | length' <<<"$answer"
	done | xargs
}
open 390 light
phone=$(tables)
open 1280 light
is 'a screen reader finds the same tables on a phone and on a desk' "$phone" "$(tables)"
like 'and there are tables' "$phone" '[1-9]* [1-9]*'

ask Page.printToPDF '{"preferCSSPageSize":false}'
is 'it prints' "$(jq -r .result.data <<<"$answer" | base64 -d | head -c 5)" '%PDF-'
ask Page.captureScreenshot '{"clip":{"x":0,"y":0,"width":100,"height":100,"scale":1}}'
is 'it is a picture' "$(jq -r .result.data <<<"$answer" | base64 -d | head -c 4 | tail -c 3)" PNG

is 'the browser asked for the file and for nothing else' \
	"$(jq -r 'select(.method == "Network.requestWillBeSent").params.request.url' happened | sort -u)" "file://$work/page.html"
is 'and had nothing to say' "$(jq -c 'select(.method | IN("Log.entryAdded", "Runtime.consoleAPICalled", "Runtime.exceptionThrown")).params' happened)" ''

# ---- axe-core, where it is installed (make deps-contract).

ask Page.setBypassCSP '{"enabled":true}'
for screen in '390 light' '1280 light' '1280 dark' '1280 light 100 screen empty'; do
	# shellcheck disable=SC2086 # words
	open $screen
	axe "axe-core finds nothing: $screen"
done
exec 5>&- 6<&-
finish

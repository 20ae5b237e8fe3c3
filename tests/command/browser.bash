# A browser for tests: Chromium, driven through a pipe. To be sourced after tap.sh; the test is skipped where Chromium is missing, and
# with sanitizers.
# shellcheck disable=SC2154,SC2034 # from tap.sh: root, work, started; for tests: whole
if ! command -v chromium >/dev/null; then
	echo '1..0 # SKIP chromium is missing: make deps'
	exit 0
fi
if sanitized; then
	echo '1..0 # SKIP the page of a build with sanitizers is the same'
	exit 0
fi

# It reads its commands from one pipe, and writes answers and what happens to another.

mkfifo commands answers
chromium --headless=new --no-sandbox --disable-gpu --disable-dev-shm-usage --no-first-run --hide-scrollbars --user-data-dir="$work/profile" \
	--remote-debugging-pipe about:blank 3<commands 4>answers >chromium.out 2>&1 &
started+=($!)
exec 5>commands 6<answers
calls=0
: >"$work/happened"

# ask METHOD [PARAMETERS]: its result is in $answer; what happens meanwhile is kept.
ask()
{
	local message
	calls=$((calls + 1))
	printf '{"id":%d,"method":"%s","params":%s%s}\0' "$calls" "$1" "${2:-"{}"}" "${session:+,\"sessionId\":\"$session\"}" >&5
	while IFS= read -r -t 60 -d '' message <&6; do
		if [[ $message == "{\"id\":$calls,"* ]]; then
			answer=$message
			return
		fi
		printf '%s\n' "$message" >>"$work/happened"
	done
	answer='{"result":{"exceptionDetails":"the browser does not answer"}}'
}

# value EXPRESSION: what it comes to in the page, as JSON.
value()
{
	ask Runtime.evaluate "$(jq -nc --arg expression "$1" '{$expression, returnByValue: true, awaitPromise: true}')"
	jq -c '.result | if .exceptionDetails then .exceptionDetails else .result.value end' <<<"$answer"
}

# open WIDTH light|dark [PERCENT [MEDIUM [PAGE]]]: the page, which is an .html of $work or a .svg, on such a screen, with letters of that size.
open()
{
	local i page=${5:-page}
	[[ $page == *.svg ]] || page+=.html
	ask Emulation.setDeviceMetricsOverride "{\"width\":$1,\"height\":800,\"deviceScaleFactor\":1,\"mobile\":false}"
	ask Emulation.setEmulatedMedia "{\"media\":\"${4:-screen}\",\"features\":[{\"name\":\"prefers-color-scheme\",\"value\":\"$2\"}]}"
	ask Page.navigate "{\"url\":\"file://$work/$page\"}"
	for ((i = 0; i < 300; i++)); do
		[ "$(value 'document.readyState')" != '"complete"' ] || break
		sleep 0.1
	done
	[ -z "${3:-}" ] || value "document.documentElement.style.fontSize = '$3%'" >"/dev/null"
}

# axe PROMISE: axe-core, which has rules of accessibility, finds nothing in the page, with each details open.
axe()
{
	local axe=$root/.build/contract/node_modules/axe-core/axe.min.js
	if [ ! -f "$axe" ]; then
		skip "$1" 'axe-core is missing: make deps-contract'
		return
	fi
	[ -f "$work/axe.json" ] || jq -nc --rawfile source "$axe" '{expression: ($source + "; 1")}' >"$work/axe.json"
	ask Runtime.evaluate "$(<"$work/axe.json")"
	is "$1" "$(value '(document.querySelectorAll("details").forEach(d => d.open = true),
		axe.run().then(r => [r.passes.length > 10, ...r.violations.map(v => v.id + ": " + v.nodes.length + ", " + v.nodes[0].html.slice(0, 200))]))')" '[true]'
}

ask Target.createTarget '{"url":"about:blank"}'
ask Target.attachToTarget "$(jq -c '.result | {targetId, flatten: true}' <<<"$answer")"
session=$(jq -r .result.sessionId <<<"$answer")
for domain in Page Runtime Log Network; do ask $domain.enable; done

# What is cut off or sticks out: elements that are wider than the window, or whose text is wider than they are. What may scroll by
# itself may be wider. Each details is open.
whole='(() => {
	document.querySelectorAll("details").forEach(d => d.open = true);
	const out = [], width = document.documentElement.clientWidth;
	if (document.documentElement.scrollWidth > width) out.push("the page scrolls sideways");
	for (const e of document.body.querySelectorAll("*")) {
		const box = e.getBoundingClientRect();
		if (e.closest(".scroll, svg, .unseen, thead") || !box.width) continue;
		if (box.right > width + 1 || box.left < -1) out.push(e.tagName + "." + e.className + " sticks out: " + e.textContent.slice(0, 20));
		if (e.scrollWidth > e.clientWidth + 1 && e.clientWidth && !e.matches(".chart, .x") && getComputedStyle(e).display !== "inline")
			out.push(e.tagName + "." + e.className + " is cut off: " + e.textContent.slice(0, 20));
	}
	return out.slice(0, 5)
})()'

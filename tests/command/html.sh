#!/usr/bin/env bash
# make html: the pages as a site, whose links hold, and which a phone shows whole; and the README's pictures, which it makes.
# shellcheck disable=SC2154 # from tap.sh: root, work; from browser.bash: whole
# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh"
if ! command -v mandoc >/dev/null; then
	echo '1..0 # SKIP mandoc is missing: make deps'
	exit 0
fi
# shellcheck source=tests/command/browser.bash
. "$root/tests/command/browser.bash"

like 'make html runs what is tested here' "$(make -n -C "$root" html)" '*man/html/make-html.sh .build/html*'
is 'it has nothing to say' "$("$root/man/html/make-html.sh" site 2>&1) $?" ' 0'
cd site || exit

# ---- What is in it.

pages=$(cd "$root/man" && for page in *.[1-9]; do echo "$page.html ${page%.*}(${page##*.}) $(sed -n 's/^\.Nd //p' "$page")"; done)
is 'the index has each page, and what it is about' \
	"$(sed -nE 's|^<dt><a href="([^"]*)">([^<]*)</a></dt><dd>(.*)</dd>$|\1 \2 \3|p' index.html | sort)" "$(sort <<<"$pages")"
is 'each link leads to a file of the site, and to a place in it that there is, or to another site' "$(awk '
	FNR == 1 { there[FILENAME] }
	{
		while (match($0, /(id|href|src)="[^"]*"/)) {
			split(substr($0, RSTART, RLENGTH), part, "\"")
			$0 = substr($0, RSTART + RLENGTH)
			if (part[1] == "id=")
				there[FILENAME "#" part[2]]
			else if (part[2] !~ /^(https|data):/)
				wanted[FILENAME ": " part[2]] = part[2] ~ /^#/ ? FILENAME part[2] : part[2]
		}
	}
	END { for (link in wanted) if (!(wanted[link] in there)) print link }' *)" ''
is 'a reference to a page of ours leads to it' "$(cut -d ' ' -f 1 <<<"$pages" |
	while read -r page; do grep -l "manpages.debian.org/${page%.html}\"" -- *.html; done)" ''
like 'there are such references' "$(cat pnow.7.html)" '*<a class="Xr" href="pnow-hook.1.html">pnow-hook(1)</a>*'
for picture in *.svg; do
	is "man/html/$picture, which the README shows, is what make html makes (cp .build/html/*.svg man/html)" \
		"$(cmp "$picture" "$root/man/html/$picture" 2>&1)" ''
done

# ---- What a browser makes of it.

whole=${whole/.scroll,/.scroll, pre, .Bl-column,} # these scroll by themselves
for page in $(cut -d ' ' -f 1 <<<"$pages") index.html; do
	open 390 dark '' '' "site/${page%.html}"
	is "a phone shows $page whole" "$(value "$whole")" '[]'
done
for screen in '390 light 200' '1280 light 100' '1280 dark 100'; do
	# shellcheck disable=SC2086 # words
	open $screen screen site/index
	is "the index is whole: $screen" "$(value "$whole")" '[]'
done
open 390 light '' '' site/pnow.7
is 'keys reach what scrolls, and a screen reader what the page is about' "$(value '[...document.querySelectorAll("pre")].every(e => e.tabIndex === 0) &&
	document.querySelectorAll("main h1").length > 5')" true
open 1280 dark '' '' site/index
like 'dark is dark' "$(value 'getComputedStyle(document.body).backgroundColor')" '"rgb(16, 22, 28)"'
is 'the index shows both pictures' "$(value '[...document.images].map(i => i.complete && i.naturalWidth > 500)')" '[true,true]'
is 'no page asks for anything from elsewhere' \
	"$(jq -r 'select(.method == "Network.requestWillBeSent").params.request.url' "$work/happened" | grep -vF -e "file://$work/site/" -e data:)" ''
is 'the browser had nothing to say' "$(jq -c 'select(.method | IN("Log.entryAdded", "Runtime.consoleAPICalled", "Runtime.exceptionThrown")).params' "$work/happened")" ''
for picture in pipeline report; do
	open 1280 light '' '' "site/$picture.svg"
	is "$picture.svg: no text is cut off" "$(value '(() => {
		const box = document.documentElement.viewBox.baseVal, out = [];
		for (const text of document.querySelectorAll("svg > text")) {
			const b = text.getBBox();
			if (!text.hasAttribute("transform") && b.x + b.width > box.width) out.push(text.textContent);
		}
		return [document.querySelector("parsererror") === null, out] })()')" '[true,[]]'
done
exec 5>&- 6<&-
finish

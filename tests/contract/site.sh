#!/usr/bin/env bash
# The site of make html, judged by axe-core's rules of accessibility: the index, and a page of each kind, as a phone shows them. The report
# is pnow-report-browser.sh's.
# shellcheck disable=SC2154 # from tap.sh: root, work
# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh"
# shellcheck source=tests/command/browser.bash
. "$root/tests/command/browser.bash"
ask Page.setBypassCSP '{"enabled":true}'
"$root/man/html/make-html.sh" site
for page in index pnow.7 pnow-inbox.1 pnow-event.5; do
	open 390 light '' '' "site/$page"
	axe "a phone: $page.html"
done
open 1280 dark '' '' site/index
axe 'a desk, in the dark: index.html'
exec 5>&- 6<&-
finish

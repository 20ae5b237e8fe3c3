#!/usr/bin/env bash
# make html: the pages as a site in the folder $1: an index, each page as HTML, the report's sample, and the README's two pictures.
# pipeline.svg and report.svg are kept here, too, where the README shows them; a test compares.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
man=$(dirname "$here")
mkdir -p "$1"
cd "$1"
rm -f -- *.html *.svg *.css

cp "$here/style.css" .
awk -f "$here/pipeline.awk" "$here/pipeline" >pipeline.svg
jq -nc -f "$here/sample.jq" | pnow-report >report.html

# The beginning of the report, down to the first table, as a picture: HTML in SVG, which browsers show as they show the page.
{
	printf '<svg xmlns="http://www.w3.org/2000/svg" width="720" height="700" viewBox="0 0 720 700" role="img" aria-label="%s">\n' 'The beginning of a report'
	sed -n '/^<style>/,/^<\/style>/p' report.html
	printf '<foreignObject width="720" height="700"><body xmlns="http://www.w3.org/1999/xhtml" style="height:700px">\n'
	sed -n '/^<details/q; s|<svg |<svg xmlns="http://www.w3.org/2000/svg" |g; s|</*a[^>]*>||g; /^<header>/,$p' report.html
	printf '</section></main></body></foreignObject></svg>\n'
} >report.svg

# The pages: a reference leads to ours where mandoc finds one in its folder, else to Debian's. What scrolls
# can be reached by keys.
out=$PWD
cd "$man"
for page in *.[1-9]; do
	mandoc -T html -O toc,style=style.css,man='%N.%S.html;https://manpages.debian.org/%N.%S' "$page" |
		sed 's|^<html>$|<html lang="en">|; s|^<body>$|&\n<nav><a href="index.html">pnow: all pages</a></nav>\n<main>|; s|^</body>$|</main>\n&|
			s|<pre|& tabindex="0"|' >"$out/$page.html"
done

# listed TITLE SECTION: the pages of a section of the manual, with what each is about.
listed()
{
	local page
	printf '<h2>%s</h2>\n<dl>\n' "$1"
	for page in $(printf '%s\n' *."$2" | sort -t . -k 1,1); do
		printf '<dt><a href="%s.html">%s(%s)</a></dt><dd>%s</dd>\n' "$page" "${page%.*}" "$2" "$(sed -n 's/^\.Nd //p' "$page")"
	done
	printf '</dl>\n'
}

{
	cat <<'END'
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="stylesheet" href="style.css">
<title>pnow: from PatientNow to the CRM</title>
</head>
<body class="index">
<main>
<h1>pnow</h1>
<p>Small Unix filters that keep Aesthetix CRM (HighLevel) in step with PatientNow, the electronic medical record of a practice.
Begin with <a href="pnow.7.html#A_FIRST_PRACTICE">a first practice</a>, on this machine alone.</p>
END
	listed 'What it is, and how it is run' 7
	listed 'Commands' 1
	listed 'Files and records' 5
	cat <<'END'
<h2>The way of an event</h2>
<p><img src="pipeline.svg" width="560" alt="From a webhook of PatientNow through the filters into the CRM"></p>
<h2>What the owner of a practice is shown</h2>
<p><a href="report.html">A report</a> of four weeks of a made-up practice, by <a href="pnow-report.1.html">pnow-report(1)</a>:</p>
<p><a href="report.html"><img src="report.svg" width="720" alt="The beginning of the report: events by day, and what became of them"></a></p>
</main>
</body>
</html>
END
} >"$out/index.html"

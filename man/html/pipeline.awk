# The picture of the pipeline, SVG, of the table in the file "pipeline".
function escaped(text) { gsub(/&/, "\\&amp;", text); gsub(/</, "\\&lt;", text); return text }

BEGIN { FS = "\t"; width = 560; high = 66; box = 40 }
/^#/ { next }
{ n++; name[n] = $1; does[n] = escaped($2); adds[n] = escaped($3) }
END {
	printf "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\" role=\"img\" aria-labelledby=\"title\">\n", \
		width, n * high + 4, width, n * high + 4
	printf "<title id=\"title\">From a webhook of PatientNow through the filters into the CRM, and back by pnow-push</title>\n"
	print "<style>\n" \
		"svg{--ground:#fbfcfd;--card:#fff;--ink:#1b2733;--soft:#566472;--line:#8fa0ae;--filter:#1d7f87;--ink-of-filter:#fff}\n" \
		"@media(prefers-color-scheme:dark){svg{--ground:#10161c;--card:#171f27;--ink:#e4eaef;--soft:#9cabb8;--line:#566472;" \
		"--filter:#45aab3;--ink-of-filter:#10161c}}\n" \
		".ground{fill:var(--ground)}rect{fill:var(--filter)}.end rect{fill:var(--card);stroke:var(--line)}path{fill:none;stroke:var(--line);stroke-width:2}\n" \
		"text{font:14px system-ui,-apple-system,\"Segoe UI\",Roboto,Arial,sans-serif;fill:var(--ink)}\n" \
		".name{font-weight:600;text-anchor:middle;fill:var(--ink-of-filter)}.end .name{fill:var(--ink)}\n" \
		".adds{font:12px ui-monospace,\"SF Mono\",Menlo,Consolas,monospace;fill:var(--soft)}\n</style>"
	printf "<rect class=\"ground\" width=\"%d\" height=\"%d\"/>\n", width, n * high + 4
	for (i = 1; i <= n; i++) {
		y = (i - 1) * high + 12
		printf "<g%s><rect x=\"42\" y=\"%d\" width=\"112\" height=\"%d\" rx=\"6\"/>", i == 1 || i == n ? " class=\"end\"" : "", y, box
		printf "<text class=\"name\" x=\"98\" y=\"%d\">%s</text></g>\n", y + 25, name[i]
		printf "<text x=\"170\" y=\"%d\">%s</text>", y + (adds[i] == "" ? 25 : 16), does[i]
		if (adds[i] != "") printf "<text class=\"adds\" x=\"170\" y=\"%d\">%s</text>", y + 35, adds[i]
		print ""
		if (i < n) printf "<path d=\"M98 %dv%dm-5-6l5 6 5-6\"/>\n", y + box, high - box
	}
	# the way back
	last = (n - 1) * high + 12 + box / 2
	printf "<path d=\"M42 %dH26V%dH42m-6-5l6 5-6 5\"/>\n", last, 12 + box / 2
	printf "<text transform=\"translate(17 %d) rotate(-90)\" style=\"text-anchor:middle\">pnow-push: a tagged contact becomes a patient</text>\n", (last + 32) / 2
	print "</svg>"
}

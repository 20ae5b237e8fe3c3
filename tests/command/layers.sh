#!/usr/bin/env bash
# lib/README.md's layers: a file of lib/ includes nothing of a layer above its own. No headers include each other in a circle, and no
# files call each other in one, neither lib's nor a command's.
# shellcheck disable=SC2154 # from tap.sh: root
# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh"

# What is below what, as the README's list of layers has it.
mapfile -t layers < <(sed -n 's/^## \([a-z]*\):.*/\1/p' "$root/lib/README.md")
is "each folder of sources is a layer of lib/README.md" "$(printf '%s\n' "${layers[@]}" completions profiles | sort | xargs)" \
	"$(find "$root/lib" -mindepth 1 -maxdepth 1 -type d -printf '%f\n' | sort | xargs)"

# upward: includes of a layer above the file's own.
upward()
{
	local below=" " layer
	for layer in "${layers[@]}"; do
		below="$below$layer "
		grep -nH '^#include "' "$root/lib/$layer"/*.[ch] | while IFS=: read -r file line include; do
			include=${include#*\"}
			[[ $below == *" ${include%%/*} "* ]] || echo "${file#"$root"/}:$line: $include"
		done
	done
}

is "no layer includes one above it" "$(upward)" ""
is "no header includes itself, by way of others" "$(cd "$root" && grep -H '^#include "' lib/*/*.h cmd/*/*.h | awk -F '[:"]' '
	{ from = $1; to = $3; if (to ~ /\//) to = "lib/" to; else { folder = from; sub(/[^\/]*$/, "", folder); to = folder to }; print from, to }' |
	tsort 2>&1 >/dev/null)" ""
is "each module of lib/ has its line in lib/README.md" "$(cd "$root/lib" && for file in */*.h; do
	name=$(basename "$file" .h)
	grep -q "^| \`$name\`" README.md || echo "$file"; done)" ""

# Parts that call each other, as their header says: CALLER CALLED, to be left out. The record loop's work on a record as it does.
defended='lib/stream/pool lib/stream/record
lib/stream/group lib/stream/record'

# calls FOLDER ...: which file of these folders uses what another one defines, as CALLER CALLED lines.
calls()
{
	cd "$bin/.." && find "${@/#/$root/}" -name '*.c' | sed "s|^$root/||; s|c$|o|" | xargs nm -A | awk '
		{ file = substr($1, 1, index($1, ".o:") - 1) }
		$(NF - 1) == "U" { used[file " " $NF] = 1; next }
		{ defines[$NF] = file }
		END { for (use in used) { split(use, u, " "); if (u[2] in defines) print u[1], defines[u[2]] } }' | sort -u
}

# circles FOLDER ...: those that call each other in a circle.
circles()
{
	{ calls "$@" | grep -vxF "$defended" | tsort >/dev/null; } 2>&1
}

cd "$root" || exit 1
for folder in lib cmd/*/; do
	is "no files of ${folder%/} call each other in a circle" "$(circles "$folder")" ""
done
like "... and calls are seen" "$(calls lib)" "*lib/net/crm lib/net/http*"
finish

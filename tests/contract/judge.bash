# shellcheck shell=bash disable=SC2154 # tap.sh sets root
# For the tests whose judge is a package of npm: source it with the names of the packages. Without them the test is skipped.
modules=$root/.build/contract/node_modules
for package in "$@"; do
	if ! command -v node >/dev/null || [ ! -d "$modules/$package" ]; then
		printf '1..0 # SKIP %s is missing: make deps-contract\n' "$package"
		exit 0
	fi
done

# judge NAME ARGUMENT…: runs NAME.js, and makes a point of each line that it writes: a promise, what was found, and what was
# expected, with tabs between them.
judge()
{
	local promise found wanted
	NODE_PATH=$modules node "$root/tests/contract/$1.js" "${@:2}" >judged 2>judge.err
	is "$1.js came to its end" "$? $(<judge.err)" '0 '
	while IFS=$'\t' read -r promise found wanted; do
		is "$promise" "$found" "$wanted"
	done <judged
}

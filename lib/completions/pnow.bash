# bash: what may come next, see share/pnow/complete.
_pnow()
{
	local text words=("${COMP_WORDS[@]:0:COMP_CWORD}") line=${COMP_LINE:0:COMP_POINT} typed=${2#:} before=''
	COMPREPLY=()
	# bash has a word end at a colon, which ids may have: before is what it leaves alone of this one.
	text=${line##*[[:blank:]]}
	if [[ $text == *:"$typed" ]]; then
		before=${text%"$typed"}
		read -ra words <<<"${line%"$text"}"
	fi
	while IFS=$'\t' read -r text _; do
		case $text in
		FILES)
			compopt -o filenames
			mapfile -t -O ${#COMPREPLY[@]} COMPREPLY < <(compgen -f -- "$2")
			;;
		FOLDERS)
			compopt -o filenames
			mapfile -t -O ${#COMPREPLY[@]} COMPREPLY < <(compgen -d -- "$2")
			;;
		*) COMPREPLY+=("${text#"$before"}") ;;
		esac
	done < <(/usr/local/share/pnow/complete "${words[@]}" "$before$typed")
}
complete -o nosort -F _pnow @COMMANDS@

# bash: what may come next, see share/pnow/complete.
_pnow()
{
	local text
	COMPREPLY=()
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
		*) COMPREPLY+=("$text") ;;
		esac
	done < <(/usr/local/share/pnow/complete "${COMP_WORDS[@]:0:COMP_CWORD}" "$2")
}
complete -o nosort -F _pnow @COMMANDS@

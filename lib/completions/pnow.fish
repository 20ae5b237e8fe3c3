# fish: what may come next, see share/pnow/complete.
function __pnow
    for line in (/usr/local/share/pnow/complete (commandline -opc) (commandline -ct))
        switch $line
            case FILES
                __fish_complete_path (commandline -ct)
            case FOLDERS
                __fish_complete_directories (commandline -ct)
            case '*'
                echo $line
        end
    end
end
for name in @COMMANDS@
    complete -c $name -e
    complete -c $name -f -k -a '(__pnow)'
end

# fish completion for lbhactl: it says itself what may stand next (`lbhactl --complete`), with names from a running lbhad.

function __lbhactl_complete
    set -l typed (commandline -opc)
    set -l current (commandline -ct)

    command $typed[1] --complete $typed[2..-1] "$current" 2>/dev/null | while read -l line
        if test "$line" = :files
            __fish_complete_path "$current"
        else
            echo $line
        end
    end
end

complete -c lbhactl -f -a '(__lbhactl_complete)'

# fish completion for lbhad.

complete -c lbhad -f
complete -c lbhad -s f -l file -r -F -d 'the configuration'
complete -c lbhad -l node -x -d 'which director of the file this is'
complete -c lbhad -l run-dir -x -a '(__fish_complete_directories)' -d 'socket, locks and what is owned'
complete -c lbhad -l state-dir -x -a '(__fish_complete_directories)' -d 'what must outlive a reboot'
complete -c lbhad -l daemon -d 'go into the background once ready'
complete -c lbhad -l check -d 'say what is wrong with the file and exit'
complete -c lbhad -l withdraw -d 'take away what an lbhad that is no more has left'
complete -c lbhad -l help -d 'a summary'
complete -c lbhad -l version -d 'the version'

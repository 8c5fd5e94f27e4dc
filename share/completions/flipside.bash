# shellcheck shell=bash
# Completions of flipside's commands for bash: `. flipside.bash`, or a line with it in ~/.bashrc. What they offer is what
# --help of the command says, and the names of the two instances.
_flipside() {
    local current=${COMP_WORDS[COMP_CWORD]}
    local command=${COMP_WORDS[0]}
    if [[ $current == -* ]]; then
        local options
        options=$("$command" --help 2>/dev/null | grep -oE -- '^ +(-[a-zA-Z], )?--[a-z-]+' | grep -oE -- '--[a-z-]+')
        mapfile -t COMPREPLY < <(compgen -W "$options" -- "$current")
        return
    fi
    case ${COMP_WORDS[COMP_CWORD - 1]} in
        --home | --directory) mapfile -t COMPREPLY < <(compgen -d -- "$current") ;;
        --secrets | --identity | --certificate | --certificate-key) mapfile -t COMPREPLY < <(compgen -f -- "$current") ;;
        *)
            case ${command##*/} in
                rollback) # to a release that is kept
                    local releases
                    releases=$("${command%rollback}releases" 2>/dev/null | awk 'NR > 1 { print $1 }')
                    mapfile -t COMPREPLY < <(compgen -W "$releases" -- "$current")
                    ;;
                *-instance | connect-to-nginx | check-health | pid | logs) mapfile -t COMPREPLY < <(compgen -W 'A B' -- "$current") ;;
            esac
            ;;
    esac
}
complete -F _flipside bootup check-health connect-to-nginx deploy deployments disabled-instance disabled-port \
    drain-instance enabled-instance enabled-port logs pid releases rollback start-instance status stop-instance \
    update-instance

# bash completion for ringcastctl(1)

_ringcastctl_cameras() {
    ringcastctl "${_ringcastctl_where[@]}" --json status 2>/dev/null |
        sed -n '/"cameras": \[/,$s/^ *"name": "\(.*\)",\{0,1\}$/\1/p'
}

# Appends the cameras that begin with $current.
_ringcastctl_offer_cameras() {
    local name
    while IFS= read -r name; do
        [[ $name == "$current"* ]] && COMPREPLY+=("$(printf '%q' "$name")")
    done < <(_ringcastctl_cameras)
}

# _ringcastctl_offer_words MEMBER COMMAND...: appends what the members of COMMAND's JSON are that begin with $current.
_ringcastctl_offer_words() {
    local member=$1 word
    while IFS= read -r word; do
        [[ $word == "$current"* ]] && COMPREPLY+=("$(printf '%q' "$word")")
    done < <(ringcastctl "${_ringcastctl_where[@]}" --json "${@:2}" 2>/dev/null |
        sed -n "s/^ *\"$member\": \"\(.*\)\",\{0,1\}\$/\1/p")
}

_ringcastctl() {
    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
    local commands='status doctor probe discover top event events viewers kick camera cluster restart reload log log-level tap record stop tls user token version'
    local options='--config --socket --json --wait --timeout --follow --seconds --output --camera --group --role --user --password-stdin --password-file --address --interface --digest --ttl --once --name --text --for --large --first --sound --off --dry-run --over --only-bad --verbose --bundle --help --version'
    local settings='url= username= password= transport= audio= sub= ring_size='
    local words=() _ringcastctl_where=() i
    COMPREPLY=()

    for ((i = 1; i < COMP_CWORD; i++)); do
        case ${COMP_WORDS[i]} in
        -c | --config | -s | --socket)
            _ringcastctl_where=("${COMP_WORDS[i]}" "${COMP_WORDS[i + 1]-}")
            ((i++))
            ;;
        -t | --timeout | -n | --seconds | -o | --output | --camera | --group | --role | --ttl | --name | --text | --for | --bundle | --user | --password-file | --address | --interface) ((i++)) ;;
        -*) ;;
        *) words+=("${COMP_WORDS[i]}") ;;
        esac
    done

    case $previous in
    -c | --config | -o | --output | --bundle | --password-file)
        mapfile -t COMPREPLY < <(compgen -f -- "$current")
        return
        ;;
    --camera)
        _ringcastctl_offer_cameras
        return
        ;;
    --role)
        mapfile -t COMPREPLY < <(compgen -W 'viewer operator' -- "$current")
        return
        ;;
    -s | --socket | -t | --timeout | -n | --seconds | --group | --ttl | --name | --text | --for | --user | --address | --interface) return ;;
    esac
    if [[ $current == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$options" -- "$current")
        return
    fi

    local choices='' cameras=no
    case "${#words[@]} ${words[*]}" in
    '0 ') choices=$commands ;;
    '1 camera') choices='add set remove reset enable disable' ;;
    '1 cluster') choices='status nodes where drain apply config events' ;;
    '2 cluster where') cameras=yes ;;
    '1 tls') choices='self-signed' ;;
    '1 user') choices='add set passwd remove logout list' ;;
    '1 token') choices='add list revoke' ;;
    '2 user set' | '2 user passwd' | '2 user remove' | '2 user logout')
        _ringcastctl_offer_words name user list
        ;;
    '2 token revoke') _ringcastctl_offer_words id token list ;;
    '1 log-level') choices='error warning info debug' ;;
    '1 log') choices='fanout template keeper' cameras=yes ;;
    '1 status' | '1 event' | '1 restart' | '1 tap' | '1 record' | '1 viewers' | '2 log-level '*) cameras=yes ;;
    '2 camera set' | '2 camera remove' | '2 camera reset' | '2 camera enable' | '2 camera disable') cameras=yes ;;
    ?*' camera set '* | ?*' camera add '* | [2-9]*' probe '*)
        choices=$settings
        compopt -o nospace 2>/dev/null
        ;;
    esac
    [[ -z $choices ]] || mapfile -t COMPREPLY < <(compgen -W "$choices" -- "$current")
    [[ $cameras == no ]] || _ringcastctl_offer_cameras
}

complete -F _ringcastctl ringcastctl

# Ends the servers of a test run: when nobody has used them for a while, when told to, or when their directory is gone.
# Arguments: the run's directory, and how many seconds nobody may use it.
run=$(cd "$1" && pwd -P) || exit 1
idle_seconds_max=$2
ending="$run.ending.$$"

# All is opened before the first lock says that somebody watches: from then on, the directory may go at any time.
exec 8>>"$run/users.lock" || exit 1
# Held as long as this lives, and by no child, which would hold it on after a kill.
exec 9>>"$run/supervisor.lock" || exit 1
# Whoever looks whether a supervisor lives holds it for a moment.
flock --timeout 5 9 8>&- || exit 0

# The same process as when it was written down, and not only its pid; a zombie is no process.
is_alive() {
    read -r line 2>/dev/null <"/proc/$1/stat" || return 1
    # shellcheck disable=SC2086 # The fields are meant to be split.
    set -- "$2" ${line##*) }
    [ "${21}" = "$1" ] && [ "$2" != Z ] && [ "$2" != X ]
}

end_recorded() {
    alive=1
    looks=0
    while [ "$alive" = 1 ] && [ "$looks" -lt 500 ]; do
        alive=0
        looks=$((looks + 1))
        for record in "$ending"/*.pids; do
            [ -e "$record" ] || continue
            while read -r pid began; do
                is_alive "$pid" "$began" || continue
                alive=1
                kill -KILL "$pid" 2>/dev/null
            done <"$record"
        done
        [ "$alive" = 0 ] || sleep 0.02 8>&- 9>&-
    done
}

# Somebody removed the directory with all that is written down there, but servers still work in what it was.
end_homeless() {
    for process in /proc/[0-9]*; do
        case $(readlink "$process/cwd" 2>/dev/null 8>&- 9>&-) in
        "$run"/*) kill -KILL "${process#/proc/}" 2>/dev/null ;;
        esac
    done
}

# Whoever uses the servers holds a shared lock on `users.lock`; this looks whether an exclusive one can be had.
idle=0
while [ ! -e "$run/stop" ] && [ "$run/supervisor.lock" -ef /proc/$$/fd/9 ]; do
    if flock --exclusive --nonblock 8 9>&-; then
        [ "$idle" -lt $((idle_seconds_max * 4)) ] || break
        flock --unlock 8 9>&-
        idle=$((idle + 1))
    else
        idle=0
    fi
    sleep 0.25 8>&- 9>&-
done

# Once the directory has moved, whoever wants a server begins a new run, and whoever is starting one can't write its pid down,
# and so can't start it.
if [ "$run/supervisor.lock" -ef /proc/$$/fd/9 ]; then
    mv "$run" "$ending" || ending=$run
    end_recorded
    rm -rf "$ending"
else
    end_homeless
fi

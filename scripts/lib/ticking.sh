# For the scripts to source: run a long command and tell how long it has been running.

# ticking TEXT COMMAND…: run COMMAND, its output held back until it ends. Meanwhile a terminal shows a running clock; a log
# gets a line after 3 s and every 15 s. Returns the command's status.
ticking() {
    local text=$1 output ticker status=0
    shift
    output=$(mktemp)
    _tick "$text" >/dev/null & # it must not hold a pipe open that our output goes to
    ticker=$!
    "$@" >"$output" 2>&1 || status=$?
    kill $ticker 2>/dev/null || true
    wait $ticker 2>/dev/null || true
    [ ! -t 2 ] || printf '\r\e[K' >&2
    if [ $status = 0 ]; then cat "$output"; else tail -n 20 "$output" >&2; fi
    rm -f "$output"
    return $status
}

_tick() {
    local seconds=0
    while kill -0 $$ 2>/dev/null; do # the clock ends with the script, however that ends
        if [ -t 2 ]; then
            printf '\r\e[K[%3d s] %s' $seconds "$1" >&2
        elif [ $((seconds % 15)) = 3 ]; then
            printf '[%3d s] %s\n' $seconds "$1" >&2
        fi
        sleep 1
        seconds=$((seconds + 1))
    done
}

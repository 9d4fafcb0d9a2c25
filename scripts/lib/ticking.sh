# For the scripts to source: run a long command and tell how long it has been running.

# ticking TEXT COMMAND…: run COMMAND, its output held back until it ends. Meanwhile a terminal shows a running clock; other
# output gets a line at the start and every 15 s. Returns the command's status.
ticking() {
    local text=$1 output ticker status=0
    shift
    output=$(mktemp)
    _tick "$text" &
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
    local from=$SECONDS
    while kill -0 $$ 2>/dev/null; do # the clock ends with the script, however that ends
        if [ -t 2 ]; then
            printf '\r\e[K[%3d s] %s' $((SECONDS - from)) "$1" >&2
            sleep 0.5
        else
            printf '[%3d s] %s\n' $((SECONDS - from)) "$1" >&2
            sleep 15
        fi
    done
}

# Shared by the HTTP tests: a small installation, and a jwtauthd that each file starts for itself.
# shellcheck shell=bash
. "${BASH_SOURCE[0]%/*}/../support/cli.bash"

socket=/run/jwtauth/jwtauthd.sock

free_port() {
    python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# make_server [CONFIGURATION]: an installation with a TCP port, and the daemon running. $port, $pid, $tcp.
make_server() {
    port=$(free_port)
    tcp=http://127.0.0.1:$port
    make_installation "${1:-}
[http]
listen = 127.0.0.1:$port
threads = 2
${2:-}
[log]
target = stderr
level = debug"
    install -m 0755 "$top_builddir/jwtauthd" /usr/sbin/jwtauthd
    start_server
}

# start_server: returns when it answers. $server_env: NAME=VALUE words for its environment.
start_server() {
    # shellcheck disable=SC2086
    env ${server_env:-} /usr/sbin/jwtauthd >>/run/jwtauthd.log 2>&1 3>&- &
    pid=$!
    echo $pid >/run/jwtauthd.pid # tests are processes of their own: a later one may have started another daemon
    for _ in $(seq 500); do
        ! curl -s -o /dev/null --unix-socket $socket http://jwtauthd/healthz || return 0
        kill -0 "$pid" 2>/dev/null || break
        sleep 0.02
    done
    echo "jwtauthd did not start:" >&2
    cat /run/jwtauthd.log >&2
    return 1
}

# stop_server [SIGNAL]: ends it and waits.
stop_server() {
    pid=$(cat /run/jwtauthd.pid)
    kill "-${1:-TERM}" "$pid"
    tail --pid="$pid" -s 0.05 -f /dev/null
}

# call METHOD PATH [CURL ARGUMENTS]: over TCP. $status, $headers (lower-case names), $body.
call() {
    request "$tcp" "$@"
}
# ucall: over the Unix socket, as root.
ucall() {
    request http://jwtauthd "$@" --unix-socket $socket
}
request() {
    local base=$1 method=$2 path=$3
    shift 3
    body=$(curl -sS -D /run/headers -X "$method" "$@" "$base$path" 2>/run/curl.err; echo x)
    body=${body%x}
    body=${body%$'\n'}
    headers=$(tr -d '\r' </run/headers | sed 's/^\([^:]*\):/\L\1:/')
    status=$(printf '%s\n' "$headers" | sed -n 's|^http/1.1 \([0-9]*\).*|\1|Ip' | tail -n 1)
}
# post PATH JSON [CURL ARGUMENTS]
post() {
    local path=$1 json=$2
    shift 2
    call POST "$path" -H 'Content-Type: application/json' -d "$json" "$@"
}
bearer() {
    printf 'Authorization: Bearer %s' "$1"
}

# wants STATUS [CODE]: of the last answer; says what came instead.
wants() {
    local code=''
    [ -z "${2:-}" ] || code=$(printf '%s' "$body" | json 'd["error"]["code"] if isinstance(d["error"], dict) else d["error"]')
    if [ "$status" != "$1" ] || [ "$code" != "${2:-}" ]; then
        echo "status $status code $code instead of $1 ${2:-}: $body"
        return 1
    fi
}
# field EXPRESSION: over d, the answer's data.
field() {
    printf '%s' "$body" | python3 -c 'import json,sys; d = json.load(sys.stdin).get("data"); print(eval(sys.argv[1]))' "$1"
}
# login USER [PASSWORD]: $token, $refresh
login() {
    post /api/v1/auth/login "{\"username\":\"$1\",\"password\":\"${2:-Correct-Horse-42}\"}"
    wants 200 || return
    token=$(field 'd["token"]')
    refresh=$(field 'd["refresh_token"]')
}
add_user() {
    local name=$1
    shift
    printf 'Correct-Horse-42\n' | authctl -q user add "$name" --password-stdin "$@"
}

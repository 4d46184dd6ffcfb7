#!/usr/bin/env bats
# What other services rely on: introspection, revocation, metadata, the description, and proxies that ask.
. "${BATS_TEST_DIRNAME:-tests/http}/http.bash"

setup_file() {
    make_server
    export tcp port
    add_user alice --email alice@example.org --role user >/dev/null
    add_user bob --role user >/dev/null
    authctl -q user add billing --service >/dev/null
}

teardown_file() {
    stop_server
}

service_token() {
    authctl token issue --user billing
}
form() {
    local path=$1 data=$2
    shift 2
    call POST "$path" -d "$data" "$@"
}

@test "RFC 7662: a service learns what a good token says; of others only that they are not active" {
    local asker
    asker=$(service_token)
    login alice
    form /oauth/introspect "token=$token" -H "$(bearer "$asker")"
    wants 200
    [ "$(printf '%s' "$body" | json '[d["active"], d["username"], d["token_type"], d["iss"]]')" = "[True, 'alice', 'Bearer', 'https://auth.example.org']" ]
    form /oauth/introspect "token=x.y.z" -H "$(bearer "$asker")"
    wants 200
    [ "$body" = '{"active":false}' ]
    local alices=$token
    login bob
    form /oauth/introspect "token=$alices" -H "$(bearer "$token")"
    [ "$body" = '{"active":false}' ]
    form /oauth/introspect "token=$token" -H "$(bearer "$token")"
    [ "$(printf '%s' "$body" | json 'd["active"]')" = True ]
    form /oauth/introspect "token=$token"
    wants 401 invalid_client
    form /oauth/introspect "token=$token" -H "$(bearer x.y.z)"
    wants 401 invalid_token
    form /oauth/introspect "" -H "$(bearer "$asker")"
    wants 400 invalid_request
    form /oauth/introspect "token=a&token=b" -H "$(bearer "$asker")"
    wants 400 invalid_request
    call POST /oauth/introspect -H 'Content-Type: application/json' -d '{"token":"x"}' -H "$(bearer "$asker")"
    wants 415 unsupported_media_type
}

@test "RFC 7009: what is revoked counts no more; what is unknown was revoked already" {
    local asker
    asker=$(service_token)
    login alice
    form /oauth/revoke "token=$token" -H "$(bearer "$asker")"
    wants 200
    [ -z "$body" ]
    call GET /auth/verify-token -H "$(bearer "$token")"
    wants 401 revoked
    form /oauth/revoke "token=$refresh&token_type_hint=refresh_token" -H "$(bearer "$asker")"
    wants 200
    post /auth/refresh "{\"refresh_token\":\"$refresh\"}"
    [ "$status" = 401 ]
    form /oauth/revoke "token=nonsense" -H "$(bearer "$asker")"
    wants 200
    form /oauth/revoke "token=$token"
    wants 401 invalid_client
}

@test "RFC 8414: the metadata names endpoints that are there" {
    call GET /.well-known/oauth-authorization-server
    wants 200
    [ "$(printf '%s' "$body" | json 'd["issuer"]')" = https://auth.example.org ]
    local url
    for url in $(printf '%s' "$body" | json '" ".join(v for k, v in d.items() if k.endswith(("_uri", "_endpoint", "_documentation")))'); do
        [[ "$url" == https://auth.example.org/* ]]
        call OPTIONS "${url#https://auth.example.org}"
        wants 405 method_not_allowed || [ "$status" = 204 ]
    done
}

@test "the description is valid OpenAPI 3.1 and has every route" {
    call GET /openapi.json
    wants 200
    printf '%s' "$body" >/run/openapi.json
    /usr/bin/python3 "$top_srcdir/tests/http/openapi_check.py" document /run/openapi.json
    local routes
    routes=$("$top_builddir/jwtauthd" --routes | sed -n 's/^| \([A-Z]*\) \([^ ]*\) .*/\1 \2/p' | sort)
    [ "$routes" = "$(/usr/bin/python3 "$top_srcdir/tests/http/openapi_check.py" routes /run/openapi.json | sort)" ]
}

@test "every route's refusals are as the description has them" {
    call GET /openapi.json
    printf '%s' "$body" >/run/openapi.json
    login alice
    run /usr/bin/python3 "$top_srcdir/tests/http/openapi_check.py" refusals /run/openapi.json "$port" "$token"
    echo "$output"
    [ "$status" = 0 ]
}

@test "nginx lets in by token, role and permission, and passes on who it is" {
    command -v nginx >/dev/null || skip "nginx is not installed"
    local front upstream pids
    front=$(free_port)
    authctl -q role add reporter 2>/dev/null || true
    authctl -q role permit reporter reports:read --on 'reports/2026'
    mkdir -p /run/nginx /srv/www/open /srv/www/admin /srv/www/reports
    for d in open admin reports; do echo "$d" >/srv/www/$d/index.html; done
    cat >/run/nginx/nginx.conf <<CONF
user root;
pid /run/nginx/pid;
error_log /run/nginx/error.log;
daemon off;
events {}
http {
    access_log off;
    client_body_temp_path /run/nginx/body; proxy_temp_path /run/nginx/proxy; fastcgi_temp_path /run/nginx/f;
    uwsgi_temp_path /run/nginx/u; scgi_temp_path /run/nginx/s;
    server {
        listen 127.0.0.1:$front;
        root /srv/www;
        location /open/ { auth_request /auth; auth_request_set \$user \$upstream_http_x_auth_user; add_header X-User \$user; }
        location /admin/ { auth_request /auth-admin; }
        location /reports/ { auth_request /auth-reports; }
        location = /auth { internal; proxy_pass http://127.0.0.1:$port/api/v1/auth/verify-token; proxy_pass_request_body off; proxy_set_header Content-Length ""; }
        location = /auth-admin { internal; proxy_pass http://127.0.0.1:$port/api/v1/auth/verify-token?role=admin; proxy_pass_request_body off; proxy_set_header Content-Length ""; }
        location = /auth-reports { internal; proxy_pass http://127.0.0.1:$port/api/v1/auth/verify-token?permission=reports:read&resource=reports/2026; proxy_pass_request_body off; proxy_set_header Content-Length ""; }
    }
}
CONF
    nginx -c /run/nginx/nginx.conf >/run/nginx/out 2>&1 3>&- &
    pids=$!
    for _ in $(seq 200); do
        ! curl -s -o /dev/null "http://127.0.0.1:$front/" || break
        sleep 0.02
    done
    login alice
    ask() {
        status=$(curl -s -o /run/body -D /run/headers -w '%{http_code}' "http://127.0.0.1:$front$1" "${@:2}")
    }
    ask /open/
    [ "$status" = 401 ]
    ask /open/ -H "$(bearer "$token")" -H 'X-Auth-User: root'
    [ "$status" = 200 ]
    grep -qi '^x-user: alice' /run/headers
    ask /admin/ -H "$(bearer "$token")"
    [ "$status" = 403 ]
    ask /reports/ -H "$(bearer "$token")"
    [ "$status" = 403 ]
    authctl -q role grant alice reporter
    ask /reports/ -H "$(bearer "$token")"
    [ "$status" = 200 ]
    authctl -q role grant alice admin
    ask /admin/ -H "$(bearer "$token")"
    [ "$status" = 200 ]
    # never 429 nor 5xx, however often it is wrong
    for _ in $(seq 100); do
        ask /open/ -H "$(bearer wrong)"
        [ "$status" = 401 ]
    done
    authctl -q user add carol --role admin >/dev/null # somebody else stays
    authctl -q user lock alice
    ask /open/ -H "$(bearer "$token")"
    [ "$status" = 401 ]
    kill "$pids"
    wait "$pids" || true
}

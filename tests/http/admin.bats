#!/usr/bin/env bats
# Management over HTTP: users, roles, grants, the audit log; who may, who may not, and what is left untouched.
. "${BATS_TEST_DIRNAME:-tests/http}/http.bash"

setup_file() {
    make_server "" "admin = yes"
    export tcp port
    for who in root2:admin mary:manager anna:agent uma:user cora:compliance; do
        add_user "${who%:*}" --email "${who%:*}@example.org" --role "${who#*:}" >/dev/null
        login "${who%:*}"
        export "token_${who%:*}=$token"
    done
}

teardown_file() {
    stop_server
}

# as WHO METHOD PATH [JSON]: WHO is a user with a token, or root by its uid on the socket.
as() {
    local who=$1 method=$2 path=$3 name=token_$1
    local json=()
    [ -z "${4:-}" ] || json=(-H 'Content-Type: application/json' -d "$4")
    if [ "$who" = root ]; then
        ucall "$method" "/api/v1$path" "${json[@]}"
    else
        call "$method" "/api/v1$path" -H "$(bearer "${!name}")" "${json[@]}"
    fi
}
fingerprint() {
    sqlite3 /var/lib/jwtauth/jwtauth.db \
        'SELECT id,username,email,phone,full_name,status,lock_at,home,shell FROM users; SELECT * FROM roles;
         SELECT * FROM role_parents; SELECT * FROM role_permissions; SELECT * FROM user_roles;
         SELECT id,revoked_at FROM sessions' | sha256sum
}

@test "a user's life: added, shown, changed, locked, opened, deleted" {
    as root POST /users '{"username":"bob","email":"bob@example.org","password":"Correct-Horse-42","roles":["user"]}'
    wants 201
    local id
    id=$(field 'd["user"]["id"]')
    [[ "$headers" == *$'\n'"location: /api/v1/users/$id"$'\n'* ]]
    [ "$(field 'd["user"]["uid"] >= 100000')" = True ]
    as root2 GET "/users/$id"
    wants 200
    [ "$(field 'd["user"]["username"], d["user"]["roles"]')" = "('bob', ['user'])" ]
    as root2 PATCH /users/bob '{"name":"Bob Builder","phone":"+49 30 901820"}'
    wants 200
    [ "$(field 'd["user"]["phone"]')" = +4930901820 ]
    login bob
    as root2 POST "/users/$id/lock"
    wants 200
    [ "$(field 'd["status"], d["cut"]["sessions"]')" = "('locked', 1)" ]
    call GET /auth/verify-token -H "$(bearer "$token")"
    [ "$status" = 401 ]
    as root2 POST /users/bob/unlock
    [ "$(field 'd["status"]')" = active ]
    as root2 POST /users/bob/disable
    [ "$(field 'd["status"]')" = disabled ]
    as root2 POST /users/bob/enable
    login bob
    as root2 GET /users/bob/sessions
    [ "$(field 'len(d["sessions"])')" = 1 ]
    as root2 DELETE /users/bob/sessions
    [ "$(field 'd["ended"]')" = 1 ]
    as root2 POST /users/bob/lock '{"at":"2d"}'
    [ "$(field 'd["status"]')" = active ]
    as root2 DELETE "/users/$id"
    wants 200
    as root2 GET "/users/$id"
    wants 404 user_not_found
    as root2 GET /users/bob
    wants 404 user_not_found
}

@test "lists come in pages that miss nothing and repeat nothing" {
    for i in $(seq 7); do
        printf 'Correct-Horse-42\n' | authctl -q user add "p$i" --service >/dev/null 2>&1 || authctl -q user add "p$i" --service >/dev/null
    done
    local seen='' after=''
    while :; do
        as root GET "/users?kind=service&limit=3${after:+&after=$after}"
        wants 200
        seen="$seen $(field '" ".join(u["username"] for u in d["users"])')"
        after=$(field 'd["next"] or ""')
        [ -n "$after" ] || break
    done
    [ "$(tr ' ' '\n' <<<"$seen" | grep -c .)" = 7 ]
    [ "$(tr ' ' '\n' <<<"$seen" | sort -u | grep -c .)" = 7 ]
    for bad in 0 1001 x -1; do
        as root GET "/users?limit=$bad"
        wants 400 invalid_limit
    done
    as root GET '/users?status=sleepy'
    wants 400 invalid_status
}

@test "roles: added, inherited, permitted, granted for a time, asked about, taken away" {
    as root POST /roles '{"name":"helpdesk","description":"first line","inherits":["agent"]}'
    wants 201
    [[ "$headers" == *$'\nlocation: /api/v1/roles/helpdesk\n'* ]]
    as root POST /roles '{"name":"helpdesk"}'
    wants 409 role_exists
    as root PATCH /roles/helpdesk '{"description":"second line"}'
    [ "$(field 'd["role"]["description"], d["role"]["inherits"]')" = "('second line', ['agent'])" ]
    as root PUT /roles/agent/parents/helpdesk
    wants 409 role_cycle
    as root PUT '/roles/helpdesk/permissions/tickets:read' '{"resource":"tenant/42/*"}'
    wants 200
    as root PUT '/roles/helpdesk/permissions/nonsense'
    wants 400 invalid_permission
    as root PUT /users/uma/roles/helpdesk '{"for":"2h"}'
    wants 200
    as root GET /users/uma/roles
    [ "$(field 'sorted((g["role"], bool(g["ends_at"])) for g in d["grants"])')" = "[('helpdesk', True), ('user', False)]" ]
    as root GET '/users/uma/can?permission=tickets:read&resource=tenant/42/7'
    [ "$(field 'd["ok"], d["role"], d["on"]')" = "(True, 'helpdesk', 'tenant/42/*')" ]
    as root GET '/users/uma/can?permission=tickets:read&resource=tenant/43/7'
    [ "$(field 'd["ok"]')" = False ]
    as root GET '/users/uma/can'
    wants 400 missing_field
    as root GET /users/uma/permissions
    [[ "$body" == *tickets:read* ]]
    as root DELETE /roles/helpdesk
    wants 409 role_in_use
    as root DELETE '/roles/helpdesk/permissions/tickets:read?resource=tenant/42/*'
    wants 200
    as root DELETE '/roles/helpdesk/permissions/tickets:read?resource=tenant/42/*'
    wants 404 not_permitted
    as root PUT '/roles/helpdesk/permissions/tickets:read?resource=tenant/42/*'
    [ "$(field 'd["role"]["permissions"]')" = "['tickets:read on tenant/42/*']" ]
    as root DELETE '/roles/helpdesk/permissions/tickets:read' '{"resource":"tenant/42/*"}'
    [ "$(field 'd["role"]["permissions"]')" = "[]" ]
    as root DELETE /roles/helpdesk/parents/agent
    wants 200
    as root DELETE /users/uma/roles/helpdesk
    wants 200
    as root DELETE /roles/helpdesk
    wants 200
    as root GET /roles/helpdesk
    wants 404 role_not_found
}

@test "who may not gets 403 and changes nothing" {
    local before who method path json
    before=$(fingerprint)
    while read -r who method path json; do
        as "$who" "$method" "$path" "$json"
        wants 403 forbidden || { echo "$who $method $path"; return 1; }
    done <<'END'
uma GET /users
uma GET /users/mary
uma POST /users {"username":"x1","service":true}
uma PATCH /users/mary {"name":"X"}
uma DELETE /users/mary
uma POST /users/mary/lock
uma GET /users/mary/sessions
uma DELETE /users/mary/sessions
uma GET /roles
uma POST /roles {"name":"mine"}
uma PUT /users/uma/roles/admin
uma GET /audit
anna POST /users {"username":"x2","service":true}
anna PATCH /users/uma {"name":"X"}
anna GET /audit
mary PATCH /users/root2 {"name":"X"}
mary POST /users/root2/lock
mary DELETE /users/root2
mary PUT /users/mary/roles/admin
mary POST /roles {"name":"mine","inherits":["admin"]}
mary PUT /roles/manager/permissions/*:*
mary POST /users {"username":"x3","service":true,"roles":["admin"]}
mary POST /users {"username":"x4","service":true,"home":"/etc/systemd/system/cron.service.d"}
mary PATCH /users/uma {"home":"/etc/systemd/system/cron.service.d"}
mary PATCH /users/uma {"shell":"/bin/bash"}
mary GET /audit
cora PATCH /users/uma {"name":"X"}
cora POST /users/uma/lock
cora PUT /users/cora/roles/admin
END
    [ "$(fingerprint)" = "$before" ]
}

@test "who may, may: an agent reads, a manager writes what it holds, compliance reads the log" {
    as anna GET /users
    wants 200
    as mary POST /users '{"username":"fred","password":"Correct-Horse-42"}'
    wants 201
    as mary POST /users/fred/lock
    wants 200
    as cora GET '/audit?action=user.lock&user=fred&limit=1'
    wants 200
    [ "$(field 'd["rows"][0]["actor"]')" = user:mary ]
    [ "$(field 'd["next"] is not None or len(d["rows"]) == 1')" = True ]
    as root2 DELETE /users/fred
    wants 200
    as cora GET '/audit?user=fred&since=1d'
    [ "$(field 'sorted({r["action"] for r in d["rows"]})')" = "['user.add', 'user.delete', 'user.lock']" ]
    as cora GET '/audit?since=yesterday'
    wants 400 invalid_time
}

@test "the last administrator stays, and says so" {
    as root DELETE /users/root2/roles/admin
    wants 409 last_administrator
    as root POST /users/root2/lock
    wants 409 last_administrator
}

@test "a token may no more than its scope says, whatever its user holds" {
    local narrow
    narrow=$(authctl token issue --user root2 --scope users:read)
    token_narrow=$narrow
    as narrow GET /users
    wants 200
    as narrow POST /users '{"username":"x9","service":true}'
    wants 403 forbidden
    [[ "$(printf '%s\n' "$headers")" == *insufficient_scope* ]]
    as narrow PUT /users/uma/roles/admin
    wants 403 forbidden
    as narrow GET /audit
    wants 403 forbidden
}

@test "without a credential, and on a port where management is closed, nothing is to be had" {
    call GET /api/v1/users
    wants 401 no_credential
    sed -i 's/^admin = yes/admin = no/' /etc/jwtauth/jwtauth.conf
    kill -HUP "$(cat /run/jwtauthd.pid)"
    for _ in $(seq 200); do
        as root2 GET /users
        [ "$status" = 200 ] || break
        sleep 0.02
    done
    wants 403 admin_over_tcp
    as root GET /users
    wants 200
}

@test "a uid or gid of 0 is refused, not passed over" {
    for json in '{"uid":0}' '{"gid":0}' '{"uid":-1}' '{"uid":4294967296}' '{"uid":4294967295}'; do
        as root PATCH /users/uma "$json"
        wants 400 uid_out_of_range || { echo "$json"; return 1; }
        as root POST /users "{\"username\":\"zero\",\"service\":true,${json#\{}"
        wants 400 uid_out_of_range || { echo "$json"; return 1; }
    done
}

@test "bodies: unknown, wrong-typed and duplicated fields are refused" {
    local path json key
    while read -r method path json; do
        as root "$method" "$path" "${json%\}},\"surprise\":1}"
        wants 400 unknown_field || { echo "$path"; return 1; }
        for key in $(json 'list(d)' <<<"$json" | tr -d "[]',"); do
            as root "$method" "$path" "$(python3 -c '
import json, sys
d = json.loads(sys.argv[1]); d[sys.argv[2]] = {}; print(json.dumps(d))' "$json" "$key")"
            wants 400 invalid_type || { echo "$path $key"; return 1; }
            as root "$method" "$path" "{\"$key\":\"a\",${json#\{}"
            wants 400 malformed_json || { echo "$path $key"; return 1; }
        done
    done <<'END'
POST /users {"username":"z","email":"z@example.org","roles":["user"],"uid":7,"service":true,"valid_until":"7d"}
PATCH /users/uma {"name":"Uma","home":"/home/uma","shell":"/bin/sh","gid":7}
POST /users/uma/lock {"at":"7d"}
POST /roles {"name":"z","description":"d","inherits":["user"]}
PATCH /roles/user {"description":"d"}
PUT /roles/user/permissions/a:b {"resource":"x"}
PUT /users/uma/roles/agent {"for":"2h","until":"7d"}
END
}

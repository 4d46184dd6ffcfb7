#!/usr/bin/env bats
# Roles: the graph, permissions, grants that end, and what the audit log keeps of them.

setup() {
    # shellcheck source=tests/support/cli.bash
    . "$BATS_TEST_DIRNAME/../support/cli.bash"
    make_installation
    authctl -q user add alice
    authctl -q user add bob
}

audit_of() {
    sqlite3 /var/lib/jwtauth/jwtauth.db "SELECT actor, target, detail FROM audit_log WHERE action = '$1' ORDER BY seq"
}

# may USER PERMISSION [RESOURCE]: prints the role, or no.
may() {
    local rc=0 doc
    doc=$(authctl can "$1" "$2" ${3:+--on "$3"} --json) || rc=$?
    case $rc in
    0) json 'd["role"]' <<<"$doc" ;;
    1) echo no ;;
    *) return 1 ;;
    esac
}

@test "init gives five roles with what each permits itself" {
    [ "$(authctl role list --json | json 'sorted((r["name"], r["inherits"], r["permissions"]) for r in d["roles"])')" = \
        "[('admin', ['manager'], ['*:*']), ('agent', ['user'], ['users:read']), ('compliance', ['user'], ['audit:read', 'roles:read', 'sessions:read', 'users:read']), ('manager', ['agent'], ['roles:read', 'sessions:*', 'users:read', 'users:write']), ('user', [], ['profile:*', 'sessions:own'])]" ]
}

@test "roles are listed by name, page after page" {
    authctl -q role add aardvark
    names="['aardvark', 'admin', 'agent', 'compliance', 'manager', 'user']"
    [ "$(authctl role list --json | json '[r["name"] for r in d["roles"]]')" = "$names" ]
    paged=
    after=
    for _ in 1 2 3; do
        page=$(authctl role list --limit 2 ${after:+--after "$after"} --json)
        paged+=" $(json '" ".join(r["name"] for r in d["roles"])' <<<"$page")"
        after=$(json 'd["next"] or ""' <<<"$page")
    done
    [ "$paged" = ' aardvark admin agent compliance manager user' ]
    authctl -q role delete aardvark --yes
}

@test "a permission comes through the role that carries it, on what its pattern matches" {
    authctl -q role add helpdesk --inherits agent --description 'first line'
    authctl -q role permit helpdesk tickets:read --on 'tenant/42/*'
    authctl -q role grant alice helpdesk
    [ "$(may alice users:read)" = agent ]
    [ "$(may alice tickets:read tenant/42/report)" = helpdesk ]
    [ "$(may alice tickets:read tenant/43/report)" = no ]
    [ "$(may alice tickets:read)" = no ]
    [ "$(may bob users:read)" = no ]
    [ "$(authctl user permissions alice --json | json '[(p["permission"], p["on"], p["role"]) for p in d["permissions"]]')" = \
        "[('profile:*', None, 'user'), ('sessions:own', None, 'user'), ('tickets:read', 'tenant/42/*', 'helpdesk'), ('users:read', None, 'agent')]" ]
    authctl -q role forbid helpdesk tickets:read --on 'tenant/42/*'
    [ "$(may alice tickets:read tenant/42/report)" = no ]
    authctl -q user lock alice
    [ "$(may alice users:read)" = no ]
}

@test "a circle is refused and named, and nothing of it stays" {
    fails_with 4 authctl role inherit user admin --json
    [ "$(error_code)" = role_cycle ]
    fails_with 4 authctl role inherit user admin
    # shellcheck disable=SC2154
    grep -qF 'user -> admin -> manager -> agent -> user' <<<"$output$stderr"
    fails_with 4 authctl role inherit user user
    [ "$(authctl role show user --json | json 'd["inherits"]')" = '[]' ]
    [ "$(audit_of role.inherit)" = '' ]
}

@test "a role in use is not deleted; the message says by whom" {
    authctl -q role add helpdesk
    authctl -q role grant alice helpdesk
    fails_with 4 authctl role delete helpdesk --yes
    grep -qF 'user alice' <<<"$output$stderr"
    authctl -q role revoke alice helpdesk
    authctl -q role delete helpdesk --yes
    fails_with 3 authctl role show helpdesk
    [ "$(audit_of role.delete)" = 'root|role:helpdesk|{}' ]
}

@test "grants end by themselves, and the list says who gave what until when" {
    authctl -q role grant alice agent --for 2h
    authctl -q role grant bob agent --until 2035-01-01T00:00:00Z
    [ "$(authctl role grants --expiring 7d --json | json '[(g["username"], g["role"], g["granted_by"], g["ended"]) for g in d["grants"]]')" = \
        "[('alice', 'agent', 'root', False)]" ]
    [ "$(authctl role grants --user bob --json | json '[(g["username"], g["ends_at"]) for g in d["grants"]]')" = \
        "[('bob', '2035-01-01T00:00:00Z')]" ]
    next=$(authctl role grants --limit 1 --json | json 'd["next"]')
    [ "$(authctl role grants --limit 1 --after "$next" --json | json '[g["username"] for g in d["grants"]], d["next"]')" = \
        "(['bob'], None)" ]
    sqlite3 /var/lib/jwtauth/jwtauth.db "UPDATE user_roles SET ends_at = 1000 WHERE ends_at < 2000000000"
    [ "$(may alice users:read)" = no ]
    [ "$(authctl role grants --user alice --json | json '[g["ended"] for g in d["grants"]]')" = '[True]' ]
    [ "$(audit_of role.grant | tail -n1)" = 'root|role:agent|{"until":2051222400,"user":"bob"}' ]
}

@test "the last administrator stays" {
    authctl -q role grant alice admin
    for words in "grant alice admin --for 2h" "revoke alice admin" "forbid admin *:*"; do
        set -f
        # shellcheck disable=SC2086
        fails_with 4 authctl role $words --json
        set +f
        [ "$(error_code)" = last_administrator ]
    done
    authctl -q role grant bob admin
    authctl -q role revoke alice admin
    fails_with 4 authctl role revoke bob admin
}

# Given three hours ago for two: the time that the grant ends has come by itself.
@test "the end of a grant: no right at once, told once by the purge, who gave what to whom until when" {
    db=/var/lib/jwtauth/jwtauth.db
    printf '[email]\nprovider = smtp\nurl = smtps://127.0.0.1:1\nfrom = auth@example.org\n' >>/etc/jwtauth/jwtauth.conf
    authctl -q user modify alice --email alice@example.org >/dev/null
    sqlite3 $db "UPDATE users SET email_verified_at = 1 WHERE username = 'alice'"
    ASAN_OPTIONS=verify_asan_link_order=0 faketime -f -3h authctl -q role grant alice agent --for 2h
    authctl -q role grant alice user --for 3d
    authctl -q role grant bob agent --for 9d
    [ "$(may alice users:read)" = no ]
    [ "$(authctl role grants --json --user alice | json 'sorted((g["username"], g["role"], g["granted_by"], g["ended"],
        g["ends_at"] is not None, g["granted_at"] is not None) for g in d["grants"])')" = \
        "[('alice', 'agent', 'root', True, True, True), ('alice', 'user', 'root', False, True, True)]" ]
    [ "$(authctl role grants --json --expiring 7d | json '[(g["username"], g["role"]) for g in d["grants"]]')" = "[('alice', 'user')]" ]
    [ "$(authctl purge --dry-run --json | json 'd["grants"]')" = 1 ]
    [ "$(authctl purge --json | json 'd["grants"]')" = 1 ]
    [ "$(authctl purge --json | json 'd["grants"]')" = 0 ]
    [ "$(authctl role grants --json --user alice | json '[g["role"] for g in d["grants"]]')" = "['user']" ]
    [ "$(authctl audit list --json --action role.grant_end | json '[(r["actor"], r["target"], r["detail"]["user"],
        r["detail"]["granted_by"], r["detail"]["until"] - r["detail"]["granted_at"]) for r in d["rows"]]')" = \
        "[('root', 'role:agent', 'alice', 'root', 7200)]" ]
    [ "$(authctl outbox list --json | json '[m["destination"] for m in d["messages"] if m["template"] == "grant_ended"]')" = \
        "['alice@example.org']" ]
    authctl purge | grep -qx 'dropped 0 grants that ended'
    authctl purge | grep -qx 'carried out 0 planned locks whose time has come'
}

@test "user add --role and user modify --role are logged as the grants that they are" {
    authctl -q user add carol --role agent --role user
    authctl -q user modify carol --role compliance >/dev/null
    [ "$(audit_of role.grant | cut -d'|' -f2)" = "role:agent
role:user
role:compliance" ]
    [ "$(audit_of role.grant | grep -c '"user":"carol"')" = 3 ]
}

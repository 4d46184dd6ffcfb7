-- Grants that end by themselves, factors remembered for a login session, ids and keys for the system,
-- services that ask for tokens.

-- Ended grants are looked for by the purge.
CREATE INDEX user_roles_ends ON user_roles (ends_at) WHERE ends_at IS NOT NULL;
-- So are planned locks whose time has come.
CREATE INDEX users_lock_due ON users (lock_at)
    WHERE lock_at IS NOT NULL AND status IN ('pending', 'active') AND deleted_at IS NULL;

-- The group of a role: an id of the users' range, never given out again.
ALTER TABLE roles ADD COLUMN gid BIGINT;
CREATE UNIQUE INDEX roles_gid ON roles (gid) WHERE gid IS NOT NULL;

-- Ids that nobody has any more and nobody else gets: files may still bear them. Deleted users keep theirs themselves.
CREATE TABLE retired_ids (
    id          BIGINT NOT NULL PRIMARY KEY,
    was         TEXT NOT NULL,            -- the id of the role or user that had it
    created_at  BIGINT NOT NULL
);

-- The kernel's audit session that a PAM session was opened in: with boot_id it names one login.
ALTER TABLE sessions ADD COLUMN audit_session BIGINT;
CREATE INDEX sessions_audit ON sessions (boot_id, audit_session) WHERE revoked_at IS NULL AND audit_session IS NOT NULL;

-- mfa_remember: a second factor was given in this login session, by whom, for which service and target.
CREATE TABLE remembered_factors (
    session_id    TEXT NOT NULL REFERENCES sessions (id),
    user_id       TEXT NOT NULL REFERENCES users (id),
    service       TEXT NOT NULL,
    target        TEXT NOT NULL,          -- the user that the service acts for (su, sudo -u)
    given_at      BIGINT NOT NULL,
    PRIMARY KEY (session_id, user_id, service, target)
);
CREATE INDEX remembered_factors_user ON remembered_factors (user_id);

CREATE TABLE ssh_keys (
    id          TEXT NOT NULL PRIMARY KEY,
    user_id     TEXT NOT NULL REFERENCES users (id),
    type        TEXT NOT NULL,            -- ssh-ed25519, ecdsa-sha2-nistp256, ...
    blob        TEXT NOT NULL,            -- base64, as in authorized_keys (RFC 4253 section 6.6)
    fingerprint TEXT NOT NULL,            -- SHA256:...
    comment     TEXT NOT NULL DEFAULT '',
    ends_at     BIGINT,
    created_at  BIGINT NOT NULL,
    created_by  TEXT NOT NULL
);
CREATE UNIQUE INDEX ssh_keys_fingerprint ON ssh_keys (user_id, fingerprint);
CREATE INDEX ssh_keys_ends ON ssh_keys (ends_at) WHERE ends_at IS NOT NULL;

-- A service account is whoever runs under this uid.
ALTER TABLE users ADD COLUMN bind_uid BIGINT;
CREATE UNIQUE INDEX users_bind_uid ON users (bind_uid) WHERE bind_uid IS NOT NULL AND deleted_at IS NULL;

CREATE TABLE api_keys (
    id           TEXT NOT NULL PRIMARY KEY,
    user_id      TEXT NOT NULL REFERENCES users (id),
    hash         TEXT NOT NULL,           -- keyed; the key itself is shown once
    scopes       TEXT NOT NULL DEFAULT '',-- space-separated; '': whatever the account's roles permit
    ends_at      BIGINT,
    last_used_at BIGINT,
    created_at   BIGINT NOT NULL,
    created_by   TEXT NOT NULL
);
CREATE UNIQUE INDEX api_keys_hash ON api_keys (hash);
CREATE INDEX api_keys_user ON api_keys (user_id, id);

-- jwt_once: tokens that have logged somebody in through PAM.
CREATE TABLE used_tokens (
    jti         TEXT NOT NULL PRIMARY KEY,
    exp         BIGINT NOT NULL,
    created_at  BIGINT NOT NULL
);
CREATE INDEX used_tokens_exp ON used_tokens (exp);

-- An imported second factor keeps the window its user is used to; NULL: [mfa] totp_window.
ALTER TABLE totp ADD COLUMN step_window BIGINT;

-- One row is one fact.  TEXT and BIGINT only, so that one text serves SQLite and PostgreSQL.
-- Times are Unix seconds unless the name ends in _ms; ids are UUIDv7 text; enums have a CHECK.
-- Secrets: argon2id strings, hashes of codes and tokens, and sealed values ("v1.<key id>.<base64url>").

CREATE TABLE counters (
    name        TEXT NOT NULL PRIMARY KEY,
    value       BIGINT NOT NULL
);

CREATE TABLE users (
    id                  TEXT NOT NULL PRIMARY KEY,
    username            TEXT NOT NULL,
    email               TEXT,             -- as typed, trimmed
    email_key           TEXT,             -- trimmed and lower-cased: the unique one
    email_verified_at   BIGINT,
    phone               TEXT,             -- E.164
    phone_verified_at   BIGINT,
    full_name           TEXT,
    first_name          TEXT,
    last_name           TEXT,
    company_name        TEXT,
    kind                TEXT NOT NULL CHECK (kind IN ('person', 'service')),
    status              TEXT NOT NULL CHECK (status IN ('pending', 'active', 'locked', 'disabled')),
    status_before       TEXT,             -- what unlock and enable go back to
    password_hash       TEXT,
    password_changed_at BIGINT,
    must_change         BIGINT NOT NULL DEFAULT 0 CHECK (must_change IN (0, 1)),
    valid_until         BIGINT,
    lock_at             BIGINT,           -- user lock --at
    tokens_not_before   BIGINT NOT NULL DEFAULT 0, -- access tokens issued before are refused
    uid                 BIGINT NOT NULL,
    gid                 BIGINT NOT NULL,
    home                TEXT NOT NULL,
    shell               TEXT NOT NULL,
    adopted             BIGINT NOT NULL DEFAULT 0 CHECK (adopted IN (0, 1)),
    last_login_at       BIGINT,
    created_at          BIGINT NOT NULL,
    updated_at          BIGINT NOT NULL,
    updated_by          TEXT NOT NULL,
    deleted_at          BIGINT
);
CREATE UNIQUE INDEX users_username ON users (username) WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX users_email ON users (email_key) WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX users_phone ON users (phone) WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX users_uid ON users (uid) WHERE deleted_at IS NULL;
-- Ids are never given out again: the next free one is looked up among the deleted too.
CREATE INDEX users_uid_gone ON users (uid) WHERE deleted_at IS NOT NULL;
CREATE INDEX users_gid ON users (gid);

CREATE TABLE password_history (
    id          TEXT NOT NULL PRIMARY KEY,
    user_id     TEXT NOT NULL REFERENCES users (id),
    hash        TEXT NOT NULL,
    created_at  BIGINT NOT NULL
);
CREATE INDEX password_history_user ON password_history (user_id, created_at);

CREATE TABLE totp (
    user_id       TEXT NOT NULL PRIMARY KEY REFERENCES users (id),
    secret        TEXT NOT NULL,          -- sealed
    algorithm     TEXT NOT NULL CHECK (algorithm IN ('SHA1', 'SHA256', 'SHA512')),
    digits        BIGINT NOT NULL CHECK (digits IN (6, 8)),
    period        BIGINT NOT NULL CHECK (period BETWEEN 15 AND 120),
    last_step     BIGINT NOT NULL DEFAULT 0, -- last accepted: replay is refused by it
    confirmed_at  BIGINT,
    created_at    BIGINT NOT NULL,
    updated_at    BIGINT NOT NULL
);

CREATE TABLE recovery_codes (
    id          TEXT NOT NULL PRIMARY KEY,
    user_id     TEXT NOT NULL REFERENCES users (id),
    hash        TEXT NOT NULL,
    used_at     BIGINT,
    created_at  BIGINT NOT NULL
);
CREATE UNIQUE INDEX recovery_codes_hash ON recovery_codes (user_id, hash);

CREATE TABLE roles (
    id          TEXT NOT NULL PRIMARY KEY,
    name        TEXT NOT NULL UNIQUE,
    description TEXT,
    created_at  BIGINT NOT NULL,
    updated_at  BIGINT NOT NULL,
    updated_by  TEXT NOT NULL
);

CREATE TABLE role_parents (
    role_id     TEXT NOT NULL REFERENCES roles (id),
    parent_id   TEXT NOT NULL REFERENCES roles (id),
    created_at  BIGINT NOT NULL,
    PRIMARY KEY (role_id, parent_id)
);

CREATE TABLE role_permissions (
    role_id     TEXT NOT NULL REFERENCES roles (id),
    permission  TEXT NOT NULL,            -- resource:action, '*' for either part
    pattern     TEXT NOT NULL DEFAULT '', -- resource pattern, '' for any
    created_at  BIGINT NOT NULL,
    PRIMARY KEY (role_id, permission, pattern)
);

CREATE TABLE user_roles (
    user_id     TEXT NOT NULL REFERENCES users (id),
    role_id     TEXT NOT NULL REFERENCES roles (id),
    granted_by  TEXT NOT NULL,
    created_at  BIGINT NOT NULL,
    ends_at     BIGINT,
    PRIMARY KEY (user_id, role_id)
);
CREATE INDEX user_roles_role ON user_roles (role_id);

CREATE TABLE signing_keys (
    kid         TEXT NOT NULL PRIMARY KEY, -- RFC 7638 thumbprint
    alg         TEXT NOT NULL CHECK (alg IN ('ES256', 'EdDSA', 'RS256', 'HS256')),
    public_der  TEXT,                     -- base64url, typed DER or raw; NULL for HS256
    private_key TEXT,                     -- sealed typed DER (or secret); NULL once retired
    state       TEXT NOT NULL CHECK (state IN ('next', 'active', 'retiring', 'retired')),
    max_ttl     BIGINT NOT NULL DEFAULT 0, -- longest token lifetime it signed: retiring lasts so long
    created_at  BIGINT NOT NULL,
    active_at   BIGINT,
    retiring_at BIGINT,
    retired_at  BIGINT
);
CREATE UNIQUE INDEX signing_keys_active ON signing_keys (state) WHERE state = 'active';

CREATE TABLE sessions (
    id            TEXT NOT NULL PRIMARY KEY,
    user_id       TEXT NOT NULL REFERENCES users (id),
    service       TEXT NOT NULL,
    amr           TEXT NOT NULL,          -- space-separated, RFC 8176
    auth_time     BIGINT NOT NULL,
    audience      TEXT NOT NULL,
    source        TEXT,                   -- numeric address, or NULL
    tty           TEXT,
    user_agent    TEXT,
    boot_id       TEXT,                   -- PAM sessions: which process held it open
    pid           BIGINT,
    pid_start     BIGINT,
    idle_ends_at  BIGINT,                 -- NULL: does not idle out (an open PAM session)
    ends_at       BIGINT NOT NULL,        -- absolute
    last_used_at  BIGINT NOT NULL,
    revoked_at    BIGINT,
    revoke_reason TEXT,
    created_at    BIGINT NOT NULL
);
CREATE INDEX sessions_user ON sessions (user_id, id);
CREATE INDEX sessions_open ON sessions (boot_id, pid) WHERE revoked_at IS NULL;
CREATE INDEX sessions_ends ON sessions (ends_at);

CREATE TABLE refresh_tokens (
    hash        TEXT NOT NULL PRIMARY KEY,
    session_id  TEXT NOT NULL REFERENCES sessions (id),
    parent_hash TEXT,
    created_at  BIGINT NOT NULL,
    ends_at     BIGINT NOT NULL,
    used_at_ms  BIGINT                    -- NULL: the live one
);
CREATE INDEX refresh_tokens_session ON refresh_tokens (session_id);
CREATE INDEX refresh_tokens_ends ON refresh_tokens (ends_at);

CREATE TABLE revoked_tokens (
    jti         TEXT NOT NULL PRIMARY KEY,
    exp         BIGINT NOT NULL,
    created_at  BIGINT NOT NULL
);
CREATE INDEX revoked_tokens_exp ON revoked_tokens (exp);

-- What PAM's auth leaves for open_session, which sshd may run in another process.
CREATE TABLE login_handles (
    hash        TEXT NOT NULL PRIMARY KEY, -- of the random id in JWTAUTH_LOGIN
    user_id     TEXT NOT NULL REFERENCES users (id),
    service     TEXT NOT NULL,
    pid         BIGINT NOT NULL,           -- the application's
    amr         TEXT NOT NULL,
    source      TEXT,
    created_at  BIGINT NOT NULL,
    ends_at     BIGINT NOT NULL
);
CREATE INDEX login_handles_user ON login_handles (user_id);
CREATE INDEX login_handles_ends ON login_handles (ends_at);

CREATE TABLE throttle (
    scope         TEXT NOT NULL CHECK (scope IN ('user_source', 'source', 'user', 'code', 'other', 'token')),
    key           TEXT NOT NULL,
    count         BIGINT NOT NULL,
    window_start  BIGINT NOT NULL,
    blocked_until BIGINT NOT NULL DEFAULT 0,
    pending       BIGINT NOT NULL DEFAULT 0, -- of count: booked, not judged yet
    pending_until BIGINT NOT NULL DEFAULT 0, -- who is not judged by then died
    updated_at    BIGINT NOT NULL,
    PRIMARY KEY (scope, key)
);
CREATE INDEX throttle_updated ON throttle (updated_at);

CREATE TABLE known_sources (
    user_id       TEXT NOT NULL REFERENCES users (id),
    network       TEXT NOT NULL,
    first_seen_at BIGINT NOT NULL,
    last_seen_at  BIGINT NOT NULL,
    PRIMARY KEY (user_id, network)
);

CREATE TABLE audit_log (
    seq         BIGINT NOT NULL PRIMARY KEY, -- last + 1, taken under the write lock
    time_ms     BIGINT NOT NULL,
    actor       TEXT NOT NULL,              -- "root", "user:alice", "pam:sshd"
    action      TEXT NOT NULL,              -- "login", "user.add", ...
    target      TEXT,
    outcome     TEXT NOT NULL CHECK (outcome IN ('success', 'failure', 'denied')),
    reason      TEXT,
    source      TEXT,
    service     TEXT,
    detail      TEXT NOT NULL DEFAULT '{}', -- JSON, no secrets
    prev_hash   TEXT NOT NULL,
    hash        TEXT NOT NULL
);
CREATE INDEX audit_log_target ON audit_log (target, seq);
CREATE INDEX audit_log_action ON audit_log (action, seq);

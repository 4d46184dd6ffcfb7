-- From registration to recovery: one-time tokens, and addresses that wait for their verification.

CREATE TABLE one_time_tokens (
    id            TEXT NOT NULL PRIMARY KEY,
    user_id       TEXT NOT NULL REFERENCES users (id),
    purpose       TEXT NOT NULL CHECK (purpose IN ('verify_email', 'verify_phone', 'reset', 'invite')),
    kind          TEXT NOT NULL CHECK (kind IN ('token', 'code')), -- 256 bits, or 6 digits with few tries
    hash          TEXT NOT NULL,          -- keyed, over purpose and token; or purpose, id and code
    destination   TEXT NOT NULL,          -- the address it went to: it proves no other
    attempts_left BIGINT NOT NULL,
    ends_at       BIGINT NOT NULL,
    used_at       BIGINT,
    created_at    BIGINT NOT NULL
);
CREATE UNIQUE INDEX one_time_tokens_hash ON one_time_tokens (hash);
CREATE INDEX one_time_tokens_user ON one_time_tokens (user_id, purpose);
CREATE INDEX one_time_tokens_ends ON one_time_tokens (ends_at);

-- A changed address counts once it is verified; until then the former one stays.
ALTER TABLE users ADD COLUMN email_pending TEXT;
ALTER TABLE users ADD COLUMN phone_pending TEXT;
-- For the purge of who never verified.
CREATE INDEX users_pending ON users (status, created_at) WHERE status = 'pending' AND deleted_at IS NULL;

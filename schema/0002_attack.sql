-- Under attack: a bounded throttle, a log that can be folded, filtered and rotated, notices to users.

-- What goes first when the table is full.
CREATE INDEX throttle_evict ON throttle (count, updated_at);
INSERT INTO counters (name, value) SELECT 'throttle_rows', COUNT(*) FROM throttle;

-- Repeated events that are not in the log yet: each becomes one counted row.
CREATE TABLE audit_folds (
    key         TEXT NOT NULL PRIMARY KEY, -- hash of what makes two events the same
    actor       TEXT NOT NULL,
    action      TEXT NOT NULL,
    target      TEXT,
    outcome     TEXT NOT NULL CHECK (outcome IN ('success', 'failure', 'denied')),
    reason      TEXT,
    source      TEXT,
    service     TEXT,
    count       BIGINT NOT NULL,
    first_ms    BIGINT NOT NULL,
    last_ms     BIGINT NOT NULL
);
CREATE INDEX audit_folds_first ON audit_folds (first_ms);

-- Where the chain in the table begins, once older rows were rotated out: the row before its first.
CREATE TABLE audit_anchor (
    id          BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),
    seq         BIGINT NOT NULL,
    hash        TEXT NOT NULL,
    updated_at  BIGINT NOT NULL
);
CREATE INDEX audit_log_actor ON audit_log (actor, seq);
CREATE INDEX audit_log_time ON audit_log (time_ms, seq);

-- Messages to users, written in the transaction of what caused them and delivered later.
CREATE TABLE outbox (
    id              TEXT NOT NULL PRIMARY KEY, -- the message's idempotency id as well
    channel         TEXT NOT NULL CHECK (channel IN ('email', 'sms')),
    destination     TEXT NOT NULL,
    template        TEXT NOT NULL,
    vars            TEXT NOT NULL,             -- sealed JSON: it may hold a code
    user_id         TEXT REFERENCES users (id),
    state           TEXT NOT NULL CHECK (state IN ('queued', 'sent', 'given_up')),
    attempts        BIGINT NOT NULL DEFAULT 0,
    next_attempt_at BIGINT NOT NULL,
    claimed_until   BIGINT NOT NULL DEFAULT 0, -- somebody is at it until then
    ends_at         BIGINT NOT NULL,           -- worth nothing afterwards
    last_error      TEXT,
    sent_at         BIGINT,
    created_at      BIGINT NOT NULL,
    updated_at      BIGINT NOT NULL
);
CREATE INDEX outbox_due ON outbox (state, next_attempt_at);
CREATE INDEX outbox_user ON outbox (user_id);

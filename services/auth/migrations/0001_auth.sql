-- People who can log in.
CREATE TABLE users (
    id                 uuid        PRIMARY KEY,
    -- Both in lower case, so that two people can't differ by case only.
    username           text        NOT NULL CONSTRAINT users_username_unique UNIQUE,
    email              text        NOT NULL CONSTRAINT users_email_unique UNIQUE,
    -- A PHC string, Argon2id.
    password_hash      text        NOT NULL,
    roles              text[]      NOT NULL DEFAULT '{user}',
    email_verified_at  timestamptz,
    disabled_at        timestamptz,
    expires_at         timestamptz,
    -- Wrong passwords in a row, and until when they keep even the right one out.
    failures           integer     NOT NULL DEFAULT 0,
    locked_until       timestamptz,
    first_login_at     timestamptz,
    created_at         timestamptz NOT NULL,
    CONSTRAINT users_username_is_normal CHECK (username = lower(username)),
    CONSTRAINT users_email_is_normal CHECK (email = lower(email))
);

-- A login that goes on. The gateway names a session by the hash of its cookie; nobody else can.
CREATE TABLE sessions (
    id             uuid        PRIMARY KEY,
    user_id        uuid        NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    session_ref    text        NOT NULL CONSTRAINT sessions_session_ref_unique UNIQUE,
    -- The one that is good for the next use; it never leaves this service but to Token Provider.
    refresh_token  text        NOT NULL,
    created_at     timestamptz NOT NULL,
    expires_at     timestamptz NOT NULL,
    ended_at       timestamptz
);

CREATE INDEX sessions_user ON sessions (user_id);

-- One-time tokens that were used.
CREATE TABLE used_tokens (
    jti         uuid        PRIMARY KEY,
    used_at     timestamptz NOT NULL,
    expires_at  timestamptz NOT NULL
);

-- Events that are committed but not yet published. The relay deletes what the broker has accepted.
CREATE TABLE outbox (
    seq          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id           uuid        NOT NULL CONSTRAINT outbox_id_unique UNIQUE,
    topic        text        NOT NULL,
    kind         text        NOT NULL,
    subject      text        NOT NULL,
    data         jsonb       NOT NULL,
    traceparent  text,
    occurred_at  timestamptz NOT NULL
);

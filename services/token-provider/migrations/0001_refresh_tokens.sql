-- Refresh tokens, of which only hashes are stored. Those that follow from one login are a family: when a used one
-- comes back, somebody has a copy, and the whole family ends.
CREATE TABLE families (
    id          uuid        PRIMARY KEY,
    user_id     uuid        NOT NULL,
    session_id  uuid        NOT NULL,
    created_at  timestamptz NOT NULL,
    expires_at  timestamptz NOT NULL,
    revoked_at  timestamptz
);

CREATE TABLE refresh_tokens (
    hash         bytea       PRIMARY KEY CONSTRAINT refresh_tokens_hash_is_sha256 CHECK (length(hash) = 32),
    family_id    uuid        NOT NULL REFERENCES families (id) ON DELETE CASCADE,
    issued_at    timestamptz NOT NULL,
    used_at      timestamptz,
    -- The token that its use brought.
    successor    bytea,
    CONSTRAINT refresh_tokens_used_with_successor CHECK ((used_at IS NULL) = (successor IS NULL))
);

CREATE INDEX refresh_tokens_family ON refresh_tokens (family_id);
CREATE INDEX families_expire ON families (expires_at);

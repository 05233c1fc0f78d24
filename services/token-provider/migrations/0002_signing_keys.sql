-- What is known of each signing key. The keys themselves are in the secret store only.
CREATE TABLE signing_keys (
    kid           text        PRIMARY KEY,
    algorithm     text        NOT NULL CONSTRAINT signing_keys_algorithm_is_ours CHECK (algorithm IN ('RS256', 'ES256')),
    -- Since when it is in the key set.
    published_at  timestamptz NOT NULL,
    -- Since or from when it signs; the last one whose time has come is the one that does.
    signs_from    timestamptz
);

CREATE INDEX families_session ON families (session_id);

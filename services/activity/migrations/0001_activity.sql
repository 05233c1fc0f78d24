-- Everything that was announced, as it was. Nobody changes or removes a line.
CREATE TABLE audit_log (
    event_id     uuid        PRIMARY KEY,
    kind         text        NOT NULL,
    subject      text        NOT NULL,
    data         jsonb       NOT NULL,
    occurred_at  timestamptz NOT NULL,
    received_at  timestamptz NOT NULL
);

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit log is append-only';
END $$;

CREATE TRIGGER audit_log_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_log
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- What each user sees, newest first by arrival.
CREATE TABLE feed (
    seq          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id           uuid        NOT NULL CONSTRAINT feed_id_unique UNIQUE,
    user_id      uuid        NOT NULL,
    event_id     uuid        NOT NULL,
    kind         text        NOT NULL,
    data         jsonb       NOT NULL,
    occurred_at  timestamptz NOT NULL,
    CONSTRAINT feed_once_per_user_and_event UNIQUE (user_id, event_id)
);

CREATE INDEX feed_of_user ON feed (user_id, seq DESC);

-- Events whose effect is committed: a second delivery finds its id here.
CREATE TABLE inbox (
    event_id     uuid        PRIMARY KEY,
    received_at  timestamptz NOT NULL DEFAULT now()
);

-- What a service that publishes or consumes events copies into its first migration.

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

-- Events whose effect is committed: a second delivery finds its id here.
CREATE TABLE inbox (
    event_id     uuid        PRIMARY KEY,
    received_at  timestamptz NOT NULL DEFAULT now()
);

-- Old ones are forgotten.
CREATE INDEX inbox_by_age ON inbox (received_at);

-- What a service that publishes events copies into its first migration.

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

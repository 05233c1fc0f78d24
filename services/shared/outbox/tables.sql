-- What a service that publishes events copies into a migration.

-- Events that are committed but not yet published. The relay moves what the broker has accepted to `published_events`.
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

-- What the broker has taken, for a week: a broker that lost its data gets it again (`publish-again`).
CREATE TABLE published_events (
    seq          bigint      NOT NULL,
    id           uuid        NOT NULL,
    topic        text        NOT NULL,
    kind         text        NOT NULL,
    subject      text        NOT NULL,
    data         jsonb       NOT NULL,
    traceparent  text,
    occurred_at  timestamptz NOT NULL,
    published_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX published_events_by_time ON published_events (published_at);

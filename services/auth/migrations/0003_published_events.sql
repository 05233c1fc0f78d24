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

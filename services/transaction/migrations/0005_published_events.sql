-- What the broker has taken, for a week: a broker that lost its data gets it again (`publish-again`).
create table published_events (
    seq          bigint      not null,
    id           uuid        not null,
    topic        text        not null,
    kind         text        not null,
    subject      text        not null,
    data         jsonb       not null,
    traceparent  text,
    occurred_at  timestamptz not null,
    published_at timestamptz not null default now()
);
create index published_events_by_time on published_events (published_at);

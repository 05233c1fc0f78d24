-- A month that is over is announced for each account that something moved in.

-- Events that are committed but not yet published. The relay moves what the broker has accepted to `published_events`.
create table outbox (
    seq          bigint generated always as identity constraint outbox_pk primary key,
    id           uuid        not null constraint outbox_id_unique unique,
    topic        text        not null,
    kind         text        not null,
    subject      text        not null,
    data         jsonb       not null,
    traceparent  text,
    occurred_at  timestamptz not null
);

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

-- A statement that was announced: once for each account and month, whoever races.
create table statements_announced (
    account_id   uuid        not null,
    -- Its first day.
    month        date        not null,
    announced_at timestamptz not null default now(),

    constraint statements_announced_pk primary key (account_id, month),
    constraint statements_announced_month_begins check (extract(day from month) = 1)
);

-- One row: the month that is announced next, and the last account of it that was looked at.
create table statement_progress (
    only_one      boolean not null default true,
    month         date    not null,
    after_account uuid    not null default '00000000-0000-0000-0000-000000000000',

    constraint statement_progress_pk primary key (only_one),
    constraint statement_progress_one_row check (only_one),
    constraint statement_progress_month_begins check (extract(day from month) = 1)
);

-- Of months that were over before there were announcements nobody is told.
insert into statement_progress (month) values (date_trunc('month', now() at time zone 'UTC'));

-- People and time: names and contacts, payment requests, schedules.

-- The names of users, as Auth has told them: of those whom somebody here has to do with, until they are erased.
create table people (
    user_id  uuid not null,
    username text not null,

    constraint people_pk primary key (user_id)
);

-- Whom somebody has paid by name, or has noted to pay.
create table contacts (
    id            uuid        not null,
    owner_user_id uuid        not null,
    user_id       uuid        not null,
    alias         text,
    last_paid_at  timestamptz,
    created_at    timestamptz not null,

    constraint contacts_pk primary key (id),
    constraint contacts_one_per_person unique (owner_user_id, user_id),
    constraint contacts_of_others check (owner_user_id <> user_id),
    constraint contacts_alias_length check (char_length(alias) between 1 and 64)
);

-- An alias names one person, whatever its case.
create unique index contacts_alias_unique on contacts (owner_user_id, lower(alias)) where alias is not null;
create index contacts_by_owner on contacts (owner_user_id, id desc);
create index contacts_by_person on contacts (user_id);

-- Somebody asks somebody else for money.
create table payment_requests (
    id                uuid        not null,
    requester_user_id uuid        not null,
    payer_user_id     uuid        not null,
    -- The requester's.
    to_account_id     uuid        not null,
    amount_minor      bigint      not null,
    currency          text        not null,
    note              text,
    -- One whose time is over stays open here: the time says it, and nothing has to write it down.
    state             text        not null default 'open',
    -- The transfer that pays it, or is about to. Null: none, or it has failed.
    transaction_id    uuid,
    created_at        timestamptz not null,
    expires_at        timestamptz not null,
    ended_at          timestamptz,

    constraint payment_requests_pk primary key (id),
    constraint payment_requests_state_known check (state in ('open', 'paid', 'declined', 'cancelled')),
    constraint payment_requests_two_people check (requester_user_id <> payer_user_id),
    constraint payment_requests_amount_positive check (amount_minor > 0),
    constraint payment_requests_currency_form check (currency ~ '^[A-Z]{3}$'),
    constraint payment_requests_note_length check (char_length(note) between 1 and 140),
    constraint payment_requests_expire_later check (expires_at > created_at),
    constraint payment_requests_end_has_a_time check ((state = 'open') = (ended_at is null)),
    constraint payment_requests_paid_by_one check (
        (state <> 'paid' or transaction_id is not null) and (state not in ('declined', 'cancelled') or transaction_id is null)
    )
);

create index payment_requests_by_requester on payment_requests (requester_user_id, id desc);
create index payment_requests_open on payment_requests (requester_user_id, expires_at) where state = 'open';
create index payment_requests_by_payer on payment_requests (payer_user_id, id desc);

-- As its parties see it: one whose time is over has expired, unless a payment that came in time is still under way.
create view payment_requests_seen as
    select r.id, r.requester_user_id, r.payer_user_id, r.to_account_id, r.amount_minor, r.currency, r.note, r.transaction_id,
           r.created_at, r.expires_at, r.ended_at, requester.username as requester_username, payer.username as payer_username,
           case when r.state = 'open' and r.transaction_id is null and r.expires_at <= now() then 'expired' else r.state end
               as state
    from payment_requests r
    left join people requester on requester.user_id = r.requester_user_id
    left join people payer on payer.user_id = r.payer_user_id;

create function refuse_to_reopen() returns trigger language plpgsql as $$
begin
    raise exception 'payment request % has ended', old.id using errcode = 'restrict_violation';
end
$$;

create trigger payment_requests_final before update or delete on payment_requests
    for each row when (old.state <> 'open') execute function refuse_to_reopen();

-- Transfers that are made by themselves, once or again and again.
create table schedules (
    id              uuid        not null,
    user_id         uuid        not null,
    from_account_id uuid        not null,
    to_account_id   uuid        not null,
    amount_minor    bigint      not null,
    currency        text        not null,
    description     text,
    -- All dates are counted from this one.
    first_at        timestamptz not null,
    every           text        not null,
    -- How many dates it has, or until when. Neither: for good.
    count           integer,
    ends_at         timestamptz,
    state           text        not null default 'active',
    -- The date that is next, and its number, from 1. Null: no more comes.
    next_at         timestamptz,
    next_run        integer,
    created_at      timestamptz not null,

    constraint schedules_pk primary key (id),
    constraint schedules_state_known check (state in ('active', 'paused', 'ended', 'cancelled')),
    constraint schedules_every_known check (every in ('once', 'day', 'week', 'month')),
    constraint schedules_two_accounts check (from_account_id <> to_account_id),
    constraint schedules_amount_positive check (amount_minor > 0),
    constraint schedules_currency_form check (currency ~ '^[A-Z]{3}$'),
    constraint schedules_description_length check (char_length(description) between 1 and 140),
    constraint schedules_one_bound check (count is null or ends_at is null),
    constraint schedules_count_positive check (count > 0),
    constraint schedules_next_is_whole check ((next_at is null) = (next_run is null)),
    constraint schedules_next_comes_while_it_goes_on check ((state in ('active', 'paused')) = (next_at is not null))
);

create index schedules_by_user on schedules (user_id, id desc);
create index schedules_due on schedules (next_at) where state = 'active';

alter table transactions
    -- Who was paid by name.
    add column addressed_user_id uuid,
    -- The schedule that has made it, and for which of its dates.
    add column schedule_id       uuid,
    add column schedule_run      integer,
    add constraint transactions_run_is_whole check ((schedule_id is null) = (schedule_run is null));

-- A date of a schedule is paid once, whoever races.
create unique index transactions_one_per_run on transactions (schedule_id, schedule_run) where schedule_id is not null;

-- Transactions and their life cycle, and the idempotency keys under which clients asked for them.

create table transactions (
    id                uuid        not null,
    kind              text        not null,
    state             text        not null default 'pending',
    initiator_user_id uuid        not null,
    -- An operator may top up anybody's account, a user only an own one.
    by_operator       boolean     not null default false,
    from_account_id   uuid,
    to_account_id     uuid        not null,
    -- Known once the ledger has posted it.
    to_user_id        uuid,
    amount_minor      bigint      not null,
    currency          text        not null,
    description       text,
    failure_code      text,
    -- The key under which its initiator asked for it.
    idempotency_key   text        not null,
    created_at        timestamptz not null,
    completed_at      timestamptz,
    -- When a recovery worker may drive a pending one on.
    recover_after     timestamptz not null,

    constraint transactions_pk primary key (id),
    constraint transactions_kind_known check (kind in ('transfer', 'top_up')),
    constraint transactions_state_known check (state in ('pending', 'completed', 'failed')),
    constraint transactions_currency_form check (currency ~ '^[A-Z]{3}$'),
    constraint transactions_amount_positive check (amount_minor > 0),
    constraint transactions_two_accounts check (from_account_id <> to_account_id),
    constraint transactions_transfer_has_a_payer check ((kind = 'transfer') = (from_account_id is not null)),
    constraint transactions_description_length check (char_length(description) between 1 and 140),
    constraint transactions_completed_knows_the_payee check (
        (state = 'completed') = (to_user_id is not null and completed_at is not null)
    ),
    constraint transactions_failed_says_why check ((state = 'failed') = (failure_code is not null))
);

create index transactions_by_initiator on transactions (initiator_user_id, id desc);
create index transactions_by_payee on transactions (to_user_id, id desc) where to_user_id is not null;
create index transactions_to_recover on transactions (recover_after) where state = 'pending';

-- A final state is final, whatever the code believes.
create function refuse_to_change_the_past() returns trigger language plpgsql as $$
begin
    raise exception 'transaction % is final', old.id using errcode = 'restrict_violation';
end
$$;

create trigger transactions_final before update or delete on transactions
    for each row when (old.state <> 'pending') execute function refuse_to_change_the_past();

create table idempotency_keys (
    user_id        uuid        not null,
    key            text        not null,
    -- SHA-256 of what was asked for: the same key with another request is a mistake of the client.
    request_hash   bytea       not null,
    transaction_id uuid        not null,
    -- The answer, byte for byte. Null: still running.
    answer_status  smallint,
    answer_body    bytea,
    created_at     timestamptz not null default now(),

    constraint idempotency_keys_pk primary key (user_id, key),
    constraint idempotency_keys_key_length check (char_length(key) between 1 and 255),
    constraint idempotency_keys_answer_is_whole check ((answer_status is null) = (answer_body is null))
);

-- Events that are committed but not yet published. The relay deletes what the broker has accepted.
create table outbox (
    seq         bigint      generated always as identity constraint outbox_pk primary key,
    id          uuid        not null constraint outbox_id_unique unique,
    topic       text        not null,
    kind        text        not null,
    subject     text        not null,
    data        jsonb       not null,
    traceparent text,
    occurred_at timestamptz not null
);

-- More kinds of movement: withdrawals, holds and what ends them, refunds; batches; payment requests, contacts, schedules.

alter table transactions
    alter column to_account_id drop not null,
    -- Null: the members of a batch share the key of the batch, and an expiry is nobody's request.
    alter column idempotency_key drop not null,
    -- Who paid, if not the initiator. Known once the ledger has posted it.
    add column payer_user_id      uuid,
    -- What the receiving side paid for it. Null: nothing, or not known yet.
    add column fee_minor          bigint,
    -- Until when a hold lasts.
    add column expires_at         timestamptz,
    -- The hold that a capture, a void or an expiry ends.
    add column hold_id            uuid,
    -- The transaction that a refund gives back, or a part of it.
    add column refunds_id         uuid,
    add column batch_id           uuid,
    add column batch_position     smallint,
    -- What the client calls it within its batch.
    add column batch_key          text,
    -- All members are done or none.
    add column batch_atomic       boolean not null default false,
    add column payment_request_id uuid,
    drop constraint transactions_kind_known,
    drop constraint transactions_two_accounts,
    drop constraint transactions_transfer_has_a_payer,
    drop constraint transactions_completed_knows_the_payee,
    add constraint transactions_kind_known check (
        kind in ('transfer', 'top_up', 'withdrawal', 'hold', 'capture', 'void', 'expiry', 'refund')
    ),
    add constraint transactions_two_accounts check (from_account_id <> to_account_id),
    add constraint transactions_transfer_has_two_sides check (
        kind not in ('transfer', 'hold') or (from_account_id is not null and to_account_id is not null)
    ),
    add constraint transactions_hold_expires check ((kind = 'hold') = (expires_at is not null)),
    add constraint transactions_end_names_its_hold check ((kind in ('capture', 'void', 'expiry')) = (hold_id is not null)),
    add constraint transactions_refund_names_one check ((kind = 'refund') = (refunds_id is not null)),
    add constraint transactions_fee_positive check (fee_minor > 0),
    add constraint transactions_batch_is_whole check (
        (batch_id is null) = (batch_position is null) and (batch_id is null) = (batch_key is null)
        and (batch_id is not null or not batch_atomic)
    ),
    -- A withdrawal's payee is its payer: the money goes outside.
    add constraint transactions_completed_knows_the_payee check (
        (state = 'completed') = (to_user_id is not null and completed_at is not null)
    );

-- Who paid without having asked for it: captures and refunds.
create index transactions_by_payer on transactions (payer_user_id, id desc) where payer_user_id is not null;
-- A hold ends once, a payment request is paid once, whoever races.
create unique index transactions_one_end_per_hold on transactions (hold_id) where hold_id is not null and state <> 'failed';
create unique index transactions_one_per_request on transactions (payment_request_id)
    where payment_request_id is not null and state <> 'failed';
create unique index transactions_by_batch on transactions (batch_id, batch_position) where batch_id is not null;

-- The holds that have not ended: what the worker looks through that lets them expire.
create table open_holds (
    transaction_id uuid        not null,
    expires_at     timestamptz not null,

    constraint open_holds_pk primary key (transaction_id)
);

create index open_holds_by_end on open_holds (expires_at);

-- How much of a transaction has been given back, or is about to be. A row comes with the first refund.
create table refunded (
    transaction_id uuid   not null,
    amount_minor   bigint not null,
    refunded_minor bigint not null,

    constraint refunded_pk primary key (transaction_id),
    constraint refunded_never_beyond check (refunded_minor between 0 and amount_minor)
);

create index idempotency_keys_by_age on idempotency_keys (created_at);

-- The double-entry ledger. Each rule of src/domain is repeated here, so that a bug there is an error, not wrong money.

create table accounts (
    id            uuid        not null,
    owner_user_id uuid,
    type          text        not null,
    currency      text        not null,
    name          text        not null,
    status        text        not null default 'open',
    is_default    boolean     not null default false,
    balance_minor bigint      not null default 0,
    held_minor    bigint      not null default 0,
    -- The lowest that balance minus held may become. Null: no limit, only for external accounts.
    limit_minor   bigint,
    -- The sequence of the newest entry.
    sequence      bigint      not null default 0,
    created_at    timestamptz not null default now(),

    constraint accounts_pk primary key (id),
    constraint accounts_type_known check (type in ('current', 'external')),
    constraint accounts_status_known check (status in ('open', 'frozen', 'closed')),
    constraint accounts_currency_form check (currency ~ '^[A-Z]{3}$'),
    constraint accounts_name_length check (char_length(name) between 1 and 60),
    constraint accounts_external_has_no_owner check ((type = 'external') = (owner_user_id is null)),
    constraint accounts_external_has_no_limit check ((type = 'external') = (limit_minor is null)),
    constraint accounts_held_not_negative check (held_minor >= 0),
    constraint accounts_not_below_limit check (limit_minor is null or balance_minor - held_minor >= limit_minor),
    constraint accounts_closed_at_zero check (status <> 'closed' or (balance_minor = 0 and held_minor = 0))
)
-- A balance changes at each posting: room in the page keeps those updates out of the indexes.
with (fillfactor = 70);

-- Provisioning is idempotent because of this one.
create unique index accounts_one_default on accounts (owner_user_id) where is_default;
create unique index accounts_one_external on accounts (currency) where type = 'external';
create index accounts_by_owner on accounts (owner_user_id, id);

-- Every posting that was ever decided, with the result that its repeats get.
create table postings (
    id                 uuid        not null,
    kind               text        not null,
    initiator_user_id  uuid        not null,
    from_account_id    uuid,
    to_account_id      uuid        not null,
    amount_minor       bigint      not null,
    currency           text        not null,
    -- Null: applied.
    refusal            text,
    from_balance_minor bigint,
    to_balance_minor   bigint,
    created_at         timestamptz not null default now(),

    constraint postings_pk primary key (id),
    constraint postings_kind_known check (kind in ('transfer', 'top_up', 'deposit')),
    constraint postings_applied_or_refused check (
        (refusal is null) = (from_balance_minor is not null and to_balance_minor is not null)
    ),
    constraint postings_applied_has_two_sides check (
        refusal is not null or (from_account_id is not null and from_account_id <> to_account_id and amount_minor > 0)
    )
);

-- The ledger itself: two rows for each applied posting. There are no foreign keys, because both tables are written by one
-- statement from rows that the same transaction has locked, and a check per row costs more than the insert.
create table entries (
    account_id    uuid        not null,
    sequence      bigint      not null,
    posting_id    uuid        not null,
    amount_minor  bigint      not null,
    balance_minor bigint      not null,
    created_at    timestamptz not null default now(),

    constraint entries_pk primary key (account_id, sequence),
    constraint entries_sequence_positive check (sequence > 0),
    constraint entries_move_something check (amount_minor <> 0)
);

create function refuse_to_rewrite_history() returns trigger language plpgsql as $$
begin
    raise exception '% is append-only', tg_table_name using errcode = 'restrict_violation';
end
$$;

create trigger entries_append_only before update or delete or truncate on entries
    for each statement execute function refuse_to_rewrite_history();
create trigger postings_append_only before update or delete or truncate on postings
    for each statement execute function refuse_to_rewrite_history();

-- Money enters and leaves through these, so the sum over all accounts of a currency is always zero.
insert into accounts (id, type, currency, name)
select gen_random_uuid(), 'external', code, 'External ' || code
from unnest(array['AUD', 'CAD', 'CHF', 'CZK', 'DKK', 'EUR', 'GBP', 'HUF', 'JPY', 'NOK', 'PLN', 'SEK', 'USD']) as code;

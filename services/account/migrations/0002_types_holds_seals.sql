-- Account types as data, holds, fees, and a chain of hashes over everything that was posted.

-- What an account of a type and a currency may do. A new row is a new product; no code knows the rows.
create table account_types (
    type                   text    not null,
    currency               text    not null,
    -- What an account is called whose opener gives no name.
    name                   text    not null,
    opened_at_first_login  boolean not null default false,
    opened_by_users        boolean not null default false,
    -- Copied to each account that is opened; an operator may change them there.
    -- The lowest that balance minus held may become. Null: no limit, only for external accounts.
    limit_minor            bigint,
    -- The most that one movement may take out, and all movements of a day (UTC) together. Null: no limit.
    max_per_movement_minor bigint,
    max_per_day_minor      bigint,
    -- Of what it receives by transfer or capture, in hundredths of a percent, rounded down.
    fee_basis_points       integer not null default 0,
    -- The kinds of movement in which it may be the paying and the receiving side. A capture needs what its hold needed.
    pays                   text[]  not null,
    receives               text[]  not null,

    constraint account_types_pk primary key (type, currency),
    constraint account_types_type_known check (type in ('current', 'savings', 'merchant', 'external', 'fees')),
    constraint account_types_currency_form check (currency ~ '^[A-Z]{3}$'),
    constraint account_types_name_length check (char_length(name) between 1 and 60),
    constraint account_types_system_is_not_opened check (
        type not in ('external', 'fees') or not (opened_at_first_login or opened_by_users)
    ),
    constraint account_types_external_has_no_limit check ((type = 'external') = (limit_minor is null)),
    constraint account_types_limits_positive check (max_per_movement_minor > 0 and max_per_day_minor > 0),
    constraint account_types_fee_is_a_part check (fee_basis_points between 0 and 10000),
    constraint account_types_kinds_known check (
        pays || receives <@ array['transfer', 'top_up', 'deposit', 'withdrawal', 'hold', 'refund']
    )
);

-- Limits are in minor units, so they follow the currency's decimal places: 1,000,000 and 5,000,000 units.
insert into account_types (type, currency, name, opened_at_first_login, opened_by_users, limit_minor,
                           max_per_movement_minor, max_per_day_minor, fee_basis_points, pays, receives)
select kind.type, currency.code, kind.name, kind.first and currency.code = 'EUR', kind.by_users, kind.limit_minor,
       kind.most * currency.unit, kind.most_a_day * currency.unit, kind.fee, kind.pays, kind.receives
from (values ('AUD', 100), ('CAD', 100), ('CHF', 100), ('CZK', 100), ('DKK', 100), ('EUR', 100), ('GBP', 100), ('HUF', 100),
             ('JPY', 1), ('NOK', 100), ('PLN', 100), ('SEK', 100), ('USD', 100)) as currency (code, unit),
     (values
         ('current', 'Current account', true, true, 0::bigint, 1000000::bigint, 5000000::bigint, 0,
          array['transfer', 'withdrawal', 'hold', 'refund'],
          array['transfer', 'top_up', 'deposit', 'hold', 'refund']),
         ('savings', 'Savings account', false, true, 0, 1000000, 5000000, 0,
          array['transfer', 'withdrawal'],
          array['transfer', 'top_up', 'deposit', 'refund']),
         ('merchant', 'Merchant account', false, true, 0, null, null, 50,
          array['transfer', 'withdrawal', 'refund'],
          array['transfer', 'hold', 'deposit']),
         ('external', 'External', false, false, null, null, null, 0,
          array['top_up', 'deposit'],
          array['withdrawal']),
         ('fees', 'Fees', false, false, 0, null, null, 0,
          array[]::text[],
          array[]::text[])
     ) as kind (type, name, first, by_users, limit_minor, most, most_a_day, fee, pays, receives);

alter table accounts
    add column max_per_movement_minor bigint,
    add column max_per_day_minor      bigint,
    -- What has left it, or was reserved, on the day `spent_on`.
    add column spent_minor            bigint  not null default 0,
    add column spent_on               date    not null default '1970-01-01',
    -- It was opened because its type is opened at the first login, once for each user.
    add column provisioned            boolean not null default false,
    drop constraint accounts_type_known,
    drop constraint accounts_external_has_no_owner,
    add constraint accounts_type_known foreign key (type, currency) references account_types,
    add constraint accounts_system_has_no_owner check ((type in ('external', 'fees')) = (owner_user_id is null)),
    add constraint accounts_spent_not_negative check (spent_minor >= 0);

update accounts set provisioned = is_default, max_per_movement_minor = t.max_per_movement_minor, max_per_day_minor = t.max_per_day_minor
from account_types t where t.type = accounts.type and t.currency = accounts.currency;

create unique index accounts_provisioned_once on accounts (owner_user_id, type, currency) where provisioned;
create unique index accounts_one_fees on accounts (currency) where type = 'fees';

insert into accounts (id, type, currency, name, limit_minor)
select gen_random_uuid(), 'fees', currency, name || ' ' || currency, 0 from account_types where type = 'fees';

-- Money that is promised and has not moved. The id is that of the posting that authorised it.
create table holds (
    id              uuid        not null,
    from_account_id uuid        not null,
    to_account_id   uuid        not null,
    amount_minor    bigint      not null,
    currency        text        not null,
    state           text        not null default 'authorized',
    -- What has moved; the rest of the amount was released with it.
    captured_minor  bigint      not null default 0,
    expires_at      timestamptz not null,

    constraint holds_pk primary key (id),
    constraint holds_state_known check (state in ('authorized', 'captured', 'voided', 'expired')),
    constraint holds_amount_positive check (amount_minor > 0),
    constraint holds_not_over_captured check (captured_minor between 0 and amount_minor),
    constraint holds_captured_says_how_much check ((state = 'captured') = (captured_minor > 0))
);

create index holds_open_by_account on holds (from_account_id) where state = 'authorized';

create function refuse_to_reopen_a_hold() returns trigger language plpgsql as $$
begin
    raise exception 'hold % has ended', old.id using errcode = 'restrict_violation';
end
$$;

create trigger holds_end_once before update or delete on holds
    for each row when (old.state <> 'authorized') execute function refuse_to_reopen_a_hold();

alter table postings
    alter column to_account_id drop not null,
    -- The initiator is an operator, who acts on accounts of others.
    add column by_operator    boolean not null default false,
    -- What a capture, a void or an expiry ends.
    add column hold_id        uuid,
    -- Until when a hold lasts.
    add column expires_at     timestamptz,
    -- The sequences of the first entries on both sides. Null: no money has moved.
    add column from_sequence  bigint,
    add column to_sequence    bigint,
    -- A fee goes on from the receiving account, so the entry of that side has the sequence after `to_sequence`.
    add column fee_account_id uuid,
    add column fee_minor      bigint,
    add column fee_sequence   bigint,
    drop constraint postings_kind_known,
    drop constraint postings_applied_has_two_sides,
    add constraint postings_kind_known check (
        kind in ('transfer', 'top_up', 'deposit', 'withdrawal', 'hold', 'capture', 'void', 'expiry', 'refund')
    ),
    add constraint postings_applied_has_two_sides check (
        refusal is not null
        or (from_account_id is not null and to_account_id is not null and from_account_id <> to_account_id and amount_minor > 0)
    ),
    add constraint postings_of_holds_name_one check (
        refusal is not null or (kind in ('capture', 'void', 'expiry')) = (hold_id is not null)
    ),
    add constraint postings_fee_is_whole check (
        (fee_minor is null) = (fee_account_id is null) and (fee_minor is null) = (fee_sequence is null) and fee_minor > 0
    );

-- Times are those of the write, under the locks, so that along an account they only grow.
alter table entries alter column created_at set default statement_timestamp();
alter table postings alter column created_at set default statement_timestamp();

-- A batch of postings that is committed and not yet in the chain. Its writer adds a row beside it and waits for nothing.
create table unsealed (
    number      bigint generated always as identity constraint unsealed_pk primary key,
    posting_ids uuid[] not null
);

-- The chain: each hash covers the one before and the digest of its postings with their entries.
create table seals (
    number      bigint      not null,
    posting_ids uuid[]      not null,
    hash        bytea       not null,
    sealed_at   timestamptz not null default statement_timestamp(),

    constraint seals_pk primary key (number),
    constraint seals_number_positive check (number > 0),
    constraint seals_hash_length check (octet_length(hash) = 32)
);

create trigger seals_append_only before update or delete or truncate on seals
    for each statement execute function refuse_to_rewrite_history();

-- SHA-256 over postings, in their order, each with its entries. A later column is not covered until a new function covers it.
create function digest_of_postings(ids uuid[]) returns bytea language sql stable as $$
    select sha256(convert_to(coalesce(string_agg(
        row(wanted.id, p.kind, p.initiator_user_id, p.by_operator, p.from_account_id, p.to_account_id, p.amount_minor, p.currency, p.refusal,
            p.from_balance_minor, p.to_balance_minor, p.hold_id, p.fee_account_id, p.fee_minor,
            (extract(epoch from p.created_at) * 1000000)::bigint,
            (select string_agg(row(e.account_id, e.sequence, e.posting_id, e.amount_minor, e.balance_minor,
                                   (extract(epoch from e.created_at) * 1000000)::bigint)::text,
                               '' order by e.account_id, e.sequence)
             from (values (p.from_account_id, p.from_sequence), (p.to_account_id, p.to_sequence),
                          (p.to_account_id, p.to_sequence + case when p.fee_minor is null then null else 1 end),
                          (p.fee_account_id, p.fee_sequence)) as side (account_id, sequence)
             join entries e on e.account_id = side.account_id and e.sequence = side.sequence)
        )::text, E'\n' order by wanted.place), ''), 'UTF8'))
    from unnest(ids) with ordinality as wanted (id, place) left join postings p on p.id = wanted.id
$$;

-- What was posted before this migration gets its sequences, and waits for the chain too.
alter table postings disable trigger postings_append_only;
update postings set by_operator = true where kind = 'deposit';
update postings p set from_sequence = e.sequence from entries e where e.posting_id = p.id and e.account_id = p.from_account_id;
update postings p set to_sequence = e.sequence from entries e where e.posting_id = p.id and e.account_id = p.to_account_id;
alter table postings enable trigger postings_append_only;
insert into unsealed (posting_ids)
select array_agg(id order by created_at, id) from (
    select id, created_at, row_number() over (order by created_at, id) / 500 as batch from postings
) as numbered group by batch order by batch;

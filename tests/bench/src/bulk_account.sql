-- :accounts accounts, each opened with one deposit of 1,000; after that :transfers transfers of 1 around a ring: the
-- payer of the next is the payee of the last. So every balance and sequence is known without adding anything up, and the
-- books are as sound as if the ledger had written them. Rows come in the order of time, as they would have.
create function pg_temp.account_of(number bigint) returns uuid language sql immutable
    return ('00000000-0000-4000-8000-' || lpad(to_hex(number), 12, '0'))::uuid;
-- Every thousandth account is the person's whose history is read.
create function pg_temp.owner_of(number bigint) returns uuid language sql immutable
    return case when number % 1000 = 0 then ':person'::uuid
                else ('00000000-0000-4000-9000-' || lpad(to_hex(number), 12, '0'))::uuid end;
create function pg_temp.deposit_id(number bigint) returns uuid language sql immutable
    return ('00000000-0000-7000-8000-' || lpad(to_hex(number), 12, '0'))::uuid;
create function pg_temp.transfer_id(number bigint) returns uuid language sql immutable
    return ('00000000-0001-7000-8000-' || lpad(to_hex(number), 12, '0'))::uuid;

-- For each transfer: its place, its round and both accounts. The first account of the ring pays before it is paid.
create view pg_temp.transfers as
select number, pg_temp.transfer_id(number) as id, payer, payee,
       2 * round + 2 + (payer <> 0)::integer as payer_sequence, 1000 - (payer = 0)::integer as payer_balance,
       2 * round + 2 + (payee = 0)::integer as payee_sequence, 1000 + (payee <> 0)::integer as payee_balance,
       now() - (:transfers - number) * interval '1 second' as at
from (select number, number / :accounts as round, number % :accounts as payer, (number + 1) % :accounts as payee
      from generate_series(0, :transfers - 1::bigint) as number) as ring;

insert into accounts (id, owner_user_id, type, currency, name, limit_minor, balance_minor, sequence)
select pg_temp.account_of(number), pg_temp.owner_of(number), 'current', 'EUR', 'Bulk', 0, 1000 - paid + received, 1 + paid + received
from generate_series(0, :accounts - 1::bigint) as number,
     lateral (select :transfers / :accounts + (number < :transfers % :accounts)::integer as paid,
                     :transfers / :accounts + ((number + :accounts - 1) % :accounts < :transfers % :accounts)::integer as received) as sides;

update accounts set balance_minor = -1000 * :accounts::bigint, sequence = :accounts where type = 'external' and currency = 'EUR';

insert into postings (id, kind, initiator_user_id, from_account_id, to_account_id, amount_minor, currency,
                      from_balance_minor, to_balance_minor, from_sequence, to_sequence, created_at)
select pg_temp.deposit_id(number), 'top_up', pg_temp.owner_of(number), external.id, pg_temp.account_of(number), 1000, 'EUR',
       -1000 * (number + 1), 1000, number + 1, 1, now() - (:transfers + :accounts - number) * interval '1 second'
from generate_series(0, :accounts - 1::bigint) as number,
     (select id from accounts where type = 'external' and currency = 'EUR') as external
union all
select id, 'transfer', pg_temp.owner_of(payer), pg_temp.account_of(payer), pg_temp.account_of(payee), 1, 'EUR',
       payer_balance, payee_balance, payer_sequence, payee_sequence, at
from pg_temp.transfers;

insert into entries (account_id, sequence, posting_id, amount_minor, balance_minor, created_at)
select side.* from postings,
     lateral (values (from_account_id, from_sequence, id, -amount_minor, from_balance_minor, created_at),
                     (to_account_id, to_sequence, id, amount_minor, to_balance_minor, created_at)) as side;

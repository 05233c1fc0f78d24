-- The transactions of the transfers in bulk_account.sql.
insert into transactions (id, kind, state, initiator_user_id, from_account_id, to_account_id, to_user_id, amount_minor, currency,
                          idempotency_key, created_at, completed_at, recover_after)
select ('00000000-0001-7000-8000-' || lpad(to_hex(number), 12, '0'))::uuid, 'transfer', 'completed',
       case when payer % 1000 = 0 then ':person' else '00000000-0000-4000-9000-' || lpad(to_hex(payer), 12, '0') end::uuid,
       ('00000000-0000-4000-8000-' || lpad(to_hex(payer), 12, '0'))::uuid,
       ('00000000-0000-4000-8000-' || lpad(to_hex(payee), 12, '0'))::uuid,
       case when payee % 1000 = 0 then ':person' else '00000000-0000-4000-9000-' || lpad(to_hex(payee), 12, '0') end::uuid,
       1, 'EUR', number::text, at, at, at
from (select number, number % :accounts as payer, (number + 1) % :accounts as payee,
             now() - (:transfers - number) * interval '1 second' as at
      from generate_series(0, :transfers - 1::bigint) as number) as ring;

-- A payment request whose time is over is written down as expired, so that it can be announced.

alter table payment_requests
    drop constraint payment_requests_state_known,
    drop constraint payment_requests_paid_by_one,
    add constraint payment_requests_state_known check (state in ('open', 'paid', 'declined', 'cancelled', 'expired')),
    add constraint payment_requests_paid_by_one check (
        (state <> 'paid' or transaction_id is not null)
        and (state not in ('declined', 'cancelled', 'expired') or transaction_id is null)
    );

create index payment_requests_due on payment_requests (expires_at) where state = 'open';

-- Of those that had expired before nobody is told.
update payment_requests set state = 'expired', ended_at = expires_at
where state = 'open' and transaction_id is null and expires_at <= now();

-- Until it is written down, the time says it. A payment that came in time may still be under way.
create or replace view payment_requests_seen as
    select r.id, r.requester_user_id, r.payer_user_id, r.to_account_id, r.amount_minor, r.currency, r.note, r.transaction_id,
           r.created_at, r.expires_at, case when is_over then r.expires_at else r.ended_at end as ended_at,
           requester.username as requester_username, payer.username as payer_username,
           case when is_over then 'expired' else r.state end as state
    from payment_requests r
    cross join lateral (select r.state = 'open' and r.transaction_id is null and r.expires_at <= now() as is_over) as time
    left join people requester on requester.user_id = r.requester_user_id
    left join people payer on payer.user_id = r.payer_user_id;

-- In a migration of its own: readers lock the view and then the table, and one transaction that changed the table and then the view
-- would wait for them while they wait for it.

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

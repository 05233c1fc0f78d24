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

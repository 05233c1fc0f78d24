-- A ledger with nothing but the transfer itself: the least that a transfer can cost.
create table accounts (
    id            integer primary key,
    balance_minor bigint  not null,
    constraint accounts_funds check (balance_minor >= 0)
) with (fillfactor = 70);

create table entries (
    id            bigint generated always as identity primary key,
    account_id    integer     not null,
    amount_minor  bigint      not null,
    balance_minor bigint      not null,
    created_at    timestamptz not null default now()
);

insert into accounts select id, 1000000000 from generate_series(1, 1000) as id;

create function transfer(payer integer, payee integer, amount bigint) returns void language plpgsql as $$
declare
    left_over bigint;
    received  bigint;
begin
    perform from accounts where id in (payer, payee) order by id for update;
    update accounts set balance_minor = balance_minor - amount where id = payer and balance_minor >= amount
        returning balance_minor into left_over;
    if not found then
        raise exception 'insufficient funds';
    end if;
    update accounts set balance_minor = balance_minor + amount where id = payee returning balance_minor into received;
    insert into entries (account_id, amount_minor, balance_minor) values (payer, -amount, left_over);
    insert into entries (account_id, amount_minor, balance_minor) values (payee, amount, received);
end
$$;

analyze accounts;

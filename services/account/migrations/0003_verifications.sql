-- What each check of the books found that an operator asked for: in the database, so that any replica can show it.
create table verifications (
    id           uuid        not null,
    requested_by uuid        not null,
    finished_at  timestamptz not null default now(),
    report       jsonb       not null,

    constraint verifications_pk primary key (id)
);

create index verifications_newest on verifications (finished_at);

-- The auditor: balances that are made of TRANSACTION_MADE alone, and how they differ from the ledger's.

-- What events say of accounts, until it is added up. Events only add rows, so none of them waits for another.
CREATE TABLE audit_entries (
    seq           bigint GENERATED ALWAYS AS IDENTITY,
    account_id    uuid   NOT NULL,
    amount_minor  bigint NOT NULL,
    CONSTRAINT audit_entries_pk PRIMARY KEY (seq)
);

-- The sums. The account of zeros stands for those that old events do not name.
CREATE TABLE audited_accounts (
    account_id     uuid    NOT NULL,
    -- Events come in any order, so on its way a sum may leave the range of bigint.
    balance_minor  numeric NOT NULL,
    entries        bigint  NOT NULL,
    CONSTRAINT audited_accounts_pk PRIMARY KEY (account_id),
    CONSTRAINT audited_accounts_has_entries CHECK (entries > 0)
)
-- The sums change all the time: room in the page keeps that out of the index.
WITH (fillfactor = 70);

-- Where both sides are not the same. A row goes when they are again.
CREATE TABLE audit_findings (
    account_id       uuid        NOT NULL,
    -- 'behind' is no difference: the events may be on their way.
    kind             text        NOT NULL,
    ledger_minor     bigint      NOT NULL,
    ledger_entries   bigint      NOT NULL,
    audited_minor    bigint      NOT NULL,
    audited_entries  bigint      NOT NULL,
    -- How many entries the ledger had when this began: who is behind has caught up with these, or misses some.
    waits_for        bigint      NOT NULL,
    first_seen_at    timestamptz NOT NULL,
    last_seen_at     timestamptz NOT NULL,
    CONSTRAINT audit_findings_pk PRIMARY KEY (account_id),
    CONSTRAINT audit_findings_kind_known
        CHECK (kind IN ('behind', 'events_missing', 'balance_differs', 'unknown_entries')),
    CONSTRAINT audit_findings_kind_fits CHECK (CASE kind
        WHEN 'balance_differs' THEN ledger_entries = audited_entries AND ledger_minor <> audited_minor
        WHEN 'unknown_entries' THEN ledger_entries < audited_entries
        ELSE ledger_entries > audited_entries
    END)
);

-- The last pass over all accounts: one row, or none before the first one is done.
CREATE TABLE audit_pass (
    single             boolean     NOT NULL DEFAULT true,
    finished_at        timestamptz NOT NULL,
    accounts_compared  bigint      NOT NULL,
    CONSTRAINT audit_pass_pk PRIMARY KEY (single),
    CONSTRAINT audit_pass_only_one CHECK (single)
);

-- What was announced before there was an auditor is in the log. It is read as TransactionMade::entries does.
INSERT INTO audit_entries (account_id, amount_minor)
SELECT (entry ->> 'account_id')::uuid, (entry ->> 'amount_minor')::bigint
  FROM audit_log
 CROSS JOIN LATERAL (SELECT (data #>> '{amount,amount_minor}')::bigint AS minor) AS amount
 CROSS JOIN LATERAL jsonb_array_elements(CASE WHEN data -> 'entries' -> 0 IS NOT NULL THEN data -> 'entries' ELSE
       jsonb_build_array(
           jsonb_build_object('account_id', coalesce(data ->> 'from_account_id', '00000000-0000-0000-0000-000000000000'),
                              'amount_minor', -minor),
           jsonb_build_object('account_id', data ->> 'to_account_id', 'amount_minor', minor))
       END) AS entry
 WHERE kind = 'payme.transaction.made.v1';

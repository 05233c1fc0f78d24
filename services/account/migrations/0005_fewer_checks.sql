-- Each posting changes two accounts, and each change is held against all checks. The form of the currency is that of its type's, to which
-- a foreign key binds it.
alter table accounts drop constraint accounts_currency_form;

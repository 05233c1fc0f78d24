ALTER TABLE profiles
    ADD COLUMN phone       text  CONSTRAINT profiles_phone_is_e164 CHECK (phone ~ '^\+[1-9][0-9]{7,14}$'),
    ADD COLUMN address     jsonb CONSTRAINT profiles_address_is_an_object CHECK (jsonb_typeof(address) = 'object'),
    ADD COLUMN avatar_url  text  CONSTRAINT profiles_avatar_url_is_https
        CHECK (avatar_url LIKE 'https://%' AND octet_length(avatar_url) <= 2048);

-- Who has no row has the defaults, which are the code's.
CREATE TABLE preferences (
    user_id             uuid   PRIMARY KEY,
    -- BCP 47
    language            text   NOT NULL CONSTRAINT preferences_language_length CHECK (length(language) BETWEEN 1 AND 35),
    -- An account's id at Account; nothing here depends on it.
    default_account_id  uuid,
    -- A list of channels for each kind of event.
    notifications       jsonb  NOT NULL CONSTRAINT preferences_notifications_is_an_object
        CHECK (jsonb_typeof(notifications) = 'object')
);

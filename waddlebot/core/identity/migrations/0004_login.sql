-- Who may sign in. One who signs in by another platform alone has neither address nor password.
create table {login_user} (
    id {text} not null primary key,
    email {text} unique,
    password {text},
    active {boolean} not null,
    created_at {real} not null,
    last_login_at {real}
);
create table {login_role} (
    user_id {text} not null,
    role {text} not null,
    primary key (user_id, role)
);

-- Platform accounts that users proved to own, and their identities at providers of sign-in.
create table {login_account} (
    account {text} not null primary key,
    user_id {text} not null,
    linked_at {real} not null,
    how {text} not null
);
create index {index:login_account_by_user} on {login_account} (user_id);
create table {login_identity} (
    issuer {text} not null,
    subject {text} not null,
    user_id {text} not null,
    name {text} not null,
    account {text} not null,
    linked_at {real} not null,
    primary key (issuer, subject)
);
create index {index:login_identity_by_user} on {login_identity} (user_id);

-- Browsers that are signed in, by the SHA-256 of their tokens.
create table {login_session} (
    id {text} not null primary key,
    digest {text} not null unique,
    user_id {text} not null,
    created_at {real} not null,
    last_used_at {real} not null,
    proved_at {real} not null,
    expires_at {real} not null,
    device {text} not null,
    address {text} not null
);
create index {index:login_session_by_user} on {login_session} (user_id);

-- Tries that failed, by a digest of whose they were: for unknown addresses too, so that nobody can tell them apart.
create table {login_failure} (
    subject {text} not null primary key,
    tries {integer} not null,
    last_at {real} not null,
    locked_until {real} not null
);

-- What was begun and can be ended once: second steps, resets, challenges, sign-ins at providers.
create table {login_ticket} (
    digest {text} not null primary key,
    kind {text} not null,
    user_id {text} not null,
    data {text} not null,
    expires_at {real} not null
);
create index {index:login_ticket_by_user} on {login_ticket} (user_id);

-- Second factors. A TOTP secret derives from the installation's secret and the seed.
create table {login_totp} (
    user_id {text} not null primary key,
    seed {text} not null,
    last_step {integer} not null,
    confirmed {boolean} not null
);
create table {login_recovery} (
    user_id {text} not null,
    digest {text} not null,
    primary key (user_id, digest)
);
create table {login_passkey} (
    id {text} not null primary key,
    user_id {text} not null,
    public_key {bytes} not null,
    sign_count {integer} not null,
    name {text} not null,
    created_at {real} not null,
    last_used_at {real}
);
create index {index:login_passkey_by_user} on {login_passkey} (user_id);

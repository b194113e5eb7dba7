-- In which communities every account was seen. The key starts with the account: what is asked is whether one was.
create table {sighting} (
    community {text} not null,
    account {text} not null,
    primary key (account, community)
) {keyed};

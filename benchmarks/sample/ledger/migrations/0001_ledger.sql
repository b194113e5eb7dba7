-- One row for each command that was executed.
create table {entry} (
    community {text} not null,
    event {text} not null,
    command {text} not null,
    account {text} not null,
    primary key (community, event)
);

-- String rules, how often each matched, and what became of events that failed.
create table {rules} (
    community {text} not null,
    name {text} not null,
    pattern {text} not null,
    kind {text} not null,
    action {text} not null,
    value {text} not null,
    seconds {integer} not null,
    case_sensitive {boolean} not null,
    priority {integer} not null,
    entities {json} not null,
    exempt {text} not null,
    ranks {integer} not null,
    primary key (community, name)
);

create table {rule_hits} (
    community {text} not null,
    name {text} not null,
    hits {integer} not null,
    primary key (community, name)
);

create table {failures} (
    community {text} not null,
    event_id {text} not null,
    trace {bytes} not null,
    at {real} not null,
    primary key (community, event_id)
);
create index {index:failures_by_age} on {failures} (at);

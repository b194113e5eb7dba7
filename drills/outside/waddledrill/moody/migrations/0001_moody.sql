-- Effects, each in a row of its own: two rows of one event are the fault that drills look for.
create table {booking} (
    id {id},
    community {text} not null,
    event_id {text} not null
);

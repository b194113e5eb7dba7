-- How far each account's scores are from their start, and its activity points. The key starts with the account,
-- so that its overall score is one look-up.
create table {score} (
    community {text} not null,
    account {text} not null,
    gained {real} not null,
    gained_overall {real} not null,
    activity {real} not null,
    primary key (account, community)
) {keyed};
create index {index:score_out_of_bounds} on {score} (community)
    where gained < -300 or gained > 250 or gained_overall < -300 or gained_overall > 250;

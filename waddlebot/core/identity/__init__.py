"""Identity: the accounts that were seen, and the people they belong to."""

"""String rules matched in linear time by RE2."""

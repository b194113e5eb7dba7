"""What hosts promise each other, on the wire: the protos made from the contracts, and their generated code."""

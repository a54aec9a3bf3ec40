"""`acceptance prove`: the suite put before every sabotage, to see that it would notice."""

"""For whom a model errs: every headline by groups of people, and the gap between the groups."""

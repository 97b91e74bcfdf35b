"""Tables: validation, kinds of columns, encoders, target, task, weights, groups."""

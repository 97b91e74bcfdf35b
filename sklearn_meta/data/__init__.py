"""What a table is: kinds of columns, encoders, target, task, weights and groups."""

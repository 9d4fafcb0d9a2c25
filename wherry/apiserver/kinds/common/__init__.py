"""What kinds of every group share: checks on single values, on metadata and on selectors, and table cells."""

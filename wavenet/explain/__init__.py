"""Attribution methods beside RAP, and what to compare them by."""

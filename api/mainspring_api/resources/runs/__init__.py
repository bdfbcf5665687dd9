"""DAG runs: trigger, list, wait, backfill."""

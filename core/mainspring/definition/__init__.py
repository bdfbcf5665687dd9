"""DAG definitions: the checked model, and how text becomes one."""

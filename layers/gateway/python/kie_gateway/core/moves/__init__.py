"""
The moves of a task's record: pure rules from a task as it stands to the task as it shall be.

Each returns None where its clauses do not hold any more: somebody else was first, which is an
answer and no error. `aws/task_table.py` writes a move only if the record is still the one it was
decided on, and otherwise asks for a new decision, so every rule here may trust what it sees.
"""

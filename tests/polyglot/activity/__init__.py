"""The activity service once more, in Python: it keeps the contract of services/activity and shares no code with it.

Start with `routes`, then `events` (which event says what to whom), `inbox` (how events arrive), `store` (all SQL).
"""

APP_ID = "activity"

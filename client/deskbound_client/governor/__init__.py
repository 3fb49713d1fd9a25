"""The governor: what Deskbound may use of a laptop, measured and held to.

``caps`` decides and is pure; ``meter`` and ``power`` look; ``network`` keeps the month's account.
The agent (``supervisor``) acts on what was decided and ``report`` says it.
"""

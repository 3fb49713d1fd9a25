"""What the pages of both sides stand on: guard, keys, letter, pictures, style. They know no side.

The employee's pages and the ML engineer's look alike and are guarded alike. Nothing here reads
data: it is told what to show. Needs Starlette, Jinja2 and uvicorn, which both sides depend on.
"""

"""What stands at the desk: hotkey, notices, icon, and whether somebody is there.

One process of the agent's, which is told no passphrase, opens no vault and has no network. Each
part stands alone: one that fails is said in ``run/presence.json`` and tried again, the others go
on.
"""

"""What the operating system takes away from the processes that hold the vault (Linux).

``policy`` says who may do what, ``landlock`` and ``seccomp`` tell the kernel, ``confine`` closes
the door behind a process and says how far it closed, ``entry`` does it in the right order, and
``doorman`` stays outside and hands in the two things that cannot be had inside: the keystore and a
connection to the SuperNode.
"""

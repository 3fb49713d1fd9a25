"""The auditor attacks what leaves a laptop, through the laptop's own training code.

The auditor here is the strongest adversary of docs/privacy.md: it is the server, picks weights and
contracts, owns every unit that is trained on, and knows all but which of them took part. What it
finds out is set beside what the accountants allow. A finding above the claim is a fault, however
it came about; a finding below it proves nothing more than that this attack found no more.
"""

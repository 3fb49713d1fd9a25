"""A package, so that its fleet ends with it: nothing of it works beside the tests after these."""

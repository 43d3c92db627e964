"""Training a policy with a reward, and measuring it on the true success."""

"""Labels: what a latent stands for, in words that tell passages that wake it from those that do not."""

"""How results are copied into the bucket, listed and made small."""

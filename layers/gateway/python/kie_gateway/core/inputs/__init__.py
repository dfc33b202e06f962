"""Rules about tasks' inputs: uploads, links, and what the record keeps of them."""

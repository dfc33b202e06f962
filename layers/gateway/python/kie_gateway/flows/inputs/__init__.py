"""What happens to inputs: checked, uploaded, kept, and prepared for Kie.ai."""

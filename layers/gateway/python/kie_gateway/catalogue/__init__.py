"""What is known of Kie.ai's models: one data file, one loader."""

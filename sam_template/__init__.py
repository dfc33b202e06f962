"""What template.yaml says, for whoever deploys it and for whatever stands in for AWS."""

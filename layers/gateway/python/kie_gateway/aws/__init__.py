"""AWS as the gateway uses it; boto3 is spoken here only."""

"""Facts and rules of the gateway, free of clocks, networks and SDKs."""

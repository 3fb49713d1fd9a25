"""The auditor's tool: checks what laptops say they did, without a server and without their data."""

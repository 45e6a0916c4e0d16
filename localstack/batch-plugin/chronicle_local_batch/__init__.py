"""AWS Batch for LocalStack: the control plane in memory, every job a process of this machine."""

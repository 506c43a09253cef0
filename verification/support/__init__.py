"""What many packages of `verification` share: where files go, whose code raised an error, on which machine."""

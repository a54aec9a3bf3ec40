"""What a run can expect of this machine, looked at before anything is started: one file per concern."""

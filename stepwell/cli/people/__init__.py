"""What people do, from the command line: the inbox, the steps that wait for them, procedures as a whole, the audit."""

"""What an installation on servers needs around it: servers of this machine, secrets, containers."""
